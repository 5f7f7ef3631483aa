"""What a store is: protocols that every kind of store implements as far as it can.

`ReadableStore` gives tables, the ledger and records.  A `Store` can also be written.  What only
some stores can do is a separate protocol: `Compactable`, `Verifiable` and `Queryable`.

Results belong to keys (station-days and blocks).  A worker writes the rows of some keys under a
new *generation* with `Store.replace`, one table after the other, and then names that generation in
the ledger with `Store.mark`.  Readers see only rows whose generation is the one that the newest
mark of their key names: a kill between the two leaves nothing half written to see, and writing a
key again replaces its rows.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import pyarrow as pa

from epicat.ledger import (
    BlockEntry,
    LedgerEntry,
    LocateEntry,
    MagnitudeEntry,
    MeasureEntry,
    Stage,
    StationDayEntry,
)
from epicat.model import Span
from epicat.tables import TableName
from epicat.time import DAY_NS, day_name, day_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from epicat.store.findings import Findings

__all__ = [
    "REACH_NS",
    "RECORD_KINDS",
    "STAGE_OF",
    "Compactable",
    "Compaction",
    "Designs",
    "Queryable",
    "ReadableStore",
    "Store",
    "Verifiable",
    "Where",
    "begun_ns",
    "block_entries",
    "day_of_key",
    "locate_entries",
    "magnitude_entries",
    "mark_time",
    "measure_entries",
    "new_generation",
    "newest",
    "of_days",
    "span_days",
    "station_day_entries",
]

T = TypeVar("T")

_NAMED = re.compile(r"t[0-9a-f]{31}")
_DAY = re.compile(r"\d{4}\.[0-3]\d\d")
_BLOCK = re.compile(r"\d{4}-\d\d-\d\dT")

STAGE_OF: Mapping[TableName, Stage] = {
    "picks": Stage.PICK,
    "events": Stage.ASSOCIATE,
    "arrivals": Stage.ASSOCIATE,
    "origins": Stage.LOCATE,
    "origin_arrivals": Stage.LOCATE,
    "amplitudes": Stage.MEASURE,
    "envelopes": Stage.MEASURE,
    "magnitudes": Stage.MAGNITUDE,
    "station_magnitudes": Stage.MAGNITUDE,
}
"""The stage whose keys a table's rows belong to."""

REACH_NS: Mapping[Stage, int] = {
    Stage.PICK: DAY_NS,
    Stage.MEASURE: DAY_NS,
    Stage.ASSOCIATE: 8 * DAY_NS,
    Stage.LOCATE: 8 * DAY_NS,
    Stage.MAGNITUDE: 8 * DAY_NS,
}
"""How far rows may be from their key's day: blocks last a week at most, and arrivals follow."""

RECORD_KINDS = (
    "run",
    "associator",
    "location",
    "catalog_name",
    "location_name",
    "terms",
    "terms_name",
    "terms_part",
    "amplitude",
    "magnitude",
    "magnitude_name",
    "responses",
    "invocation",
    "review",
)
"""The kinds of records that stores keep."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which rows to read; None means all."""

    design: str | None = None
    """Digest of what made the rows: for picks the run, for events the associator ..."""
    span: Span | None = None
    """Rows whose time lies in the span."""
    keys: frozenset[str] | None = None
    """Rows of these keys."""


@dataclass(frozen=True, slots=True)
class Designs:
    """The digests that a query is about; one that is empty stands for no rows."""

    run: str
    """Digest of the run."""
    associator: str
    """Digest of the associator."""
    location: str = ""
    """Digest of the location."""
    amplitude: str = ""
    """Digest of the measurement of amplitudes."""
    magnitude: str = ""
    """Digest of the magnitudes."""

    def of(self, table: TableName) -> str:
        """Return the one that a table's rows belong to."""
        return {
            Stage.PICK: self.run,
            Stage.ASSOCIATE: self.associator,
            Stage.LOCATE: self.location,
            Stage.MEASURE: self.amplitude,
            Stage.MAGNITUDE: self.magnitude,
        }[STAGE_OF[table]]

    @property
    def known(self) -> frozenset[str]:
        """All that are not empty."""
        every = (self.run, self.associator, self.location, self.amplitude, self.magnitude)
        return frozenset(filter(None, every))


