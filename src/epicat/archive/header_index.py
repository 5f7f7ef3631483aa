"""Layout ``files``: any folder or bucket of miniSEED, indexed by record headers.

The index is kept in epicat's cache for each version of each object: opening the archive again reads
only new and changed objects.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from operator import itemgetter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from epicat._util.files import atomic_file, cache_folder
from epicat._util.lists import list_some
from epicat.archive.objects import Source, StoredObject
from epicat.archive.prefetch import Prefetcher
from epicat.errors import InputError, ObjectError
from epicat.miniseed import StationSpan, station_spans
from epicat.model import Span, digest_of
from epicat.time import iso

__all__ = ["IndexedArchive"]

_Contents = tuple[list[StationSpan], str]
"""The stations in an object, and the reason if there are none."""

_FORMAT = 2
_SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("size", pa.int64()),
        ("etag", pa.string()),
        ("network", pa.string()),
        ("station", pa.string()),
        ("start_ns", pa.int64()),
        ("end_ns", pa.int64()),
        ("reason", pa.string()),
    ]
)


class IndexedArchive:
    """An archive whose object names carry no meaning; stations and times come from headers."""

    def __init__(self, source: Source, ahead: int = 0, blank_network: str = "") -> None:
        self._prefetcher = Prefetcher(source, ahead)
        self.location = source.location
        self._spans: dict[tuple[str, str], list[tuple[Span, StoredObject]]] = defaultdict(list)
        self._bad: dict[StoredObject, str] = {}
        self._transient: dict[StoredObject, ObjectError] = {}
        for item, found, reason in _index(source, self._prefetcher, self._transient):
            for held in found:
                network = held.network or blank_network
                self._spans[network, held.station].append((held.span, item))
            if not found:
                self._bad[item] = reason
        self._read_last: tuple[StoredObject, bytes] | None = None

    def objects(self, network: str, station: str, span: Span) -> list[StoredObject]:
        """Objects with headers of the station in the span, and unreadable ones named after it.

        Objects that could not be read for a transient reason may belong to any station.
        """
        found = {item for held, item in self._spans[network, station] if held.overlaps(span)}
        named = {b for b in self._bad if _is_named(b.key, network, station)}
        return sorted(found | named | set(self._transient))

    def where(self, network: str, station: str, day: date) -> str:
        """Describe what the headers of the archive have, in place of a station-day."""
        what = f"no header in {self.location} names {network}.{station} on {day.isoformat()}"
        spans = [span for held in self._spans.values() for span, _ in held]
        if not spans:
            bad = next(iter(sorted(self._bad)), None)
            why = f", such as {bad.key!r}: {self._bad[bad]}" if bad else ""
            return f"{what}; no object there has a miniSEED header{why}"
        example = min(item.key for held in self._spans.values() for _, item in held)
        names = sorted(".".join(codes) for codes in self._spans if self._spans[codes])
        days = (min(s.start_ns for s in spans), max(s.end_ns for s in spans))
        low, high = (iso(time_ns)[:10] for time_ns in days)
        return f"{what}; they name {list_some(names)} from {low} to {high}, as in {example!r}"

    def prefetch(self, items: Iterable[StoredObject]) -> None:
        """Announce what will be read next, in this order."""
        last = self._read_last and self._read_last[0]
        self._prefetcher.prefetch(i for i in items if i != last and i not in self._transient)

    def read(self, item: StoredObject) -> bytes:
        """Read the bytes of an object; raise `ObjectError` if it cannot be read.

        An object that could not be read while indexing is not requested again.
        """
        if item in self._transient:
            error = self._transient[item]
            raise ObjectError(error.key, error.reason, may_pass=True) from error
        if self._read_last is None or self._read_last[0] != item:
            self._read_last = (item, self._prefetcher.read(item))
        return self._read_last[1]

    def unreadable(self) -> dict[str, str]:
        """Objects without a readable header, with the reason."""
        return {item.key: reason for item, reason in sorted(self._bad.items())}


def _is_named(key: str, network: str, station: str) -> bool:
    """Whether a key contains the station code: the only hint if no header can be read."""
    parts = re.split(r"[^0-9A-Za-z-]+", key)
    return station in parts and network in parts


def _index(
    source: Source, reader: Prefetcher, transient: dict[StoredObject, ObjectError]
) -> list[tuple[StoredObject, list[StationSpan], str]]:
    """Index every object; collect transient failures in ``transient``."""
    path = cache_folder("indexes") / f"{digest_of(_FORMAT, source.location)}.parquet"
    known = _load(path)
    unread: dict[StoredObject, _Contents] = {}
    contents: dict[StoredObject, _Contents] = {}
    items = sorted(source.list(""))
    reader.prefetch(item for item in items if item not in known)
    for item in items:
        try:
            contents[item] = known.get(item) or _contents_of(reader, item)
        except ObjectError as error:  # may be readable next time: not cached
            unread[item] = [], error.reason
            if error.may_pass:
                transient[item] = error
    if set(known) != set(contents):
        _save(path, contents)
    return [(item, *held) for item, held in sorted((contents | unread).items(), key=itemgetter(0))]


def _contents_of(reader: Prefetcher, item: StoredObject) -> _Contents:
    body = reader.read(item)
    try:
        return station_spans(body), ""
    except ValueError as error:
        return [], str(error)


def _load(path: Path) -> dict[StoredObject, _Contents]:
    try:
        rows = pq.read_table(path, schema=_SCHEMA).to_pylist()
    except (OSError, pa.ArrowException):  # none yet, or damaged: rebuilt
        return {}
    known: dict[StoredObject, _Contents] = {}
    for row in rows:
        item = StoredObject(row["key"], row["size"], row["etag"])
        spans, _ = known.setdefault(item, ([], row["reason"]))
        if row["network"] is not None:
            span = Span(row["start_ns"], row["end_ns"])
            spans.append(StationSpan(row["network"], row["station"], span))
    return known


def _save(path: Path, contents: Mapping[StoredObject, _Contents]) -> None:
    table = [
        (item.key, item.size, item.etag, c and c.network, c and c.station,
         c and c.span.start_ns, c and c.span.end_ns, reason)
        for item, (found, reason) in contents.items()
        for c in (found or (None,))
    ]  # fmt: skip
    columns = list(zip(*table, strict=True)) if table else [()] * len(_SCHEMA)
    arrays = [pa.array(c, f.type) for c, f in zip(columns, _SCHEMA, strict=True)]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(arrays, schema=_SCHEMA), sink)
    # Not written, for example on a full disk: it is rebuilt next time.
    with suppress(InputError), atomic_file(path, "wb") as file:
        file.write(sink.getvalue())
