"""The entries of the ledger: what became of each station-day and block, stage by stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

__all__ = [
    "ENTRY_TYPES",
    "BlockEntry",
    "Flag",
    "LedgerEntry",
    "LocateEntry",
    "MagnitudeEntry",
    "MeasureEntry",
    "ObjectEntry",
    "ObjectRead",
    "Stage",
    "StationDayEntry",
    "Status",
    "flag_counts",
]


class Stage(StrEnum):
    """The processing stage, which determines the kind of key."""

    PICK = "pick"
    MEASURE = "measure"
    ASSOCIATE = "associate"
    LOCATE = "locate"
    MAGNITUDE = "magnitude"
    ARCHIVE = "archive"


class Status(StrEnum):
    """The outcome of a key.  "Nothing found" and "never processed" are never the same."""

    DONE = "done"
    NO_PICKS = "no picks"
    NO_EVENTS = "no events"
    NO_DATA = "no data"
    TOO_GAPPY = "too gappy"
    REJECTED = "rejected"
    READ_ERROR = "read error"
    NO_RESPONSE = "no response"
    """No channel has a response that can be used, so that no amplitude was measured."""
    FAILED = "failed"
    MISSING = "missing"
    """Requested but not processed: never recorded, only reported."""


@dataclass(frozen=True, slots=True)
class ObjectRead:
    """An object of an archive that was read for a key."""

    key: str
    """The object's name inside the archive."""
    etag: str
    """The ETag of the version that was read; empty if the object could not be obtained."""
    reason: str = ""
    """Why it, or a part of it, could not be used; empty if there was no problem."""


@dataclass(frozen=True, slots=True, order=True)
class Flag:
    """What quality control excluded or rejected by one criterion."""

    criterion: str
    """The criterion that failed, for example ``dead channel`` or ``gap``."""
    count: int
    """Number of channels, segments, station-days, picks or events."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """The outcome of a key and the generation of its rows: what all stages have in common."""

    stage: ClassVar[Stage]
    """The stage of the key."""

    design: str
    """Digest of the run (picks) or of the associator (blocks)."""
    key: str
    """``NC.KBG/2019.172``, or the start of a block."""
    status: Status
    """The outcome."""
    generation: str
    """Identifies the rows that were written for this entry."""
    marked_ns: int
    """When it was committed, nanoseconds since 1970."""
    reason: str = ""
    """Explanation of the status: excluded data and unusable objects."""
    seconds: float = 0.0
    """Processing time in seconds."""
    flags: tuple[Flag, ...] = ()
    """What quality control excluded or rejected, by criterion; an event may fail several."""
    result: str = ""
    """Digest of the rows: two results are equal if and only if their digests are."""

    @property
    def n_rows(self) -> int:
        """Rows of the stage's main table: picks or events."""
        return 0

    @property
    def is_incomplete(self) -> bool:
        """Whether some input could not be obtained, so that the next run tries again."""
        return False


@dataclass(frozen=True, slots=True)
class StationDayEntry(LedgerEntry):
    """The outcome of a station-day."""

    stage: ClassVar[Stage] = Stage.PICK

    archive: str = ""
    """The archive of the waveforms, or the file of imported picks."""
    layout: str = ""
    """Layout by which the archive was searched; empty if picks were imported."""
    objects: tuple[ObjectRead, ...] = ()
    """The objects that were read."""
    samples: int = 0
    """Samples of the chosen channels inside the day, summed over the components."""
    gaps: int = 0
    """Breaks inside the day in which no component of the chosen band has data."""
    channels: str = ""
    """The channels that were picked, such as ``00.HH[ZNE]``, and the matrix of a rotation."""
    orientation: str = ""
    """Digest of the directions in the station metadata if they differ from the channel codes."""
    n_picks: int = 0
    """Picks that were made."""

    @property
    def n_rows(self) -> int:
        """Rows of ``picks``."""
        return self.n_picks

    @property
    def is_incomplete(self) -> bool:
        """Whether the archive did not give all of the day: no listing, or not each object."""
        unlisted = self.status == Status.READ_ERROR and not self.objects
        return unlisted or any(not item.etag for item in self.objects)


@dataclass(frozen=True, slots=True)
class MeasureEntry(LedgerEntry):
    """The outcome of the measurement of amplitudes on a station-day."""

    stage: ClassVar[Stage] = Stage.MEASURE

    inputs: str = ""
    """`LedgerEntry.result` of the picks that were measured."""
    responses: str = ""
    """Digest of the station's responses around the day; empty if none is known."""
    n_instruments: int = 0
    """Instruments that were measured."""
    n_amplitudes: int = 0
    """Picks with an amplitude on at least one component."""

    @property
    def n_rows(self) -> int:
        """Rows of ``amplitudes``."""
        return self.n_instruments


@dataclass(frozen=True, slots=True)
class BlockEntry(LedgerEntry):
    """The outcome of the association of a block."""

    stage: ClassVar[Stage] = Stage.ASSOCIATE

    inputs: str = ""
    """Digest of the pick results that were used."""
    n_picks_used: int = 0
    """Picks inside the block that were associated."""
    n_sites: int = 0
    """Sites that those picks are at."""
    n_events: int = 0
    """Events that were found, rejected ones included."""
    n_rejected: int = 0
    """Events among them that quality control rejects: kept, with the reason."""

    @property
    def n_rows(self) -> int:
        """Rows of ``events``."""
        return self.n_events


@dataclass(frozen=True, slots=True)
class LocateEntry(LedgerEntry):
    """The outcome of the location of a block's events."""

    stage: ClassVar[Stage] = Stage.LOCATE

    inputs: str = ""
    """Digest of the events and picks that were used."""
    n_origins: int = 0
    """Events that were located."""

    @property
    def n_rows(self) -> int:
        """Rows of ``origins``."""
        return self.n_origins


@dataclass(frozen=True, slots=True)
class MagnitudeEntry(LedgerEntry):
    """The outcome of the magnitudes of a block's events."""

    stage: ClassVar[Stage] = Stage.MAGNITUDE

    inputs: str = ""
    """Digest of the events, locations and amplitudes that were used."""
    n_magnitudes: int = 0
    """Events that have a magnitude."""

    @property
    def n_rows(self) -> int:
        """Rows of ``magnitudes``."""
        return self.n_magnitudes


@dataclass(frozen=True, slots=True)
class ObjectEntry(LedgerEntry):
    """An object of an archive that cannot be read and whose station is unknown."""

    stage: ClassVar[Stage] = Stage.ARCHIVE

    archive: str = ""
    """The archive that it is in."""


ENTRY_TYPES: Mapping[Stage, type[LedgerEntry]] = {
    kind.stage: kind
    for kind in (
        StationDayEntry,
        MeasureEntry,
        BlockEntry,
        LocateEntry,
        MagnitudeEntry,
        ObjectEntry,
    )
}
"""The type of a stage's entries."""


def flag_counts(entries: Iterable[LedgerEntry]) -> dict[str, int]:
    """Add up the flags of entries, by criterion in alphabetical order."""
    counts: Counter[str] = Counter()
    for entry in entries:
        counts.update({flag.criterion: flag.count for flag in entry.flags})
    return dict(sorted(counts.items()))
