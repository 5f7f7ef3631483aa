"""The network magnitude: a censored likelihood whose outliers have bounded weight.

A station that recorded an event above its noise has a value, one that did not has an upper bound.
The median of the values alone is too large for small events, because the stations with a value are
those where the event happened to be large (Tobin 1958 for the likelihood; Kijko 1980 and Ringdal
1976, BSSA 66, 789-802, for magnitudes).  With probability ``outlier_share`` a value has nothing to
do with the event; it is then anywhere within ``OUTLIER_RANGE`` and its influence is bounded.

A bound is censored data only if it does not depend on the event.  The largest amplitude at a
station may be the event's or that of something else that hides it: such a peak is a value,
with probability ``_PEAK_SHARE``, or a bound.  As a mere bound it would draw magnitudes down.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["NetworkMagnitudes", "NetworkModel", "Observations", "network_magnitudes"]

F64 = NDArray[np.float64]

OUTLIER_RANGE = 4.0
"""Magnitude units over which outliers are spread, and what hides an event."""
_PEAK_SHARE = 0.25
"""Probability that a peak is the event's, before its size is known."""
_STEPS = 81
_NEWTON_STEPS = 6
_SIGMAS = 7
_ROOT_2PI = float(np.sqrt(2 * np.pi))


@dataclass(frozen=True, slots=True)
class NetworkModel:
    """What is assumed of station magnitudes."""

    sigma: float = 0.3
    """Expected standard deviation of station magnitudes of one event."""
    sigma_spread: float = 0.5
    """Standard deviation of its natural logarithm: what networks differ by."""
    outlier_share: float = 0.05
    """Share of station magnitudes that have nothing to do with the event."""

    @property
    def sigmas(self) -> F64:
        """Standard deviations that are tried, within two of the expected one, shape (7,)."""
        steps = np.linspace(-2, 2, _SIGMAS)
        return np.asarray(self.sigma * np.exp(self.sigma_spread * steps), dtype=np.float64)

    def log_prior(self, sigma: float) -> float:
        """Return the logarithm of the prior density of a standard deviation, but for a constant."""
        return float(-0.5 * (np.log(sigma / self.sigma) / self.sigma_spread) ** 2)


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
    is_peak: NDArray[np.bool_]
    """Whether a bound is an amplitude that may be the event's, shape (n,)."""


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
    """Return the magnitudes of all events; one does not depend on the others.

    The scatter of an event's station magnitudes is unknown: magnitudes for each of a row of
    standard deviations are averaged, with the posterior probability of each as weight.
    """
    start = _median(given)
    sigmas = model.sigmas
    values, errors, scores = (np.empty((len(sigmas), given.n_events)) for _ in range(3))
    for i, sigma in enumerate(sigmas):
        every = np.full(given.n_events, sigma)
        values[i] = _refine(given, _search(given, start, every, model), every, model)
        errors[i] = _standard_error(given, values[i], every, model)
        scores[i] = _likelihood(given, values[i], every, model) + model.log_prior(sigma)
    share = np.exp(scores - scores.max(axis=0)) * errors
    share /= share.sum(axis=0)
    value = (share * values).sum(axis=0)
    variance = (share * (errors**2 + (values - value) ** 2)).sum(axis=0)
    sigma = np.exp((share * np.log(sigmas)[:, None]).sum(axis=0))
    weight = _weights(given, value, sigma, model)
    is_used = ~given.is_bound & (weight >= 0.5)
    return NetworkMagnitudes(
        value=value,
        standard_error=np.sqrt(variance),
        mad=_median(given, np.abs(given.value - value[given.event])),
        median=start,
        sigma=sigma,
        n_used=np.bincount(given.event[is_used], minlength=given.n_events),
        n_bounds=np.bincount(given.event[given.is_bound], minlength=given.n_events),
        weight=weight,
    )


def _standard_error(given: Observations, value: F64, sigma: F64, model: NetworkModel) -> F64:
    """Return the standard error by the curvature of the likelihood.

    Where outliers make the likelihood flat, it is that of one station.
    """
    _, curvature = _derivatives(given, value, sigma, model)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(curvature > 0, 1 / np.sqrt(np.abs(curvature)), np.inf)
    return np.where(np.isfinite(value), np.fmin(error, sigma), np.nan)


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
    own, other = _densities(given, value, sigma, model)
    return _sums(given.event, np.log(own + other), given.n_events)


def _normal(z: F64) -> F64:
    """Return the cumulative distribution function of the standard normal distribution."""
    from scipy.special import ndtr

    below: F64 = ndtr(z)
    return below


def _residuals(given: Observations, value: F64, sigma: F64) -> tuple[F64, F64]:
    s = sigma[given.event]
    return (given.value - value[given.event]) / s, s


def _densities(given: Observations, value: F64, sigma: F64, model: NetworkModel) -> tuple[F64, F64]:
    """Return the likelihood of each row if it belongs to its event, and if it does not."""
    z, s = _residuals(given, value, sigma)
    good, bad = 1 - model.outlier_share, model.outlier_share
    density, below = np.exp(-0.5 * z * z) / (s * _ROOT_2PI), _normal(z)
    peak = _PEAK_SHARE * density + (1 - _PEAK_SHARE) / OUTLIER_RANGE * below
    is_plain = given.is_bound & ~given.is_peak
    own = np.where(is_plain, below, np.where(given.is_peak, peak, density))
    other = np.where(is_plain, bad / 2, bad / OUTLIER_RANGE)
    return good * own, other


def _weights(given: Observations, value: F64, sigma: F64, model: NetworkModel) -> F64:
    """Return the probability that each row belongs to its event."""
    own, other = _densities(given, value, sigma, model)
    return np.asarray(own / (own + other))


def _derivatives(
    given: Observations, value: F64, sigma: F64, model: NetworkModel
) -> tuple[F64, F64]:
    """Return the slope of the log-likelihood and its negative curvature, for each event."""
    z, s = _residuals(given, value, sigma)
    weight = _weights(given, value, sigma, model)
    density = np.exp(-0.5 * z * z) / _ROOT_2PI
    # A value is the mixture of a peak without its second part, a bound without the first.
    first = np.where(given.is_peak, _PEAK_SHARE, np.where(given.is_bound, 0.0, 1.0)) / s
    second = np.where(given.is_peak, (1 - _PEAK_SHARE) / OUTLIER_RANGE, given.is_bound)
    ratio = density / np.maximum(first * density + second * _normal(z), 1e-300)
    steep = first * z - second
    inner = np.where(given.is_bound, ratio * steep, z)
    bend = np.where(given.is_bound, inner**2 - ratio * (z * steep - first), 1.0)
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
