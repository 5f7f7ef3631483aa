"""Find the miniSEED 2 and 3 records in an object, whatever else it contains."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import pymseed
from numpy.typing import NDArray

from epicat.miniseed.formats import decompressed, identify
from epicat.miniseed.record2 import repaired, skipped_length
from epicat.model import Span

__all__ = [
    "UNREADABLE",
    "Headers",
    "Scan",
    "StationSpan",
    "codes_of",
    "covered_s",
    "first_line",
    "headers_of",
    "records_by_channel",
    "scan",
    "station_spans",
    "unreadable_reason",
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
_VERSION_2 = 2
_SHORT_RECORD = 4000
"""Samples of a record in which a rate within libmseed's tolerance shifts none by half."""
_LOWEST_HZ = 10.0
_MIXED_ORDER = {1, 2}
"""Flags of libmseed for records of which only the header or only the data are byte-swapped."""
_REACH = 2**16 + 64
"""Bytes in which a record without a stated length ends, and the next one begins."""
_UNDERSCORE = "contains '_', which FDSN station codes do not allow"
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
    records: int = 0
    """Bytes of the object that belong to records."""
    skipped: int = 0
    """Bytes of control headers and noise records."""


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
    content, damage = decompressed(body)
    found = scan(content)
    spans = {
        codes: span
        for codes, span in found.spans.items()
        if codes != UNREADABLE[:2] and "_" not in codes[1]
    }
    if not spans:
        raise ValueError(unreadable_reason(found, content, damage))
    return [StationSpan(*codes, span) for codes, span in sorted(spans.items())]


def unreadable_reason(found: Scan, body: bytes, damage: str = "") -> str:
    """Return why an object names no station: what it is, or which codes it has.

    ``body`` is the decompressed object, ``damage`` what was wrong with its compression.
    """
    odd = sorted(".".join(codes) for codes in found.spans if "_" in codes[1])
    if odd:
        return f"station code in {', '.join(odd[:3])} {_UNDERSCORE}"
    if found.spans:
        return "network and station codes are not text"
    kind = identify(body)
    what = damage or (kind and f"it is {kind}")
    return f"not miniSEED, {len(body)} bytes" + (f": {what}" if what else "")


def scan(body: bytes) -> Scan:
    """Find all records of an object, whatever lies between them.  Never raises.

    Records that libmseed cannot read although they are legal are rewritten; control headers of
    SEED volumes and noise records are skipped.
    """
    found, pieces, begin = Scan(), _Pieces(body), 0
    while begin < len(body):
        piece = pieces.at(begin, _PIECE)
        length, error = _run_of_records(piece, found.spans)
        if not length and len(piece) == _PIECE and (long := _record_length(pieces, begin)):
            piece = pieces.at(begin, long)
            length, error = _run_of_records(piece, found.spans)
        if length:
            found.stretches.append(piece[:length])
            found.records += length
            begin += length
        else:
            begin += _odd_records(found, pieces, begin) or _damage(found, pieces, begin, error)
    return found


def _odd_records(found: Scan, pieces: _Pieces, begin: int) -> int:
    """Repair or skip what begins at an offset; return its length, 0 if it is damaged."""
    length = skipped_length(pieces.at(begin, _REACH))
    if length:
        found.skipped += length
        return length
    records: list[bytes] = []
    while length < _PIECE and (repair := repaired(pieces.at(begin + length, _REACH))):
        records.append(repair.record)
        length += repair.length
    if not records:
        return _single_record(found, pieces, begin)
    whole = b"".join(records)
    stretch = memoryview(whole + bytes(_HEADER))[: len(whole)]
    if _run_of_records(stretch, found.spans)[0] != len(whole):
        return 0
    found.stretches.append(stretch)
    found.records += length
    return length


def _single_record(found: Scan, pieces: _Pieces, begin: int) -> int:
    """Take one record where others that follow it have to be repaired; return its length."""
    length = _record_length(pieces, begin)
    if length:
        found.stretches.append(pieces.at(begin, length))
        found.records += length
    return length


def _damage(found: Scan, pieces: _Pieces, begin: int, error: str) -> int:
    """Note damage at an offset; return how far it extends."""
    found.damage = found.damage or error
    return _next_record(pieces, begin + 1) - begin


def codes_of(
    held: pymseed.mstracelist.MS3TraceID | pymseed.MS3Record,
) -> tuple[str, str, str, str]:
    """Return network, station, location and channel code; `UNREADABLE` if they are not text."""
    try:
        network, station, location, channel = pymseed.sourceid2nslc(held.sourceid)
    except (ValueError, pymseed.PymseedError):
        return _codes_with_underscore(held)
    # libmseed writes a code of miniSEED 2 with fewer than three letters as H_Z_.
    parts = channel.split("_")
    return network, station, location, "".join(parts) if max(map(len, parts)) < 2 else channel


def _codes_with_underscore(
    held: pymseed.mstracelist.MS3TraceID | pymseed.MS3Record,
) -> tuple[str, str, str, str]:
    """Return the codes of a source identifier whose station code contains an underscore."""
    try:
        place, location, *channel = held.sourceid.removeprefix("FDSN:").rsplit("_", 4)
    except (ValueError, UnicodeDecodeError, pymseed.PymseedError):
        return UNREADABLE
    network, _, station = place.partition("_")
    if not station or not place.isascii() or not place.isprintable():
        return UNREADABLE
    return network, station, location, "".join(channel)


