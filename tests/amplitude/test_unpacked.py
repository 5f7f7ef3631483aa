"""Amplitudes and envelopes as plain tables."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from epicat.amplitude.envelope import encode_envelope
from epicat.amplitude.rows import AmplitudeFlag, Envelope, InstrumentAmplitudes, to_rows
from epicat.amplitude.unpacked import AMPLITUDE_ROWS, ENVELOPE_ROWS, amplitude_rows, envelope_rows
from epicat.time import SECOND_NS

DAY = 86400 * SECOND_NS
TIMES = DAY + np.array([10, 14]) * SECOND_NS


def packed() -> tuple[pa.Table, pa.Table]:
    flag = np.zeros((2, 3, 3), np.uint8)
    flag[1, 2, 0] = AmplitudeFlag.GAP
    amplitude = np.arange(1, 19, dtype=float).reshape(2, 3, 3) / 100
    amplitude[1, 2, 0] = np.nan
    found = InstrumentAmplitudes(
        "XX.A.", "HH", "Z12", DAY, TIMES, ("P", "S"), amplitude, np.where(flag, np.nan, 0.25),
        np.full((2, 3), 0.001), flag, np.array([-1, 0], np.int8), np.array([7.0, 0.0]),
    )  # fmt: skip
    steps = np.array([0.1, np.nan, 0.3])
    bounds = encode_envelope(steps, np.array([False, False, True]))
    return to_rows([(found, Envelope("XX.A.", "HH", DAY, 10, bounds, bounds))], "design", "key")


def test_amplitudes_have_a_row_for_each_pick_and_component() -> None:
    found = amplitude_rows(packed()[0])
    assert found.schema == AMPLITUDE_ROWS
    rows = found.to_pylist()
    assert [(r["phase"], r["component"]) for r in rows] == [
        (phase, code) for phase in "PS" for code in "Z12"
    ]
    assert found["time"].cast(pa.int64()).to_pylist() == np.repeat(TIMES, 3).tolist()
    values = [[r[f"amplitude_{s}s_mm"] for s in (3, 10, 30)] for r in rows]
    np.testing.assert_allclose(values[1], [0.02, 0.05, 0.08], rtol=0.006)
    assert values[3][2] is None
    assert (rows[3]["flag_30s"], rows[3]["period_30s_s"], rows[3]["flag_10s"]) == (
        "gap",
        None,
        "ok",
    )
    assert [r["polarity"] for r in rows] == ["down"] + [None] * 5


def test_envelopes_have_a_row_for_each_step() -> None:
    found = envelope_rows(packed()[1])
    assert found.schema == ENVELOPE_ROWS
    first, unknown, clipped = found["vertical_mm"].to_pylist()
    assert 0.1 - 1e-9 <= first <= 0.1 * 10**0.04
    assert (unknown, clipped) == (None, np.inf)
    times = found["time"].cast(pa.int64()).to_pylist()
    assert times == [DAY + i * 10 * SECOND_NS for i in range(3)]


def test_nothing_measured_gives_empty_tables() -> None:
    amplitudes, envelopes = (rows.slice(0, 0) for rows in packed())
    assert amplitude_rows(amplitudes).num_rows == 0
    assert envelope_rows(envelopes).schema == ENVELOPE_ROWS
