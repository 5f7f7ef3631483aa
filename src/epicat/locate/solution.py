"""The location of a batch of events, from the fitted place to what is reported of it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from epicat.locate.arrivals import Batch, Correction
from epicat.locate.likelihood import Likelihood
from epicat.locate.ordered import Symmetric
from epicat.locate.pick_noise import PickNoise
from epicat.locate.posterior import Posterior, posterior, profile
from epicat.locate.refine import Hypocenters, Refiner, residuals
from epicat.locate.settings import Settings
from epicat.locate.sharing import Sharing, sharing, widening
from epicat.locate.terms import StationTerms
from epicat.locate.uncertainty import region_factor

__all__ = ["Fitted", "Located", "Solution", "fit", "solve_batch"]

F64 = NDArray[np.float64]

_WIDENED = (2.0, 1.4, 1.0, 1.0)
"""Factors by which errors are wider in successive refinements: no basin is lost at once."""
_ROUNDS = 12
_FREEDOM_FACTOR = 2.0
"""Factor of the degrees of freedom in the F distribution of the regions.

Errors of picks have longer tails than Gauss's; without it regions hold too many true places,
with it 69 % with Gaussian errors and 72 % with Laplacian ones."""
_SMALL_KM2 = 1e-9
"""What is added to variances, and to 1 km² of them, so that all are positive."""


@dataclass(frozen=True, slots=True)
class Located:
    """Hypocenters of events, and what their picks say about them."""

    place_km: F64
    """x, y and depth in the local plane, shape (events, 3)."""
    origin_s: F64
    """Origin time after the event's reference, shape (events,)."""
    origin_error_s: F64
    """Standard error of the origin time, shape (events,)."""
    covariance_km2: F64
    """Absolute covariance of the place, with model and station errors, shape (events, 3, 3)."""
    relative_km2: F64
    """Covariance of the place relative to its neighbours, shape (events, 3, 3)."""
    is_depth_fixed: NDArray[np.bool_]
    """Whether the depth was fixed since the data do not hold it, shape (events,)."""
    error_factor: F64
    """Errors of the picks over those expected, shape (events,)."""
    wrong_share: F64
    """Share of wrong picks of each event, shape (events,)."""
    residual_s: F64
    """Observed minus predicted time with terms, shape (picks,), in the order of the arrivals."""
    term_s: F64
    """Station term that was taken off, shape (picks,)."""
    term_error_s: F64
    """Standard error of what the term does not know of its pick's delay, shape (picks,)."""
    inlier: F64
    """Probability of each pick to belong to its event, shape (picks,)."""
    sigma_s: F64
    """Standard error of each pick, shape (picks,)."""
    takeoff_deg: F64
    """Angle of the ray at the source from downwards, 0 to 180 degrees, shape (picks,)."""

    @classmethod
    def empty(cls, events: int, picks: int) -> Located:
        """Make room for the results of batches."""
        one, each = (events,), (picks,)
        square = (events, 3, 3)
        return cls(
            np.zeros((events, 3)), np.zeros(one), np.zeros(one), np.zeros(square),
            np.zeros(square), np.zeros(one, dtype=bool), np.zeros(one), np.zeros(one),
            *(np.zeros(each) for _ in range(6)),
        )  # fmt: skip

    def part(self, events: slice, picks: slice) -> Located:
        """Return consecutive events, whose picks are ``picks``."""
        names = [field.name for field in fields(self)]
        first_of_picks = names.index("residual_s")
        values = [getattr(self, name) for name in names]
        return Located(
            *(value[events] for value in values[:first_of_picks]),
            *(value[picks] for value in values[first_of_picks:]),
        )


@dataclass(frozen=True, slots=True)
class Fitted:
    """A batch whose places and errors fit each other."""

    batch: Batch
    """The events, terms taken off."""
    found: Hypocenters
    """The most likely hypocenters, (events, 1)."""
    noise: PickNoise
    """Errors of the picks."""


def fit(batch: Batch, found: Hypocenters, refiner: Refiner, settings: Settings) -> Fitted:
    """Fit the errors of the picks and the hypocenters in turn."""
    floor = np.where(batch.key % 2 == 0, settings.floor_p_s, settings.floor_s_s)
    inverse_floor = np.where(batch.used, 1 / floor, 0.0)
    noise = PickNoise.expected(settings.noise, batch.inverse_sigma, inverse_floor)
    noise = noise.fitted(residuals(batch, found.unknowns, settings.scale_error))
    for widened in _WIDENED:
        found = refiner.refine(batch, noise.mixture(widened), found.unknowns, _ROUNDS)
        residual = residuals(batch, found.unknowns, settings.scale_error)
        noise = noise.fitted(residual)
    shared = sharing(batch, found, noise, residual, settings.scale_error)
    noise = noise.shared(shared.absorbed, shared.correlation).fitted(residual)
    return Fitted(batch, found, noise)


