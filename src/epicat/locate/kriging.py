"""Delays along paths as a random field of the source's place, predicted by kriging.

The delay of a phase at a station changes smoothly with the place of the event.  It is taken as a
Gaussian field whose covariance falls with distance; the delay at a place is then the best linear
prediction from the nearest events (Cressie 1993, Statistics for Spatial Data, ch. 3; the method is
also known as Gaussian process regression).  How many neighbours matter, how far, and how much the
prediction is drawn towards zero all follow from the ratio of variances and the length of the
field, which maximise the likelihood of every residual given those of its neighbours, itself left
out (Sundararajan and Keerthi 2001, doi:10.1162/08997660151134343).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.locate.ordered import total

__all__ = ["DelayField", "Neighbourhood", "fit_field"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

NEIGHBOURS = 32
"""So many of the nearest events make a prediction; farther ones are screened by these."""
_LENGTHS_KM = (1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0, 22.0, 32.0)
_RATIOS = (0.0, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 1.7, 3.0, 5.0, 9.0, 16.0)
"""Lengths, and variances of the field over those of the picks, among which the best is chosen."""
_STEEP = 1e6
"""Slope by which the log-likelihood falls beyond the largest variance."""
_STARTS = (2, 6)
"""Numbers of the lengths from which the best is looked for."""


@dataclass(frozen=True, slots=True)
class DelayField:
    """Size and smoothness of the delays of one phase."""

    variance_s2: float
    """Variance of the delays in s²; 0 if none were found."""
    length_km: float
    """Distance over which delays change: the covariance is exp(-d²/2 length²)."""

    def covariance(self, squared_km2: F64) -> F64:
        """Return the covariance in s² of delays at places with squared distances in km²."""
        return np.asarray(
            self.variance_s2 * np.exp(squared_km2 * (-0.5 / max(self.length_km, 1e-6) ** 2))
        )


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Places of which delays are wanted, each with its neighbours: n targets, m neighbours."""

    between_km2: F64
    """Squared distances between the neighbours, shape (m, m, n)."""
    to_target_km2: F64
    """Squared distances of the neighbours from the target, shape (m, n)."""
    value_s: F64
    """Delays of the neighbours, shape (m, n)."""
    noise_s2: F64
    """Variances of their picks, infinite where there is no neighbour, shape (m, n)."""

    @classmethod
    def from_places(
        cls, target_km: F64, near_km: F64, value_s: F64, noise_s2: F64
    ) -> Neighbourhood:
        """Compute the distances; ``target_km`` (n, 3), ``near_km`` (m, n, 3)."""
        offset = near_km - target_km
        squared = offset[..., 0] ** 2 + offset[..., 1] ** 2 + offset[..., 2] ** 2
        between = np.zeros((len(near_km), *squared.shape))
        for axis in range(3):
            between += (offset[:, None, :, axis] - offset[None, :, :, axis]) ** 2
        return cls(between, squared, value_s, noise_s2)

    @classmethod
    def joined(cls, parts: Sequence[Neighbourhood], order: I64) -> Neighbourhood:
        """Join the targets of several, and put them into an order."""
        most = max(len(part.noise_s2) for part in parts)
        columns = [
            [part._padded(most, name) for part in parts]
            for name in ("between_km2", "to_target_km2", "value_s", "noise_s2")
        ]
        return cls(*(np.concatenate(c, axis=-1)[..., order] for c in columns))

    def _padded(self, most: int, name: str) -> F64:
        values: F64 = getattr(self, name)
        missing = most - len(self.noise_s2)
        width = [(0, missing)] * (values.ndim - 1) + [(0, 0)]
        return np.pad(values, width, constant_values=np.inf if name == "noise_s2" else 0.0)

    def predict(self, field: DelayField, noise_factor: float = 1.0) -> tuple[F64, F64]:
        """Return the delays at the targets in s and the variances of their errors in s².

        ``noise_factor`` multiplies the variances of the picks.  The same sums are computed for
        each target whatever the others are.
        """
        is_there = np.isfinite(self.noise_s2)
        m = len(self.noise_s2)
        matrix = field.covariance(self.between_km2)
        matrix *= is_there[:, None] & is_there[None]
        diagonal = np.arange(m)
        matrix[diagonal, diagonal] += np.where(is_there, noise_factor * self.noise_s2, 1.0)
        near = np.where(is_there, field.covariance(self.to_target_km2), 0.0)
        value = np.where(is_there, self.value_s, 0.0)
        # Elimination without pivots: the matrix is positive definite.
        for j in range(m - 1):
            factor = matrix[j + 1 :, j] / matrix[j, j]
            matrix[j + 1 :, j + 1 :] -= factor[:, None] * matrix[j, j + 1 :]
            near[j + 1 :] -= factor * near[j]
            value[j + 1 :] -= factor * value[j]
        scaled = near / matrix[diagonal, diagonal]
        explained = total(scaled * near)
        return total(scaled * value), np.maximum(field.variance_s2 - explained, 0.0)


def fit_field(
    around: Neighbourhood, value_s: F64, noise_s2: F64, growth: float
) -> tuple[DelayField, float]:
    """Fit a field to delays (n,) with variances of their picks, given their neighbours.

    Returns the field, and the factor by which the variances of the picks are to be multiplied.
    ``growth`` is by how much squared residuals are too small since hypocenters were fitted.

    A field that is longer than the events are apart, and larger in proportion, looks the same to
    neighbours.  A variance above that of the delays themselves is therefore not accepted.
    """
    unit = float(np.mean(noise_s2)) if len(noise_s2) else 1.0
    largest = max(float(np.mean(value_s**2)), 1e-9) if len(value_s) else 1.0
    known: dict[tuple[int, int], tuple[float, float]] = {}

    def value(at: tuple[int, int]) -> float:
        if at not in known:
            field = DelayField(_RATIOS[at[1]] * unit, _LENGTHS_KM[at[0]])
            logarithm, factor = _likelihood(around, value_s, noise_s2, field)
            excess = max(factor * field.variance_s2 / largest, 1.0)
            known[at] = logarithm - _STEEP * float(np.log(excess)), factor
        return known[at][0]

    best = max((_climb(value, (start, 5)) for start in _STARTS), key=value)
    factor = known[best][1] * growth
    return DelayField(factor * _RATIOS[best[1]] * unit, _LENGTHS_KM[best[0]]), factor


def _climb(value: Callable[[tuple[int, int]], float], at: tuple[int, int]) -> tuple[int, int]:
    """Go from node to node of the table of lengths and ratios as long as the value rises."""
    while True:
        steps = ((0, 1), (0, -1), (1, 0), (-1, 0))
        near = [(at[0] + i, at[1] + j) for i, j in steps]
        near = [(i, j) for i, j in near if 0 <= i < len(_LENGTHS_KM) and 0 <= j < len(_RATIOS)]
        best = max(near, key=value)
        if value(best) <= value(at):
            return at
        at = best


def _likelihood(
    around: Neighbourhood, value_s: F64, noise_s2: F64, field: DelayField
) -> tuple[float, float]:
    """Return the log-likelihood of delays given their neighbours, and the factor of variances."""
    mean, left = around.predict(field)
    variance = left + noise_s2
    factor = max(float(np.mean((value_s - mean) ** 2 / variance)), 1e-6)
    return -0.5 * float(np.sum(np.log(factor * variance))), factor
