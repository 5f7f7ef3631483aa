"""Background noise of any length: real noise, surrogates of it, colored noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.real import RATE, Window, long_period, noise_days

__all__ = ["Noise", "coloured", "surrogate"]

F64 = NDArray[np.float64]

_OF_A_DAY = {"train": (0.0, 0.75), "choose": (0.75, 0.85), "test": (0.85, 1.0)}
"""Beginning and end of each part's share of a day."""


@dataclass(frozen=True, slots=True)
class Noise:
    """The sources of noise."""

    before_p: Sequence[F64]
    """Noise before P, each of shape (components, samples)."""
    days: Sequence[F64]
    """Whole days of one component."""
    slow: Sequence[F64]
    """Microseisms and drift at one sample a second."""

    @classmethod
    def read(cls, data: Path, windows: Sequence[Window], part: str) -> Noise:
        """Read the noise of one subset of the windows and of the days."""
        begin, end = _OF_A_DAY[part]
        days = [d[int(begin * len(d)) : int(end * len(d))] for d in noise_days(data).values()]
        before = [w.data[:, : w.p - RATE] for w in windows if w.part == part]
        return cls([b[b.std(axis=1) > 0] for b in before], days, long_period(data))

    def draw(self, rng: np.random.Generator, samples: int) -> F64:
        """Return noise (3, samples) whose standard deviation is about one."""
        kind = rng.choice(3, p=(0.4, 0.25, 0.35))
        if kind == 0:
            like = self.before_p[rng.integers(len(self.before_p))]
            found = np.stack([surrogate(rng, like[i % len(like)], samples) for i in range(3)])
        elif kind == 1:
            found = np.stack([self.of_a_day(rng, samples) for _ in range(3)])
        else:
            slope = rng.uniform(-2.0, 0.5)
            found = np.stack([coloured(rng, samples, slope) for _ in range(3)])
        if rng.random() < 0.25:
            found += rng.uniform(0, 3) * self.drift(rng, samples)
        return found * rng.lognormal(0, 0.3, (3, 1))

    def of_a_day(self, rng: np.random.Generator, samples: int) -> F64:
        """Return a real stretch of one component, with a standard deviation of one."""
        day = self.days[rng.integers(len(self.days))]
        start = rng.integers(len(day) - samples)
        return _unit(day[start : start + samples])

    def drift(self, rng: np.random.Generator, samples: int) -> F64:
        """Return long-period motion (3, samples): seconds of a real day, stretched at random."""
        day = self.slow[rng.integers(len(self.slow))]
        step = rng.uniform(0.3, 2.0) / RATE
        length = int(samples * step) + 3
        found = []
        for _ in range(3):
            start = rng.integers(len(day) - length)
            part = day[start : start + length]
            found.append(_unit(np.interp(np.arange(samples) * step, np.arange(length), part)))
        return np.stack(found)


def surrogate(rng: np.random.Generator, like: F64, samples: int) -> F64:
    """Return noise with the spectrum of a stretch and random phases, of any length."""
    amplitude = np.abs(np.fft.rfft((like - like.mean()) * np.hanning(len(like))))
    smooth = np.sqrt(np.convolve(amplitude**2, np.ones(5) / 5, mode="same"))
    return _shaped(rng, np.linspace(0, 1, len(smooth)), smooth, samples)


def coloured(rng: np.random.Generator, samples: int, slope: float) -> F64:
    """Return noise with power proportional to frequency ** ``slope``; flat below 0.2 Hz."""
    frequency = np.linspace(0, RATE / 2, 2000)
    amplitude = np.maximum(frequency, 0.2) ** (slope / 2)
    return _shaped(rng, frequency / frequency[-1], amplitude, samples)


def _shaped(rng: np.random.Generator, at: F64, amplitude: F64, samples: int) -> F64:
    """Return noise with an amplitude spectrum, given at fractions of the Nyquist frequency."""
    white = np.fft.rfft(rng.standard_normal(samples))
    white *= np.interp(np.linspace(0, 1, len(white)), at, amplitude)
    return _unit(np.fft.irfft(white, samples))


def _unit(values: F64) -> F64:
    values = values - values.mean()
    return values / (values.std() + 1e-12)
