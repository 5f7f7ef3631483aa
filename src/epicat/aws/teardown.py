"""Delete the stack of a campaign, and verify that nothing is left that costs money."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from epicat.aws import bucket as buckets
from epicat.aws.errors import code_of, translated_errors
from epicat.aws.jobs import active_jobs, cancel_jobs
from epicat.aws.session import Aws
from epicat.aws.stack import Report, Stack, find_stack, follow, past_events
from epicat.aws.template import bucket_of, stack_of
from epicat.errors import CloudError, InputError

__all__ = ["Holdings", "holdings", "tear_down"]

_LONGEST_S = 900.0
"""How long jobs may take to stop: a container has two minutes, large arrays many children."""
_LOOKS = 10
"""How often to look again whether what was deleted is gone."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """The resources of a campaign on AWS."""

    name: str
    """Name of the stack, the prefix of most names."""
    stack: Stack | None
    """The stack; None if it does not exist."""
    resources: tuple[tuple[str, str], ...]
    """Logical names and types of the stack's resources."""
    jobs: tuple[str, ...]
    """Ids of active jobs."""
    bucket: str | None
    """The bucket; None if it does not exist."""
    prefix: str
    """The part of the bucket that belongs to the campaign; empty for all."""
    is_own_bucket: bool
    """Whether the bucket was created by the stack."""
    contents: buckets.Contents | None
    """Its contents."""
    leftovers: tuple[str, ...]
    """Descriptions of remaining log groups and secrets."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing exists."""
        return not (self.stack or self.bucket or self.leftovers)


def holdings(aws: Aws, name: str, bucket: str | None = None) -> Holdings:
    """Find all resources of a campaign.

    ``bucket`` is needed if it has a custom name and the stack no longer exists.
    """
    stack_name = stack_of(name)
    stack = find_stack(aws, stack_name)
    parameters = stack.parameters if stack else {}
    bucket = bucket or parameters.get("Bucket") or bucket_of(name, aws.account, aws.region)
    prefix = parameters.get("Prefix", "")
    there = buckets.find_bucket(aws, bucket)
    return Holdings(
        name=stack_name,
        stack=stack,
        resources=tuple(_resources(aws, stack)) if stack else (),
        jobs=tuple(job.id for job in active_jobs(aws, stack)) if stack else (),
        bucket=bucket if there else None,
        prefix=prefix,
        is_own_bucket=there and buckets.is_made_for(aws, bucket, stack_name),
        contents=buckets.contents(aws, bucket, prefix) if there else None,
        leftovers=tuple(_leftovers(aws, stack_name)),
    )


def tear_down(aws: Aws, held: Holdings, *, delete_data: bool, report: Report) -> None:
    """Delete the resources of a campaign, the data only if requested, and verify it.

    Raises `CloudError` if something is left; calling it again continues.
    """
    if delete_data and held.bucket and not (held.is_own_bucket or held.prefix):
        raise InputError(
            f"bucket {held.bucket} was not created by {held.name}, which has no prefix in it: "
            "delete the data yourself, and omit --delete-data"
        )
    _end_jobs(aws, held, report)
    if held.stack is not None:
        _delete_stack(aws, held.stack, report)
    _delete_leftovers(aws, held.name, report)
    if delete_data and held.bucket:
        deleted = buckets.empty(aws, held.bucket, held.prefix if not held.is_own_bucket else "")
        report(f"  deleted: {deleted:,} objects in {held.bucket}")
        if held.is_own_bucket:
            buckets.delete_bucket(aws, held.bucket)
            report(f"  deleted: bucket {held.bucket}")
    _verify(aws, held, delete_data=delete_data)


def _resources(aws: Aws, stack: Stack) -> Iterator[tuple[str, str]]:
    with translated_errors("list the stack", aws.region):
        for page in aws.pages("cloudformation", "list_stack_resources", StackName=stack.id):
            for found in page["StackResourceSummaries"]:
                if found["ResourceStatus"] != "DELETE_COMPLETE":
                    yield found["LogicalResourceId"], found["ResourceType"]


