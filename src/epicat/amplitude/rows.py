"""Amplitudes at the picks of an instrument on a day, and how the table ``amplitudes`` packs them.

A row has all picks of an instrument on a day.  What hardly varies compresses to nothing:

- ``pick_time``: milliseconds since the day began, as differences from pick to pick: their greatest
  common divisor, then the differences in units of it, 32 bits each;
- ``phase``: 0 for P and 1 for S, a byte each;
- ``amplitude``: 64 log2 (amplitude / 1e-6 mm), 16 bits each.  That of the vertical in the shortest
  window; the horizontals there minus the vertical; longer windows minus the next shorter one;
- ``period``: 4 log2 (period / 0.01 s), a byte each; longer windows minus the next shorter one;
- ``noise``: 4 log2 (amplitude / 1e-6 mm), a byte each, by component, as differences from pick to
  pick;
- ``flag``: a byte for each window and component;
- ``polarity``: 0 undecided, 1 up, 2 down, a byte each; then 8 log2 (1 + signal-to-noise ratio).

Of integers with several bytes, the lowest bytes of all come first.  An amplitude is rounded by
0.54 % at most, a period and noise by 9 %.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epicat._util.arrow_arrays import arrow_array
from epicat.model import digest_of
from epicat.tables import AMPLITUDES, ENVELOPES

__all__ = [
    "COMPONENTS",
    "WINDOWS_S",
    "AmplitudeFlag",
    "Envelope",
    "InstrumentAmplitudes",
    "read_amplitudes",
    "read_envelopes",
    "to_rows",
]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

WINDOWS_S: Final = (3, 10, 30)
"""Lengths of the windows that begin at a pick, seconds."""
COMPONENTS: Final = "ZNE"
"""The components: the vertical and the two horizontals, as recorded where they are not aligned."""

_PHASES: Final = ("P", "S")
_PER_OCTAVE: Final = 64
_COARSE: Final = 4
_OF_RATIOS: Final = 8
_SMALLEST_MM: Final = 1e-6
_SHORTEST_S: Final = 0.01
_MS: Final = 1_000_000


class AmplitudeFlag(IntEnum):
    """Whether there is an amplitude in a window of a component, and why not."""

    OK = 0
    """Measured."""
    GAP = 1
    """The window has a gap, or the data begin so shortly before that the filter still swings in."""
    CLIPPED = 2
    """The record is clipped in the window."""
    NO_RESPONSE = 3
    """No channel, or none with a usable response."""


@dataclass(frozen=True, slots=True)
class InstrumentAmplitudes:
    """Amplitudes at the picks of one instrument on one day, n picks in the order of time.

    Windows are those of `WINDOWS_S`, components those of `COMPONENTS`.
    """

    trace_id: str
    """``NET.STA.LOC``."""
    band: str
    """Band and instrument code."""
    codes: str
    """Component code that was measured as each component, ``-`` for none: ``ZNE``, ``Z12``."""
    day_ns: int
    """Start of the UTC day."""
    time_ns: I64
    """Times of the picks, to a millisecond, (n,)."""
    phases: tuple[str, ...]
    """``P`` or ``S`` of each pick."""
    amplitude_mm: F64
    """Largest amplitude of the Wood-Anderson record in mm, gain 2080 included, (n, 3 windows,
    3 components); NaN where the flag is not OK."""
    period_s: F64
    """Period of that peak in s, of the same shape."""
    noise_mm: F64
    """Largest amplitude from 8.5 to 0.5 s before the pick in mm, (n, 3 components); soon after a
    gap of the last 3 s of that at least; NaN where it cannot be measured."""
    flag: NDArray[np.uint8]
    """`AmplitudeFlag`, of the shape of the amplitudes."""
    polarity: NDArray[np.int8]
    """First motion of P: 1 up, -1 down, 0 undecided, (n,)."""
    polarity_snr: F64
    """The first swing divided by the noise before it, (n,); 0 if there is no swing."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Upper bounds of the amplitude of one instrument on one day."""

    trace_id: str
    """``NET.STA.LOC``."""
    band: str
    """Band and instrument code."""
    day_ns: int
    """Start of the UTC day."""
    step_s: int
    """Length of a step in s."""
    vertical: NDArray[np.uint8]
    """A byte for each step: see `epicat.amplitude.envelope`."""
    horizontal: NDArray[np.uint8]
    """The same of the larger of the two horizontals."""


def to_rows(
    measured: Sequence[tuple[InstrumentAmplitudes, Envelope]], design: str, key: str
) -> tuple[pa.Table, pa.Table]:
    """Return the rows of ``amplitudes`` and ``envelopes`` of a station-day."""
    amplitudes, envelopes = [], []
    for found, envelope in measured:
        packed = _packed(found)
        bounds = [envelope.vertical.tobytes(), envelope.horizontal.tobytes()]
        content = sha256(b"".join([*packed, *bounds])).hexdigest()
        identity = digest_of(design, key, found.trace_id, found.band, found.codes, content)
        names = (identity, found.trace_id, found.band)
        amplitudes.append(
            (*names, found.codes, found.day_ns, len(found.time_ns), *packed, design, key)
        )
        envelopes.append((*names, envelope.day_ns, envelope.step_s, *bounds, design, key))
    return _table(amplitudes, AMPLITUDES), _table(envelopes, ENVELOPES)


def read_amplitudes(rows: pa.Table) -> Iterator[tuple[str, InstrumentAmplitudes]]:
    """Yield the key and the amplitudes of each row of ``amplitudes``."""
    for row in _rows(rows):
        yield row["key"], _unpacked(row)