class _Pieces:
    """The bytes of an object in pieces, each followed by readable memory for a header."""

    def __init__(self, body: bytes) -> None:
        self.body = body
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
    """Return the number of leading bytes that are records, and the error that ended them.

    None are if one does not state its encoding: these are taken one by one.
    """
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
        if any(_lacks_encoding(segment) for segment in segments):
            return 0, error
        # Usually all records of a segment have the length of its first one.
        length = sum(_bytes_if_even(segment) for segment in segments)
        if error or length != len(body):
            length = sum(int(headers_of(segment).lengths.sum()) for segment in segments)
        longest = max((_first_length(segment) for segment in segments), default=0)
    # libmseed finds the length of a record that does not state it by the next one only.
    if longest and repaired(body[max(length - longest, 0) : length]):
        return 0, error
    return length, error


def _lacks_encoding(segment: pymseed.mstracelist.MS3TraceSeg) -> bool:
    entries = segment.recordlist
    return next(iter(entries)).record.encoding < 0 if entries else False


def _bytes_if_even(segment: pymseed.mstracelist.MS3TraceSeg) -> int:
    """Return the bytes of a segment's records, assuming that all are as long as the first."""
    return len(segment.recordlist or ()) * _first_length(segment)


def _first_length(segment: pymseed.mstracelist.MS3TraceSeg) -> int:
    entries = segment.recordlist
    return next(iter(entries)).record.reclen if entries else 0


@dataclass(frozen=True, slots=True)
class Headers:
    """Headers of the records of a segment, by column."""

    starts_ns: NDArray[np.int64]
    """Time of each record's first sample."""
    counts: NDArray[np.int64]
    """Samples in each record."""
    lengths: NDArray[np.int64]
    """Bytes of each record."""
    rates_hz: NDArray[np.float64]
    """Sample rate of each record."""
    is_mixed_order: bool
    """Whether the byte order of the data differs from that of the header in some record."""


def headers_of(segment: pymseed.mstracelist.MS3TraceSeg) -> Headers:
    """Return the headers of the records of a segment.

    Walks libmseed's own list: a day of one channel has 30,000 records, and the two Python objects
    that pymseed creates for each took longer than decoding the samples.
    """
    found: list[int] = []
    swaps = set()
    entries = segment.recordlist
    entry = entries._list.first if entries else None
    while entry:
        record = entry.msr
        found += (record.starttime, record.samplecnt, record.reclen)
        swaps.add(record.swapflag)
        entry = entry.next
    starts, counts, lengths = np.array(found, np.int64).reshape(-1, 3).T
    is_mixed = bool(swaps & _MIXED_ORDER) and _is_version_2(segment)
    return Headers(starts, counts, lengths, _rates_hz(segment, counts), is_mixed)


def _is_version_2(segment: pymseed.mstracelist.MS3TraceSeg) -> bool:
    return any(entry.record.formatversion == _VERSION_2 for entry in segment.recordlist or ())


def _rates_hz(
    segment: pymseed.mstracelist.MS3TraceSeg, counts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the sample rate of each record of a segment.

    libmseed joins records whose rates agree within 1e-4.  In short records at a whole rate that
    does not matter, and the rate of the first one is returned for all.
    """
    rate = segment.samprate
    if rate == round(rate) and counts.max(initial=0) <= _SHORT_RECORD:
        return np.full(len(counts), rate)
    return np.array([entry.record.samprate for entry in segment.recordlist or ()])


def _next_record(pieces: _Pieces, begin: int) -> int:
    """Return where the next record starts at or after an offset, or the end of the object."""
    body = pieces.body
    starts = (found.start() for found in _RECORD_START.finditer(body, begin))
    return next((at for at in starts if _is_record(pieces, at)), len(body))


def _is_record(pieces: _Pieces, begin: int) -> bool:
    return bool(_record_length(pieces, begin) or repaired(pieces.at(begin, _REACH)))


def _record_length(pieces: _Pieces, begin: int) -> int:
    """Return the length of the record at an offset, or 0 if libmseed finds none."""
    try:
        return pymseed.MS3Record.parse(pieces.at(begin, _LONGEST)).reclen
    except (pymseed.MiniSEEDError, ValueError):
        return 0


def covered_s(body: bytes) -> float:
    """Return the seconds of waveforms of 10 Hz and more in an object, summed over channels."""
    total = 0.0
    for stretch in scan(body).stretches:
        with pymseed.MS3TraceList() as traces:
            with suppress(pymseed.MiniSEEDError):
                traces.add_buffer(stretch)
            segments = (segment for trace in traces for segment in trace)
            total += sum(s.samplecnt / s.samprate for s in segments if s.samprate >= _LOWEST_HZ)
    return total


def records_by_channel(body: bytes) -> dict[tuple[str, str, str, str], bytes]:
    """Return the records of an object by network, station, location and channel code."""
    found: dict[tuple[str, str, str, str], bytearray] = {}
    for stretch in scan(body).stretches:
        left = stretch
        with suppress(pymseed.MiniSEEDError, ValueError):
            while left:
                record = pymseed.MS3Record.parse(left)
                found.setdefault(codes_of(record), bytearray()).extend(left[: record.reclen])
                left = left[record.reclen :]
    return {codes: bytes(content) for codes, content in found.items()}


def first_line(error: Exception) -> str:
    """Return libmseed's message without its prefixes."""
    text = str(error).split("::")[0].strip()
    return text.removeprefix("Error: ") or type(error).__name__
