"""The network magnitude: a censored likelihood whose outliers have bounded weight.

A station that recorded an event above its noise has a value, one that did not has an upper bound.
The median of the values alone is too large for small events, because the stations with a value are
those where the event happened to be large (Tobin 1958 for the likelihood; Kijko 1980 and Ringdal
1976, BSSA 66, 789-802, for magnitudes).  With probability ``outlier_share`` a value has nothing to
do with the event; it is then anywhere within ``OUTLIER_RANGE`` and its influence is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

__all__ = ["NetworkMagnitudes", "NetworkModel", "Observations", "network_magnitudes"]

F64 = NDArray[np.float64]

OUTLIER_RANGE = 4.0
"""Magnitude units over which outliers are spread."""
_STEPS = 81
_NEWTON_STEPS = 6
_ROUNDS = 4
_ROOT_2PI = float(np.sqrt(2 * np.pi))


@dataclass(frozen=True, slots=True)
class NetworkModel:
    """What is assumed of station magnitudes."""

    sigma: float = 0.35
    """Expected standard deviation of station magnitudes of one event."""
    sigma_weight: float = 8.0
    """How many stations' evidence the expected standard deviation is worth."""
    outlier_share: float = 0.05
    """Share of station magnitudes that have nothing to do with the event."""


@dataclass(frozen=True, slots=True)
class Observations:
    """Station magnitudes of events, one row for each station and event."""

    event: NDArray[np.int64]
    """Number of the event of each row, 0 to ``n_events - 1``, shape (n,)."""
    value: F64
    """Station magnitude, or its upper bound, corrections applied; shape (n,)."""
    is_bound: NDArray[np.bool_]
    """Whether the value is an upper bound, shape (n,)."""
    n_events: int
    """Number of events."""


@dataclass(frozen=True, slots=True)
class NetworkMagnitudes:
    """Magnitudes of events, shape (n_events,) unless said otherwise; NaN without a value."""

    value: F64
    """Network magnitude: the maximum of the likelihood."""
    standard_error: F64
    """Standard error by the curvature of the likelihood."""
    mad: F64
    """Median absolute deviation of the values from the network magnitude."""
    median: F64
    """Plain median of the values: what bounds and weights change."""
    sigma: F64
    """Standard deviation of station magnitudes that was used."""
    n_used: NDArray[np.int64]
    """Values whose weight is at least one half."""
    n_bounds: NDArray[np.int64]
    """Bounds."""
    weight: F64 = field(repr=False)
    """Probability that a row belongs to its event, shape (n,)."""


def network_magnitudes(given: Observations, model: NetworkModel) -> NetworkMagnitudes:
    """Return the magnitudes of all events; one does not depend on the others."""
    counts = np.bincount(given.event[~given.is_bound], minlength=given.n_events)
    sigma = np.full(given.n_events, model.sigma)
    start = _median(given)
    value = start
    for _ in range(_ROUNDS):
        value = _refine(given, _search(given, start, sigma, model), sigma, model)
        weight = _weights(given, value, sigma, model)
        sigma = _scatter(given, value, weight, model)
    value = _refine(given, value, sigma, model)
    weight = _weights(given, value, sigma, model)
    _, curvature = _derivatives(given, value, sigma, model)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(curvature > 0, 1 / np.sqrt(np.abs(curvature)), np.nan)
    # Where outliers make the likelihood flat, the error is that of one station.
    error = np.where(counts > 0, np.fmin(np.nan_to_num(error, nan=np.inf), sigma), np.nan)
    is_used = ~given.is_bound & (weight >= 0.5)
    return NetworkMagnitudes(
        value=value,
        standard_error=error,
        mad=_median(given, np.abs(given.value - value[given.event])),
        median=start,
        sigma=sigma,
        n_used=np.bincount(given.event[is_used], minlength=given.n_events),
        n_bounds=np.bincount(given.event[given.is_bound], minlength=given.n_events),
        weight=weight,
    )


def _median(given: Observations, of: F64 | None = None) -> F64:
    """Return the median of the values of each event, bounds left out."""
    rows = ~given.is_bound
    event, value = given.event[rows], (given.value if of is None else of)[rows]
    order = np.lexsort((value, event))
    event, value = event[order], value[order]
    count = np.bincount(event, minlength=given.n_events)
    first = np.cumsum(count) - count
    found = np.full(given.n_events, np.nan)
    some = count > 0
    low, high = first[some] + (count[some] - 1) // 2, first[some] + count[some] // 2
    found[some] = (value[low] + value[high]) / 2
    return found