@dataclass(frozen=True, slots=True)
class Solution:
    """Located events of a batch."""

    fitted: Fitted
    """Errors and most likely hypocenters."""
    unknowns: list[F64]
    """x, y, depth, origin time and scales that are reported, (events, 1) each."""
    residual: F64
    """Residuals there, (picks, events, 1)."""
    correction: Correction | None
    """What was taken off the times; None without terms."""
    place: Posterior
    """Mean, and covariance without that of terms."""
    origin_variance: F64
    """Variance of the origin time, (events,)."""
    relative: F64
    """Relative covariance, (events, 3, 3)."""
    of_terms: F64
    """Covariance of place and origin time by errors of terms, (events, 4, 4)."""
    is_fixed: bool
    """Whether depths are fixed."""

    def store(self, into: Located) -> None:
        """Write the results to their events and picks."""
        batch, noise = self.fitted.batch, self.fitted.noise
        at = batch.events
        region = region_factor(_FREEDOM_FACTOR * noise.freedom(self.residual)[:, 0])
        absolute = region * widening(noise.correlation[:, 0])
        into.place_km[at] = np.concatenate(self.unknowns[:3], axis=1)
        into.origin_s[at] = self.unknowns[3][:, 0]
        into.origin_error_s[at] = np.sqrt(absolute * self.origin_variance + self.of_terms[:, 3, 3])
        into.covariance_km2[at] = absolute[:, None, None] * self.place.covariance
        into.covariance_km2[at] += self.of_terms[:, :3, :3]
        into.relative_km2[at] = region[:, None, None] * self.relative
        into.is_depth_fixed[at] = self.is_fixed
        into.error_factor[at] = noise.factor[:, 0]
        into.wrong_share[at] = noise.wrong_share[:, 0]
        used = batch.used
        rows = batch.rows[used]
        into.residual_s[rows] = self.residual[used]
        if self.correction is not None:
            into.term_s[rows] = self.correction.value_s[used]
            into.term_error_s[rows] = np.sqrt(self.correction.left_s2[used])
        into.inlier[rows] = noise.inliers(self.residual)[used]
        into.sigma_s[rows] = 1 / noise.inverse_sigma[used]
        into.takeoff_deg[rows] = _takeoff_deg(batch, self.unknowns)[used]


def _takeoff_deg(batch: Batch, unknowns: list[F64]) -> F64:
    """Return take-off angles, shape (picks, events, 1).

    A ray leaves the source against the gradient of the travel time by the place of the source.
    """
    _, (east, north, down) = batch.times_and_slopes(*unknowns[:3])
    angle = np.arctan2(np.sqrt(east * east + north * north), -down)
    return np.asarray(np.degrees(angle))


def solve_batch(
    fitted: Fitted,
    refiner: Refiner,
    correction: Correction | None,
    terms: StationTerms | None,
    depth_sd_km: float,
) -> Solution:
    """Integrate around fitted hypocenters.

    ``correction`` is what ``terms`` have taken off; ``depth_sd_km`` is the error of a depth that
    is fixed.
    """
    batch, noise, found = fitted.batch, fitted.noise, fitted.found
    error, mixture = refiner.scale_error, noise.mixture()
    around = refiner.refine(batch, mixture, found.unknowns, 0)
    if refiner.is_depth_fixed:
        around = around.with_depth_error(depth_sd_km)
        place = _laplace(around)
    else:
        place = posterior(batch, mixture, around, refiner.box, error)
    shared = sharing(batch, around, noise, residuals(batch, around.unknowns, error), error)
    covariance, relative = _sandwiched(place.covariance, shared)
    place = replace(place, covariance=covariance)
    unknowns = [*(place.mean[:, k : k + 1] for k in range(3)), *found.unknowns[3:]]
    unknowns, _ = profile(batch, mixture, unknowns, error, 4)
    of_terms = np.zeros((len(batch.events), 4, 4))
    if terms is not None and correction is not None:
        response = _response(batch, mixture, around)
        of_terms = terms.shared_covariance(batch, around.unknowns, response, correction)
        of_terms *= widening(np.asarray(terms.correlation))
    return Solution(
        fitted=fitted,
        unknowns=unknowns,
        residual=residuals(batch, unknowns, error),
        correction=correction,
        place=place,
        origin_variance=shared.covariance[3, 3][:, 0],
        relative=relative,
        of_terms=of_terms,
        is_fixed=refiner.is_depth_fixed,
    )


def _response(batch: Batch, likelihood: Likelihood, around: Hypocenters) -> list[F64]:
    """Return how far place (km) and origin time (s) move with the time of each pick in s.

    Four arrays of shape (picks, events), to first order.
    """
    times, slopes = batch.times_and_slopes(*around.unknowns[:3])
    weight = likelihood.weights(residuals(batch, around.unknowns, 0.0))
    inverse = Symmetric(around.normal.lower[:4]).inverse()
    changes = [*slopes, np.ones_like(times)]
    moved = []
    for k in range(4):
        parts = [inverse[k, j] * change for j, change in enumerate(changes)]
        moved.append((weight * (parts[0] + parts[1] + parts[2] + parts[3]))[:, :, 0])
    return moved


def _laplace(around: Hypocenters) -> Posterior:
    mean = np.concatenate(around.unknowns[:3], axis=1)
    return Posterior(mean, around.covariance.stacked(3)[:, 0])


def _sandwiched(covariance: F64, shared: Sharing) -> tuple[F64, F64]:
    """Return the absolute and the relative covariance of places, (events, 3, 3) each.

    The posterior, of which ``covariance`` is, changes both as it changes that of Laplace's
    approximation; thus the relative one is never the larger.
    """
    change = _factor(covariance) @ np.linalg.inv(_factor(shared.inverse.stacked(3)[:, 0]))
    absolute, relative = (
        np.asarray(change @ one.stacked(3)[:, 0] @ change.transpose(0, 2, 1))
        for one in (shared.covariance, shared.relative)
    )
    return absolute, relative


def _factor(covariance: F64) -> F64:
    """Return the lower factors of covariances (events, 3, 3), which may be singular."""
    size = 1 + np.trace(covariance, axis1=1, axis2=2)[:, None, None]
    return np.asarray(np.linalg.cholesky(covariance + _SMALL_KM2 * size * np.eye(3)))
