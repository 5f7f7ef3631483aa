"""The grid of sample times of a rate: sample ``k`` lies at ``k / rate`` seconds since 1970.

Each record is placed on the grid by its own start time, never relative to adjacent records, so its
position does not depend on which other records were read.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from epicat.time import SECOND_NS

__all__ = ["Grid", "nominal_rate"]

_RATE_TOLERANCE = 1e-3
_LARGEST_DENOMINATOR = 60


def nominal_rate(rate_hz: float) -> Fraction:
    """Return the nominal rate of a digitiser: 99.9998 Hz is 100 Hz, 33.33333 Hz is 100/3 Hz.

    Whole numbers first, if one lies within 0.1 %, then a fraction with a denominator up to 60.
    """
    whole = round(rate_hz)
    if whole > 0 and abs(rate_hz - whole) <= _RATE_TOLERANCE * rate_hz:
        return Fraction(whole)
    return Fraction(rate_hz).limit_denominator(_LARGEST_DENOMINATOR)


@dataclass(frozen=True, slots=True)
class Grid:
    """The sample times of one rate."""

    rate: Fraction
    """Samples a second."""

    def index(self, time_ns: int) -> int:
        """Return the index of the sample nearest to a time, the later one of two."""
        return (2 * time_ns * self._p + self._period) // (2 * self._period)

    def first_at_or_after(self, time_ns: int) -> int:
        """Return the index of the first sample at or after a time."""
        return -((-time_ns * self._p) // self._period)

    def time_ns(self, index: int) -> int:
        """Return the time of a sample, rounded to the nearest nanosecond."""
        return (2 * index * self._period + self._p) // (2 * self._p)

    def place(self, times_ns: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the index of the sample nearest to each time, and the time minus its time in ns.

        Times must lie within a year of each other, so that the arithmetic is exact in int64.
        """
        if len(times_ns) == 0:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        reference = self.index(int(times_ns.min()))
        rest = int(times_ns.min()) * self._p - reference * self._period
        ahead, within = np.divmod(times_ns - times_ns.min(), SECOND_NS)
        # In units of 1 / (p SECOND_NS) seconds, whole seconds and the rest kept apart.
        ticks = within * self._p + rest
        per_second, period = self._p, self._period
        whole = ahead * per_second  # samples, times q
        index = (2 * (whole % self._q * SECOND_NS + ticks) + period) // (2 * period)
        index += whole // self._q
        offset = (whole % self._q * SECOND_NS + ticks) - (index - whole // self._q) * period
        return reference + index, np.floor_divide(2 * offset + self._p, 2 * self._p)

    @property
    def _p(self) -> int:
        return self.rate.numerator

    @property
    def _q(self) -> int:
        return self.rate.denominator

    @property
    def _period(self) -> int:
        return self.rate.denominator * SECOND_NS
