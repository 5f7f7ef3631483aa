"""Training records: three components with arrivals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from training.real import RATE

__all__ = ["SAMPLES", "Arrival", "Record", "signal_to_noise"]

F64 = NDArray[np.float64]

SAMPLES = 6000
"""Length of a record: the trainer cuts windows of 3001 samples out of it."""

_BAND = butter(2, (1.5, 20.0), "bandpass", fs=RATE, output="sos")


@dataclass(frozen=True, slots=True)
class Arrival:
    """An onset."""

    phase: str
    """P or S."""
    sample: float
    """Where it is; may be outside of the record."""


@dataclass(frozen=True, slots=True)
class Record:
    """Waveforms with known arrivals."""

    data: F64
    """Shape (3, samples), components Z, N, E."""
    arrivals: tuple[Arrival, ...]
    """The onsets that are known; a real record may have others."""
    trust: float
    """Weight of the known onsets in the target, in addition to the teacher's probabilities."""


def signal_to_noise(data: F64, sample: float) -> float:
    """Return the largest ratio, over components, of the amplitude from 1.5 to 20 Hz at an onset.

    One second after the onset is compared with two seconds before it; 0 if too close to an end.
    """
    at = round(sample)
    if not 0 <= at < data.shape[1]:
        return 0.0
    begin, end = max(at - 6 * RATE, 0), max(at + RATE, 0)
    part = sosfilt(_BAND, data[:, begin:end], axis=1)
    middle = at - begin
    before = part[:, max(middle - 2 * RATE, 0) : max(middle - RATE // 10, 0)]
    after = part[:, max(middle, 0) :]
    if before.shape[1] < RATE // 2 or after.shape[1] < RATE // 2:
        return 0.0
    level = before.std(axis=1)
    return float((after.std(axis=1) / (level + 1e-3 * level.max() + 1e-12)).max())
