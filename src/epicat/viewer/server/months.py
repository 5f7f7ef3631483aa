"""The months of a catalog as Arrow files on this machine: read from the store once.

A file is named after the state of its month in the ledger, so that a block that is associated,
located or sized again makes a new one.  The files are below ``view`` in the cache folder, by a
digest of the catalog; those of catalogs that were not looked at for 30 days are deleted.
"""

from __future__ import annotations

import math
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from epicat._util.files import atomic_file, cache_folder
from epicat._version import __version__
from epicat.errors import InputError
from epicat.ledger import LedgerEntry
from epicat.model import Span, digest_of
from epicat.store.base import block_entries, locate_entries, magnitude_entries
from epicat.time import parse_time
from epicat.viewer.columns import EVENTS, MAGNITUDE_READINGS, READINGS
from epicat.viewer.events import pack_table
from epicat.viewer.page_data import arrow_stream
from epicat.viewer.readings import magnitude_reading_rows, reading_rows

if TYPE_CHECKING:
    from epicat.catalog.catalog import Catalog

__all__ = ["SCHEMAS", "Kind", "Months", "month_span"]

Kind = Literal["events", "readings", "magnitudes"]
"""``events`` are rows of `EVENTS`, the others of `READINGS` and `MAGNITUDE_READINGS`."""

SCHEMAS: Final = {"events": EVENTS, "readings": READINGS, "magnitudes": MAGNITUDE_READINGS}
_LEDGER_S: Final = 5.0
_MARGIN_NS: Final = 600 * 1_000_000_000
_KEPT_S: Final = 30 * 86400.0


@dataclass(slots=True)
class _Month:
    """What the ledger has of a month: it changes when a block is done again."""

    events: int = 0
    entries: int = 0
    marked_ns: int = 0

    def add(self, entry: LedgerEntry, events: int = 0) -> None:
        self.events += events
        self.entries += 1
        self.marked_ns = max(self.marked_ns, entry.marked_ns)

    @property
    def state(self) -> str:
        return f"{self.entries}-{self.marked_ns}"


class Months:
    """The months of a catalog; methods may be called by several threads."""

    def __init__(self, catalog: Catalog, folder: Path | None = None) -> None:
        """``folder`` has the files; None: a folder of this catalog in the cache."""
        self._catalog = catalog
        self._folder = folder or _folder_of(catalog)
        self._lock = threading.Lock()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._known: dict[str, _Month] = {}
        self._read_at = -math.inf

    def counts(self) -> dict[str, int]:
        """Return the number of events of each month that has some, in the order of time."""
        known = self._ledger()
        return {name: known[name].events for name in sorted(known)}

    def _ledger(self) -> Mapping[str, _Month]:
        """Return the months with events; the ledger is read every few seconds at most."""
        with self._lock:
            now = time.monotonic()
            if now - self._read_at > _LEDGER_S:
                self._known = self._counted()
                self._read_at = now
            return self._known

    def _counted(self) -> dict[str, _Month]:
        catalog = self._catalog
        store, found = catalog.store, dict[str, _Month]()
        for block in block_entries(store, catalog.associator):
            if block.n_events:
                found.setdefault(block.key[:7], _Month()).add(block, block.n_events)
        later: list[LedgerEntry] = []
        if catalog.location_id:
            later += locate_entries(store, catalog.location_id)
        if catalog.magnitude_id:
            later += magnitude_entries(store, catalog.magnitude_id)
        for entry in later:
            if entry.key[:7] in found:
                found[entry.key[:7]].add(entry)
        return found

    def file(self, kind: Kind, month: str) -> Path:
        """Return the Arrow stream of the blocks that begin in a month; made if it is not there.

        Raises `InputError` for what is not a month.
        """
        span = month_span(month)
        state = self._ledger().get(month, _Month()).state
        path = self._folder / f"{month}.{kind}.{state}.arrow"
        with self._lock:
            lock = self._locks[f"{month}.{kind}"]
        with lock:
            if not path.exists():
                content = arrow_stream(self._made(kind, span))
                path.parent.mkdir(parents=True, exist_ok=True)
                with atomic_file(path, "wb") as file:
                    file.write(content)
                for old in self._folder.glob(f"{month}.{kind}.*.arrow"):
                    if old != path:
                        old.unlink(missing_ok=True)
        return path

    def table(self, kind: Kind, month: str) -> pa.Table:
        """Return the rows of a month, mapped into memory from its file."""
        with pa.memory_map(str(self.file(kind, month))) as source:
            return pa.ipc.open_stream(source).read_all()

    def tables(self, kind: Kind) -> Iterator[tuple[str, pa.Table]]:
        """Give the name and rows of each month."""
        for month in self.counts():
            yield month, self.table(kind, month)

    def _made(self, kind: Kind, span: Span) -> pa.Table:
        if kind == "events":
            return pack_table(self._events(span), EVENTS)
        events = self._events(span)
        if not events.num_rows:
            return SCHEMAS[kind].empty_table()
        times = pc.min_max(events["time"].cast(pa.int64())).as_py()
        near = Span(times["min"] - _MARGIN_NS, times["max"] + _MARGIN_NS)
        if kind == "readings":
            return reading_rows(events, self._catalog.arrivals(near, with_rejected=True))
        return magnitude_reading_rows(events, self._catalog.station_magnitudes(span=near))

    def _events(self, span: Span) -> pa.Table:
        """Return the events whose association time lies in a span, at their best places."""
        events = self._catalog.events(span.widened(_MARGIN_NS), with_rejected=True)
        times = events["associated_time"].cast(pa.int64())
        inside = pc.and_(pc.greater_equal(times, span.start_ns), pc.less(times, span.end_ns))
        return events.filter(inside)


def _folder_of(catalog: Catalog) -> Path:
    """Return the folder of a catalog in the cache; delete those that were long not used."""
    above = cache_folder("view")
    oldest = time.time() - _KEPT_S
    for other in above.iterdir():
        if other.is_dir() and other.stat().st_mtime < oldest:
            shutil.rmtree(other, ignore_errors=True)
    made = [str(schema) for schema in SCHEMAS.values()]
    designs = (catalog.associator, catalog.location_id, catalog.magnitude_id)
    folder = above / digest_of(catalog.location, *designs, __version__, *made)
    folder.mkdir(exist_ok=True)
    folder.touch()
    return folder


def month_span(name: str) -> Span:
    """Return the span of a month, ``2019-07``; raise `InputError` for anything else."""
    try:
        first = datetime.strptime(name, "%Y-%m").replace(tzinfo=UTC)
    except ValueError as error:
        raise InputError(f"{name!r} is not a month, such as 2019-07") from error
    after = f"{first.year + first.month // 12}-{first.month % 12 + 1:02d}-01"
    return Span(parse_time(f"{first:%Y-%m}-01"), parse_time(after))
