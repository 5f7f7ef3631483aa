"""How far a submission is: by what Batch says of its jobs, and by what the ledger has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from epicat.aws.estimate import STARTING_S
from epicat.aws.jobs import described
from epicat.aws.session import Aws
from epicat.aws.submission_record import Job, SubmissionRecord
from epicat.model import LedgerEntry, Stage, Status

__all__ = ["STATES", "Found", "Line", "dollars_so_far", "found_in", "lines_of", "share_over"]

STATES: Final = ("submitted", "runnable", "running", "done", "failed")
"""What a unit can be."""
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
class Line:
    """How far the units of one submitted job are."""

    job: Job
    """The array, or the plain job."""
    counts: Mapping[str, int]
    """Units by state; none if Batch has forgotten the job, as it does after a week or so."""
    started_ms: int | None
    """When the first of them began, in milliseconds since 1970."""
    stopped_ms: int | None = None
    """When all of them had ended."""

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is going on."""
        return not any(self.counts.get(state) for state in ("submitted", "runnable", "running"))

    @property
    def share(self) -> float:
        """How much of it is over, 0 to 1."""
        ended = self.counts.get("done", 0) + self.counts.get("failed", 0)
        return ended / self.job.units if self.counts else 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """What the ledger has."""

    picks: int
    """Picks of the run, from this submission or not."""
    events: int
    """Events of the associator, rejected ones included."""
    station_days: int
    """Station-days that were done since the submission."""
    blocks: int
    """Blocks that were done since."""
    failed: int
    """Keys among them that failed: `retry` does them again."""
    pick_s: float
    """Seconds of work on the station-days, all processes together."""
    associate_s: float
    """Seconds of work on the blocks."""


def lines_of(aws: Aws, record: SubmissionRecord) -> list[Line]:
    """Ask Batch how far each job is: one request for a hundred of them, however large they are."""
    found = {job["jobId"]: job for job in described(aws, (job.id for job in record.jobs))}
    return [_line(job, found.get(job.id)) for job in record.jobs]


def share_over(lines: Iterable[Line]) -> float:
    """Return how much of a submission is over, 0 to 1, by estimated time."""
    lines = list(lines)
    total = sum(line.job.seconds for line in lines)
    return sum(line.share * line.job.seconds for line in lines) / total if total else 1.0


def dollars_so_far(record: SubmissionRecord, lines: Iterable[Line], found: Found | None) -> float:
    """Return about what jobs have cost until now, their addresses included.

    By the times in the ledger and the starts of jobs, or, without a ledger, by the estimate.
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


def found_in(picks: Iterable[LedgerEntry], blocks: Iterable[LedgerEntry], since_ns: int) -> Found:
    """Count the entries of a run's ledger and of an associator's."""
    picks, blocks = list(picks), list(blocks)
    new_picks = [entry for entry in picks if entry.marked_ns >= since_ns]
    new_blocks = [entry for entry in blocks if entry.marked_ns >= since_ns]
    return Found(
        picks=sum(entry.n_rows for entry in picks),
        events=sum(entry.n_rows for entry in blocks),
        station_days=len(new_picks),
        blocks=len(new_blocks),
        failed=sum(entry.status == Status.FAILED for entry in (*new_picks, *new_blocks)),
        pick_s=sum(entry.seconds for entry in new_picks),
        associate_s=sum(entry.seconds for entry in new_blocks),
    )


def _line(job: Job, description: Mapping[str, Any] | None) -> Line:
    if description is None:
        return Line(job, {}, None)
    overall = _STATE_OF[description["status"]]
    counts: Counter[str] = Counter()
    for status, count in description.get("arrayProperties", {}).get("statusSummary", {}).items():
        if status in _STATE_OF:
            counts[_STATE_OF[status]] += count
    # Children that Batch has not made yet are what the array is
    counts[overall] += max(0, job.units - counts.total())
    states = {state: n for state, n in counts.items() if n}
    return Line(job, states, description.get("startedAt"), description.get("stoppedAt"))