def _end_jobs(aws: Aws, held: Holdings, report: Report) -> None:
    """Terminate jobs and wait until they have stopped: Batch deletes no queue with active jobs.

    A container gets time to stop, and an array to end its children.  Raises `CloudError` if jobs
    are still active after `_LONGEST_S`.
    """
    if held.stack is None or not held.jobs:
        return
    report(f"  cancelled: {cancel_jobs(aws, held.jobs, 'epicat cloud down'):,} jobs or arrays")
    begin, before = time.monotonic(), len(held.jobs)
    while left := sum(1 for _ in active_jobs(aws, held.stack)):
        if time.monotonic() - begin > _LONGEST_S:
            raise CloudError(
                f"{left:,} jobs or arrays are still stopping after {_LONGEST_S / 60:g} minutes; "
                "run `epicat cloud down` again later"
            )
        if left != before:
            report(f"  stopping: {left:,} jobs or arrays are still active")
            before = left
        time.sleep(aws.pause_s)


def _delete_stack(aws: Aws, stack: Stack, report: Report) -> None:
    past = past_events(aws, stack.id)
    with translated_errors("delete the stack", aws.region):
        aws.client("cloudformation").delete_stack(StackName=stack.id)
    left, failures = follow(aws, stack.id, past, report)
    if left is not None:
        causes = "; ".join(failures) or left.reason or "no reason given"
        raise CloudError(
            f"stack {stack.name} was not deleted ({left.status}): {causes}; run `epicat cloud "
            "down` again in some minutes"
        )


def _leftovers(aws: Aws, stack_name: str) -> Iterator[str]:
    """Yield what a stack may leave behind: late logs, a secret scheduled for deletion."""
    from botocore.exceptions import ClientError

    with translated_errors("list the logs", aws.region):
        groups = aws.client("logs").describe_log_groups(logGroupNamePrefix=f"/{stack_name}")
        if any(group["logGroupName"] == f"/{stack_name}" for group in groups["logGroups"]):
            yield f"log group /{stack_name}"
    with translated_errors("describe the secret", aws.region):
        try:
            aws.client("secretsmanager").describe_secret(SecretId=f"{stack_name}/store")
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
        else:
            yield f"secret {stack_name}/store"


def _delete_leftovers(aws: Aws, stack_name: str, report: Report) -> None:
    for leftover in list(_leftovers(aws, stack_name)):
        with translated_errors(f"delete {leftover}", aws.region):
            if leftover.startswith("secret"):
                aws.client("secretsmanager").delete_secret(
                    SecretId=f"{stack_name}/store", ForceDeleteWithoutRecovery=True
                )
            else:
                aws.client("logs").delete_log_group(logGroupName=f"/{stack_name}")
        report(f"  deleted: {leftover}")


def _verify(aws: Aws, held: Holdings, *, delete_data: bool) -> None:
    left = list(_leftovers(aws, held.name))
    for _ in range(_LOOKS):  # a deleted secret is listed for some seconds more
        if not left:
            break
        time.sleep(aws.pause_s)
        left = list(_leftovers(aws, held.name))
    if find_stack(aws, held.name) is not None:
        left.append(f"stack {held.name}")
    with translated_errors("describe the queues", aws.region):
        names = [f"{held.name}-spot", f"{held.name}-on-demand"]
        queues = aws.client("batch").describe_job_queues(jobQueues=names)["jobQueues"]
        left += [f"queue {q['jobQueueName']}" for q in queues if q.get("status") != "DELETED"]
    if delete_data and held.bucket and held.is_own_bucket and buckets.find_bucket(aws, held.bucket):
        left.append(f"bucket {held.bucket}")
    if left:
        raise CloudError(f"still there: {', '.join(left)}; run `epicat cloud down` again")