class ReadableStore(Protocol):
    """Tables, the ledger and records of runs, to read."""

    location: str
    """Where it is, without any secret."""

    def read(self, table: TableName, where: Where) -> pa.Table:
        """Return the live rows, sorted by time and then by id."""
        ...

    def ledger(
        self, stage: Stage | None = None, design: str | None = None, span: Span | None = None
    ) -> list[LedgerEntry]:
        """Return the newest entry of each key, in the order of stage, design and key.

        With ``span``, those of the UTC days that it touches, and of keys that have no day; a
        block's day is the one it begins on.  No other entries are read.
        """
        ...

    def stations(self) -> pa.Table:
        """Return the stations, in the order of ids."""
        ...

    def records(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the records of a kind by name, in the order of names."""
        ...


class Store(ReadableStore, Protocol):
    """A store that can be written, by several processes at once."""

    def replace(self, table: TableName, rows: pa.Table, generation: str) -> None:
        """Write rows of any number of keys; they are invisible until `mark` names the generation.

        Call it once for each table and generation.
        """
        ...

    def mark(self, entries: Sequence[LedgerEntry]) -> None:
        """Make the rows of a generation the result of the entries' keys.  Comes last.

        All entries of one call are of one generation.
        """
        ...

    def put_stations(self, rows: pa.Table) -> None:
        """Add stations; a row replaces an earlier one of the same id."""
        ...

    def put_record(self, kind: str, name: str, record: Mapping[str, Any]) -> None:
        """Keep a record of one of `RECORD_KINDS`; the first of a name stays."""
        ...


@dataclass(slots=True)
class Compaction:
    """What a compaction has done."""

    rows: int = 0
    """Rows that were rewritten."""
    keys: int = 0
    """Keys whose rows were rewritten or deleted."""
    deleted: int = 0
    """Files or documents that were deleted."""
    files: dict[str, int] = field(default_factory=dict)
    """Files that remain, by table, and of the ledger; empty for a database."""


@runtime_checkable
class Compactable(Protocol):
    """A store that grows by leftovers, or by many small files."""

    def compact(self) -> Compaction:
        """Merge small files and delete what is superseded; others may read and write it."""
        ...


@runtime_checkable
class Verifiable(Store, Protocol):
    """A store that can check what lies below its tables: files, or documents."""

    def verify_storage(
        self, findings: Findings, *, repair: bool
    ) -> Callable[[LedgerEntry], bool] | None:
        """Check all data, including orphans; with ``repair``, fix what can be fixed safely.

        Return a function that tells whether the rows of an entry, if it has any, are unreadable;
        None if entries themselves are.
        """
        ...


@runtime_checkable
class Queryable(ReadableStore, Protocol):
    """A store that DuckDB can read in place, rather than from tables in memory."""

    def register_views(
        self, connection: DuckDBPyConnection, words: set[str], designs: Designs
    ) -> None:
        """Make the view of each table whose name is among the words of a query.

        The other views are there, and empty.
        """
        ...

    def steady(self, look: Callable[[], T]) -> T:
        """Return what ``look`` returns when no data were deleted while it looked."""
        ...


def new_generation() -> str:
    """Return a unique name for a writing; it encodes when the writing began."""
    return f"t{time.time_ns():016x}{uuid.uuid4().hex[:15]}"


def begun_ns(generation: str) -> int | None:
    """Return when a writing began, from its name; None for a name of another form.

    >>> begun_ns("t15aa34e9ebaf4a4e0123456789abcde")
    1561118400123456078
    """
    return int(generation[1:17], 16) if _NAMED.fullmatch(generation) else None


def mark_time(*before: LedgerEntry | None) -> int:
    """Return the time for a mark, later than those it replaces even if the clock was set back."""
    return max([time.time_ns(), *(entry.marked_ns + 1 for entry in before if entry)])


def day_of_key(stage: Stage, key: str) -> str | None:
    """Return the name of the UTC day of a key; None for one that has none, such as an object.

    >>> day_of_key(Stage.PICK, "NC.KBG/2019.172")
    '2019.172'
    >>> day_of_key(Stage.ASSOCIATE, "2019-06-21T18:00:00.000000Z")
    '2019.172'
    """
    if stage in (Stage.PICK, Stage.MEASURE):
        day = key.rpartition("/")[2]
        return day if _DAY.fullmatch(day) else None
    if stage in (Stage.ASSOCIATE, Stage.LOCATE, Stage.MAGNITUDE) and _BLOCK.match(key):
        return day_name(date.fromisoformat(key[:10]))
    return None


def span_days(span: Span) -> tuple[str, str]:
    """Return the names of the first and the last UTC day that a span touches."""
    return day_name(day_of(span.start_ns)), day_name(day_of(span.end_ns - 1))


def of_days(entries: Iterable[LedgerEntry], span: Span | None) -> Iterator[LedgerEntry]:
    """Return the entries that `ReadableStore.ledger` gives for a span."""
    if span is None:
        yield from entries
        return
    first, last = span_days(span)
    for entry in entries:
        day = day_of_key(entry.stage, entry.key)
        if day is None or first <= day <= last:
            yield entry


def station_day_entries(
    store: ReadableStore, run: str | None = None, span: Span | None = None
) -> list[StationDayEntry]:
    """Return the newest entry of each station-day: `ReadableStore.ledger` of one stage."""
    entries = store.ledger(Stage.PICK, run, span)
    return [entry for entry in entries if isinstance(entry, StationDayEntry)]


def measure_entries(
    store: ReadableStore, design: str | None = None, span: Span | None = None
) -> list[MeasureEntry]:
    """Return the newest entry of each measured station-day: `ReadableStore.ledger` of one stage."""
    entries = store.ledger(Stage.MEASURE, design, span)
    return [entry for entry in entries if isinstance(entry, MeasureEntry)]


def block_entries(
    store: ReadableStore, associator: str | None = None, span: Span | None = None
) -> list[BlockEntry]:
    """Return the newest entry of each block: `ReadableStore.ledger` of one stage."""
    entries = store.ledger(Stage.ASSOCIATE, associator, span)
    return [entry for entry in entries if isinstance(entry, BlockEntry)]


def locate_entries(
    store: ReadableStore, location: str | None = None, span: Span | None = None
) -> list[LocateEntry]:
    """Return the newest entry of each located block: `ReadableStore.ledger` of one stage."""
    entries = store.ledger(Stage.LOCATE, location, span)
    return [entry for entry in entries if isinstance(entry, LocateEntry)]


def magnitude_entries(
    store: ReadableStore, design: str | None = None, span: Span | None = None
) -> list[MagnitudeEntry]:
    """Return the newest entry of each block with magnitudes: `ReadableStore.ledger` of a stage."""
    entries = store.ledger(Stage.MAGNITUDE, design, span)
    return [entry for entry in entries if isinstance(entry, MagnitudeEntry)]


def newest(entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    """Return the newest entry of each key, in the order of stage, design and key."""
    kept: dict[tuple[Stage, str, str], LedgerEntry] = {}
    for entry in entries:
        key = (entry.stage, entry.design, entry.key)
        known = kept.get(key)
        if known is None or _age(known) < _age(entry):
            kept[key] = entry
    return [kept[key] for key in sorted(kept)]


def _age(entry: LedgerEntry) -> tuple[int, str]:
    return entry.marked_ns, entry.generation