def read_envelopes(rows: pa.Table) -> Iterator[tuple[str, Envelope]]:
    """Yield the key and the envelope of each row of ``envelopes``."""
    for row in _rows(rows):
        vertical, horizontal = (
            np.frombuffer(row[name], np.uint8) for name in ("vertical", "horizontal")
        )
        names = (row["trace_id"], row["band"], row["time"], row["step_s"])
        yield row["key"], Envelope(*names, vertical, horizontal)


def _rows(rows: pa.Table) -> Iterator[dict[str, Any]]:
    at = rows.schema.get_field_index("time")
    plain = rows.set_column(at, "time", rows["time"].cast(pa.int64()))
    for batch in plain.to_batches(max_chunksize=1024):
        yield from batch.to_pylist()


def _table(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    arrays = [arrow_array(c, f.type) for c, f in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _packed(found: InstrumentAmplitudes) -> list[bytes]:
    """Return the binary columns, in the order of the schema."""
    times = np.diff((found.time_ns - found.day_ns) // _MS, prepend=0)
    unit = max(int(np.gcd.reduce(times)), 1)
    levels = _levels(found.amplitude_mm, _SMALLEST_MM, _PER_OCTAVE)
    periods = _levels(found.period_s, _SHORTEST_S, _COARSE)
    noise = _levels(found.noise_mm, _SMALLEST_MM, _COARSE)
    polarity = np.where(found.polarity < 0, 2, found.polarity)
    ratios = np.round(_OF_RATIOS * np.log2(1 + found.polarity_snr))
    return [
        _split(np.concatenate([[unit], times // unit]), np.int32),
        bytes(_PHASES.index(phase) for phase in found.phases),
        _split(_differences(levels), np.int16),
        _bytes(np.diff(periods.transpose(1, 2, 0), axis=0, prepend=0)),
        _bytes(np.diff(noise, axis=0, prepend=0).T),
        _bytes(found.flag.transpose(1, 2, 0)),
        _bytes(np.concatenate([polarity, np.clip(ratios, 0, 255)])),
    ]


def _unpacked(row: dict[str, Any]) -> InstrumentAmplitudes:
    count, shape = row["n_picks"], (len(WINDOWS_S), len(COMPONENTS), row["n_picks"])
    flag = np.frombuffer(row["flag"], np.uint8).reshape(shape).transpose(2, 0, 1)
    levels = _sums(_joined(row["amplitude"], np.int16).reshape(shape))
    periods = _added(row["period"], shape, axis=0).transpose(2, 0, 1)
    noise = _added(row["noise"], (len(COMPONENTS), count), axis=1).T
    polarity, ratios = np.frombuffer(row["polarity"], np.uint8).reshape(2, count)
    is_ok = flag == AmplitudeFlag.OK
    unit, *steps = _joined(row["pick_time"], np.int32).tolist()
    times_ms = np.cumsum(np.array(steps, np.int64) * unit)
    return InstrumentAmplitudes(
        row["trace_id"],
        row["band"],
        row["codes"],
        row["time"],
        row["time"] + times_ms * _MS,
        tuple(_PHASES[phase] for phase in row["phase"]),
        np.where(is_ok, _values(levels, _SMALLEST_MM, _PER_OCTAVE), np.nan),
        np.where(is_ok, _values(periods, _SHORTEST_S, _COARSE), np.nan),
        np.where(noise == 0, np.nan, _values(noise, _SMALLEST_MM, _COARSE)),
        flag,
        np.where(polarity == 2, -1, polarity).astype(np.int8),
        2.0 ** (ratios / _OF_RATIOS) - 1,
    )


def _bytes(values: NDArray[Any]) -> bytes:
    """Return integers as bytes, modulo 256."""
    return np.ascontiguousarray(values).astype(np.int64).astype(np.uint8).tobytes()


def _added(data: bytes, shape: tuple[int, ...], axis: int) -> I64:
    """Return the levels, 0 to 255, of differences that `_bytes` made."""
    differences = np.frombuffer(data, np.uint8).reshape(shape).astype(np.int64)
    return np.asarray(np.cumsum(differences, axis=axis) % 256)


def _levels(values: F64, smallest: float, per_octave: int) -> I64:
    """Return values as steps of a logarithmic scale; 1 is the smallest, and 0 stands for NaN."""
    known = np.isfinite(values)
    ratio = np.maximum(np.where(known, values, smallest) / smallest, 1.0)
    return np.where(known, np.round(per_octave * np.log2(ratio)) + 1, 0).astype(np.int64)


def _values(levels: I64, smallest: float, per_octave: int) -> F64:
    return np.asarray(smallest * 2.0 ** ((levels - 1) / per_octave))


def _differences(levels: I64) -> I64:
    """Return levels (n, windows, components) as differences (windows, components, n)."""
    by_window = levels.transpose(1, 2, 0)
    first = by_window[:1].copy()
    first[:, 1:] -= first[:, :1]
    return np.concatenate([first, np.diff(by_window, axis=0)])


def _sums(differences: I64) -> I64:
    """Invert `_differences`."""
    found = differences.copy()
    found[0, 1:] += found[0, :1]
    return np.cumsum(found, axis=0).transpose(2, 0, 1)


def _split(values: I64, kind: type[np.signedinteger[Any]]) -> bytes:
    """Return integers as bytes: the lowest byte of all, then the next."""
    whole = np.ascontiguousarray(values, np.dtype(kind).newbyteorder("<")).reshape(-1)
    return whole.view(np.uint8).reshape(-1, whole.itemsize).T.tobytes()


def _joined(data: bytes, kind: type[np.signedinteger[Any]]) -> I64:
    """Invert `_split`."""
    size = np.dtype(kind).itemsize
    rows = np.ascontiguousarray(np.frombuffer(data, np.uint8).reshape(size, -1).T)
    return rows.view(np.dtype(kind).newbyteorder("<")).reshape(-1).astype(np.int64)
