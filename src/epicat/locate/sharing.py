"""How far the P and S pick of a station share their errors.

A station on slow ground delays both.  Two picks with the same error are worth less than two
independent ones: variances grow by the design effect (Kish 1965, Survey Sampling).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from epicat.locate.arrivals import Batch
from epicat.locate.ordered import Symmetric, total
from epicat.locate.pick_noise import PickNoise
from epicat.locate.refine import Hypocenters
from epicat.locate.scales import scale_changes

__all__ = ["sharing"]

F64 = NDArray[np.float64]

_PRIOR_PAIRS = 4.0
"""How many pairs without correlation the estimate begins with."""
_ORDINARY = 1.5
"""Errors up to this factor above those expected are the picker's, and not shared.

What exceeds them comes from the earth below the station, which delays both phases.
"""

_COMMON = 3.2
"""How much more than its own pick a delay common to P and S costs.

Such a delay comes from the earth.  It is near that of neighbouring stations and events, so that
it does not average out; the number makes the 68 % regions of simulated networks hold true.
"""


def sharing(
    batch: Batch, found: Hypocenters, noise: PickNoise, residual: F64, scale_error: float
) -> F64:
    """Return the number of picks for each independent one, 0.5 to 4.2, shape (events, 1).

    It comes from the correlation of the residuals of the P and the S pick of a station.  Fitting
    the hypocenter makes residuals of near slopes anticorrelated, which is added back.
    """
    inlier = noise.inliers(residual)
    scaled = np.sqrt(inlier) * noise.inverse_sigma
    error = scaled * residual
    slopes = _slopes(batch, found, scale_error)
    inverse = found.normal.inverse()
    sides = [_row(inverse, slopes, k) for k in range(len(slopes))]

    def absorbed(one: slice, two: slice) -> F64:
        products = (side[one] * slope[two] for side, slope in zip(sides, slopes, strict=True))
        return np.asarray(sum(products) * scaled[one] * scaled[two])

    p, s = slice(None, -1), slice(1, None)
    is_pair = (batch.key[p] // 2 == batch.key[s] // 2) & batch.used[s]
    both = np.where(is_pair, inlier[p] * inlier[s], 0.0)
    product = total(both * (error[p] * error[s] + absorbed(p, s)))
    square = total(both * (error[p] ** 2 + absorbed(p, p) + error[s] ** 2 + absorbed(s, s)) / 2)
    pairs = total(both)
    seen = product / (square + 1e-9)
    excess = 1 - 1 / np.maximum(noise.factor / _ORDINARY, 1.0) ** 2
    correlation = (seen * pairs + excess * _PRIOR_PAIRS) / (pairs + _PRIOR_PAIRS)
    share = 2 * pairs / np.maximum(total(inlier), 1.0)
    correlation = np.clip(correlation, -0.5, 1.0)
    growth = np.where(correlation > 0, _COMMON * correlation**2, correlation)
    return np.asarray(1 + growth * share)


def _slopes(batch: Batch, found: Hypocenters, scale_error: float) -> list[F64]:
    times, slopes = batch.times_and_slopes(*found.unknowns[:3])
    return [*slopes, np.ones_like(times), *scale_changes(batch, times, scale_error)]


def _row(inverse: Symmetric, slopes: list[F64], k: int) -> F64:
    products = [inverse[k, j] * slope for j, slope in enumerate(slopes)]
    return np.asarray(sum(products[1:], products[0]))
