"""Errors that the P and the S pick of a station share.

Slow ground below a station, or along the path to it, delays both.  Some directions are then known
less well than from as many independent picks, and others better: the distance from the time between
P and S.  The covariance of a weighted least-squares estimate with correlated errors is the sandwich
H⁻¹ (H + c X) H⁻¹ (Liang and Zeger 1986, doi:10.1093/biomet/73.1.13): H is the matrix of the normal
equations, c the correlation of the errors, and X the products of the weighted slopes of P and S.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from epicat.locate.arrivals import Batch
from epicat.locate.grids import PHASES
from epicat.locate.ordered import Symmetric, product, total, trace
from epicat.locate.pick_noise import PickNoise
from epicat.locate.refine import Hypocenters
from epicat.locate.scales import scale_changes, without_prior

__all__ = ["Sharing", "sharing", "widening"]

F64 = NDArray[np.float64]

_PRIOR_PAIRS = 4.0
"""How many pairs the correlation is worth that is expected from the size of the errors.

Errors beyond those expected of picks come from the earth, which delays both phases."""
_LIMITS = (-0.5, 0.95)
"""Smallest and largest correlation: picks have errors of their own."""
_COMMON = 0.5
"""How much regions are widened if all errors are shared.

Delays are the same for all events of a network: the share of its true places inside 68 % regions
scatters by 12 % from network to network.  With this number it is about 70 % in the mean of
simulated ones, 78 % with terms, and within 60 to 90 % for most."""


def widening(correlation: F64) -> F64:
    """Return the factor of absolute variances for correlations of the errors of P and S."""
    return np.asarray(1 + _COMMON * np.maximum(correlation, 0.0) ** 2)


@dataclass(frozen=True)
class Sharing:
    """What the errors of hypocenters are if those of P and S are correlated."""

    correlation: F64
    """Correlation of the errors of P and S of a station, shape (events, 1)."""
    normal: Symmetric
    """Matrix of the normal equations: H above."""
    inverse: Symmetric
    """Its inverse."""
    data: Symmetric
    """The same without the prior of the scales of travel times."""
    products: Symmetric
    """Products of the slopes of P and S: X above."""

    @property
    def absorbed(self) -> F64:
        """How many squared errors a fit takes from the residuals, shape (events, 1).

        Fewer than there are unknowns if data do not decide the scales of travel times, and more
        if errors are correlated.
        """
        return trace(product(self.inverse.square(), self._spread(self.data)))

    @cached_property
    def covariance(self) -> Symmetric:
        """Covariance of the unknowns: the sandwich."""
        return self._around(self.normal)

    @property
    def relative(self) -> Symmetric:
        """Covariance of the unknowns relative to those of events with the same model error.

        What the scales of travel times are wrong by a priori moves neighbours alike.
        """
        return self._around(self.data)

    def _spread(self, matrix: Symmetric) -> list[list[F64]]:
        """Return the variance of the right-hand sides: matrix + c X."""
        rows = zip(matrix.square(), self.products.square(), strict=True)
        return [[a + self.correlation * b for a, b in zip(*row, strict=True)] for row in rows]

    def _around(self, matrix: Symmetric) -> Symmetric:
        inverse = self.inverse.square()
        return Symmetric(product(product(inverse, self._spread(matrix)), inverse))


def sharing(
    batch: Batch, found: Hypocenters, noise: PickNoise, residual: F64, scale_error: float
) -> Sharing:
    """Estimate the correlation from the residuals (picks, events, 1) of fitted hypocenters.

    A fit explains part of the errors, and leaves residuals of near slopes anticorrelated.  With
    slopes G, M = 1 - G H⁻¹ G' and the matrix K of pairs, the expectations of e'Ke and e'K²e, the
    products and the squares of the residuals of pairs, are in the ratio of the traces of
    K M (1 + c K) M and K² M (1 + c K) M, from which c follows.
    """
    pairs = _Pairs.from_residuals(batch, found, noise, residual, scale_error)
    n = range(1, len(pairs.p))
    products = Symmetric([[pairs.crossed(i, j) for j in n] for i in n])
    squares = Symmetric([[pairs.squared(i, j) for j in n] for i in n])
    inverse = found.covariance.square()
    by_products, by_squares = (product(inverse, m.square()) for m in (products, squares))
    count = 2 * total(pairs.weight**2)
    own, both = trace(by_squares), trace(by_products)
    ratio = pairs.crossed(0, 0) / (pairs.squared(0, 0) + 1e-9)
    seen = ratio * (count - own) + both
    of_products = count - 2 * own + trace(product(by_products, by_products))
    of_squares = trace(product(by_squares, by_products)) - 2 * both
    rise = np.maximum(of_products - ratio * of_squares, 0.0)
    expected = 1 - 1 / np.maximum(noise.factor, 1.0) ** 2
    prior = 2 * _PRIOR_PAIRS
    correlation = np.clip((seen + expected * prior) / (rise + prior), *_LIMITS)
    data = without_prior(found.normal, len(found.normal) - len(PHASES))
    return Sharing(correlation, found.normal, found.covariance, data, products)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Residuals and slopes of picks, in units of their errors, and which of them are pairs."""

    weight: F64
    """Probability of two picks in turn to be P and S of a station, shape (picks - 1, events, 1)."""
    p: list[F64]
    """Residual and slopes of the first of the two."""
    s: list[F64]
    """The same of the second."""

    @classmethod
    def from_residuals(
        cls, batch: Batch, found: Hypocenters, noise: PickNoise, residual: F64, scale_error: float
    ) -> _Pairs:
        inlier = noise.inliers(residual)
        scaled = np.sqrt(inlier) * noise.inverse_sigma
        times, slopes = batch.times_and_slopes(*found.unknowns[:3])
        changes = [residual, *slopes, np.ones_like(times)]
        changes += scale_changes(batch, times, scale_error)
        columns = [scaled * change for change in changes]
        is_pair = (batch.key[:-1] // 2 == batch.key[1:] // 2) & batch.used[1:]
        weight = np.where(is_pair, np.sqrt(inlier[:-1] * inlier[1:]), 0.0)
        return cls(weight, [c[:-1] for c in columns], [c[1:] for c in columns])

    def crossed(self, i: int, j: int) -> F64:
        """Sum the products of column i of one pick and column j of the other."""
        p, s = self.p, self.s
        return total(self.weight * (p[i] * s[j] + p[j] * s[i]))

    def squared(self, i: int, j: int) -> F64:
        """Sum the products of columns i and j of the same pick, over all picks of pairs."""
        p, s = self.p, self.s
        return total(self.weight**2 * (p[i] * p[j] + s[i] * s[j]))
