"""How large the errors of an event's picks are, and how many of its picks are wrong.

A Gaussian core and a uniform share of wrong picks, fitted to the residuals of each event by
expectation maximisation (Dempster et al. 1977).  Few picks say little about either, so both have
a prior: the expected errors of picks, and one wrong pick in ten.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from epicat.locate.likelihood import Mixture
from epicat.locate.ordered import total

__all__ = ["NoiseModel", "PickNoise"]

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """What is assumed about the errors of picks before any event is seen."""

    prior_picks: float = 0.5
    """How many picks the expected errors are worth against the residuals of an event."""
    wrong_share: float = 0.1
    """Expected share of wrong picks."""
    wrong_prior_picks: float = 10.0
    """How many picks that share is worth."""
    wrong_width_s: float = 3.0
    """Width of the window over which wrong picks are spread evenly."""
    unknowns: float = 5.0
    """Unknowns that the residuals have been made small by, before a fit says how many."""


@dataclass(frozen=True, slots=True)
class PickNoise:
    """The errors of the picks of a batch of events: see `NoiseModel`."""

    model: NoiseModel
    """The priors."""
    inverse_expected: F64
    """One over the expected error of each pick in 1/s, 0 where there is no pick.

    Shape (picks, events, 1).
    """
    inverse_floor: F64
    """One over the smallest error of each pick in 1/s, same shape."""
    factor: F64
    """Errors over expected errors, shape (events, 1)."""
    wrong_share: F64
    """Share of wrong picks, shape (events, 1)."""
    absorbed: F64
    """How many squared errors the fit of a hypocenter takes from the residuals, (events, 1)."""
    correlation: F64
    """Correlation of the errors of P and S of a station, (events, 1); see `Sharing`."""

    @classmethod
    def expected(cls, model: NoiseModel, inverse_sigma: F64, inverse_floor: F64) -> PickNoise:
        """Start with errors twice as large as expected, so that nothing is excluded too early."""
        shape = inverse_sigma.shape[1:]
        wide = np.full(shape, 2.0)
        share = np.full(shape, model.wrong_share)
        absorbed = np.full(shape, model.unknowns)
        return cls(model, inverse_sigma, inverse_floor, wide, share, absorbed, np.zeros(shape))

    @property
    def inverse_sigma(self) -> F64:
        """One over the error of each pick in 1/s, floors respected; 0 where there is no pick."""
        return np.asarray(np.minimum(self.inverse_expected / self.factor, self.inverse_floor))

    def mixture(self, widened: float = 1.0) -> Mixture:
        """Return the likelihood, with errors ``widened`` by a factor."""
        return Mixture.from_shares(
            self.inverse_sigma / widened, self.wrong_share, self.model.wrong_width_s
        )

    def fitted(self, residual: F64, rounds: int = 5) -> PickNoise:
        """Return the errors that fit residuals of shape (picks, events, 1)."""
        noise = self
        for _ in range(rounds):
            noise = noise._improved(residual)
        return noise

    def shared(self, absorbed: F64, correlation: F64) -> PickNoise:
        """Return the same errors with what P and S share; see `epicat.locate.sharing`."""
        return replace(self, absorbed=absorbed, correlation=correlation)

    def inliers(self, residual: F64) -> F64:
        """Probability of each pick to belong to the core; 0 where there is none."""
        return self.mixture().inlier_probability(residual)

    def freedom(self, residual: F64) -> F64:
        """Degrees of freedom of the errors, with those of the prior; shape (events, 1).

        Squares of errors with correlation c are correlated by c² (Satterthwaite 1946,
        doi:10.2307/3002019).
        """
        free = np.maximum(total(self.inliers(residual)) - self.absorbed, 0.0)
        return np.asarray(self.model.prior_picks + free / (1 + self.correlation**2))

    def _improved(self, residual: F64) -> PickNoise:
        model, inlier = self.model, self.inliers(residual)
        support, picks = total(inlier), total((self.inverse_expected > 0).astype(float))
        misfit = total(inlier * (residual * self.inverse_expected) ** 2)
        free = np.maximum(support - self.absorbed, 0.0) + model.prior_picks
        factor = np.sqrt((misfit + model.prior_picks) / free)
        wrong = picks - support + model.wrong_share * model.wrong_prior_picks
        share = wrong / (picks + model.wrong_prior_picks)
        return replace(self, factor=factor, wrong_share=share)
