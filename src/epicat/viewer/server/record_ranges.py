"""Which bytes of a miniSEED object hold a span: found by reading a few headers.

Objects of day-long archives have records of one length in the order of time, so that the records
of a minute are found by bisection.  Other objects are read as a whole if they are small.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from epicat.model import Span

__all__ = ["LARGEST", "Ranges", "read_span"]

LARGEST: Final = 1_000_000
"""Most bytes that are read of one object."""
_HEADER: Final = 64
_SECOND: Final = 1_000_000_000
_LONGEST_RECORD: Final = 1 << 20


class Ranges(Protocol):
    """An archive that reads parts of objects."""

    def size(self, key: str) -> int:
        """Return the size of an object in bytes."""
        ...

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """Read the bytes from ``start`` to ``end``."""
        ...


@dataclass(frozen=True, slots=True)
class _Record:
    """What a header of miniSEED 2 says."""

    channel: bytes
    """Station, location, channel and network, as in the header."""
    start_ns: int
    """Time of the first sample."""
    length: int
    """Bytes of the record; 0 if the header does not say."""


def read_span(source: Ranges, key: str, span: Span) -> bytes | None:
    """Return the records of an object that may hold a span; None if that takes too many bytes."""
    size = source.size(key)
    found = _bisected(lambda start, end: source.read_range(key, start, end), size, span)
    start, end = found if found is not None else (0, size)
    return source.read_range(key, start, end) if end - start <= LARGEST else None


def _bisected(read: Callable[[int, int], bytes], size: int, span: Span) -> tuple[int, int] | None:
    """Return first and last byte of the records; None if the object is not as expected."""
    first = _parse(read(0, min(size, 512)))
    if first is None or not first.length or size % first.length:
        return None
    length, count = first.length, size // first.length

    def at(number: int) -> _Record | None:
        found = _parse(read(number * length, number * length + _HEADER))
        return found if found and found.channel == first.channel else None

    last = at(count - 1)
    if last is None or last.start_ns < first.start_ns:
        return None
    begin = _first_after(at, count, span.start_ns)
    end = _first_after(at, count, span.end_ns)
    if begin is None or end is None:
        return None
    return max(begin - 1, 0) * length, end * length


def _first_after(at: Callable[[int], _Record | None], count: int, time_ns: int) -> int | None:
    """Return the number of the first record that starts after a time, by bisection."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        record = at(middle)
        if record is None:
            return None
        if record.start_ns > time_ns:
            high = middle
        else:
            low = middle + 1
    return low


def _parse(header: bytes) -> _Record | None:
    """Read a header of miniSEED 2 (SEED 2.4 manual, chapter 8); None if it is none."""
    if len(header) < 48 or header[6:7] not in b"DRQM" or header[:6].strip(b" 0123456789") != b"":
        return None
    for order in (">", "<"):
        year, day, hour, minute, second, _, fraction = struct.unpack_from(
            order + "HHBBBBH", header, 20
        )
        if 1900 <= year <= 2200 and 1 <= day <= 366 and hour < 24 and minute < 60 and second < 61:
            date = datetime(year, 1, 1, hour, minute, tzinfo=UTC) + timedelta(days=day - 1)
            start = int(date.timestamp()) * _SECOND + second * _SECOND + fraction * 100_000
            return _Record(header[8:20], start, _length(header, order))
    return None


def _length(header: bytes, order: str) -> int:
    """Return the length of the record from blockette 1000; 0 without one."""
    (at,) = struct.unpack_from(order + "H", header, 46)
    while 48 <= at <= len(header) - 8:
        kind, following = struct.unpack_from(order + "HH", header, at)
        if kind == 1000:
            length = 1 << header[at + 6]
            return length if 128 <= length <= _LONGEST_RECORD else 0
        if following <= at:
            return 0
        at = following
    return 0
