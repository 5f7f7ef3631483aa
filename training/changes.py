"""Data augmentation that preserves arrivals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, resample, sosfilt

from training.real import RATE
from training.records import Arrival, Record

__all__ = ["filtered", "rotated", "shifted", "stretched"]

F64 = NDArray[np.float64]


def stretched(record: Record, factor: float) -> Record:
    """Stretch a record in time (above one: slower): other distance, frequency, S minus P."""
    data = record.data
    slope = np.linspace(data[:, 0], data[:, -1], data.shape[1], axis=1)  # else the ends ring
    samples = round(data.shape[1] * factor)
    longer = resample(data - slope, samples, axis=1)
    arrivals = tuple(Arrival(a.phase, a.sample * factor) for a in record.arrivals)
    return replace(record, data=longer, arrivals=arrivals)


def shifted(record: Record, start: int, samples: int) -> Record:
    """Put a record at a sample of an empty one, with its ends tapered where they are inside."""
    data = record.data * _taper(record.data.shape[1])
    whole = np.zeros((3, samples))
    first, last = max(start, 0), min(start + data.shape[1], samples)
    if last > first:
        whole[:, first:last] = data[:, first - start : last - start]
    arrivals = tuple(Arrival(a.phase, a.sample + start) for a in record.arrivals)
    return replace(record, data=whole, arrivals=arrivals)


def _taper(samples: int) -> F64:
    edge = min(2 * RATE, samples // 4)
    ramp = np.sin(np.linspace(0, np.pi / 2, edge)) ** 2
    return np.concatenate([ramp, np.ones(samples - 2 * edge), ramp[::-1]])


def rotated(rng: np.random.Generator, data: F64) -> F64:
    """Rotate the horizontals by a random angle and flip components at random."""
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    live = data[1:].any(axis=1).all()
    horizontals = turn @ data[1:] if live else data[1:][rng.permutation(2)]
    return np.concatenate([data[:1], horizontals]) * rng.choice([-1.0, 1.0], (3, 1))


def filtered(rng: np.random.Generator, data: F64) -> F64:
    """Apply a random bandpass, like another instrument or path."""
    low = 10 ** rng.uniform(-1.3, 0.5)
    high = min(10 ** rng.uniform(0.9, 1.7), 0.98 * RATE / 2)
    corners = {"highpass": low, "lowpass": high, "bandpass": (low, high)}
    kind = str(rng.choice(list(corners)))
    sos = butter(int(rng.integers(1, 4)), corners[kind], kind, fs=RATE, output="sos")
    return sosfilt(sos, data, axis=1)
