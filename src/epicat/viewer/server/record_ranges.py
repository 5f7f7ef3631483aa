"""Which bytes of a miniSEED object hold a span: found by reading a few headers.

Objects of archives have records of one length, channel after channel, each in the order of time.
The ends of the channels, and in them the records of a minute, are found by bisection, so that of
an object of many channels only the one that is wanted is read.  Other objects are read as a whole
if they are small.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from epicat.model import Span

__all__ = ["LARGEST", "HeaderCodes", "Ranges", "read_span"]

LARGEST: Final = 1_000_000
"""Most bytes that are read of one object."""
_HEADER: Final = 64
_SECOND: Final = 1_000_000_000
_LONGEST_RECORD: Final = 1 << 20
_MOST_HEADERS: Final = 400
"""Most headers that are read of one object."""


class Ranges(Protocol):
    """An archive that reads parts of objects."""

    def size(self, key: str) -> int:
        """Return the size of an object in bytes."""
        ...

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """Read the bytes from ``start`` to ``end``."""
        ...


@dataclass(frozen=True, slots=True)
class HeaderCodes:
    """The codes of a channel in a header."""

    location: str
    """Location code, possibly empty."""
    channel: str
    """Channel code, such as ``HHZ``."""


@dataclass(frozen=True, slots=True)
class _Record:
    """What a header of miniSEED 2 says."""

    channel: bytes
    """Station, location, channel and network, as in the header."""
    start_ns: int
    """Time of the first sample."""
    length: int
    """Bytes of the record; 0 if the header does not say."""

    @property
    def codes(self) -> HeaderCodes:
        """Location and channel codes."""
        text = self.channel.decode("ascii", "replace")
        return HeaderCodes(text[5:7].strip(), text[7:10].strip())


class _UnorderedError(Exception):
    """The records of an object are not channel after channel in the order of time."""


class _Headers:
    """The headers of records of one length, read when they are needed."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        first = _parse(read(0, min(size, 512)))
        if first is None or not first.length or size % first.length:
            raise _UnorderedError
        self._read = read
        self.length, self.count = first.length, size // first.length
        self._known = {0: first}

    def at(self, number: int) -> _Record:
        """Return what the header of a record says."""
        if number not in self._known:
            begin = number * self.length
            found = _parse(self._read(begin, begin + _HEADER))
            if found is None or len(self._known) >= _MOST_HEADERS:
                raise _UnorderedError
            self._known[number] = found
        return self._known[number]


def read_span(
    source: Ranges,
    key: str,
    span: Span,
    preference: Callable[[HeaderCodes], tuple[bool, int]] | None = None,
) -> bytes | None:
    """Return the records of an object that may hold a span; None if that takes too many bytes.

    With a ``preference``, a sort key, only the records of the channels with the smallest one.
    """
    size = source.size(key)
    try:
        headers = _Headers(lambda start, end: source.read_range(key, start, end), size)
        parts = _parts(headers, span, preference)
    except _UnorderedError:
        parts = [(0, size)]
    if sum(end - start for start, end in parts) > LARGEST:
        return None
    return b"".join(source.read_range(key, start, end) for start, end in parts)


def _parts(
    headers: _Headers, span: Span, preference: Callable[[HeaderCodes], tuple[bool, int]] | None
) -> list[tuple[int, int]]:
    """Return first and last byte of the records of each channel that may hold a span."""
    runs = _runs(headers)
    if preference is not None:
        keys = [preference(headers.at(low).codes) for low, _ in runs]
        runs = [run for run, key in zip(runs, keys, strict=True) if key == min(keys)]
    parts = []
    for low, high in runs:
        begin = _first_after(headers, low, high, span.start_ns)
        end = _first_after(headers, low, high, span.end_ns)
        if end > low:
            parts.append((max(begin - 1, low) * headers.length, end * headers.length))
    return parts


def _runs(headers: _Headers) -> list[tuple[int, int]]:
    """Return the numbers of the first and after the last record of each run of one channel.

    A part whose ends are of one channel and in the order of time is taken as a run; the records
    that are met in it later must agree.
    """
    runs: list[tuple[int, int]] = []
    left = [(0, headers.count)]
    while left:
        low, high = left.pop()
        if _is_ordered(headers.at(low), headers.at(high - 1)):
            before = runs[-1] if runs else None
            if before and _is_ordered(headers.at(before[1] - 1), headers.at(low)):
                low = runs.pop()[0]
            runs.append((low, high))
        else:
            middle = (low + high) // 2
            left += [(middle, high), (low, middle)]
    return runs


def _is_ordered(one: _Record, other: _Record) -> bool:
    return one.channel == other.channel and one.start_ns <= other.start_ns


def _first_after(headers: _Headers, low: int, high: int, time_ns: int) -> int:
    """Return the number of the first record of a run that starts after a time, by bisection."""
    channel = headers.at(low).channel
    while low < high:
        middle = (low + high) // 2
        record = headers.at(middle)
        if record.channel != channel:
            raise _UnorderedError
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
