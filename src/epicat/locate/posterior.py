"""Posterior of a hypocenter on 5 x 5 x 5 nodes along the axes of its error ellipsoid."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.locate.arrivals import Batch
from epicat.locate.likelihood import Likelihood
from epicat.locate.ordered import Symmetric, normal_equations, solve, total
from epicat.locate.refine import Hypocenters
from epicat.locate.scales import add_prior, misfit, scale_changes
from epicat.locate.search import Box

__all__ = ["Posterior", "posterior", "profile"]

F64 = NDArray[np.float64]

_PER_AXIS = 5
_REACH = 3.5
"""Half the width of the grid, in standard deviations of the Laplace approximation."""
_LARGEST_SD_KM = 15.0
_NARROW = 0.1
"""Standard deviation over that of Laplace's approximation, below which the grid is too coarse: then
all weight is at the middle node, and the true one is less than half of the approximation."""
_NARROWED = 0.25
_ROUNDS = 4
_UNIT = np.array(
    list(itertools.product(_REACH * (2 * (np.arange(_PER_AXIS) + 0.5) / _PER_AXIS - 1), repeat=3))
)
"""The nodes in standard deviations, shape (125, 3)."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """Mean and covariance of hypocenters."""

    mean: F64
    """x, y and depth in km, shape (events, 3)."""
    covariance: F64
    """Covariance in km², shape (events, 3, 3)."""


def posterior(
    batch: Batch, likelihood: Likelihood, found: Hypocenters, box: Box, scale_error: float
) -> Posterior:
    """Integrate the likelihood around hypocenters (events, 1) found by `Refiner.refine`.

    Origin time and scales are integrated out by Laplace's approximation at each node.  Nodes
    outside the box count nothing.  Where the likelihood falls off much faster than Laplace's
    approximation, as at the boundary of two layers, the nodes are put closer together.
    """
    variance, axes = np.linalg.eigh(found.covariance.stacked(3)[:, 0])
    length = np.minimum(np.sqrt(np.maximum(variance, 1e-8)), _LARGEST_SD_KM)
    for _ in range(_ROUNDS):
        result = _integrated(batch, likelihood, found, box, scale_error, axes * length[:, None])
        along = np.einsum("eki,ekl,eli->ei", axes, result.covariance, axes)
        is_narrow = np.sqrt(np.maximum(along, 0.0)) < _NARROW * length
        if not is_narrow.any():
            break
        length = np.where(is_narrow, _NARROWED * length, length)
    return result


def _integrated(
    batch: Batch,
    likelihood: Likelihood,
    found: Hypocenters,
    box: Box,
    scale_error: float,
    axes: F64,
) -> Posterior:
    """Integrate on nodes along axes (events, 3, 3): columns as long as a standard deviation."""
    places, guess = _nodes(found, axes)
    logarithm = np.empty(places[0].shape)
    for own in batch.parts(len(_UNIT)):
        start = [v[own] for v in (*places, *guess)]
        part = batch.trimmed(own)
        its = likelihood.of(own, len(part.time_s))
        _, logarithm[own] = profile(part, its, start, scale_error, 2)
    inside = np.ones(logarithm.shape, dtype=bool)
    for values, (low, high) in zip(places, (box.x_km, box.y_km, box.z_km), strict=True):
        inside &= (values >= low) & (values <= high)
    return _moments(places, np.where(inside, logarithm, -np.inf), found)


def profile(
    batch: Batch, likelihood: Likelihood, start: list[F64], scale_error: float, rounds: int
) -> tuple[list[F64], F64]:
    """Fit origin time and scales at given places; ``start`` holds six unknowns (events, n).

    Returns the unknowns, and the log-likelihood with origin time and scales integrated out.
    """
    x, y, z, origin, *scales = start
    times = batch.times(x, y, z)
    delay = batch.time_s - times
    changes = scale_changes(batch, times, scale_error)
    none = [np.zeros_like(scale) for scale in scales]

    def residual() -> F64:
        return np.asarray(delay - origin - scales[0] * changes[0] - scales[1] * changes[1])

    for _ in range(rounds):
        weight = likelihood.weights(residual())
        normal, right = normal_equations(weight, [None, *changes], delay)
        normal.lower[0][0] += 1e-6
        add_prior(normal, right, 1, none)
        origin, *scales = solve(normal, right)
    factor = normal.cholesky()
    logarithm = likelihood.logarithm(residual())
    logarithm -= misfit(scales) + np.log(factor[0][0] * factor[1][1] * factor[2][2])
    return [x, y, z, origin, *scales], logarithm


def _nodes(found: Hypocenters, axes: F64) -> tuple[list[F64], list[F64]]:
    """Return places (events, nodes), and the origin time and scales to expect there."""
    covariance = found.covariance
    offset = []
    for k in range(3):
        parts = [axes[:, k, j][:, None] * _UNIT[:, j] for j in range(3)]
        offset.append(parts[0] + parts[1] + parts[2])
    places = [v + d for v, d in zip(found.unknowns[:3], offset, strict=True)]
    inner = Symmetric([[covariance[i, j] for j in range(3)] for i in range(3)])
    guess = []
    for k in range(3, len(covariance)):
        by = solve(inner, [covariance[k, j] for j in range(3)])
        change = by[0] * offset[0] + by[1] * offset[1] + by[2] * offset[2]
        guess.append(found.unknowns[k] + change)
    return places, guess


def _moments(places: list[F64], logarithm: F64, found: Hypocenters) -> Posterior:
    """Return mean and covariance; the middle node is in the box, so that some weight is not 0."""
    peak = np.maximum(logarithm.max(axis=1, keepdims=True), -1e300)
    weight = _by_node(np.exp(logarithm - peak))
    norm = total(weight)
    middle = found.unknowns[:3]
    offset = [_by_node(p - x) for p, x in zip(places, middle, strict=True)]
    shift = [total(weight * d) / norm for d in offset]
    mean = np.stack([x[:, 0] + s for x, s in zip(middle, shift, strict=True)], -1)
    centered = [d - s for d, s in zip(offset, shift, strict=True)]
    rows = [[total(weight * a * b) / norm for b in centered] for a in centered]
    return Posterior(mean, Symmetric(rows).stacked())


def _by_node(values: F64) -> F64:
    """Return values (events, nodes) with the nodes first, as `total` sums them."""
    return np.ascontiguousarray(values.T)
