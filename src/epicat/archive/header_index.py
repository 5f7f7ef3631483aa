"""Layout ``files``: any folder or bucket of miniSEED, indexed by its headers once.

The index lies in epicat's cache and is kept per version of each object: opening the archive
again reads only what is new or has changed.
"""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from operator import itemgetter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from epicat._util.cache import cache_folder
from epicat.archive.headers import ChannelSpan, read_headers
from epicat.archive.objects import Source, StoredObject
from epicat.archive.prefetch import ReadAhead
from epicat.errors import ObjectError
from epicat.model import Span, digest_of

__all__ = ["FilesArchive"]

_Look = tuple[list[ChannelSpan], str]
"""What an object holds, and why it holds nothing."""

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


class FilesArchive:
    """A folder whose names say nothing; its headers do."""

    def __init__(self, source: Source, ahead: int = 0) -> None:
        self._ahead = ReadAhead(source, ahead)
        self.location = source.location
        self._spans: dict[tuple[str, str], list[tuple[Span, StoredObject]]] = defaultdict(list)
        self._bad: dict[StoredObject, str] = {}
        self._unsure: dict[StoredObject, ObjectError] = {}
        for item, found, reason in _index(source, self._ahead, self._unsure):
            for channel in found:
                self._spans[channel.network, channel.station].append((channel.span, item))
            if not found:
                self._bad[item] = reason
        self._read_last: tuple[StoredObject, bytes] | None = None

    def objects(self, network: str, station: str, span: Span) -> list[StoredObject]:
        """Objects whose headers name the station in the span, and bad ones named like it.

        What could not be had for a reason that may pass may be any station's.
        """
        found = {item for held, item in self._spans[network, station] if held.overlaps(span)}
        named = {b for b in self._bad if _is_named(b.key, network, station)}
        return sorted(found | named | set(self._unsure))

    def expect(self, items: Iterable[StoredObject]) -> None:
        """Announce what will be read next, in this order."""
        last = self._read_last and self._read_last[0]
        self._ahead.expect(i for i in items if i != last and i not in self._unsure)

    def read(self, item: StoredObject) -> bytes:
        """Read the bytes of an object; raise `ObjectError` if it cannot be read.

        What could not be had for the index is not asked for again: it is asked for often.
        """
        if item in self._unsure:
            error = self._unsure[item]
            raise ObjectError(error.key, error.reason, may_pass=True) from error
        if self._read_last is None or self._read_last[0] != item:
            self._read_last = (item, self._ahead.read(item))
        return self._read_last[1]

    def unreadable(self) -> dict[str, str]:
        """Objects in which no header could be read, with the reason."""
        return {item.key: reason for item, reason in sorted(self._bad.items())}


def _is_named(key: str, network: str, station: str) -> bool:
    """Tell whether a key's parts name the station: the only hint where no header can be read."""
    parts = re.split(r"[^0-9A-Za-z]+", key)
    return station in parts and network in parts


def _index(
    source: Source, reader: ReadAhead, unsure: dict[StoredObject, ObjectError]
) -> list[tuple[StoredObject, list[ChannelSpan], str]]:
    """Look at every object; put into ``unsure`` what cannot be had now."""
    path = cache_folder("indexes") / f"{digest_of(_FORMAT, source.location)}.parquet"
    known = _load(path)
    unread: dict[StoredObject, _Look] = {}
    looks: dict[StoredObject, _Look] = {}
    items = sorted(source.list(""))
    reader.expect(item for item in items if item not in known)
    for item in items:
        try:
            looks[item] = known.get(item) or _look(reader, item)
        except ObjectError as error:  # may be readable the next time: never kept
            unread[item] = [], error.reason
            if error.may_pass:
                unsure[item] = error
    if set(known) != set(looks):
        _save(path, looks)
    return [(item, *look) for item, look in sorted((looks | unread).items(), key=itemgetter(0))]


def _look(reader: ReadAhead, item: StoredObject) -> _Look:
    body = reader.read(item)
    try:
        return read_headers(body), ""
    except ValueError as error:
        return [], str(error)


def _load(path: Path) -> dict[StoredObject, _Look]:
    try:
        rows = pq.read_table(path, schema=_SCHEMA).to_pylist()
    except (OSError, pa.ArrowException):  # none yet, or damaged: it is made again
        return {}
    known: dict[StoredObject, _Look] = {}
    for row in rows:
        item = StoredObject(row["key"], row["size"], row["etag"])
        spans, _ = known.setdefault(item, ([], row["reason"]))
        if row["network"] is not None:
            span = Span(row["start_ns"], row["end_ns"])
            spans.append(ChannelSpan(row["network"], row["station"], span))
    return known


def _save(path: Path, looks: Mapping[StoredObject, _Look]) -> None:
    table = [
        (item.key, item.size, item.etag, c and c.network, c and c.station,
         c and c.span.start_ns, c and c.span.end_ns, reason)
        for item, (found, reason) in looks.items()
        for c in (found or (None,))
    ]  # fmt: skip
    columns = list(zip(*table, strict=True)) if table else [()] * len(_SCHEMA)
    arrays = [pa.array(c, f.type) for c, f in zip(columns, _SCHEMA, strict=True)]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(arrays, schema=_SCHEMA), sink)
    partial = path.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        partial.write_bytes(sink.getvalue())
        partial.replace(path)
    except OSError:  # a full disk, say: then it is made again the next time
        with suppress(OSError):
            partial.unlink(missing_ok=True)