def _search(given: Observations, start: F64, sigma: F64, model: NetworkModel) -> F64:
    """Return the best of a row of candidates about the median, for each event.

    Bounds only lower a magnitude: the candidates reach further down than up.
    """
    best, at = np.full(given.n_events, -np.inf), start.copy()
    for step in np.linspace(-1.5, 0.8, _STEPS):
        candidate = start + step
        found = _likelihood(given, candidate, sigma, model)
        better = found > best
        best[better], at[better] = found[better], candidate[better]
    return at


def _likelihood(given: Observations, value: F64, sigma: F64, model: NetworkModel) -> F64:
    z, s = _residuals(given, value, sigma)
    good, bad = 1 - model.outlier_share, model.outlier_share
    density = good * np.exp(-0.5 * z * z) / (s * _ROOT_2PI) + bad / OUTLIER_RANGE
    below = good * ndtr(z) + bad / 2
    rows = np.log(np.where(given.is_bound, below, density))
    return _sums(given.event, rows, given.n_events)


def _residuals(given: Observations, value: F64, sigma: F64) -> tuple[F64, F64]:
    s = sigma[given.event]
    return (given.value - value[given.event]) / s, s


def _weights(given: Observations, value: F64, sigma: F64, model: NetworkModel) -> F64:
    """Return the probability that each row belongs to its event."""
    z, s = _residuals(given, value, sigma)
    good, bad = 1 - model.outlier_share, model.outlier_share
    density = good * np.exp(-0.5 * z * z) / (s * _ROOT_2PI)
    below = good * ndtr(z)
    own: F64 = np.where(given.is_bound, below, density)
    other: F64 = np.where(given.is_bound, bad / 2, bad / OUTLIER_RANGE)
    weight: F64 = own / (own + other)
    return weight


def _derivatives(
    given: Observations, value: F64, sigma: F64, model: NetworkModel
) -> tuple[F64, F64]:
    """Return the slope of the log-likelihood and its negative curvature, for each event."""
    z, s = _residuals(given, value, sigma)
    weight = _weights(given, value, sigma, model)
    ratio = np.exp(-0.5 * z * z) / _ROOT_2PI / np.maximum(ndtr(z), 1e-300)
    inner = np.where(given.is_bound, -ratio, z)  # slope of the log of the event's own term
    bend = np.where(given.is_bound, ratio * (z + ratio), 1.0)
    slope = weight * inner / s
    # The mixture's curvature: that of its term, less what the changing weight takes away.
    curvature = (weight * bend - weight * (1 - weight) * inner**2) / s**2
    n = given.n_events
    return _sums(given.event, slope, n), _sums(given.event, curvature, n)


def _sums(index: NDArray[np.int64], weights: F64, n: int) -> F64:
    """Return the sum of the weights of each index, shape (n,)."""
    return np.asarray(np.bincount(index, weights=weights, minlength=n), dtype=np.float64)


def _refine(given: Observations, value: F64, sigma: F64, model: NetworkModel) -> F64:
    """Return the maximum near a candidate by Newton steps, none longer than the search's."""
    limit = 2.3 / (_STEPS - 1)
    for _ in range(_NEWTON_STEPS):
        slope, curvature = _derivatives(given, value, sigma, model)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(curvature > 0, slope / curvature, np.sign(slope) * limit)
        value = value + np.clip(step, -limit, limit)
    return value


def _scatter(given: Observations, value: F64, weight: F64, model: NetworkModel) -> F64:
    """Return the standard deviation of each event's values, drawn to the expected one."""
    rows = ~given.is_bound
    event, own = given.event[rows], weight[rows]
    squares = own * (given.value[rows] - value[event]) ** 2
    total, count = _sums(event, squares, given.n_events), _sums(event, own, given.n_events)
    expected = model.sigma_weight * model.sigma**2
    total, count = np.nan_to_num(total), np.nan_to_num(count)
    return np.asarray(np.sqrt((expected + total) / (model.sigma_weight + count)), dtype=np.float64)
