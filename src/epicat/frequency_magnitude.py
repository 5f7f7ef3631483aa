"""Frequency-magnitude statistics of a catalog: completeness and b-values with uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "BIN",
    "BValue",
    "FrequencyMagnitude",
    "b_positive",
    "b_value",
    "frequency_magnitude",
    "maximum_curvature",
]

F64 = NDArray[np.float64]

BIN = 0.1
"""Width of the bins of magnitudes, unless said otherwise."""
_LEAST = 10
"""Fewer events, or differences, have no b-value."""


@dataclass(frozen=True, slots=True)
class BValue:
    """A b-value with its uncertainty."""

    b: float
    """Slope of the Gutenberg-Richter law."""
    error: float
    """Standard error (Shi and Bolt 1982)."""
    count: int
    """Magnitudes, or differences of magnitudes, that it comes from."""


@dataclass(frozen=True, slots=True)
class FrequencyMagnitude:
    """How many events there are of each magnitude, and what follows."""

    magnitudes: F64
    """Centres of the bins, shape (n,)."""
    counts: NDArray[np.int64]
    """Events in each bin, shape (n,)."""
    completeness: float
    """Magnitude of completeness."""
    b: BValue | None
    """b-value by maximum likelihood; None for too few events above completeness."""
    b_positive: BValue | None
    """b-value of positive differences; None for too few."""

    @property
    def cumulative(self) -> NDArray[np.int64]:
        """Events of each bin and all larger ones, shape (n,)."""
        total: NDArray[np.int64] = np.cumsum(self.counts[::-1])[::-1]
        return total

    def expected(self, magnitudes: ArrayLike) -> F64 | None:
        """Return the expected number of events of at least these magnitudes; None without b."""
        if self.b is None:
            return None
        above = np.asarray(magnitudes, dtype=np.float64) - self.completeness
        return np.asarray(self.b.count * 10 ** (-self.b.b * above), dtype=np.float64)


def frequency_magnitude(magnitudes: ArrayLike, width: float = BIN) -> FrequencyMagnitude | None:
    """Return the statistics of magnitudes in the order of time; None if there are none.

    Magnitudes are rounded to multiples of ``width``; those that are not finite are left out.
    """
    binned = _binned(magnitudes, width)
    if not binned.size:
        return None
    complete = maximum_curvature(binned, width)
    numbers = np.round(binned / width).astype(np.int64)
    counts = np.bincount(numbers - numbers.min())
    centres = (np.arange(counts.size) + numbers.min()) * width
    b, positive = b_value(binned, complete, width), b_positive(binned, width)
    return FrequencyMagnitude(centres, counts, complete, b, positive)


def _binned(magnitudes: ArrayLike, width: float) -> F64:
    values = np.asarray(magnitudes, dtype=np.float64)
    values = values[np.isfinite(values)]
    return np.asarray(np.round(values / width) * width, dtype=np.float64)


def maximum_curvature(magnitudes: ArrayLike, width: float = BIN, plus: float = 0.2) -> float:
    """Return the magnitude of completeness: the fullest bin and 0.2.

    Wiemer and Wyss 2000, BSSA 90, 859-869; the addition is that of Woessner and Wiemer 2005, BSSA
    95, 684-698.  ``magnitudes`` must not be empty; of equally full bins the smallest one counts.
    """
    numbers = np.round(np.asarray(magnitudes, dtype=np.float64) / width).astype(np.int64)
    values, counts = np.unique(numbers, return_counts=True)
    return float(values[counts.argmax()] * width + plus)


def b_value(magnitudes: ArrayLike, completeness: float, width: float = BIN) -> BValue | None:
    """Return the b-value of the magnitudes from completeness on; None for fewer than 10.

    Maximum likelihood of Aki 1965 and Utsu 1965 in the form that is exact for bins (Tinti and
    Mulargia 1987, BSSA 77, 2125-2134; ``width`` 0 for magnitudes without bins), standard error of
    Shi and Bolt 1982, BSSA 72, 1677-1687.
    """
    values = np.asarray(magnitudes, dtype=np.float64)
    return _estimate(values[values >= completeness - width / 2], completeness, width)


def b_positive(
    magnitudes: ArrayLike, width: float = BIN, least: float | None = None
) -> BValue | None:
    """Return the b-value of the positive differences of successive magnitudes.

    Depends little on changing completeness (van der Elst 2021, JGR 126, e2020JB021027).
    ``magnitudes`` are in the order of time; differences from ``least`` on (default: one bin)
    count.  None for fewer than 10.
    """
    smallest = width if least is None else least
    differences = np.diff(np.asarray(magnitudes, dtype=np.float64))
    return _estimate(differences[differences >= smallest - width / 2], smallest, width)


def _estimate(values: F64, lowest: float, width: float) -> BValue | None:
    if values.size < _LEAST:
        return None
    above = float(values.mean()) - lowest
    if above <= 0:
        return None
    beta = np.log1p(width / above) / width if width > 0 else 1 / above
    b = float(beta / np.log(10))
    variance = float(np.square(values - values.mean()).sum()) / (values.size * (values.size - 1))
    return BValue(b, float(np.log(10) * b * b * np.sqrt(variance)), int(values.size))
