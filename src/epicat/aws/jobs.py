"""List, describe and terminate jobs of AWS Batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from epicat._util.lists import batched
from epicat.aws.errors import code_of, translated_errors
from epicat.aws.session import Aws
from epicat.aws.stack import Stack

__all__ = [
    "ENDED",
    "Active",
    "active_jobs",
    "cancel_jobs",
    "describe_jobs",
    "jobs_named",
    "members",
]

ENDED: Final = frozenset({"SUCCEEDED", "FAILED"})
"""The states of ended jobs."""

_ACTIVE = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Active:
    """A job or an array that has not ended."""

    id: str
    """Job id."""
    name: str
    """Job name."""


def active_jobs(aws: Aws, stack: Stack) -> Iterator[Active]:
    """Yield the active jobs in the queues of a stack; an array counts as one."""
    from botocore.exceptions import ClientError

    for queue, status in product(_queues(stack), _ACTIVE):
        with translated_errors("list the jobs", aws.region):
            try:
                for page in aws.pages("batch", "list_jobs", jobQueue=queue, jobStatus=status):
                    yield from (
                        Active(job["jobId"], job["jobName"]) for job in page["jobSummaryList"]
                    )
            except ClientError as error:
                # A partly deleted stack still lists queues that no longer exist.
                if code_of(error) != "ClientException":
                    raise


def jobs_named(aws: Aws, stack: Stack, beginning: str, *, exactly: bool = False) -> Iterator[str]:
    """Yield the ids of jobs by the beginning of their names, including ended ones.

    ``exactly`` yields those with this very name.  Batch forgets jobs about a week after they end.
    """
    values = [beginning if exactly else f"{beginning}*"]
    filters = [{"name": "JOB_NAME", "values": values}]
    for queue in _queues(stack):
        with translated_errors("list the jobs", aws.region):
            for page in aws.pages("batch", "list_jobs", jobQueue=queue, filters=filters):
                yield from (job["jobId"] for job in page["jobSummaryList"])


def describe_jobs(aws: Aws, ids: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the descriptions of jobs; Batch forgets them about a week after they end."""
    for some in batched(ids, _AT_ONCE):
        with translated_errors("describe the jobs", aws.region):
            yield from aws.client("batch").describe_jobs(jobs=some)["jobs"]


def members(job: str, units: int) -> list[str]:
    """Return the ids of an array's children, or of a plain job itself."""
    return [job] if units == 1 else [f"{job}:{index}" for index in range(units)]


def cancel_jobs(aws: Aws, ids: Iterable[str], reason: str) -> int:
    """Terminate waiting and running jobs; return their number."""
    ended = 0
    for job in ids:
        with translated_errors("terminate the jobs", aws.region):
            aws.client("batch").terminate_job(jobId=job, reason=reason)
        ended += 1
    return ended


def _queues(stack: Stack) -> list[str]:
    return [stack.outputs[name] for name in ("Queue", "OtherQueue") if name in stack.outputs]
