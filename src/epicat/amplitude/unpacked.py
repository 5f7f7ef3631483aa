"""Amplitudes and envelopes of a store as plain tables: what `epicat export` writes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epicat.amplitude.envelope import decode_envelope
from epicat.amplitude.rows import (
    COMPONENTS,
    WINDOWS_S,
    AmplitudeFlag,
    Envelope,
    InstrumentAmplitudes,
    read_amplitudes,
    read_envelopes,
)
from epicat.time import SECOND_NS

__all__ = ["AMPLITUDE_ROWS", "ENVELOPE_ROWS", "amplitude_rows", "envelope_rows"]

_TIME = pa.timestamp("ns", tz="UTC")
_SOURCE: Final = [("trace_id", pa.string()), ("band", pa.string()), ("time", _TIME)]

AMPLITUDE_ROWS: Final = pa.schema(
    [
        *_SOURCE,
        ("phase", pa.string()),
        ("component", pa.string()),
        *((f"amplitude_{s}s_mm", pa.float64()) for s in WINDOWS_S),
        *((f"period_{s}s_s", pa.float64()) for s in WINDOWS_S),
        *((f"flag_{s}s", pa.string()) for s in WINDOWS_S),
        ("noise_mm", pa.float64()),
        ("polarity", pa.string()),
        ("polarity_snr", pa.float64()),
    ]
)
"""A row for each pick and component: the largest Wood-Anderson amplitude of each window after the
pick, its period, ``ok`` or why there is none, and the noise before the pick.  ``time`` is that of
the pick.  The first motion (``up``, ``down``, ``undecided``) is in the rows of Z of P picks."""

ENVELOPE_ROWS: Final = pa.schema(
    [
        *_SOURCE,
        ("step_s", pa.int64()),
        ("vertical_mm", pa.float64()),
        ("horizontal_mm", pa.float64()),
    ]
)
"""A row for each step: upper bounds of the amplitude; null where unknown, infinite where the record
is clipped.  ``time`` is the start of the step."""

_MOTIONS: Final = {1: "up", -1: "down", 0: "undecided"}


def amplitude_rows(rows: pa.Table) -> pa.Table:
    """Return rows of the table ``amplitudes`` as `AMPLITUDE_ROWS`, instrument by instrument."""
    found = (row for _, one in read_amplitudes(rows) for row in _of_picks(one))
    return _table(found, AMPLITUDE_ROWS)


def envelope_rows(rows: pa.Table) -> pa.Table:
    """Return rows of the table ``envelopes`` as `ENVELOPE_ROWS`, instrument by instrument."""
    parts = [_of_steps(one) for _, one in read_envelopes(rows)]
    return pa.concat_tables(parts) if parts else ENVELOPE_ROWS.empty_table()


def _of_picks(found: InstrumentAmplitudes) -> Iterator[dict[str, Any]]:
    for i, (phase, time_ns) in enumerate(zip(found.phases, found.time_ns.tolist(), strict=True)):
        for c, slot in enumerate(COMPONENTS):
            row: dict[str, Any] = {
                "trace_id": found.trace_id,
                "band": found.band,
                "time": time_ns,
                "phase": phase,
                "component": found.codes[c],
                "noise_mm": _or_none(found.noise_mm[i, c]),
            }
            for w, seconds in enumerate(WINDOWS_S):
                row[f"amplitude_{seconds}s_mm"] = _or_none(found.amplitude_mm[i, w, c])
                row[f"period_{seconds}s_s"] = _or_none(found.period_s[i, w, c])
                flag = AmplitudeFlag(int(found.flag[i, w, c]))
                row[f"flag_{seconds}s"] = flag.name.lower().replace("_", " ")
            if slot == "Z" and phase == "P":
                row["polarity"] = _MOTIONS[int(found.polarity[i])]
                row["polarity_snr"] = float(found.polarity_snr[i])
            yield row


def _of_steps(found: Envelope) -> pa.Table:
    n = len(found.vertical)
    times = found.day_ns + np.arange(n) * found.step_s * SECOND_NS
    bounds = (decode_envelope(values) for values in (found.vertical, found.horizontal))
    columns = [
        pa.array([found.trace_id] * n),
        pa.array([found.band] * n),
        pa.array(times).cast(_TIME),
        pa.array([found.step_s] * n, pa.int64()),
        *(_nullable(values) for values in bounds),
    ]
    return pa.Table.from_arrays(columns, schema=ENVELOPE_ROWS)


def _nullable(values: NDArray[np.float64]) -> pa.Array:
    """Return values with null for NaN."""
    return pa.array(values, mask=np.isnan(values))


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _table(rows: Iterable[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema)
