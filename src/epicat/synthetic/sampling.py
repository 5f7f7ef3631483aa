"""Random streams, the time and frequency grid of waveforms, and adding rows of samples.

Random numbers depend on what they are for, not on when they are drawn: each event, path, station
and stretch of noise has its own stream, named by the seed of the archive and its purpose.  A
station-day therefore has the same samples whether it is written alone or with a year around it,
first or last, by one process or by eight.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

__all__ = ["Frame", "add_rows", "stream"]
C128 = NDArray[np.complex128]

F64 = NDArray[np.float64]


def stream(seed: int, *names: object) -> np.random.Generator:
    """Return the random generator for a purpose; names are distinguished by their ``str``."""
    text = "\x1f".join(str(name) for name in (seed, *names))
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16]))


def add_rows(rows: F64, extra: F64, begin: int) -> None:
    """Add ``extra`` (k, m) in place to ``rows`` (k, n) at sample ``begin``, maybe negative."""
    low, high = max(begin, 0), min(begin + extra.shape[1], rows.shape[1])
    if low < high:
        rows[:, low:high] += extra[:, low - begin : high - begin]


@dataclass(frozen=True, slots=True)
class Frame:
    """The times and frequencies at which a waveform is computed."""

    start_s: float
    """First sample, in s after the origin."""
    seconds: int
    """Length in s; even, with small prime factors."""
    rate: int
    """Sampling rate in Hz."""

    @property
    def samples(self) -> int:
        """Number of samples."""
        return self.seconds * self.rate

    @property
    def time(self) -> F64:
        """Seconds after the origin, (n,)."""
        return self.start_s + np.arange(self.samples) / self.rate

    @property
    def frequency(self) -> F64:
        """Frequencies in Hz, (nf,)."""
        return np.arange(self.samples // 2 + 1) / self.seconds

    def white(self, rng: np.random.Generator, rows: int) -> C128:
        """Return spectra of white noise of density 1, (rows, nf).

        Drawn frequency by frequency, so that two rates share the noise at common frequencies.
        """
        draws = rng.standard_normal((len(self.frequency), rows, 2))
        spectra: C128 = (draws[..., 0] + 1j * draws[..., 1]).T * (self.seconds / 2) ** 0.5
        spectra[:, [0, -1]] = 0.0
        return spectra

    def samples_of(self, spectrum: C128) -> F64:
        """Return the time series of spectra, (..., n)."""
        return np.asarray(fft.irfft(spectrum, self.samples) * self.rate)

    def spectrum_of(self, values: F64) -> C128:
        """Return the spectra of time series, (..., nf)."""
        return np.asarray(fft.rfft(values) / self.rate)
