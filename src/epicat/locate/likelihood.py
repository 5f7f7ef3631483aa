"""What is assumed about the errors of picks: two likelihoods of travel-time residuals.

Both take residuals of shape (picks, events, n) and leave out constants that are the same for
every place.  A pick with ``inverse_sigma`` 0 adds exactly nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from epicat.locate.ordered import total

__all__ = ["Likelihood", "Mixture", "StudentT"]

F64 = NDArray[np.float64]


class Likelihood(Protocol):
    """A likelihood of residuals, and the weights of its iteratively reweighted least squares."""

    def weights(self, residual: F64) -> F64:
        """Weights in 1/s², of the shape of the residuals."""
        ...

    def logarithm(self, residual: F64) -> F64:
        """Log-likelihood, shape (events, n)."""
        ...

    def of(self, columns: NDArray[np.int64], picks: int) -> Likelihood:
        """Return the likelihood of some of the events, which have up to ``picks`` picks."""
        ...


@dataclass(frozen=True, slots=True)
class StudentT:
    """Student's t: finds the right place though many picks are wrong (Lange et al. 1989)."""

    inverse_sigma: F64
    """One over the scale of each pick in 1/s, shape (picks, events, 1)."""
    freedom: float
    """Degrees of freedom."""

    def weights(self, residual: F64) -> F64:
        """See `Likelihood.weights`."""
        squared = residual * self.inverse_sigma
        squared *= squared
        squared += self.freedom
        return np.divide((self.freedom + 1) * self.inverse_sigma**2, squared, out=squared)

    def logarithm(self, residual: F64) -> F64:
        """See `Likelihood.logarithm`."""
        squared = residual * self.inverse_sigma
        squared *= squared
        squared *= 1 / self.freedom
        return -(self.freedom + 1) / 2 * total(np.log1p(squared, out=squared))

    def of(self, columns: NDArray[np.int64], picks: int) -> StudentT:
        """See `Likelihood.of`."""
        return StudentT(self.inverse_sigma[:picks].take(columns, axis=1), self.freedom)


@dataclass(frozen=True, slots=True)
class Mixture:
    """A Gaussian core, and a uniform share of picks that do not belong to the event."""

    inverse_sigma: F64
    """One over the standard deviation of the core in 1/s, shape (picks, events, 1)."""
    odds: F64
    """Density of the core at its peak over that of wrong picks, shape (picks, events, 1)."""

    @classmethod
    def from_shares(cls, inverse_sigma: F64, wrong_share: F64, width_s: float) -> Mixture:
        """Make the mixture of a core and ``wrong_share`` of picks spread over ``width_s``."""
        core = width_s / math.sqrt(2 * math.pi) * inverse_sigma
        return cls(inverse_sigma, core * ((1 - wrong_share) / wrong_share))

    def with_errors(self, inverse_sigma: F64) -> Mixture:
        """Return the mixture with the same share of wrong picks and another core."""
        used = self.inverse_sigma > 0
        change = inverse_sigma / np.where(used, self.inverse_sigma, 1.0)
        return Mixture(inverse_sigma, self.odds * change)

    def inlier_probability(self, residual: F64) -> F64:
        """Probability that each pick belongs to the core, of the shape of the residuals."""
        ratio = self._ratio(residual)
        return np.divide(ratio, 1 + ratio, out=ratio)

    def weights(self, residual: F64) -> F64:
        """See `Likelihood.weights`."""
        weight = self.inlier_probability(residual)
        weight *= self.inverse_sigma**2
        return weight

    def logarithm(self, residual: F64) -> F64:
        """See `Likelihood.logarithm`."""
        ratio = self._ratio(residual)
        return total(np.log1p(ratio, out=ratio))

    def of(self, columns: NDArray[np.int64], picks: int) -> Mixture:
        """See `Likelihood.of`."""
        own = (v[:picks].take(columns, axis=1) for v in (self.inverse_sigma, self.odds))
        return Mixture(*own)

    def _ratio(self, residual: F64) -> F64:
        """Density of the core over that of wrong picks."""
        ratio = residual * self.inverse_sigma
        ratio *= ratio
        ratio *= -0.5
        np.exp(ratio, out=ratio)
        ratio *= self.odds
        return ratio
