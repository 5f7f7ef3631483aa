"""What became of a unit, and of each of its keys: plain data, without what computes them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from epicat.ledger import ENTRY_TYPES, LedgerEntry, Stage, Status
from epicat.pipeline.plan import Unit
from epicat.store.base import new_generation

__all__ = ["BegunKey", "FinishedKey", "Outcome", "failed", "failed_entries", "stamped"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a unit, plain data."""

    unit: Unit
    """The unit."""
    seconds: float
    """Processing time in seconds."""
    statuses: Mapping[str, int] = field(default_factory=dict)
    """Number of keys by status."""
    unchanged: int = 0
    """Keys whose objects or picks had not changed."""
    n_rows: int = 0
    """Picks or events, as the stage of the unit has it; including rejected ones."""
    n_rejected: int = 0
    """Events that quality control rejected."""
    flags: Mapping[str, int] = field(default_factory=dict)
    """What quality control excluded or rejected, by criterion."""
    n_incomplete: int = 0
    """Station-days of which some object could not be obtained, or whose amplitudes could not be
    measured; the next run retries them."""
    located: Mapping[str, int] = field(default_factory=dict)
    """Number of blocks by status of their location; one may be located more than once."""
    failure: str = ""
    """Why the unit failed as a whole; empty if it did not."""


@dataclass(frozen=True, slots=True)
class FinishedKey:
    """A station-day or block that is finished while others of its unit are not: for progress."""

    stage: Stage
    """The stage of its unit."""
    key: str
    """The key."""
    status: str
    """Its status."""
    n_rows: int
    """Picks or events."""


@dataclass(frozen=True, slots=True)
class BegunKey:
    """A key that is being computed."""

    unit: Unit
    """The unit that it belongs to."""
    key: str
    """The key."""
    generation: str
    """Generation of its rows."""
    design: str
    """Digest of the run, associator or location."""


def failed(begun: BegunKey, reason: str) -> LedgerEntry:
    """Return an entry that records a key as failed; `stamped` completes it."""
    kind = ENTRY_TYPES[begun.unit.stage]
    return kind(begun.design, begun.key, Status.FAILED, "", 0, reason=reason)


def stamped(entry: LedgerEntry, begun: BegunKey, seconds: float) -> LedgerEntry:
    """Return an entry that is newer than the previous one, even if the clock was set back."""
    marked_ns = max(time.time_ns(), begun.unit.after_ns + 1)
    return replace(entry, generation=begun.generation, marked_ns=marked_ns, seconds=seconds)


def failed_entries(unit: Unit, design: str, reason: str) -> list[LedgerEntry]:
    """Return entries that record the keys of a unit as failed; the next run retries them."""
    generation = new_generation()
    begun = [BegunKey(unit, key, generation, design) for key in unit.keys]
    return [stamped(failed(one, reason), one, 0.0) for one in begun]
