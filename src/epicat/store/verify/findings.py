"""What can be wrong with a store, what that means and how it is mended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

__all__ = ["ADVICE", "Advice", "Finding", "Findings", "Kind"]

_SHOWN: Final = 10


class Kind(StrEnum):
    """Kinds of findings."""

    MARKS_DAMAGED = "damaged marks"
    ROWS_DAMAGED = "damaged rows"
    RECORD_DAMAGED = "damaged records"
    ROWS_LOST = "lost rows"
    ROWS_CHANGED = "changed rows"
    TWICE = "ids twice"
    OUTSIDE = "rows outside their key"
    NO_PICK = "arrivals without their pick"
    EVENT = "events and arrivals that differ"
    NO_RECORD = "results without a record"
    UNMARKED = "unmarked rows"
    UNFINISHED = "unfinished files"
    SUPERSEDED = "superseded rows"
    FOREIGN = "foreign things"
    NO_INDEX = "missing indexes"
    YOUNG = "rows being written"
    FUTURE = "marks of the future"


@dataclass(frozen=True, slots=True)
class Advice:
    """What a kind of finding means."""

    meaning: str
    """What it is, and what it does to the catalog."""
    mend: str
    """What to do."""
    is_note: bool = False
    """Whether the store is healthy with it."""


_AGAIN: Final = (
    "`epicat doctor --mend` marks these keys as failed; then the run again does them (picks that "
    "were imported: the import)"
)

ADVICE: Final[Mapping[Kind, Advice]] = {
    Kind.MARKS_DAMAGED: Advice(
        "cannot be read, so that nobody knows which rows count; rows were not looked at",
        "`epicat doctor --mend` puts them away; then the run again does what they told of",
    ),
    Kind.ROWS_DAMAGED: Advice(
        "cannot be read, or not as they were written: cut off, or changed on the disk",
        f"a copy of the store, if there is one; else {_AGAIN}",
    ),
    Kind.RECORD_DAMAGED: Advice(
        "records of runs, or lists of stations, that cannot be read; rows were not looked at",
        "`epicat doctor --mend` puts them away; the run again writes them",
    ),
    Kind.ROWS_LOST: Advice("not the number of rows that was marked is there", _AGAIN),
    Kind.ROWS_CHANGED: Advice("the rows are not those that were marked, by their digest", _AGAIN),
    Kind.TWICE: Advice("the same pick, event or arrival counts more than once", _AGAIN),
    Kind.OUTSIDE: Advice("the time of a row is not in its station-day or block", _AGAIN),
    Kind.NO_PICK: Advice(
        "an event was made of picks that the store does not have: they were made again since, or "
        "are lost",
        "the run again, or `epicat associate`: it does blocks whose picks have changed; if that "
        f"changes nothing, {_AGAIN}",
    ),
    Kind.EVENT: Advice(
        "an event has other arrivals than it was made of, or an arrival has no event", _AGAIN
    ),
    Kind.NO_RECORD: Advice(
        "nothing tells the model or the velocities that they were made with",
        "the run again, with the same settings, writes the record",
    ),
    Kind.UNMARKED: Advice(
        "a writer was stopped before it marked them: nobody sees them, they only take space",
        "`epicat doctor --mend` deletes them",
    ),
    Kind.UNFINISHED: Advice(
        "a writer was stopped while it wrote them: nobody sees them, they only take space",
        "`epicat doctor --mend` deletes them",
    ),
    Kind.SUPERSEDED: Advice(
        "a writer was stopped before it deleted them: nobody sees them, they only take space",
        "`epicat compact` or `epicat doctor --mend` deletes them",
    ),
    Kind.FOREIGN: Advice(
        "not written by epicat, which does not read them", "put them elsewhere by hand"
    ),
    Kind.NO_INDEX: Advice("questions take longer", "`epicat doctor --mend` makes them"),
    Kind.YOUNG: Advice(
        "not marked yet, and so recent that a writer may be at work", "nothing", is_note=True
    ),
    Kind.FUTURE: Advice(
        "made on a machine whose clock was ahead, or this one's is behind; no result is wrong",
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
    """How many files, keys, rows or documents."""
    examples: list[str] = field(default_factory=list)
    """The first of them."""
    mended: int = 0
    """How many of them are no more."""


class Findings:
    """All that was found; of each kind a few examples, however many there are."""

    def __init__(self) -> None:
        self._by_kind: dict[Kind, Finding] = {}

    def add(self, kind: Kind, examples: Iterable[str]) -> None:
        """Note things of one kind."""
        for example in examples:
            finding = self._by_kind.setdefault(kind, Finding(kind))
            finding.count += 1
            if len(finding.examples) < _SHOWN:
                finding.examples.append(example)

    def mended(self, kind: Kind, count: int) -> None:
        """Note that some of what was found is no more."""
        if count:
            self._by_kind.setdefault(kind, Finding(kind)).mended += count

    def all(self) -> list[Finding]:
        """Return what was found, in the order of kinds."""
        return [self._by_kind[kind] for kind in Kind if kind in self._by_kind]

    @property
    def is_healthy(self) -> bool:
        """Whether there is nothing but notes."""
        return all(ADVICE[kind].is_note for kind in self._by_kind)
