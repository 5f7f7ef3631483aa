"""What the headers of a miniSEED object say, without decoding a sample."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pymseed

from epicat.model import Span

__all__ = ["ChannelSpan", "read_headers"]

_RECORD_START = re.compile(rb"[0-9 \0]{6}[DRQM][ \0]|MS\x03")
"""How a record of miniSEED 2 (sequence number, quality, blank) or 3 begins."""


@dataclass(frozen=True, slots=True)
class ChannelSpan:
    """A station whose data an object holds, and from when to when."""

    network: str
    """Network code."""
    station: str
    """Station code."""
    span: Span
    """From the first to the last sample, gaps included."""


def read_headers(body: bytes) -> list[ChannelSpan]:
    """Return the stations in an object, each once; raise ValueError if there is no miniSEED."""
    if not body:
        raise ValueError("empty, 0 bytes")
    found: dict[tuple[str, str], Span] = {}
    if not _all_sound(body, found):
        found.clear()
        for record in _records(body):
            _widen(found, record, record.starttime, record.endtime)
    if not found:
        raise ValueError(f"not miniSEED, {len(body)} bytes")
    return [ChannelSpan(*codes, span) for codes, span in sorted(found.items())]


def _all_sound(body: bytes, found: dict[tuple[str, str], Span]) -> bool:
    """Tell whether nothing but records is in an object, and fill in what they hold.

    libmseed stops at the first damage, and not always with an error.
    """
    with pymseed.MS3TraceList() as traces:
        try:
            traces.add_buffer(body, record_list=True)
        except (pymseed.MiniSEEDError, ValueError):
            return False
        for trace in traces:
            _widen(found, trace, trace.earliest, trace.latest)
        read = sum(r.record.reclen for t in traces for s in t for r in s.recordlist or ())
    return read == len(body)


def _records(body: bytes) -> Iterator[pymseed.MS3Record]:
    """Return every sound record of an object, whatever lies between them."""
    view, found = memoryview(body), _RECORD_START.search(body)
    while found:
        begin = found.start()
        try:
            record = pymseed.MS3Record.parse(view[begin:], unpack_data=True)
        except (pymseed.MiniSEEDError, ValueError):
            begin += 1
        else:
            yield record
            begin += record.reclen
        found = _RECORD_START.search(body, begin)


def _widen(
    found: dict[tuple[str, str], Span],
    held: pymseed.mstracelist.MS3TraceID | pymseed.MS3Record,
    first_ns: int,
    last_ns: int,
) -> None:
    try:
        network, station, _, _ = pymseed.sourceid2nslc(held.sourceid)
    except (ValueError, pymseed.PymseedError):
        return
    known = found.get((network, station), Span(first_ns, last_ns + 1))
    found[network, station] = Span(min(known.start_ns, first_ns), max(known.end_ns, last_ns + 1))
