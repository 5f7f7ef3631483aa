"""Take a campaign's stack away, and make sure that nothing is left that costs money."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from epicat.aws import bucket as buckets
from epicat.aws.errors import code_of, plain_words
from epicat.aws.jobs import active_jobs, end_jobs
from epicat.aws.session import Aws
from epicat.aws.stack import Stack, Talk, find_stack, follow, past_events
from epicat.aws.template import bucket_of, stack_of
from epicat.errors import CloudError, InputError

__all__ = ["Holdings", "holdings", "take_down"]


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a campaign has on AWS."""

    name: str
    """Name of the stack, of which the names of most of it begin."""
    stack: Stack | None
    """The stack."""
    resources: tuple[tuple[str, str], ...]
    """Names in the template and kinds of what the stack has made."""
    jobs: tuple[str, ...]
    """Ids of the jobs that are not over."""
    bucket: str | None
    """The bucket, if it is there."""
    prefix: str
    """The campaign's part of it; empty for all."""
    is_own_bucket: bool
    """Whether the bucket was made by the stack and is the campaign's alone."""
    contents: buckets.Contents | None
    """What is in it."""
    leftovers: tuple[str, ...]
    """Log groups and secrets of the campaign, by names that say what they are."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing."""
        return not (self.stack or self.bucket or self.leftovers)


def holdings(aws: Aws, name: str, bucket: str | None = None) -> Holdings:
    """Look for all that a campaign has.

    ``bucket`` is needed where it has another name than usual and the stack is gone.
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


def take_down(aws: Aws, held: Holdings, *, delete_data: bool, talk: Talk) -> None:
    """Delete what a campaign has, the data only if told, and look whether it is gone.

    Raises `CloudError` if something is left; the same again goes on from there.
    """
    if delete_data and held.bucket and not (held.is_own_bucket or held.prefix):
        raise InputError(
            f"bucket {held.bucket} was not made by {held.name} and has no part of its own for it: "
            "delete what is in it yourself, and leave out --delete-data"
        )
    _end_jobs(aws, held, talk)
    if held.stack is not None:
        _delete_stack(aws, held.stack, talk)
    _delete_leftovers(aws, held.name, talk)
    if delete_data and held.bucket:
        deleted = buckets.empty(aws, held.bucket, held.prefix if not held.is_own_bucket else "")
        talk(f"  deleted: {deleted:,} objects in {held.bucket}")
        if held.is_own_bucket:
            buckets.delete_bucket(aws, held.bucket)
            talk(f"  deleted: bucket {held.bucket}")
    _verify(aws, held, delete_data=delete_data)


def _resources(aws: Aws, stack: Stack) -> Iterator[tuple[str, str]]:
    with plain_words("list the stack", aws.region):
        for page in aws.pages("cloudformation", "list_stack_resources", StackName=stack.id):
            for found in page["StackResourceSummaries"]:
                if found["ResourceStatus"] != "DELETE_COMPLETE":
                    yield found["LogicalResourceId"], found["ResourceType"]


def _end_jobs(aws: Aws, held: Holdings, talk: Talk) -> None:
    """Terminate jobs: a queue with jobs in it goes only when they have ended."""
    if held.jobs:
        talk(f"  ended: {end_jobs(aws, held.jobs, 'epicat cloud down'):,} jobs")


def _delete_stack(aws: Aws, stack: Stack, talk: Talk) -> None:
    past = past_events(aws, stack.id)
    with plain_words("delete the stack", aws.region):
        aws.client("cloudformation").delete_stack(StackName=stack.id)
    left, failures = follow(aws, stack.id, past, talk)
    if left is not None:
        causes = "; ".join(failures) or left.reason or "no reason given"
        raise CloudError(
            f"stack {stack.name} is not gone ({left.status}): {causes}; run `epicat cloud down` "
            "again in some minutes"
        )


def _leftovers(aws: Aws, stack_name: str) -> Iterator[str]:
    """Give what a stack may leave behind: logs written late, a secret that waits for its end."""
    from botocore.exceptions import ClientError

    with plain_words("look for logs", aws.region):
        groups = aws.client("logs").describe_log_groups(logGroupNamePrefix=f"/{stack_name}")
        if any(group["logGroupName"] == f"/{stack_name}" for group in groups["logGroups"]):
            yield f"log group /{stack_name}"
    with plain_words("look for the secret", aws.region):
        try:
            aws.client("secretsmanager").describe_secret(SecretId=f"{stack_name}/store")
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
        else:
            yield f"secret {stack_name}/store"


def _delete_leftovers(aws: Aws, stack_name: str, talk: Talk) -> None:
    for leftover in list(_leftovers(aws, stack_name)):
        with plain_words(f"delete {leftover}", aws.region):
            if leftover.startswith("secret"):
                aws.client("secretsmanager").delete_secret(
                    SecretId=f"{stack_name}/store", ForceDeleteWithoutRecovery=True
                )
            else:
                aws.client("logs").delete_log_group(logGroupName=f"/{stack_name}")
        talk(f"  deleted: {leftover}")


def _verify(aws: Aws, held: Holdings, *, delete_data: bool) -> None:
    left = list(_leftovers(aws, held.name))
    if find_stack(aws, held.name) is not None:
        left.append(f"stack {held.name}")
    with plain_words("look at the queues", aws.region):
        names = [f"{held.name}-spot", f"{held.name}-on-demand"]
        queues = aws.client("batch").describe_job_queues(jobQueues=names)["jobQueues"]
        left += [f"queue {q['jobQueueName']}" for q in queues if q.get("status") != "DELETED"]
    if delete_data and held.bucket and held.is_own_bucket and buckets.find_bucket(aws, held.bucket):
        left.append(f"bucket {held.bucket}")
    if left:
        raise CloudError(f"still there: {', '.join(left)}; run `epicat cloud down` again")
