"""Decode miniSEED 2 and 3: bytes in, records by channel out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import pymseed
from numpy.typing import NDArray

from epicat._util.lists import first_and_more, list_some
from epicat.miniseed import (
    ENCODINGS,
    Scan,
    codes_of,
    decompressed,
    first_line,
    headers_of,
    repaired,
    scan,
    unreadable_reason,
)
from epicat.model import Span
from epicat.time import DAY_NS, iso
from epicat.waveforms.grid import nominal_rate

__all__ = ["LOWEST_RATE_HZ", "Channel", "Decoded", "Records", "decode"]

LOWEST_RATE_HZ = 10.0
"""Channels below this rate cannot be picked."""
_HIGHEST_RATE_HZ = 20_000.0
_LARGEST_DRIFT = 0.5
"""Samples by which the last sample of a record may deviate from the grid, relative to the first."""
_PART_DRIFT = 0.25
"""The same of the parts of a record that would deviate more."""
_WITHOUT_ENCODING = (-1, 255)
"""libmseed's encoding of records without blockette 1000, and that of rebuilt ones."""
_NUMBERS = ("i", "f", "d")
_MOST_RATES = 8
"""Sample rates of a channel in one object: normally one, two when the digitiser is replaced."""
_MOST_LISTED = 5
"""Reasons and remarks that are listed for each object."""

Samples = NDArray[np.int32] | NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True, slots=True, order=True)
class Channel:
    """A channel of a station at one rate."""

    location: str
    """Location code, possibly empty."""
    band: str
    """Band and instrument code, for example ``HH``, in upper case."""
    component: str
    """Component code, for example ``Z``, in upper case."""
    rate: Fraction
    """Nominal samples per second."""


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one channel in the order of the object, each with its start time."""

    starts_ns: NDArray[np.int64]
    """Time of each record's first sample."""
    counts: NDArray[np.int64]
    """Samples in each record."""
    samples: Samples
    """The samples of all records, concatenated."""


@dataclass(slots=True)
class Decoded:
    """The content of an object for one station and span."""

    channels: dict[Channel, list[Records]] = field(default_factory=lambda: defaultdict(list))
    """The records that overlap the span."""
    reasons: list[str] = field(default_factory=list)
    """Errors in the object; empty if there are none."""
    remarks: list[str] = field(default_factory=list)
    """What was ignored by design, such as channels at 1 Hz."""
    holds_station: bool = False
    """Whether any record of the station is readable, at any time."""
    is_undecodable: bool = False
    """Whether data of the station in the span exist but cannot be decoded or have no valid code."""


def decode(
    body: bytes,
    network: str,
    station: str,
    span: Span,
    blank_network: str = "",
    *,
    is_shared: bool = False,
) -> Decoded:
    """Decode the records of a station that overlap a span; the object may be gzip-compressed.

    Never raises for bad bytes: what is readable is returned, the rest is reported in
    ``reasons``.  Records of other stations are ignored and, unless the object ``is_shared`` by
    stations, reported.  Records with a blank network code belong to ``blank_network``.
    """
    decoded = Decoded()
    if not body:
        decoded.reasons.append("empty, 0 bytes")
        return decoded
    body, damage = decompressed(body)
    found = scan(body)
    wanted = {(network, station)} | ({("", station)} if network == blank_network else set())
    spans = [held for codes, held in found.spans.items() if codes in wanted]
    own = Span(min(s.start_ns for s in spans), max(s.end_ns for s in spans)) if spans else None
    decoded.holds_station = own is not None
    if damage and found.records:
        decoded.reasons.append(damage)
    decoded.reasons += _lost(found, body, damage)
    if not (is_shared and own):
        decoded.reasons += _foreign(found, wanted)
    if own and not own.overlaps(span.widened(DAY_NS)):
        decoded.reasons.append(f"holds {iso(own.start_ns)} to {iso(own.end_ns - 1)}")
    # The selection keeps complete records, including those that cross the ends of the span.
    start, end = _text(span.start_ns), _text(span.end_ns)
    for stretch in found.stretches:
        with pymseed.MS3TraceList() as traces:
            # The last record of a stretch may be the bad one that ended it: reported when unpacked.
            with suppress(pymseed.MiniSEEDError):
                traces.add_buffer(
                    stretch, record_list=True, starttime=start, endtime=end, validate_crc=False
                )
            for trace in traces:
                _take(decoded, trace, wanted)
    _drop_rates(decoded)
    for channel, records in decoded.channels.items():
        decoded.channels[channel] = _concatenated(records)
    decoded.reasons, decoded.remarks = _first_few(decoded.reasons), _first_few(decoded.remarks)
    return decoded


def _concatenated(records: list[Records]) -> list[Records]:
    """Concatenate records of one sample type.

    This frees libmseed's buffers, so that the allocator can reuse them for the next object.
    """
    if len({record.samples.dtype for record in records}) != 1:
        return records
    columns = zip(*((r.starts_ns, r.counts, r.samples) for r in records), strict=True)
    return [Records(*map(np.concatenate, columns))]


