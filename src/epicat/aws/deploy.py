"""Create or update the stack of a campaign, by a change set."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from epicat.aws import bucket as buckets
from epicat.aws.checks import deployment_warnings
from epicat.aws.errors import translated_errors
from epicat.aws.jobs import active_jobs
from epicat.aws.secret import Secret, put_secret
from epicat.aws.session import Aws
from epicat.aws.stack import Report, Stack, find_stack, follow, past_events
from epicat.aws.template import DEFAULTS, bucket_of, check, repositories_of, stack_of, template
from epicat.errors import CloudError, InputError

__all__ = ["Deployed", "up"]

_HOLD_JOBS = ("AWS::Batch::ComputeEnvironment", "AWS::Batch::JobQueue")
_NOTHING = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True, slots=True)
class Deployed:
    """The result of `up`."""

    stack: Stack
    """The stack afterwards."""
    change: str
    """``created``, ``updated`` or ``unchanged``."""


def up(
    aws: Aws,
    name: str,
    given: Mapping[str, str],
    secret: Secret | None,
    *,
    report: Report,
    confirm: Callable[[str], None],
) -> Deployed:
    """Create the stack of a campaign, or change its parameters.

    ``given`` are the parameters to set; others keep their values or defaults.  ``confirm`` is
    called before something is removed or replaced, and raises to cancel.  Raises `InputError` and
    `CloudError`.
    """
    stack_name = stack_of(name)
    before = _ready(aws, stack_name, report)
    parameters = _parameters(aws, name, before, given)
    check(parameters)
    for warning in deployment_warnings(aws, parameters):
        report(f"warning: {warning}")
    change_set = _change_set(aws, stack_name, parameters, is_new=before is None)
    if change_set is None:
        assert before is not None  # a new stack is always a change
        deployed = Deployed(before, "unchanged")
    else:
        _check_replacements(aws, before, change_set)
        _confirm_losses(change_set, confirm)
        if before is None:
            _link_roles(aws)
        deployed = Deployed(
            _execute(aws, change_set, report), "created" if before is None else "updated"
        )
    if secret is not None:
        put_secret(aws, deployed.stack.outputs["StoreSecret"], secret)
        report("  the store's address is in Secrets Manager")
    return deployed


def _ready(aws: Aws, stack_name: str, report: Report) -> Stack | None:
    """Return the stack if it can be updated; None if it must be created."""
    stack = find_stack(aws, stack_name)
    if stack is None or not stack.is_begun:
        return None
    if stack.is_usable:
        return stack
    if stack.is_busy:
        raise CloudError(
            f"stack {stack_name} is busy ({stack.status}): wait, and see `epicat cloud status`"
        )
    if stack.status in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"):
        report(f"removing the rest of a stack that could not be created ({stack.status})")
        past = past_events(aws, stack.id)
        with translated_errors("remove the failed stack", aws.region):
            aws.client("cloudformation").delete_stack(StackName=stack.id)
        left, failures = follow(aws, stack.id, past, report)
        if left is not None:
            raise CloudError(
                f"stack {stack_name} could not be removed: {'; '.join(failures) or left.status}"
            )
        return None
    why = stack.reason or "no reason given"
    raise CloudError(
        f"stack {stack_name} cannot be changed ({stack.status}: {why}): remove it with "
        "`epicat cloud down`, which keeps the data, and create it again"
    )


def _parameters(
    aws: Aws, name: str, before: Stack | None, given: Mapping[str, str]
) -> dict[str, str]:
    """Return all parameters: given ones, present ones, defaults."""
    known = {"Bucket": bucket_of(name, aws.account, aws.region)}
    parameters = {**DEFAULTS, **known, **(before.parameters if before else {}), **given}
    parameters["Repositories"] = repositories_of(parameters.get("Image", ""))
    bucket = parameters["Bucket"]
    if before is None or before.parameters["Bucket"] != bucket:
        existing = buckets.find_bucket(aws, bucket)
        parameters["BucketOrigin"] = "existing" if existing else "new"
        if existing:
            _check_key(bucket, buckets.kms_key(aws, bucket), parameters["KmsKey"])
    return parameters


def _check_key(bucket: str, key: str, given: str) -> None:
    """Raise `InputError` if an existing bucket has a KMS key that workers would not be allowed."""
    if key and not given:
        raise InputError(
            f"bucket {bucket} is encrypted with the KMS key {key}: give its ARN by --kms-key, so "
            "that workers may use it, and let the key's policy admit the account's roles"
        )
    if key.startswith("arn:") and key != given:
        raise InputError(f"--kms-key {given}: bucket {bucket} is encrypted with {key}")


def _change_set(
    aws: Aws, stack_name: str, parameters: Mapping[str, str], *, is_new: bool
) -> dict[str, Any] | None:
    """Return the change set, or None if nothing would change."""
    client = aws.client("cloudformation")
    with translated_errors("prepare the stack", aws.region):
        made = client.create_change_set(
            StackName=stack_name,
            ChangeSetName=f"epicat-{uuid.uuid4().hex[:12]}",
            ChangeSetType="CREATE" if is_new else "UPDATE",
            TemplateBody=template(),
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in sorted(parameters.items())
            ],
            Capabilities=["CAPABILITY_IAM"],
            # Never a tag that changes: stack tags reach queues and compute environments, whose
            # tags CloudFormation can only change by replacing them.
            Tags=[{"Key": "epicat:stack", "Value": stack_name}],
        )
        while True:
            found: dict[str, Any] = client.describe_change_set(ChangeSetName=made["Id"])
            if found["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                break
            time.sleep(aws.pause_s)
        if found["Status"] == "CREATE_COMPLETE":
            return found
        client.delete_change_set(ChangeSetName=made["Id"])
    reason = found.get("StatusReason", "no reason given")
    if any(words in reason for words in _NOTHING):
        return None
    raise CloudError(f"CloudFormation rejected the change set: {reason}")


def _check_replacements(aws: Aws, before: Stack | None, change_set: Mapping[str, Any]) -> None:
    """Refuse to replace a queue or a compute environment under active jobs.

    Batch cannot delete one with jobs: the stack would be left half updated, and the jobs would
    be lost.  Raises `CloudError`.
    """
    if before is None:
        return
    replaced = [
        change["LogicalResourceId"]
        for change in _resource_changes(change_set)
        if change["ResourceType"] in _HOLD_JOBS and _is_replaced(change)
    ]
    jobs = sum(1 for _ in active_jobs(aws, before)) if replaced else 0
    if jobs:
        with translated_errors("discard the change", aws.region):
            aws.client("cloudformation").delete_change_set(ChangeSetName=change_set["ChangeSetId"])
        raise CloudError(
            f"this would replace {', '.join(replaced)} while {jobs:,} jobs or arrays are active, "
            "which ends them: wait until they are done (`epicat status --watch`) or cancel them "
            "(`epicat cancel`), then run the same command again"
        )


def _resource_changes(change_set: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [change["ResourceChange"] for change in change_set.get("Changes", [])]


def _is_replaced(change: Mapping[str, Any]) -> bool:
    """Whether a resource is, or may be, deleted and made again."""
    return change["Action"] == "Remove" or change.get("Replacement") in ("True", "Conditional")


def _confirm_losses(change_set: Mapping[str, Any], confirm: Callable[[str], None]) -> None:
    """Ask for confirmation before resources with data are removed or replaced."""
    lost = [
        change["LogicalResourceId"]
        for change in _resource_changes(change_set)
        if change["ResourceType"] in ("AWS::SecretsManager::Secret", "AWS::Logs::LogGroup")
        and (change["Action"] == "Remove" or change.get("Replacement") == "True")
    ]
    if lost:
        confirm(f"this removes or replaces {', '.join(lost)}")


def _link_roles(aws: Aws) -> None:
    """Create the roles by which Batch and ECS act in an account, if it has none yet.

    Batch creates its own with the first environment, but ECS does not always create its own in
    time for the first cluster.  Credentials without the permission are not an error here: most
    accounts have both.
    """
    from botocore.exceptions import ClientError

    for service in ("batch", "ecs"):
        with (
            translated_errors("create the service-linked roles", aws.region),
            suppress(ClientError),
        ):
            aws.client("iam").create_service_linked_role(AWSServiceName=f"{service}.amazonaws.com")


def _execute(aws: Aws, change_set: Mapping[str, Any], report: Report) -> Stack:
    past = past_events(aws, change_set["StackId"])
    with translated_errors("create the stack", aws.region):
        aws.client("cloudformation").execute_change_set(ChangeSetName=change_set["ChangeSetId"])
    stack, failures = follow(aws, change_set["StackId"], past, report)
    if stack is None or "ROLLBACK" in stack.status or stack.status.endswith("FAILED"):
        status = stack.status if stack else "deleted"
        causes = "; ".join(failures) or (stack.reason if stack else "")
        raise CloudError(f"the stack could not be created or updated ({status}): {causes}")
    return stack
