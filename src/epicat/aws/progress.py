"""Progress of a submission, according to Batch and to the ledger."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from epicat.aws.estimate import STARTING_S
from epicat.aws.jobs import describe_jobs
from epicat.aws.session import Aws
from epicat.aws.submission_record import Job, SubmissionRecord
from epicat.aws.waiting import waiting_note
from epicat.ledger import Stage
from epicat.pipeline.jobs.job_progress import JobProgress, LedgerCounts

__all__ = ["dollars_so_far", "job_progress"]

_STATE_OF: Final = {
    "SUBMITTED": "submitted",
    "PENDING": "submitted",
    "RUNNABLE": "runnable",
    "STARTING": "running",
    "RUNNING": "running",
    "SUCCEEDED": "done",
    "FAILED": "failed",
}


def job_progress(aws: Aws, record: SubmissionRecord) -> list[JobProgress]:
    """Return the progress of each job of a submission."""
    description = {job["jobId"]: job for job in describe_jobs(aws, (job.id for job in record.jobs))}
    lines = [_line(job, description.get(job.id)) for job in record.jobs]
    waiting, note = waiting_note(aws, list(description.values()), time.time() * 1000) or ("", "")
    return [replace(line, note=note) if line.job.id == waiting else line for line in lines]


def dollars_so_far(
    record: SubmissionRecord, lines: Iterable[JobProgress], found: LedgerCounts | None
) -> float:
    """Return the approximate cost of jobs until now in dollars, including addresses.

    Computed from the times in the ledger and the starts of jobs; without a ledger, from estimates.
    """
    dollars = 0.0
    for stage in (Stage.PICK, Stage.ASSOCIATE):
        shape, own = record.shape(stage), [line for line in lines if line.job.stage == stage]
        if found is None:
            seconds = sum(line.share * line.job.seconds for line in own)
        else:
            started = ("running", "done", "failed")
            starts = sum(line.counts.get(state, 0) for line in own for state in started)
            work = found.pick_s if stage == Stage.PICK else found.associate_s
            seconds = work / shape.processes + STARTING_S * starts
        dollars += record.prices.compute(shape, seconds) + record.prices.addresses(seconds)
    return dollars


def _line(job: Job, description: Mapping[str, Any] | None) -> JobProgress:
    if description is None:
        return JobProgress(job, {}, None)
    overall = _STATE_OF[description["status"]]
    counts: Counter[str] = Counter()
    for status, count in description.get("arrayProperties", {}).get("statusSummary", {}).items():
        if status in _STATE_OF:
            counts[_STATE_OF[status]] += count
    # Children that Batch has not created yet have the state of the array.
    counts[overall] += max(0, job.units - counts.total())
    nonzero = {state: n for state, n in counts.items() if n}
    return JobProgress(job, nonzero, description.get("startedAt"), description.get("stoppedAt"))
