"""What a store is.

Results belong to keys (station-days and blocks).  Whoever has computed keys writes their rows
under a new *generation* with `Store.replace`, one table after the other, and then names that
generation in the ledger with `Store.mark`.  Readers see only rows whose generation is the one
that the newest mark of their key names: a kill between the two leaves nothing half written to
see, and writing a key again replaces its rows.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from epicat.model import BlockEntry, LedgerEntry, Span, Stage, StationDayEntry
from epicat.store.verify.findings import Findings
from epicat.tables import TableName
from epicat.time import DAY_NS, day_name, day_of

__all__ = [
    "REACH_NS",
    "RECORD_KINDS",
    "STAGE_OF",
    "Clearable",
    "Examinable",
    "Store",
    "Where",
    "begun_ns",
    "block_entries",
    "day_of_key",
    "new_generation",
    "newest",
    "of_days",
    "span_days",
    "station_day_entries",
]

_NAMED = re.compile(r"t[0-9a-f]{31}")
_DAY = re.compile(r"\d{4}\.[0-3]\d\d")
_BLOCK = re.compile(r"\d{4}-\d\d-\d\dT")

STAGE_OF: Mapping[TableName, Stage] = {
    "picks": Stage.PICK,
    "events": Stage.ASSOCIATE,
    "arrivals": Stage.ASSOCIATE,
}
"""The stage whose keys a table's rows belong to."""

REACH_NS: Mapping[Stage, int] = {Stage.PICK: DAY_NS, Stage.ASSOCIATE: 8 * DAY_NS}
"""How far rows may be from their key's day: blocks last a week at most, and arrivals follow."""

RECORD_KINDS = ("run", "associator", "invocation")
"""The kinds of records that stores keep."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which rows to read; what is None is not asked about."""

    design: str | None = None
    """Digest of the run (picks) or the associator (events, arrivals)."""
    span: Span | None = None
    """Rows whose time lies in the span."""
    keys: frozenset[str] | None = None
    """Rows of these keys."""


class Store(Protocol):
    """Tables in and out, marks, and records of runs."""

    location: str
    """Where it is, without any secret."""

    def replace(self, table: TableName, rows: pa.Table, generation: str) -> None:
        """Write rows of any number of keys; nobody sees them until `mark` names the generation.

        Call it once for each table and generation.
        """
        ...

    def mark(self, entries: Sequence[LedgerEntry]) -> None:
        """Make the rows of a generation the result of the entries' keys.  Comes last.

        All entries of one call are of one generation.
        """
        ...

    def read(self, table: TableName, where: Where) -> pa.Table:
        """Return the marked rows, sorted by time and then by id."""
        ...

    def ledger(
        self, stage: Stage | None = None, design: str | None = None, span: Span | None = None
    ) -> list[LedgerEntry]:
        """Return the newest entry of each key, in the order of stage, design and key.

        With ``span``, those of the UTC days that it touches, and of keys that have no day; a
        block's day is the one it begins on.  The rest is not even looked at.
        """
        ...

    def put_stations(self, rows: pa.Table) -> None:
        """Add stations; a row replaces an earlier one of the same id."""
        ...

    def stations(self) -> pa.Table:
        """Return the stations, in the order of ids."""
        ...

    def put_record(self, kind: str, name: str, record: Mapping[str, Any]) -> None:
        """Keep a record of a run, an associator or an invocation; the first of a name stays."""
        ...

    def records(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the records of a kind by name, in the order of names."""
        ...


@runtime_checkable
class Clearable(Protocol):
    """A store that has no files to put together, but may have rows that nobody will ever see."""

    def clear(self) -> tuple[int, int]:
        """Delete them; return the numbers of keys and of rows."""
        ...


@runtime_checkable
class Examinable(Protocol):
    """A store that has no files, and can tell what is wrong below its tables."""

    def examined(self, findings: Findings, *, mend: bool) -> Callable[[LedgerEntry], bool] | None:
        """Look at everything, also at what nobody reads; with ``mend``, mend what is safe to.

        Return what tells that the rows of a mark, if it has any, cannot be read; None if marks
        cannot.
        """
        ...


def new_generation() -> str:
    """Return a name that no other writing has; it tells when it began."""
    return f"t{time.time_ns():016x}{uuid.uuid4().hex[:15]}"


def begun_ns(generation: str) -> int | None:
    """Return when a writing began, as its name tells; None for a name that was made otherwise.

    >>> begun_ns("t15aa34e9ebaf4a4e0123456789abcde")
    1561118400123456078
    """
    return int(generation[1:17], 16) if _NAMED.fullmatch(generation) else None


def day_of_key(stage: Stage, key: str) -> str | None:
    """Return the name of the UTC day of a key; None for one that has none, such as an object.

    >>> day_of_key(Stage.PICK, "NC.KBG/2019.172")
    '2019.172'
    >>> day_of_key(Stage.ASSOCIATE, "2019-06-21T18:00:00.000000Z")
    '2019.172'
    """
    if stage == Stage.PICK:
        day = key.rpartition("/")[2]
        return day if _DAY.fullmatch(day) else None
    if stage == Stage.ASSOCIATE and _BLOCK.match(key):
        return day_name(date.fromisoformat(key[:10]))
    return None


def span_days(span: Span) -> tuple[str, str]:
    """Return the names of the first and the last UTC day that a span touches."""
    return day_name(day_of(span.start_ns)), day_name(day_of(span.end_ns - 1))


def of_days(entries: Iterable[LedgerEntry], span: Span | None) -> Iterator[LedgerEntry]:
    """Return the entries that `Store.ledger` gives for a span."""
    if span is None:
        yield from entries
        return
    first, last = span_days(span)
    for entry in entries:
        day = day_of_key(entry.stage, entry.key)
        if day is None or first <= day <= last:
            yield entry


def station_day_entries(
    store: Store, run: str | None = None, span: Span | None = None
) -> list[StationDayEntry]:
    """Return the newest entry of each station-day: `Store.ledger` of one stage."""
    entries = store.ledger(Stage.PICK, run, span)
    return [entry for entry in entries if isinstance(entry, StationDayEntry)]


def block_entries(
    store: Store, associator: str | None = None, span: Span | None = None
) -> list[BlockEntry]:
    """Return the newest entry of each block: `Store.ledger` of one stage."""
    entries = store.ledger(Stage.ASSOCIATE, associator, span)
    return [entry for entry in entries if isinstance(entry, BlockEntry)]


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
