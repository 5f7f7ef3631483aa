"""What SeisBench's pickers do to a window before the network sees it, as operations.

Every window is demeaned; then it may be detrended and is scaled by its standard deviation or its
largest value.  Which of these is an argument of the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from epicat.pick.networks.layers import constant, crop, integers, length, op, shape_of

__all__ = ["Normalization", "cosine_taper"]


@dataclass(frozen=True, slots=True)
class Normalization:
    """How to normalize windows (batch, components, samples)."""

    scale: str
    """``std`` or ``peak``, by which windows are divided, or nothing."""
    axes: tuple[int, ...] = (2,)
    """The dimensions over which the divisor is taken: 1 is components, 2 is samples."""
    detrend: bool = False
    """Whether a straight line is removed from each component."""
    small: float = 1e-10
    """What is added to the divisor, in counts: a dead channel stays zero."""

    def __call__(self, windows: Any) -> Any:
        """Return the normalized windows."""
        found = _demeaned(_near_zero(windows), (2,))
        if self.detrend:
            found = _detrended(found)
        if self.scale == "std":
            return op.divide(found, op.add(_deviation(found, self.axes), constant(self.small)))
        if self.scale == "peak":
            peak = op.reduce_max(op.abs(found), integers(*self.axes), keep_dims=True)
            return op.divide(found, op.add(peak, constant(self.small)))
        return found


def cosine_taper(windows: Any, samples: int) -> Any:
    """Let the first and the last samples of windows rise from zero and fall to it."""
    rise = 0.5 * (1 + np.cos(np.linspace(np.pi, 2 * np.pi, samples)))
    factors = np.ones(length(windows))
    factors[:samples] *= rise
    factors[-samples:] *= rise[::-1]
    return op.multiply(windows, constant(factors))


def _near_zero(windows: Any) -> Any:
    """Subtract the median of a component's first, middle and last sample.

    Sums of 32-bit numbers do not hold an offset of a million counts: a dead channel that has one
    would not come out as zeros.
    """
    samples = length(windows)
    first, middle, last = (crop(windows, i, i + 1) for i in (0, samples // 2, samples - 1))
    low, high = op.minimum(first, last), op.maximum(first, last)
    return op.subtract(windows, op.maximum(low, op.minimum(high, middle)))


def _mean(values: Any, axes: Sequence[int]) -> Any:
    return op.reduce_mean(values, integers(*axes), keep_dims=True)


def _demeaned(windows: Any, axes: Sequence[int]) -> Any:
    return op.subtract(windows, _mean(windows, axes))


def _detrended(windows: Any) -> Any:
    """Remove the least-squares line of each component."""
    time = np.linspace(-1, 1, length(windows), dtype=np.float32).astype(np.float64)
    centered = _demeaned(windows, (2,))
    sums = op.reduce_sum(op.multiply(centered, constant(time)), integers(2), keep_dims=True)
    slopes = op.multiply(sums, constant(1 / np.sum(time**2)))
    return op.subtract(centered, op.multiply(slopes, constant(time)))


def _deviation(windows: Any, axes: Sequence[int]) -> Any:
    """Return the sample standard deviation, with one degree of freedom less than values."""
    shape = shape_of(windows)
    centered = windows if 2 in axes else _demeaned(windows, axes)  # each component is demeaned
    total = op.reduce_sum(op.multiply(centered, centered), integers(*axes), keep_dims=True)
    degrees = int(np.prod([shape[axis] for axis in axes])) - 1
    return op.sqrt(op.divide(total, constant(degrees)))
