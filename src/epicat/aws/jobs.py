"""Jobs of AWS Batch: which are under way, what Batch says of them, how they are ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, Final

from epicat.aws.errors import code_of, user_errors
from epicat.aws.session import Aws
from epicat.aws.stack import Stack

__all__ = ["ENDED", "Active", "active_jobs", "described", "end_jobs", "jobs_named", "members"]

ENDED: Final = frozenset({"SUCCEEDED", "FAILED"})
"""The states of jobs that are over."""

_ACTIVE = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Active:
    """A job or an array that is not over."""

    id: str
    """Batch's name of it."""
    name: str
    """The name that it was given."""


def active_jobs(aws: Aws, stack: Stack) -> Iterator[Active]:
    """Give the jobs in a stack's queues that are not over; an array is one."""
    from botocore.exceptions import ClientError

    for queue, status in product(_queues(stack), _ACTIVE):
        with user_errors("list the jobs", aws.region):
            try:
                for page in aws.pages("batch", "list_jobs", jobQueue=queue, jobStatus=status):
                    yield from (
                        Active(job["jobId"], job["jobName"]) for job in page["jobSummaryList"]
                    )
            except ClientError as error:
                # A half-deleted stack still lists queues that no longer exist
                if code_of(error) != "ClientException":
                    raise


def jobs_named(aws: Aws, stack: Stack, beginning: str) -> Iterator[str]:
    """Give the ids of a stack's jobs whose names begin so, those that are over as well.

    Batch forgets jobs a week or so after they ended.
    """
    filters = [{"name": "JOB_NAME", "values": [f"{beginning}*"]}]
    for queue in _queues(stack):
        with user_errors("list the jobs", aws.region):
            for page in aws.pages("batch", "list_jobs", jobQueue=queue, filters=filters):
                yield from (job["jobId"] for job in page["jobSummaryList"])


def described(aws: Aws, ids: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Give what Batch says of jobs, a hundred at a time; it forgets them after a week or so."""
    rest = iter(ids)
    while some := list(islice(rest, _AT_ONCE)):
        with user_errors("describe the jobs", aws.region):
            yield from aws.client("batch").describe_jobs(jobs=some)["jobs"]


def members(job: str, units: int) -> list[str]:
    """Return the ids of an array's children, or of a plain job itself."""
    return [job] if units == 1 else [f"{job}:{index}" for index in range(units)]


def end_jobs(aws: Aws, ids: Iterable[str], reason: str) -> int:
    """Terminate jobs, those that wait as well as those that run; return how many."""
    ended = 0
    for job in ids:
        with user_errors("end the jobs", aws.region):
            aws.client("batch").terminate_job(jobId=job, reason=reason)
        ended += 1
    return ended


def _queues(stack: Stack) -> list[str]:
    return [stack.outputs[name] for name in ("Queue", "OtherQueue") if name in stack.outputs]
