"""What can be wrong with a store, what that means and how it is repaired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

__all__ = ["ADVICE", "Advice", "Finding", "Findings", "Kind"]

_SHOWN: Final = 10


class Kind(StrEnum):
    """Kinds of findings."""

    MARKS_DAMAGED = "damaged commit records"
    ROWS_DAMAGED = "damaged rows"
    RECORD_DAMAGED = "damaged records"
    ROWS_LOST = "lost rows"
    ROWS_CHANGED = "changed rows"
    TWICE = "duplicate ids"
    OUTSIDE = "rows outside their key"
    NO_PICK = "arrivals without their pick"
    EVENT = "events and arrivals that differ"
    NO_RECORD = "results without a record"
    UNMARKED = "uncommitted rows"
    UNFINISHED = "unfinished files"
    SUPERSEDED = "superseded rows"
    FOREIGN = "foreign files or documents"
    NO_INDEX = "missing indexes"
    YOUNG = "rows being written"
    JOURNAL = "finished keys of units that were not committed"
    FUTURE = "commit records from the future"


@dataclass(frozen=True, slots=True)
class Advice:
    """What a kind of finding means."""

    meaning: str
    """What it is, and its effect on the catalog."""
    remedy: str
    """What to do."""
    is_note: bool = False
    """Whether the store is healthy with it."""


_REDO: Final = (
    "`epicat doctor --repair` marks these keys as failed; the next run processes them again (for "
    "imported picks: the next import)"
)

ADVICE: Final[Mapping[Kind, Advice]] = {
    Kind.MARKS_DAMAGED: Advice(
        "cannot be read, so that it is unknown which rows are current; rows were not verified",
        "`epicat doctor --repair` quarantines them; the next run processes their keys again",
    ),
    Kind.ROWS_DAMAGED: Advice(
        "cannot be read, or differ from what was written: truncated, or changed on the disk",
        f"restore them from a copy of the store, if there is one; otherwise {_REDO}",
    ),
    Kind.RECORD_DAMAGED: Advice(
        "records of runs, or lists of stations, that cannot be read; rows were not verified",
        "`epicat doctor --repair` quarantines them; the next run writes them again",
    ),
    Kind.ROWS_LOST: Advice("the number of rows differs from the committed one", _REDO),
    Kind.ROWS_CHANGED: Advice("the digest of the rows differs from the committed one", _REDO),
    Kind.TWICE: Advice("the same pick, event or arrival is current more than once", _REDO),
    Kind.OUTSIDE: Advice("the time of a row is not in its station-day or block", _REDO),
    Kind.NO_PICK: Advice(
        "an event was made of picks that the store does not have: they were replaced since, or "
        "are lost",
        "run again, or `epicat associate`: both repeat blocks whose picks have changed; if that "
        f"changes nothing, {_REDO}",
    ),
    Kind.EVENT: Advice(
        "an event has other arrivals than it was made of, or an arrival has no event", _REDO
    ),
    Kind.NO_RECORD: Advice(
        "the model or the velocities that they were made with are not recorded",
        "run again with the same settings: that writes the record",
    ),
    Kind.UNMARKED: Advice(
        "a writer was stopped before it committed them: they are ignored and only take space",
        "`epicat doctor --repair` deletes them",
    ),
    Kind.UNFINISHED: Advice(
        "a writer was stopped while it wrote them: they are ignored and only take space",
        "`epicat doctor --repair` deletes them",
    ),
    Kind.SUPERSEDED: Advice(
        "a writer was stopped before it deleted them: they are ignored and only take space",
        "`epicat compact` or `epicat doctor --repair` deletes them",
    ),
    Kind.FOREIGN: Advice(
        "not written by epicat, which does not read them", "move them elsewhere by hand"
    ),
    Kind.NO_INDEX: Advice("queries take longer", "`epicat doctor --repair` creates them"),
    Kind.YOUNG: Advice(
        "not committed yet, and so recent that a writer may be active", "nothing", is_note=True
    ),
    Kind.JOURNAL: Advice(
        "a run is active or was stopped; the next run with the same settings uses them",
        "run again; `epicat doctor --repair` deletes those that are older than a week",
        is_note=True,
    ),
    Kind.FUTURE: Advice(
        "written on a machine whose clock was ahead, or this one's is behind; no result is wrong",
        "set the clocks",
        is_note=True,
    ),
}
"""What each kind means."""


@dataclass(slots=True)
class Finding:
    """How often something was found, and where."""

    kind: Kind
    """What it is."""
    count: int = 0
    """Number of files, keys, rows or documents."""
    examples: list[str] = field(default_factory=list)
    """The first of them."""
    repaired: int = 0
    """How many of them were repaired."""


class Findings:
    """All that was found; of each kind a few examples, however many there are."""

    def __init__(self) -> None:
        self._by_kind: dict[Kind, Finding] = {}

    def add(self, kind: Kind, examples: Iterable[str]) -> None:
        """Add findings of one kind."""
        for example in examples:
            finding = self._by_kind.setdefault(kind, Finding(kind))
            finding.count += 1
            if len(finding.examples) < _SHOWN:
                finding.examples.append(example)

    def repaired(self, kind: Kind, count: int) -> None:
        """Note that some of the findings were repaired."""
        if count:
            self._by_kind.setdefault(kind, Finding(kind)).repaired += count

    def all(self) -> list[Finding]:
        """Return the findings, in the order of kinds."""
        return [self._by_kind[kind] for kind in Kind if kind in self._by_kind]

    @property
    def is_healthy(self) -> bool:
        """Whether there are only notes."""
        return all(ADVICE[kind].is_note for kind in self._by_kind)
