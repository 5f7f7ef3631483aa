"""Progress of a submission, according to Batch and to the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from epicat.aws.estimate import STARTING_S
from epicat.aws.jobs import describe_jobs
from epicat.aws.session import Aws
from epicat.aws.submission_record import Job, SubmissionRecord
from epicat.model import LedgerEntry, Stage, Status

__all__ = [
    "STATES",
    "JobProgress",
    "LedgerCounts",
    "count_entries",
    "dollars_so_far",
    "job_progress",
    "share_done",
]

STATES: Final = ("submitted", "runnable", "running", "done", "failed")
"""The states of a unit."""
_STATE_OF: Final = {
    "SUBMITTED": "submitted",
    "PENDING": "submitted",
    "RUNNABLE": "runnable",
    "STARTING": "running",
    "RUNNING": "running",
    "SUCCEEDED": "done",
    "FAILED": "failed",
}


@dataclass(frozen=True, slots=True)
class JobProgress:
    """Progress of the units of a submitted job."""

    job: Job
    """The array or plain job."""
    counts: Mapping[str, int]
    """Units by state; empty if Batch has forgotten the job, after about a week."""
    started_ms: int | None
    """When the first unit started, in milliseconds since 1970."""
    stopped_ms: int | None = None
    """When all units had ended."""

    @property
    def is_over(self) -> bool:
        """Whether no unit is waiting or running."""
        return not any(self.counts.get(state) for state in ("submitted", "runnable", "running"))

    @property
    def share(self) -> float:
        """Share of ended units, 0 to 1."""
        ended = self.counts.get("done", 0) + self.counts.get("failed", 0)
        return ended / self.job.units if self.counts else 1.0


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """Counts of the entries in the ledger."""

    picks: int
    """All picks of the run."""
    events: int
    """All events of the associator, including rejected ones."""
    station_days: int
    """Station-days processed since the submission."""
    blocks: int
    """Blocks processed since the submission."""
    failed: int
    """Keys among them that failed."""
    pick_s: float
    """Processing time of the station-days in seconds, all processes together."""
    associate_s: float
    """Processing time of the blocks in seconds."""


def job_progress(aws: Aws, record: SubmissionRecord) -> list[JobProgress]:
    """Return the progress of each job of a submission."""
    description = {job["jobId"]: job for job in describe_jobs(aws, (job.id for job in record.jobs))}
    return [_line(job, description.get(job.id)) for job in record.jobs]


def share_done(lines: Iterable[JobProgress]) -> float:
    """Return the share of a submission that has ended, 0 to 1, weighted by estimated time."""
    lines = list(lines)
    total = sum(line.job.seconds for line in lines)
    return sum(line.share * line.job.seconds for line in lines) / total if total else 1.0


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


def count_entries(
    picks: Iterable[LedgerEntry], blocks: Iterable[LedgerEntry], since_ns: int
) -> LedgerCounts:
    """Count the entries of a run and of an associator."""
    picks, blocks = list(picks), list(blocks)
    new_picks = [entry for entry in picks if entry.marked_ns >= since_ns]
    new_blocks = [entry for entry in blocks if entry.marked_ns >= since_ns]
    return LedgerCounts(
        picks=sum(entry.n_rows for entry in picks),
        events=sum(entry.n_rows for entry in blocks),
        station_days=len(new_picks),
        blocks=len(new_blocks),
        failed=sum(entry.status == Status.FAILED for entry in (*new_picks, *new_blocks)),
        pick_s=sum(entry.seconds for entry in new_picks),
        associate_s=sum(entry.seconds for entry in new_blocks),
    )


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
