"""Why runnable jobs do not start: what Batch says about the job and its compute environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from epicat.aws.session import Aws, try_call

__all__ = ["LONG_S", "waiting_note"]

LONG_S: Final = 300.0
"""After how many seconds without a running job a runnable one is conspicuous."""
_BUSY = ("STARTING", "RUNNING")


def waiting_note(
    aws: Aws, descriptions: Sequence[Mapping[str, Any]], now_ms: float
) -> tuple[str, str] | None:
    """Return the id of the first runnable job and why it waits; None if that is no question.

    It is one if jobs are runnable, none runs, and nothing has happened for `LONG_S`.
    """
    runnable = [job for job in descriptions if _count(job, ("RUNNABLE",))]
    if not runnable or any(_count(job, _BUSY) for job in descriptions):
        return None
    times = (job.get(name) for job in descriptions for name in ("createdAt", "stoppedAt"))
    idle_s = (now_ms - max((time for time in times if time), default=now_ms)) / 1000
    if idle_s < LONG_S:
        return None
    job = runnable[0]
    reason = _reason(aws, job) or "no reason given (a quota of the account, or no free capacity)"
    words = [f"runnable for {idle_s / 60:.0f} minutes: {reason}"]
    words += _environments(aws, str(job.get("jobQueue", "")))
    return str(job["jobId"]), "; ".join(words)


def _count(job: Mapping[str, Any], states: Sequence[str]) -> int:
    """Return how many units of a job are in some states."""
    summary = job.get("arrayProperties", {}).get("statusSummary")
    if summary is None:
        return int(job["status"] in states)
    return sum(int(summary.get(state, 0)) for state in states)


def _reason(aws: Aws, job: Mapping[str, Any]) -> str:
    """Return the reason that Batch gives for a waiting job, or for the first such child."""
    if "statusSummary" not in job.get("arrayProperties", {}):
        return str(job.get("statusReason", ""))
    answer = try_call(aws, "batch", "list_jobs", arrayJobId=job["jobId"], jobStatus="RUNNABLE")
    children = (answer or {}).get("jobSummaryList", [])
    return next((str(c["statusReason"]) for c in children if c.get("statusReason")), "")


def _environments(aws: Aws, queue: str) -> Iterator[str]:
    """Yield the state of a queue's compute environments."""
    found = try_call(aws, "batch", "describe_job_queues", jobQueues=[queue]) or {}
    orders = [o for q in found.get("jobQueues", []) for o in q["computeEnvironmentOrder"]]
    names = [order["computeEnvironment"] for order in orders]
    if not names:
        return
    found = try_call(aws, "batch", "describe_compute_environments", computeEnvironments=names) or {}
    for environment in found.get("computeEnvironments", []):
        reason = environment.get("statusReason")
        yield (
            f"environment {environment['computeEnvironmentName']} is {environment.get('state')} "
            f"and {environment.get('status')}" + (f" ({reason})" if reason else "")
        )
