"""Decode miniSEED 2 and 3: bytes in, records by channel out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import pymseed
from numpy.typing import NDArray

from epicat.model import Span
from epicat.waveforms.grid import nominal_rate

__all__ = ["LOWEST_RATE_HZ", "Channel", "Decoded", "Records", "decode"]

LOWEST_RATE_HZ = 10.0
"""Channels below this rate cannot be picked."""
_HIGHEST_RATE_HZ = 20_000.0
_NUMBERS = ("i", "f", "d")
_RECORD_START = re.compile(rb"[0-9 \0]{6}[DRQM][ \0]|MS\x03")
"""How a record of miniSEED 2 (sequence number, quality, blank) or 3 begins."""

Samples = NDArray[np.int32] | NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True, slots=True, order=True)
class Channel:
    """A channel of a station at one rate."""

    location: str
    """Location code, possibly empty."""
    band: str
    """Band and instrument code, for example ``HH``, in capitals."""
    component: str
    """Component code, for example ``Z``, in capitals."""
    rate: Fraction
    """Nominal samples a second."""


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one channel, in the order of the object; each has its own start time."""

    starts_ns: NDArray[np.int64]
    """Time of each record's first sample."""
    counts: NDArray[np.int64]
    """Samples in each record."""
    samples: Samples
    """The samples of all records, one after the other."""


@dataclass(slots=True)
class Decoded:
    """What an object gave."""

    channels: dict[Channel, list[Records]] = field(default_factory=lambda: defaultdict(list))
    """The records that overlap the span."""
    reasons: list[str] = field(default_factory=list)
    """What is bad, and why; empty if all was well."""
    remarks: list[str] = field(default_factory=list)
    """What was rightly left out, such as channels at 1 Hz."""
    holds_station: bool = False
    """Whether any record of the station can be read, at whatever time."""


def decode(body: bytes, network: str, station: str, span: Span) -> Decoded:
    """Decode the records of a station that overlap a span.

    Nothing is raised for bad bytes: what can be read is returned, the rest is told in
    ``reasons``.  Records of other stations are left out and named.
    """
    decoded = Decoded()
    if not body:
        decoded.reasons.append("empty, 0 bytes")
        return decoded
    stretches, decoded.holds_station = _readable(body, network, station, decoded.reasons)
    # The selection keeps whole records, also those that reach over the span's ends.
    start, end = _text(span.start_ns), _text(span.end_ns)
    with pymseed.MS3TraceList() as traces:
        for stretch in stretches:
            # The last record of a stretch may be the bad one that ended it: told when unpacked.
            with suppress(pymseed.MiniSEEDError):
                traces.add_buffer(
                    stretch, record_list=True, starttime=start, endtime=end, validate_crc=False
                )
        for trace in traces:
            _take(decoded, trace, network, station)
    return decoded


def _text(time_ns: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_ns // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _readable(
    body: bytes, network: str, station: str, reasons: list[str]
) -> tuple[list[memoryview], bool]:
    """Return the stretches of an object that are records, and whether any is the station's.

    The rest is told in ``reasons``.
    """
    stretches: list[memoryview] = []
    found: set[tuple[str, ...]] = set()
    begin, damage = 0, ""
    while begin < len(body):
        length, codes, error = _run_of_records(memoryview(body)[begin:])
        found |= codes
        if length:
            stretches.append(memoryview(body)[begin : begin + length])
        if error:
            damage = damage or error
        begin = _next_record(body, begin + max(length, 1))
    read = sum(map(len, stretches))
    if read == 0:
        reasons.append(f"not miniSEED, {len(body)} bytes")
    elif read < len(body):
        told = f" ({damage})" if damage else ""
        reasons.append(f"{len(body) - read} of {len(body)} bytes are no miniSEED records{told}")
    foreign = found - {(network, station)}
    if foreign:
        names = ", ".join(".".join(codes) for codes in sorted(foreign)[:3])
        reasons.append(f"holds {names}, not {network}.{station}")
    return stretches, (network, station) in found


def _run_of_records(body: memoryview) -> tuple[int, set[tuple[str, str]], str]:
    """Return how many bytes from the start on are records, whose, and what ended them."""
    error = ""
    with pymseed.MS3TraceList() as traces:
        try:
            traces.add_buffer(body, record_list=True)
        except (pymseed.MiniSEEDError, ValueError) as caught:
            error = _first_line(caught)
        segments = [segment for trace in traces for segment in trace]
        # Almost always all records are as long as each segment's first one, and nothing is amiss.
        length = sum(_bytes_if_even(segment) for segment in segments)
        if error or length != len(body):
            length = sum(int(_headers(segment)[2].sum()) for segment in segments)
        codes = {_codes(trace)[:2] for trace in traces}
    return length, codes, error


