"""Waveform defects for augmentation; labels do not change."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from training.real import RATE

__all__ = ["damaged"]

F64 = NDArray[np.float64]
Rng = np.random.Generator


def damaged(rng: Rng, data: F64) -> F64:
    """Return the waveforms with one to three kinds of damage."""
    for kind in rng.permutation(len(_KINDS))[: rng.integers(1, 4)]:
        data = _KINDS[kind](rng, data)
    return data


def _gaps(rng: Rng, data: F64) -> F64:
    """Fill gaps of one component or all with zeros."""
    data = data.copy()
    for _ in range(rng.integers(1, 3)):
        rows = slice(None) if rng.random() < 0.6 else rng.integers(3)
        start = rng.integers(data.shape[1])
        data[rows, start : start + int(RATE * 10 ** rng.uniform(-1, 1.3))] = 0
    return data


def _spikes(rng: Rng, data: F64) -> F64:
    """Add single-sample spikes."""
    data = data.copy()
    size = data.std() * 10 ** rng.uniform(0.5, 2)
    for _ in range(rng.integers(1, 6)):
        data[rng.integers(3), rng.integers(data.shape[1])] += size * rng.choice([-1, 1])
    return data


def _steps(rng: Rng, data: F64) -> F64:
    """Add a decaying step, as from mass centering or a disturbed sensor."""
    size = data.std() * 10 ** rng.uniform(0, 1.5)
    start = rng.integers(data.shape[1])
    after = np.maximum(np.arange(data.shape[1]) - start, 0)
    decay = np.exp(-after / (RATE * 10 ** rng.uniform(-0.5, 1.5)))
    step = np.where(np.arange(data.shape[1]) >= start, decay, 0.0)
    return data + size * rng.uniform(-1, 1, (3, 1)) * step


def _bursts(rng: Rng, data: F64) -> F64:
    """Add a burst of one frequency without P and S: machines, footsteps, calibration."""
    n = data.shape[1]
    start, length = rng.integers(n), RATE * 10 ** rng.uniform(-0.7, 1)
    time = np.arange(n)
    envelope = np.exp(-0.5 * ((time - start) / length) ** 2)
    wave = np.sin(2 * np.pi * rng.uniform(1, 40) * time / RATE + rng.uniform(0, 7))
    size = data.std() * 10 ** rng.uniform(-0.5, 1)
    return data + size * rng.uniform(0, 1, (3, 1)) * envelope * wave


def _tones(rng: Rng, data: F64) -> F64:
    """Add mains hum (also aliased) or a rotating machine to the complete record."""
    time = np.arange(data.shape[1]) / RATE
    tone = np.sin(2 * np.pi * rng.choice([50.0, 40.0, 16.7, rng.uniform(2, 45)]) * time + 1)
    return data + data.std() * 10 ** rng.uniform(-1.5, 0.5) * rng.uniform(0, 1, (3, 1)) * tone


def _lost_components(rng: Rng, data: F64) -> F64:
    """Remove one component or both horizontals."""
    data = data.copy()
    data[[0] if rng.random() < 0.2 else [1, 2] if rng.random() < 0.5 else [rng.integers(1, 3)]] = 0
    return data


def _coarse_counts(rng: Rng, data: F64) -> F64:
    """Quantize coarsely, like a digitizer of low gain."""
    count = np.median(np.abs(data)) * 10 ** rng.uniform(-1, 0.7) + 1e-12
    return np.round(data / count) * count


def _clipped(rng: Rng, data: F64) -> F64:
    """Clip the largest amplitudes."""
    limit = np.abs(data).max() * 10 ** rng.uniform(-1, 0)
    return np.clip(data, -limit, limit)


def _noisy_component(rng: Rng, data: F64) -> F64:
    """Add separate noise to one component."""
    data = data.copy()
    row = rng.integers(3)
    size = data.std() * 10 ** rng.uniform(-1, 0.7)
    data[row] += size * rng.standard_normal(data.shape[1])
    return data


_KINDS: tuple[Callable[[Rng, F64], F64], ...] = (
    _gaps, _spikes, _steps, _bursts, _tones, _lost_components, _coarse_counts, _clipped,
    _noisy_component,
)  # fmt: skip
