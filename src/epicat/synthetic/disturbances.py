"""What passes by a station: steps, cars, gusts, and whatever else is no earthquake.

A disturbance is noise in a band of its own under an envelope that rises and falls, stronger on
some components than on others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["disturbance"]

F64 = NDArray[np.float64]


def disturbance(rng: np.random.Generator, rate: float, level: float) -> F64:
    """Return one disturbance in counts, (3, n); ``level`` is the noise's root mean square."""
    seconds = float(np.clip(np.exp(rng.normal(0.6, 1.1)), 0.15, 40.0))
    samples = max(16, round(3 * seconds * rate))
    frequency = np.fft.rfftfreq(samples, 1 / rate)
    center = np.exp(rng.uniform(np.log(1.5), np.log(0.4 * rate)))
    width = rng.uniform(0.1, 0.5)
    shape = np.exp(-((np.log(np.maximum(frequency, 1e-3) / center) / width) ** 2))
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal((3, samples))) * shape, samples)
    noise /= max(float(noise.std()), 1e-12)
    time = np.arange(samples) / rate
    rise = seconds * rng.uniform(0.02, 0.8)
    envelope = (1 - np.exp(-time / rise)) * np.exp(-time / (0.5 * seconds))
    envelope *= np.cos(np.linspace(0, np.pi / 2, samples)) ** 2
    size = level * np.exp(rng.normal(np.log(5.0), 0.8))
    return np.asarray(noise * envelope * size * rng.uniform(0.2, 1.0, (3, 1)))
