"""Find the miniSEED 2 and 3 records in an object, whatever else it contains."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pymseed
from numpy.typing import NDArray

from epicat.model import Span

__all__ = [
    "UNREADABLE",
    "Scan",
    "StationSpan",
    "codes_of",
    "first_line",
    "headers_of",
    "scan",
    "station_spans",
]

UNREADABLE = ("?", "?", "?", "?")
"""Stands for codes that are not valid text."""

_RECORD_START = re.compile(
    rb"(?=(?:[0-9 \0]{6}[DRQM][ \0].{16}|MS\x03.{9})[\x00-\x17][\x00-\x3b][\x00-\x3c])", re.DOTALL
)
"""Start of a record: sequence number, quality and blank in miniSEED 2, ``MS`` and version in
miniSEED 3, and a possible hour, minute and second.  libmseed applies the same test."""

_PIECE = 2**18
"""Bytes passed to libmseed at once: its time grows with the square of the number of contiguous
segments, of which a small object may have tens of thousands."""
_LONGEST = 10 * 2**20
"""Longest record that libmseed reads, in bytes."""
_HEADER = 48
"""Bytes of a miniSEED 2 header.  libmseed 3 reads all of them even if only 40 are left, which in
a truncated object is beyond the end of the buffer."""


@dataclass(slots=True)
class Scan:
    """The records of an object."""

    stretches: list[memoryview] = field(default_factory=list)
    """Contiguous records, at most a few hundred kilobytes each."""
    spans: dict[tuple[str, str], Span] = field(default_factory=dict)
    """Span from the first to the last sample by network and station code."""
    damage: str = ""
    """libmseed's message about the first bytes that are not a record."""

    @property
    def size(self) -> int:
        """Bytes that belong to records."""
        return sum(map(len, self.stretches))


@dataclass(frozen=True, slots=True)
class StationSpan:
    """A station in an object, and the span of its samples."""

    network: str
    """Network code."""
    station: str
    """Station code."""
    span: Span
    """From the first to the last sample, gaps included."""


def station_spans(body: bytes) -> list[StationSpan]:
    """Return the stations in an object by its headers; raise ValueError if it has no records."""
    if not body:
        raise ValueError("empty, 0 bytes")
    spans = scan(body).spans
    spans.pop(UNREADABLE[:2], None)
    if not spans:
        raise ValueError(f"not miniSEED, {len(body)} bytes")
    return [StationSpan(*codes, span) for codes, span in sorted(spans.items())]


def scan(body: bytes) -> Scan:
    """Find all records of an object, whatever lies between them.  Never raises."""
    found, pieces, begin = Scan(), _Pieces(body), 0
    while begin < len(body):
        piece = pieces.at(begin, _PIECE)
        length, error = _run_of_records(piece, found.spans)
        if not length and len(piece) == _PIECE and (long := _record_length(pieces, begin)):
            piece = pieces.at(begin, long)
            length, error = _run_of_records(piece, found.spans)
        if length:
            found.stretches.append(piece[:length])
            begin += length
        else:
            found.damage = found.damage or error
            begin = _next_record(body, pieces, begin + 1)
    return found


def codes_of(
    held: pymseed.mstracelist.MS3TraceID | pymseed.MS3Record,
) -> tuple[str, str, str, str]:
    """Return network, station, location and channel code; `UNREADABLE` if they are not text."""
    try:
        network, station, location, channel = pymseed.sourceid2nslc(held.sourceid)
    except (ValueError, pymseed.PymseedError):
        return UNREADABLE
    return network, station, location, channel


class _Pieces:
    """The bytes of an object in pieces, each followed by readable memory for a header."""

    def __init__(self, body: bytes) -> None:
        self._view = memoryview(body)
        self._start = max(len(body) - _LONGEST - _HEADER, 0)
        self._tail = memoryview(bytes(self._view[self._start :]) + bytes(_HEADER))

    def at(self, begin: int, size: int) -> memoryview:
        """Return up to ``size`` bytes; ``size`` is at most `_LONGEST`."""
        end = min(begin + size, len(self._view))
        if end + _HEADER <= len(self._view):
            return self._view[begin:end]
        return self._tail[begin - self._start : end - self._start]


def _run_of_records(body: memoryview, spans: dict[tuple[str, str], Span]) -> tuple[int, str]:
    """Return the number of leading bytes that are records, and the error that ended them."""
    error = ""
    with pymseed.MS3TraceList() as traces:
        try:
            traces.add_buffer(body, record_list=True)
        except (pymseed.MiniSEEDError, ValueError) as caught:
            error = first_line(caught)
        for trace in traces:
            codes = codes_of(trace)[:2]
            held = Span(trace.earliest, trace.latest + 1)
            known = spans.get(codes, held)
            spans[codes] = Span(min(known.start_ns, held.start_ns), max(known.end_ns, held.end_ns))
        segments = [segment for trace in traces for segment in trace]
        # Usually all records of a segment have the length of its first one.
        length = sum(_bytes_if_even(segment) for segment in segments)
        if error or length != len(body):
            length = sum(int(headers_of(segment)[2].sum()) for segment in segments)
    return length, error


def _bytes_if_even(segment: pymseed.mstracelist.MS3TraceSeg) -> int:
    """Return the bytes of a segment's records, assuming that all are as long as the first."""
    entries = segment.recordlist
    return len(entries) * next(iter(entries)).record.reclen if entries else 0


def headers_of(
    segment: pymseed.mstracelist.MS3TraceSeg,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return start time in ns, samples and bytes of each record of a segment.

    Walks libmseed's own list: a day of one channel has 30,000 records, and the two Python objects
    that pymseed creates for each took longer than decoding the samples.
    """
    found: list[int] = []
    entries = segment.recordlist
    entry = entries._list.first if entries else None
    while entry:
        record = entry.msr
        found += (record.starttime, record.samplecnt, record.reclen)
        entry = entry.next
    starts, counts, lengths = np.array(found, np.int64).reshape(-1, 3).T
    return starts, counts, lengths


def _next_record(body: bytes, pieces: _Pieces, begin: int) -> int:
    """Return where the next record starts at or after ``begin``, or the end of the object."""
    return next((at for at in _starts(body, begin) if _record_length(pieces, at)), len(body))


def _record_length(pieces: _Pieces, begin: int) -> int:
    """Return the length of the record at an offset, or 0 if there is none."""
    try:
        return pymseed.MS3Record.parse(pieces.at(begin, _LONGEST)).reclen
    except (pymseed.MiniSEEDError, ValueError):
        return 0


def _starts(body: bytes, begin: int) -> Iterator[int]:
    return (found.start() for found in _RECORD_START.finditer(body, begin))


def first_line(error: Exception) -> str:
    """Return libmseed's message without its prefixes."""
    text = str(error).split("::")[0].strip()
    return text.removeprefix("Error: ") or type(error).__name__
