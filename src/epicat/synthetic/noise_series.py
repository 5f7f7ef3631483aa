"""Noise as a function of time: without a seam at any midnight, and the same however it is cut.

Independent stretches, fixed in absolute time, are faded into each other so that the power stays
constant (sine and cosine over the overlap).  Each has its own stream of random numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from epicat.time import SECOND_NS

__all__ = ["HOP_S", "Stretches", "noise_like"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

HOP_S = 600
"""Distance between the beginnings of stretches, in s."""
_OVERLAP_S = 40


def noise_like(power: F64, seconds: int, rng: np.random.Generator) -> F32:
    """Return Gaussian noise with a one-sided power (nf,) at multiples of 1/seconds Hz, (n,)."""
    samples = 2 * (len(power) - 1)
    scale = np.sqrt(power * (seconds / 4)).astype(np.float32) * (samples / seconds)
    # Frequency by frequency, so that two rates have the same noise where both have it.
    draws = rng.standard_normal(2 * len(power), np.float32).view(np.complex64)
    draws *= scale
    draws[0] = 0.0
    draws[-1] = draws[-1].real
    return np.asarray(fft.irfft(draws, samples))


@dataclass(slots=True)
class Stretches:
    """Noise of one channel, stretch by stretch; keeps the last one for the fade."""

    rate: int
    """Samples a second."""
    power: Callable[[int, F64], F64]
    """One-sided power by the time in ns in the middle of a stretch and frequencies in Hz."""
    rng: Callable[[int], np.random.Generator]
    """Random numbers of a stretch by its number."""
    _kept: tuple[int, F32] | None = None

    def hop(self, number: int) -> F32:
        """Return the samples from ``number * HOP_S`` seconds since 1970 on, for `HOP_S`."""
        before, now = self._stretch(number - 1), self._stretch(number)
        overlap = _OVERLAP_S * self.rate
        angle = np.linspace(0, np.pi / 2, overlap, endpoint=False, dtype=np.float32)
        samples = now[: HOP_S * self.rate].copy()
        samples[:overlap] *= np.sin(angle)
        samples[:overlap] += before[HOP_S * self.rate :] * np.cos(angle)
        self._kept = number, now
        return samples

    def _stretch(self, number: int) -> F32:
        if self._kept is not None and self._kept[0] == number:
            return self._kept[1]
        seconds = HOP_S + _OVERLAP_S
        middle = (number * HOP_S + seconds // 2) * SECOND_NS
        frequency = np.arange(seconds * self.rate // 2 + 1) / seconds
        return noise_like(self.power(middle, frequency), seconds, self.rng(number))
