"""Records of superimposed and augmented analyst windows with noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.changes import filtered, rotated, shifted, stretched
from training.noise import Noise
from training.real import RATE, Window
from training.records import SAMPLES, Arrival, Record

__all__ = ["Mixtures", "with_noise"]

F64 = NDArray[np.float64]
Rng = np.random.Generator

_REAL_TRUST = 0.5
"""Analysts know of one event in a window; the teacher sees the others."""


@dataclass(frozen=True, slots=True)
class Mixtures:
    """Random mixtures of real earthquakes and noise."""

    windows: Sequence[Window]
    """What earthquakes are taken from."""
    noise: Noise
    """What noise is taken from."""

    def quiet(self, rng: Rng) -> Record:
        """Return a record without a known earthquake."""
        data = self.noise.draw(rng, SAMPLES)
        if rng.random() < 0.3:
            data = filtered(rng, data)
        return Record(data, (), trust=0.0)

    def quakes(self, rng: Rng) -> Record:
        """Return a record of one to six real earthquakes."""
        count = rng.choice((1, 2, 3, 6), p=(0.5, 0.22, 0.15, 0.13))
        events = [self._one(rng) for _ in range(count)]
        gains = np.concatenate([[1.0], 10 ** rng.uniform(-1.3, 0.3, len(events) - 1)])
        data = sum((g * e.data for g, e in zip(gains, events, strict=True)), np.zeros((3, SAMPLES)))
        mixed = Record(data, tuple(a for e in events for a in e.arrivals), _REAL_TRUST)
        if rng.random() < 0.55:
            mixed = with_noise(rng, mixed, self.noise)
        if rng.random() < 0.3:
            mixed = replace(mixed, data=filtered(rng, mixed.data))
        return mixed

    def _one(self, rng: Rng) -> Record:
        window = self.windows[rng.integers(len(self.windows))]
        arrivals = (Arrival("P", window.p), Arrival("S", window.s))
        record = Record(rotated(rng, window.data), arrivals, _REAL_TRUST)
        if rng.random() < 0.8:
            record = stretched(record, 10 ** rng.uniform(-0.22, 0.23))
        p = record.arrivals[0].sample
        record = shifted(record, round(rng.uniform(-2, SAMPLES / RATE - 3) * RATE - p), SAMPLES)
        return replace(record, data=record.data / (record.data.std() + 1e-12))


def with_noise(rng: Rng, record: Record, noise: Noise) -> Record:
    """Add noise at a random level below or above the largest known arrival."""
    loudness = [_loudness(record.data, a.sample) for a in record.arrivals]
    level = max(loudness, default=0.0) or float(record.data.std())
    ratio = 10 ** rng.uniform(-0.1, 2.0)
    return replace(record, data=record.data + level / ratio * noise.draw(rng, SAMPLES))


def _loudness(data: F64, sample: float) -> float:
    part = data[:, max(round(sample), 0) : max(round(sample) + RATE, 0)]
    return float(part.std(axis=1).max()) if part.shape[1] else 0.0
