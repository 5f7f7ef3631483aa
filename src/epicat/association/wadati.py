"""Estimate vp/vs from associated picks: a Wadati diagram without origin times.

In an earth with one vp/vs the S times of an event are a line of that slope over its P times,
whatever its place (Wadati 1933).  Subtracting an event's means leaves the slope alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.association.candidates import Candidate
from epicat.velocity.layers import LayerModel
from epicat.velocity.travel_times import travel_times

__all__ = ["Wadati", "model_ratio", "wadati"]

F64 = NDArray[np.float64]

_LEAST_SITES = 3
"""Sites with both phases that an event needs to say anything."""
_LEAST_PAIRS = 30
_GROUPS = 10
"""Groups of sites of the jackknife."""
_S_VARIANCE = 4.0
"""Variance of S picks over that of P picks."""
_SITE_ERROR_S = 0.1
"""P times have errors of this size at least that are the same in all events of a site."""
_LARGEST_BIAS = 0.03
_ROUNDS = 8
_OUTLIER = 2.5
"""Residuals beyond so many robust standard deviations are left out."""


@dataclass(frozen=True, slots=True)
class Wadati:
    """An estimate of vp/vs."""

    ratio: float
    """Estimated vp/vs."""
    error: float
    """Its standard error."""
    pairs: int
    """P and S pairs used."""
    events: int
    """Events that they are of."""
    spread_s: float
    """Standard deviation of the P times of an event over the sites."""
    bias: float
    """How much errors of the P times may change the estimate, usually downwards."""

    @property
    def is_determined(self) -> bool:
        """Whether the P times of an event differ enough for an estimate."""
        return self.bias <= _LARGEST_BIAS


def wadati(events: Sequence[Candidate]) -> Wadati | None:
    """Return vp/vs of the picks of events; None if these are too few.

    The line is that of Deming (1943), since P times have errors as well; outliers are left out
    step by step.  The standard error is that of a jackknife over groups of sites, since a site is
    early or late in all events.
    """
    pairs = _pairs(events)
    whole = _fitted(pairs)
    if whole is None:
        return None
    sites = np.unique(pairs.site)
    groups = np.array_split(sites, min(_GROUPS, len(sites)))
    parts = [_fitted(pairs.take(~np.isin(pairs.site, group))) for group in groups]
    ratios = np.array([ratio for part in parts if part is not None for ratio in part[:1]])
    if len(ratios) < _LEAST_SITES:
        return None
    error = float(np.sqrt((len(ratios) - 1) * np.mean((ratios - ratios.mean()) ** 2)))
    ratio, keep = whole
    spread, bias = _bias(pairs, ratio, keep)
    return Wadati(ratio, error, int(keep.sum()), len(np.unique(pairs.event[keep])), spread, bias)


def _bias(pairs: _Pairs, ratio: float, keep: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the spread of the P times, and how much their errors may change the slope.

    Errors of a slope's abscissa lower it by their share of its variance (Fuller 1987, Measurement
    Error Models, section 1.1).  Deming's fit corrects that only as far as the ratio of the
    variances is right, so the whole share is the bound.
    """
    x = _without_means(pairs.p_s, pairs.event, keep)[keep]
    y = _without_means(pairs.s_s, pairs.event, keep)[keep]
    scatter = 1.4826 * float(np.median(np.abs(y - ratio * x)))
    variance = max(scatter**2 / (ratio**2 + _S_VARIANCE), _SITE_ERROR_S**2)
    spread = float(x.std())
    return spread, ratio * variance / max(spread**2, 1e-9)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """P and S times after the origin at sites with both, shape (n,) each."""

    p_s: F64
    s_s: F64
    event: NDArray[np.int64]
    site: NDArray[np.int64]

    def take(self, rows: NDArray[np.bool_]) -> _Pairs:
        return _Pairs(self.p_s[rows], self.s_s[rows], self.event[rows], self.site[rows])


def _fitted(pairs: _Pairs) -> tuple[float, NDArray[np.bool_]] | None:
    """Return the slope, and which pairs are on the line."""
    keep = np.ones(len(pairs.p_s), bool)
    ratio = float("nan")
    for _ in range(_ROUNDS):
        if keep.sum() < _LEAST_PAIRS:
            return None
        x = _without_means(pairs.p_s, pairs.event, keep)
        y = _without_means(pairs.s_s, pairs.event, keep)
        ratio = _slope(x[keep], y[keep])
        residual = y - ratio * x
        scatter = 1.4826 * float(np.median(np.abs(residual[keep])))
        before, keep = keep, np.abs(residual) <= _OUTLIER * max(scatter, 0.02)
        if np.array_equal(before, keep):
            break
    return (ratio, keep) if np.isfinite(ratio) else None


def model_ratio(model: LayerModel) -> float:
    """Return the ratio of S and P times of a model, for a local earthquake of 10 km depth."""
    x, z = np.array([20.0]), np.array([10.0])
    s, p = (float(travel_times(model, phase, 0.0, x, z)[0, 0]) for phase in ("S", "P"))
    return s / p


def _pairs(events: Sequence[Candidate]) -> _Pairs:
    rows = []
    numbers: dict[str, int] = {}
    for event_number, event in enumerate(events):
        times: dict[str, dict[str, float]] = {}
        for pick in event.picks:
            after = (pick.time_ns - event.time_ns) / 1e9
            times.setdefault(pick.position or pick.site, {})[pick.phase] = after
        both = {name: t for name, t in times.items() if len(t) == 2}
        if len(both) >= _LEAST_SITES:
            for name, t in both.items():
                site = numbers.setdefault(name, len(numbers))
                rows.append((t["P"], t["S"], event_number, site))
    table = np.array(rows, float).reshape(-1, 4)
    return _Pairs(table[:, 0], table[:, 1], *table[:, 2:].T.astype(np.int64))


def _without_means(values: F64, owner: NDArray[np.int64], keep: NDArray[np.bool_]) -> F64:
    """Subtract from each event's values the mean of those that are kept."""
    size = int(owner.max(initial=-1)) + 1
    count = np.bincount(owner[keep], minlength=size)
    total = np.bincount(owner[keep], weights=values[keep], minlength=size)
    mean = total / np.maximum(count, 1)
    return np.asarray(values - mean[owner])


def _slope(x: F64, y: F64) -> float:
    """Return Deming's slope of two variables whose means are zero."""
    xx, yy, xy = (float(np.mean(v)) for v in (x * x, y * y, x * y))
    if xy == 0:
        return float("nan")
    half = (yy - _S_VARIANCE * xx) / (2 * xy)
    return half + float(np.sqrt(half**2 + _S_VARIANCE))