def _text(time_ns: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_ns // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _lost(found: Scan, body: bytes, damage: str) -> Iterator[str]:
    """Report bytes that are not records."""
    lost = len(body) - found.records - found.skipped
    if not found.records:
        yield unreadable_reason(found, body, damage)
    elif lost:
        error = f" ({found.damage})" if found.damage else ""
        yield f"{lost} of {len(body)} bytes are not miniSEED records{error}"


def _foreign(found: Scan, wanted: Collection[tuple[str, str]]) -> Iterator[str]:
    """Report records of other stations."""
    foreign = found.spans.keys() - wanted
    if foreign:
        names = list_some([".".join(codes) for codes in sorted(foreign)], most=3)
        own = ".".join(max(wanted))
        yield f"holds {names}, not {own}"


def _drop_rates(decoded: Decoded) -> None:
    """Keep the rates of a channel with the most samples: each needs a resampling filter."""
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


def _first_few(texts: Iterable[str]) -> list[str]:
    """Return the first few distinct texts, and the number of further ones.

    They may contain bytes of the object: unprintable characters are replaced, since they could
    control a terminal.
    """
    return first_and_more(list(dict.fromkeys(map(_printable, texts))), _MOST_LISTED)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _take(
    decoded: Decoded, trace: pymseed.mstracelist.MS3TraceID, wanted: Collection[tuple[str, str]]
) -> None:
    net, sta, location, code = codes_of(trace)
    if (net, sta) not in wanted:
        return
    if len(code) != 3:
        decoded.reasons.append(f"channel code {code!r} does not have three letters")
        decoded.is_undecodable = True
        return
    for segment in trace:
        rate = segment.samprate
        if not LOWEST_RATE_HZ <= rate <= _HIGHEST_RATE_HZ:
            decoded.remarks.append(f"{code} at {rate:g} Hz cannot be picked")
            continue
        channel = Channel(location, code[:2].upper(), code[2].upper(), nominal_rate(rate))
        found = decoded.channels[channel]
        found.extend(_segment_records(segment, channel.rate, decoded))
        if not found:
            del decoded.channels[channel]


def _segment_records(
    segment: pymseed.mstracelist.MS3TraceSeg, rate: Fraction, decoded: Decoded
) -> Iterable[Records]:
    headers = headers_of(segment)
    if not headers.counts.any():  # event and timing records have no samples
        return
    if headers.is_mixed_order:  # libmseed decodes such records singly only
        yield from _one_by_one(segment, rate, decoded)
        return
    try:
        segment.unpack_recordlist()
        warning = _integrity_warning()
        samples = segment.take_np_datasamples()
    except (pymseed.MiniSEEDError, ValueError):
        yield from _one_by_one(segment, rate, decoded)
        return
    if segment.sampletype not in _NUMBERS or len(samples) != headers.counts.sum():
        yield from _one_by_one(segment, rate, decoded)
        return
    if warning:
        decoded.reasons.append(warning)
    yield _without_drift(
        Records(headers.starts_ns, headers.counts, samples), headers.rates_hz, rate
    )


def _without_drift(records: Records, rates_hz: NDArray[np.float64], rate: Fraction) -> Records:
    """Split records whose own rate would shift their samples noticeably on the nominal grid.

    Each part begins at the time that the record's own rate gives it.
    """
    drifts = np.abs(float(rate) / rates_hz - 1)  # samples per sample
    if not (drifts * records.counts > _LARGEST_DRIFT).any():
        return records
    longest = np.maximum(_PART_DRIFT / np.maximum(drifts, 1e-12), 1).astype(np.int64)
    parts = -(-records.counts // longest)
    owner = np.repeat(np.arange(len(parts)), parts)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(parts) - parts, parts)
    before = number * longest[owner]
    later = np.rint(before * (1e9 / rates_hz[owner])).astype(np.int64)
    counts = np.minimum(longest[owner], records.counts[owner] - before)
    return Records(records.starts_ns[owner] + later, counts, records.samples)


def _integrity_warning() -> str:
    """Return libmseed's last warning about data integrity.  The samples are kept."""
    found = (text for text in pymseed.get_error_messages() if "integrity" in text)
    return next((f"samples may be wrong: {text.partition('Warning: ')[2]}" for text in found), "")


def _one_by_one(
    segment: pymseed.mstracelist.MS3TraceSeg, rate: Fraction, decoded: Decoded
) -> Iterable[Records]:
    """Decode a segment record by record, because some of its records are bad or odd."""
    bad, reason, warning = 0, "", ""
    for entry in segment.recordlist or ():
        if not entry.record.samplecnt:
            continue
        try:
            record = _decoded_record(entry.record)
            warning = warning or _integrity_warning()
            if record.sampletype not in _NUMBERS:
                raise ValueError("contains text, not samples")
            samples = np.array(record.np_datasamples)
        except (pymseed.MiniSEEDError, ValueError) as error:
            bad, reason = bad + 1, reason or _decoding_error(entry.record, error)
            continue
        yield _without_drift(
            Records(np.array([record.starttime]), np.array([len(samples)]), samples),
            np.array([entry.record.samprate]),
            rate,
        )
    if warning:
        decoded.reasons.append(warning)
    if bad:
        decoded.reasons.append(f"{bad} records cannot be decoded: {reason}")
        decoded.is_undecodable = True


def _decoded_record(record: pymseed.MS3Record) -> pymseed.MS3Record:
    body = bytes(record.record)
    repair = repaired(body) if record.encoding in _WITHOUT_ENCODING else None
    return pymseed.MS3Record.parse(repair.record if repair else body, unpack_data=True)


def _decoding_error(record: pymseed.MS3Record, error: Exception) -> str:
    """Return why a record cannot be decoded, with its encoding."""
    if record.encoding in _WITHOUT_ENCODING:
        return "no blockette 1000 states the encoding, and it cannot be determined"
    name = ENCODINGS.get(record.encoding, "unknown")
    return f"encoding {record.encoding} ({name}): {first_line(error)}"
