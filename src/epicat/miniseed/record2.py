"""Repair miniSEED 2 records that are legal, or unambiguous, but not readable by libmseed.

Two kinds are rewritten: a fraction of 10,000 or more (the surplus is carried into the seconds),
and records without blockette 1000 (length and encoding are determined, and the blockette is added).
Field positions are those of the SEED Reference Manual 2.4, chapter 8.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pymseed

__all__ = ["ENCODINGS", "Repair", "repaired", "skipped_length"]

ENCODINGS: Final = {
    0: "text",
    1: "16-bit integers",
    2: "24-bit integers",
    3: "32-bit integers",
    4: "32-bit floats",
    5: "64-bit floats",
    10: "Steim-1",
    11: "Steim-2",
    12: "GEOSCOPE 24-bit",
    13: "GEOSCOPE 16-bit gain ranged, 3-bit exponent",
    14: "GEOSCOPE 16-bit gain ranged, 4-bit exponent",
    15: "US National Network",
    16: "CDSN 16-bit gain ranged",
    17: "Graefenberg 16-bit gain ranged",
    18: "IPG Strasbourg 16-bit gain ranged",
    19: "Steim-3",
    30: "SRO gain ranged",
    31: "HGLP",
    32: "DWWSSN gain ranged",
    33: "RSTN 16-bit gain ranged",
}
"""Encodings of blockette 1000 by number."""

_HEADER: Final = 48
_DATA_AT: Final = 128
"""Where the data of a rebuilt record begin: behind blockettes 1000, 100 and 1001."""
_START: Final = re.compile(rb"[0-9 \0]{6}[DRQM][ \0]")
_SKIPPED: Final = re.compile(rb"[0-9 \0]{6}(?:[VAST][ *]| {42})", re.DOTALL)
"""Control headers of SEED volumes, and noise records: legal, without samples."""
_LENGTHS: Final = tuple(2**power for power in range(7, 17))
_FRACTIONS: Final = 10_000
"""Fractions of a second in the time field."""
_KEPT: Final = {100: 12, 1001: 8}
"""Blockettes that decide the rate and the time, with their lengths in bytes."""
_STEIM: Final = (10, 11)
_LARGEST_COUNT: Final = 2**26
"""Larger 32-bit integers are not counts of a digitiser: they may be floats."""
_FULL: Final = 64
"""Bytes that may be unused at the end of a full record."""


@dataclass(frozen=True, slots=True)
class Repair:
    """A record that was rewritten."""

    record: bytes
    """The record, readable by libmseed."""
    length: int
    """Bytes that the record had before."""


@dataclass(frozen=True, slots=True)
class _Fields:
    """The fixed header of a record."""

    order: str
    """``>`` or ``<``."""
    time: tuple[int, int, int, int, int, int]
    """Year, day of year, hour, minute, second, 1/10,000 second."""
    samples: int
    data_at: int
    blockettes: dict[int, int]
    """Offset of each blockette by its type."""


def repaired(body: bytes | memoryview) -> Repair | None:
    """Return the record at the start of some bytes in a readable form, or None if it has none.

    ``body`` extends to the end of the object, or for at least 65,600 bytes.
    """
    fields = _fields(body)
    if fields is None:
        return None
    length = _length(body, fields)
    if not length:
        return None
    header = bytearray(body[:_HEADER])
    if fields.time[-1] >= _FRACTIONS and not _carry(header, fields):
        return None
    if 1000 in fields.blockettes:
        if fields.time[-1] < _FRACTIONS:
            return None
        return Repair(bytes(header) + bytes(body[_HEADER:length]), length)
    return _rebuilt(bytes(header), fields, bytes(body[:length]))


def skipped_length(body: bytes | memoryview) -> int:
    """Return the length of the control header or noise record at the start of some bytes, or 0."""
    if not _SKIPPED.match(body[:_HEADER]):
        return 0
    return next((n for n in _LENGTHS if _ends_at(body, n)), 0)


def _fields(body: bytes | memoryview) -> _Fields | None:
    if len(body) < _HEADER or not _START.match(body[:8]):
        return None
    order = next((o for o in "><" if _is_date(*struct.unpack_from(f"{o}HH", body, 20))), "")
    if not order:
        return None
    year, day, hour, minute, second, fraction = struct.unpack_from(f"{order}HHBBBxH", body, 20)
    samples, data_at, at = (struct.unpack_from(f"{order}H", body, i)[0] for i in (30, 44, 46))
    blockettes: dict[int, int] = {}
    while _HEADER <= at <= len(body) - 4:
        kind, following = struct.unpack_from(f"{order}HH", body, at)
        blockettes.setdefault(kind, at)
        at = following if following > at else 0
    time = (year, day, hour, minute, second, fraction)
    return _Fields(order, time, samples, data_at, blockettes)


def _is_date(year: int, day: int) -> bool:
    return 1900 <= year <= 2100 and 1 <= day <= 366


def _length(body: bytes | memoryview, fields: _Fields) -> int:
    """Return the length of a record: by blockette 1000, else up to the next record or the end."""
    at = fields.blockettes.get(1000, 0)
    if at:
        power = body[at + 6] if at + 7 <= len(body) else 0
        return 2**power if 7 <= power <= 23 and 2**power <= len(body) else 0
    least = max(fields.data_at, _HEADER)
    return next((n for n in _LENGTHS if n >= least and _ends_at(body, n)), 0)


def _ends_at(body: bytes | memoryview, length: int) -> bool:
    following = body[length : length + _HEADER]
    if not len(following):
        return len(body) == length
    return bool(_SKIPPED.match(following)) or _fields(following) is not None


def _carry(header: bytearray, fields: _Fields) -> bool:
    """Carry whole seconds of the fraction into the time of a header, in place."""
    year, day, hour, minute, second, fraction = fields.time
    seconds, rest = divmod(fraction, _FRACTIONS)
    since = timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second + seconds)
    moment = datetime(year, 1, 1, tzinfo=UTC) + since
    clock = (moment.timetuple().tm_yday, moment.hour, moment.minute, moment.second)
    struct.pack_into(f"{fields.order}HHBBBxH", header, 20, moment.year, *clock, rest)
    return True


def _rebuilt(header: bytes, fields: _Fields, record: bytes) -> Repair | None:
    """Return a record with blockette 1000, in the encoding that its data have."""
    payload = record[max(fields.data_at, _HEADER) :]
    candidates = [*_STEIM, *_fixed_width(payload, fields)]
    for encoding in candidates:
        made = _with_blockette(header, fields, record, encoding)
        if encoding not in _STEIM or _is_steim(made, fields.samples):
            return Repair(made, len(record))
    # The header can be read: a record in an unknown encoding is reported when it is decoded.
    return Repair(_with_blockette(header, fields, record, 255), len(record))


def _with_blockette(header: bytes, fields: _Fields, record: bytes, encoding: int) -> bytes:
    order = fields.order
    payload = record[max(fields.data_at, _HEADER) :]
    length = next(n for n in (*_LENGTHS, 2**17) if n >= _DATA_AT + len(payload))
    made = bytearray(length)
    made[:_HEADER] = header
    kept = [(kind, fields.blockettes[kind]) for kind in _KEPT if kind in fields.blockettes]
    offsets = [_HEADER, *np.cumsum([_HEADER + 8, *(_KEPT[k] for k, _ in kept)]).tolist()]
    following = [*offsets[1 : len(kept) + 1], 0]
    is_big = order == ">"
    power = length.bit_length() - 1
    struct.pack_into(f"{order}HHBBBx", made, _HEADER, 1000, following[0], encoding, is_big, power)
    for (kind, at), to, then in zip(kept, offsets[1:], following[1:], strict=False):
        made[to : to + _KEPT[kind]] = record[at : at + _KEPT[kind]]
        struct.pack_into(f"{order}HH", made, to, kind, then)
    made[39] = 1 + len(kept)
    struct.pack_into(f"{order}HH", made, 44, _DATA_AT, _HEADER)
    made[_DATA_AT : _DATA_AT + len(payload)] = payload
    return bytes(made)


def _is_steim(record: bytes, samples: int) -> bool:
    """Whether a record decodes as its encoding says, by the last sample that Steim frames hold."""
    pymseed.clear_error_messages()
    try:
        found = pymseed.MS3Record.parse(record, unpack_data=True)
    except (pymseed.MiniSEEDError, ValueError):
        return False
    is_intact = not any("integrity" in text for text in pymseed.get_error_messages())
    return is_intact and len(found.np_datasamples) == samples


def _fixed_width(payload: bytes, fields: _Fields) -> list[int]:
    """Return the encoding of integers of fixed width that fit a record, if it is unambiguous."""
    count = fields.samples
    short, long = payload[2 * count :], payload[4 * count :]
    if count and len(payload) >= 2 * count and (len(short) < _FULL or not any(short)):
        return [1]
    if not count or len(payload) < 4 * count or (len(long) >= _FULL and any(long)):
        return []
    values = np.frombuffer(payload, f"{fields.order}i4", count).astype(np.int64)
    return [3] if int(np.abs(values).max()) < _LARGEST_COUNT else []
