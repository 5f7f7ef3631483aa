"""Decode miniSEED 2 and 3: bytes in, records by channel out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import pymseed
from numpy.typing import NDArray

from epicat.miniseed import Scan, codes_of, first_line, headers_of, scan
from epicat.model import Span
from epicat.time import DAY_NS, iso
from epicat.waveforms.grid import nominal_rate

__all__ = ["LOWEST_RATE_HZ", "Channel", "Decoded", "Records", "decode"]

LOWEST_RATE_HZ = 10.0
"""Channels below this rate cannot be picked."""
_HIGHEST_RATE_HZ = 20_000.0
_NUMBERS = ("i", "f", "d")
_MOST_RATES = 8
"""Rates of a channel in one object: digitisers have one, two on the day that they are changed."""
_MOST_TOLD = 5
"""Reasons and remarks of an object that are told one by one."""

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
    found = scan(body)
    own = found.spans.get((network, station))
    decoded.holds_station = own is not None
    decoded.reasons += _foreign(found, body, network, station)
    if own and not own.overlaps(span.widened(DAY_NS)):
        decoded.reasons.append(f"holds {iso(own.start_ns)} to {iso(own.end_ns - 1)}")
    # The selection keeps whole records, also those that reach over the span's ends.
    start, end = _text(span.start_ns), _text(span.end_ns)
    for stretch in found.stretches:
        with pymseed.MS3TraceList() as traces:
            # The last record of a stretch may be the bad one that ended it: told when unpacked.
            with suppress(pymseed.MiniSEEDError):
                traces.add_buffer(
                    stretch, record_list=True, starttime=start, endtime=end, validate_crc=False
                )
            for trace in traces:
                _take(decoded, trace, network, station)
    _drop_rates(decoded)
    for channel, records in decoded.channels.items():
        decoded.channels[channel] = _together(records)
    decoded.reasons, decoded.remarks = _few(decoded.reasons), _few(decoded.remarks)
    return decoded


def _together(records: list[Records]) -> list[Records]:
    """Put records into one array, if they are of one type.

    What libmseed gave in pieces is let go, so that the next object's pieces come to lie there.
    """
    if len({record.samples.dtype for record in records}) != 1:
        return records
    columns = zip(*((r.starts_ns, r.counts, r.samples) for r in records), strict=True)
    return [Records(*map(np.concatenate, columns))]


def _text(time_ns: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_ns // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _foreign(found: Scan, body: bytes, network: str, station: str) -> Iterator[str]:
    """Tell what of an object is no record, or another station's."""
    read = found.size
    if read == 0:
        yield f"not miniSEED, {len(body)} bytes"
    elif read < len(body):
        told = f" ({found.damage})" if found.damage else ""
        yield f"{len(body) - read} of {len(body)} bytes are no miniSEED records{told}"
    foreign = found.spans.keys() - {(network, station)}
    if foreign:
        names = ", ".join(".".join(codes) for codes in sorted(foreign)[:3])
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        yield f"holds {names}{more}, not {network}.{station}"


def _drop_rates(decoded: Decoded) -> None:
    """Keep few rates of a channel, those with the most samples: each costs a filter."""
    rates: dict[tuple[str, str, str], list[Channel]] = defaultdict(list)
    for channel in decoded.channels:
        rates[channel.location, channel.band, channel.component].append(channel)
    for (_, band, component), channels in rates.items():
        if len(channels) > _MOST_RATES:
            decoded.reasons.append(
                f"{band}{component} has {len(channels)} sample rates, of which the "
                f"{_MOST_RATES} with the most samples are read"
            )
            channels.sort(key=lambda c: (-_samples(decoded.channels[c]), c.rate))
            for channel in channels[_MOST_RATES:]:
                del decoded.channels[channel]


def _samples(records: Iterable[Records]) -> int:
    return sum(len(r.samples) for r in records)


def _few(texts: Iterable[str]) -> list[str]:
    """Return the first of what was told, each once, and how many there are beside these.

    Bytes of the object may be in it: what is no text could command a terminal, and is left out.
    """
    each = list(dict.fromkeys(map(_printable, texts)))
    more = len(each) - _MOST_TOLD
    return each if more <= 0 else [*each[:_MOST_TOLD], f"and {more} more of such"]


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _take(
    decoded: Decoded, trace: pymseed.mstracelist.MS3TraceID, network: str, station: str
) -> None:
    net, sta, location, code = codes_of(trace)
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
    starts, counts, _ = headers_of(segment)
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
            bad, reason = bad + 1, reason or first_line(error)
            continue
        yield Records(
            np.array([record.starttime], np.int64), np.array([len(samples)], np.int64), samples
        )
    if doubt:
        reasons.append(doubt)
    if bad:
        reasons.append(f"{bad} records cannot be decoded: {reason}")