def _bytes_if_even(segment: pymseed.mstracelist.MS3TraceSeg) -> int:
    """Return the bytes of a segment's records if all are as long as the first."""
    entries = segment.recordlist
    return len(entries) * next(iter(entries)).record.reclen if entries else 0


def _headers(
    segment: pymseed.mstracelist.MS3TraceSeg,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return start time in ns, samples and bytes of each record of a segment.

    This walks libmseed's own list.  A day of one channel has 30,000 records, and pymseed would
    make two objects of each: that took longer than decoding their samples.
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


def _next_record(body: bytes, begin: int) -> int:
    """Return where the next record starts at or after ``begin``, or the end of the object."""
    for found in _RECORD_START.finditer(body, begin):
        try:
            pymseed.MS3Record.parse(memoryview(body)[found.start() :])
        except (pymseed.MiniSEEDError, ValueError):
            continue
        return found.start()
    return len(body)


def _first_line(error: Exception) -> str:
    text = str(error).split("::")[0].strip()
    return text.removeprefix("Error: ") or type(error).__name__


def _codes(trace: pymseed.mstracelist.MS3TraceID) -> tuple[str, str, str, str]:
    try:
        network, station, location, channel = pymseed.sourceid2nslc(trace.sourceid)
    except (ValueError, pymseed.PymseedError):
        return ("?", "?", "?", "?")
    return network, station, location, channel


def _take(
    decoded: Decoded, trace: pymseed.mstracelist.MS3TraceID, network: str, station: str
) -> None:
    net, sta, location, code = _codes(trace)
    if (net, sta) != (network, station):
        return
    if len(code) != 3:
        decoded.reasons.append(f"channel code {code!r} has not three letters")
        return
    for segment in trace:
        rate = segment.samprate
        if not LOWEST_RATE_HZ <= rate <= _HIGHEST_RATE_HZ:
            decoded.remarks.append(f"{code} at {rate:g} Hz cannot be picked")
            continue
        channel = Channel(location, code[:2].upper(), code[2].upper(), nominal_rate(rate))
        decoded.channels[channel].extend(_segment_records(segment, decoded.reasons))


def _segment_records(
    segment: pymseed.mstracelist.MS3TraceSeg, reasons: list[str]
) -> Iterable[Records]:
    starts, counts, _ = _headers(segment)
    if not counts.any():  # records of events and of the clock have no samples
        return
    try:
        segment.unpack_recordlist()
        doubt = _doubt()
        samples = segment.take_np_datasamples()
    except (pymseed.MiniSEEDError, ValueError):
        yield from _one_by_one(segment, reasons)
        return
    if segment.sampletype not in _NUMBERS or len(samples) != counts.sum():
        yield from _one_by_one(segment, reasons)
        return
    if doubt:
        reasons.append(doubt)
    yield Records(starts, counts, samples)


def _doubt() -> str:
    """Return what libmseed has just warned of: samples that do not add up.  They are kept."""
    found = (text for text in pymseed.get_error_messages() if "integrity" in text)
    return next((f"samples may be wrong: {text.partition('Warning: ')[2]}" for text in found), "")


def _one_by_one(segment: pymseed.mstracelist.MS3TraceSeg, reasons: list[str]) -> Iterable[Records]:
    """Decode record by record where the segment as a whole cannot be: some are bad."""
    bad, reason, doubt = 0, "", ""
    for entry in segment.recordlist or ():
        try:
            record = pymseed.MS3Record.parse(bytes(entry.record.record), unpack_data=True)
            doubt = doubt or _doubt()
            if record.sampletype not in _NUMBERS:
                raise ValueError("holds text, no samples")
            samples = np.array(record.np_datasamples)
        except (pymseed.MiniSEEDError, ValueError) as error:
            bad, reason = bad + 1, reason or _first_line(error)
            continue
        yield Records(
            np.array([record.starttime], np.int64), np.array([len(samples)], np.int64), samples
        )
    if doubt:
        reasons.append(doubt)
    if bad:
        reasons.append(f"{bad} records cannot be decoded: {reason}")
