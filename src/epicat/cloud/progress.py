"""How far a submission is: by what Batch says of its jobs, and by what the ledger has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from epicat.cloud.access import Aws
from epicat.cloud.jobs import described
from epicat.cloud.submitted import Handed, Job
from epicat.model import LedgerEntry, Stage

__all__ = ["STATES", "Found", "Line", "found_in", "lines_of"]

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

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is going on."""
        return not any(self.counts.get(state) for state in ("submitted", "runnable", "running"))


@dataclass(frozen=True, slots=True)
class Found:
    """What the ledger has."""

    picks: int
    """Picks of the run, whoever made them."""
    events: int
    """Events of the associator, rejected ones included."""
    station_days: int
    """Station-days that were done since the submission."""
    blocks: int
    """Blocks that were done since."""
    failed: int
    """Keys among them that failed or could not be read."""
    pick_s: float
    """Seconds of work on the station-days, all processes together."""
    associate_s: float
    """Seconds of work on the blocks."""

    def dollars(self, handed: Handed) -> float:
        """Return what that work costs, the starts of jobs and their addresses left out."""
        works = ((Stage.PICK, self.pick_s), (Stage.ASSOCIATE, self.associate_s))
        return sum(
            handed.prices.compute(handed.shape(stage), seconds / handed.shape(stage).processes)
            for stage, seconds in works
        )


def lines_of(aws: Aws, handed: Handed) -> list[Line]:
    """Ask Batch how far each job is: one request for a hundred of them, however large they are."""
    told = {job["jobId"]: job for job in described(aws, (job.id for job in handed.jobs))}
    return [_line(job, told.get(job.id)) for job in handed.jobs]


def found_in(picks: Iterable[LedgerEntry], blocks: Iterable[LedgerEntry], since_ns: int) -> Found:
    """Count the entries of a run's ledger and of an associator's."""
    picks, blocks = list(picks), list(blocks)
    new_picks = [entry for entry in picks if entry.marked_ns >= since_ns]
    new_blocks = [entry for entry in blocks if entry.marked_ns >= since_ns]
    return Found(
        picks=sum(entry.count for entry in picks),
        events=sum(entry.count for entry in blocks),
        station_days=len(new_picks),
        blocks=len(new_blocks),
        failed=sum(e.status in ("failed", "read error") for e in (*new_picks, *new_blocks)),
        pick_s=sum(entry.seconds for entry in new_picks),
        associate_s=sum(entry.seconds for entry in new_blocks),
    )


def _line(job: Job, told: Mapping[str, Any] | None) -> Line:
    if told is None:
        return Line(job, {}, None)
    whole = _STATE_OF[told["status"]]
    counts: Counter[str] = Counter()
    for status, count in told.get("arrayProperties", {}).get("statusSummary", {}).items():
        if status in _STATE_OF:
            counts[_STATE_OF[status]] += count
    # Children that Batch has not made yet are what the array is
    counts[whole] += max(0, job.units - counts.total())
    return Line(job, dict(counts), told.get("startedAt"))
