"""Progress of a submission: the states of its jobs, and the counts in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from epicat.ledger import LedgerEntry, Stage, Status
from epicat.pipeline.jobs.submission_record import Job

__all__ = ["STATES", "JobProgress", "LedgerCounts", "count_entries", "share_done"]

STATES: Final = ("submitted", "runnable", "running", "done", "failed")
"""The states of a unit; a runnable one waits for a free processor only."""


@dataclass(frozen=True, slots=True)
class JobProgress:
    """Progress of the units of a submitted job."""

    job: Job
    """The array or plain job."""
    counts: Mapping[str, int]
    """Units by state; empty if the target has forgotten the job."""
    started_ms: int | None
    """When the first unit started, in milliseconds since 1970."""
    stopped_ms: int | None = None
    """When all units had ended."""
    note: str = ""
    """Why its units do not start, if the target says so."""

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
    """Station-days processed since the submission, also those of units that are running."""
    blocks: int
    """Blocks processed since the submission."""
    failed: int
    """Keys among them that failed."""
    pick_s: float
    """Processing time of the station-days in seconds, all processes together."""
    associate_s: float
    """Processing time of the blocks in seconds."""


def share_done(lines: Iterable[JobProgress], station_days: int = 0) -> float:
    """Return the share of a submission that is done, 0 to 1, weighted by estimated time.

    By units that have ended; that of picking by ``station_days`` if these are ahead.
    """
    lines = list(lines)
    total = sum(line.job.seconds for line in lines)
    if not total:
        return 1.0
    picking = [line for line in lines if line.job.stage == Stage.PICK]
    others = sum(line.share * line.job.seconds for line in lines if line not in picking)
    picked = sum(line.share * line.job.seconds for line in picking)
    if keys := sum(line.job.keys for line in picking):
        share = min(1.0, station_days / keys)
        picked = max(picked, share * sum(line.job.seconds for line in picking))
    return (others + picked) / total


def count_entries(
    picks: Iterable[LedgerEntry],
    blocks: Iterable[LedgerEntry],
    since_ns: int,
    *,
    measured: Iterable[LedgerEntry] = (),
    located: Iterable[LedgerEntry] = (),
    pending: Callable[[Iterable[str]], int] = lambda _: 0,
) -> LedgerCounts:
    """Count the entries of a run and of an associator.

    ``measured`` are entries of amplitudes, which picking jobs make, ``located`` those of locations
    and magnitudes, which association jobs make: their time is part of that of these jobs.
    ``pending`` takes the station-days among ``picks`` that were processed since then, and returns
    how many others are finished that no unit has committed yet.
    """
    picks, blocks = list(picks), list(blocks)
    new_picks = [entry for entry in picks if entry.marked_ns >= since_ns]
    new_blocks = [entry for entry in blocks if entry.marked_ns >= since_ns]
    return LedgerCounts(
        picks=sum(entry.n_rows for entry in picks),
        events=sum(entry.n_rows for entry in blocks),
        station_days=len(new_picks) + pending(entry.key for entry in new_picks),
        blocks=len(new_blocks),
        failed=sum(entry.status == Status.FAILED for entry in (*new_picks, *new_blocks)),
        pick_s=_seconds((*picks, *measured), since_ns),
        associate_s=_seconds((*blocks, *located), since_ns),
    )


def _seconds(entries: Iterable[LedgerEntry], since_ns: int) -> float:
    return sum(entry.seconds for entry in entries if entry.marked_ns >= since_ns)
