"""Fit a one-dimensional velocity model to associated picks, together with the hypocenters.

The coupled problem of Crosson (1976, doi:10.1029/JB081i017p03036), with the hypocenters separated
from the velocities as Pavlis and Booker (1980, doi:10.1029/JB085iB09p04801) do it.  Unknown are
the P velocities of a few bands of depth and one vp/vs; the starting model is the prior.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.association.candidates import Candidate
from epicat.association.network import Network
from epicat.velocity.layers import LayerModel
from epicat.velocity.travel_times import travel_times

__all__ = ["FittedModel", "fit_model"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_LEAST_EVENTS = 10
_MOST_EVENTS = 120
_LEAST_PICKS = 8
_EDGES_KM = (2.0, 5.0, 9.0, 14.0, 20.0, 30.0, 45.0, 70.0, 100.0, 150.0, 220.0, 320.0, 450.0)
"""Bands of depth meet here; none is finer than a few picks an event can tell apart."""
_PRIOR, _SMOOTH, _RATIO_PRIOR = 0.12, 0.04, 0.06
"""Standard errors of the logarithm of velocities, of their change from band to band, of vp/vs."""
_ROUNDS = 5
_HUBER = 1.5
_FLOOR_S = 0.05
_STEP = 0.02
_LEVEL_KM = 0.5
"""Depths of sites are rounded to this."""


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A fitted velocity model, and what it was fitted to.

    Examples
    --------
    >>> import epicat as ec
    >>> picks = ec.open_catalog("catalog").picks()
    >>> fitted = ec.fit_velocity(picks, ec.load_stations("stations.csv"))
    >>> fitted.events >= 10, fitted.model.constant
    (True, True)
    >>> before, after = fitted.misfit_s
    >>> after <= before
    True

    """

    model: LayerModel
    """Tops of uniform layers."""
    vp_vs: float
    """Its vp/vs."""
    events: int
    """Events."""
    picks: int
    """Their picks."""
    misfit_s: tuple[float, float]
    """Robust standard deviation of the residuals with the starting model and with this one."""


@dataclass(frozen=True, slots=True)
class _Picks:
    """Picks of the events as columns."""

    event: I64
    x_km: F64
    y_km: F64
    level: I64
    is_s: NDArray[np.bool_]
    time_s: F64
    """After the origin time of the association."""


@dataclass(frozen=True, slots=True)
class _Sheets:
    """P times from sites at some depths to a grid of distances and depths."""

    x_km: F64
    z_km: F64
    seconds: F64
    """Shape (levels, nx, nz)."""

    def times(self, level: I64, x: F64, z: F64) -> tuple[F64, F64, F64]:
        """Return times, and their slopes by distance and depth in s/km, shape (n,) each."""
        dx, dz = self.x_km[1] - self.x_km[0], self.z_km[1] - self.z_km[0]
        i = np.clip((x / dx).astype(np.int64), 0, len(self.x_km) - 2)
        j = np.clip(((z - self.z_km[0]) / dz).astype(np.int64), 0, len(self.z_km) - 2)
        a, b = x / dx - i, (z - self.z_km[0]) / dz - j
        t = self.seconds
        t00, t10 = t[level, i, j], t[level, i + 1, j]
        t01, t11 = t[level, i, j + 1], t[level, i + 1, j + 1]
        time = t00 * (1 - a) * (1 - b) + t10 * a * (1 - b) + t01 * (1 - a) * b + t11 * a * b
        by_x = ((t10 - t00) * (1 - b) + (t11 - t01) * b) / dx
        by_z = ((t01 - t00) * (1 - a) + (t11 - t10) * a) / dz
        return time, by_x, by_z


def fit_model(
    events: Sequence[Candidate],
    network: Network,
    number: dict[str, int],
    start: LayerModel,
    vp_vs: float,
) -> FittedModel | None:
    """Fit a model to the events with the most picks; None if there are fewer than ten.

    ``number`` has the number of each position in the network, ``vp_vs`` is the starting value.
    """
    good = [e for e in events if len(e.picks) >= _LEAST_PICKS]
    good = sorted(good, key=lambda e: (-len(e.picks), e.time_ns))[:_MOST_EVENTS]
    if len(good) < _LEAST_EVENTS:
        return None
    return _Fit(good, network, number, start, vp_vs).fitted()


class _Fit:
    """The state of the inversion."""

    def __init__(
        self,
        events: Sequence[Candidate],
        network: Network,
        number: dict[str, int],
        start: LayerModel,
        vp_vs: float,
    ) -> None:
        self._levels = np.unique(np.round(network.depth_km / _LEVEL_KM) * _LEVEL_KM)
        self._picks = _columns(events, network, number, self._levels)
        places = [(e.x_km, e.y_km, e.z_km, 0.0) for e in events]
        self._places = np.array(places)
        deepest = max(float(np.percentile(self._places[:, 2], 90)), 4.0)
        tops = [edge for edge in _EDGES_KM if edge < 1.3 * deepest]
        self._tops = np.array([min(float(self._levels[0]), 0.0) + 0.0, *tops])  # no negative zero
        self._spherical = start.spherical
        self._start = _banded(start, self._tops)
        self._log = np.zeros(len(self._tops) + 1)  # velocities of the bands, and vp/vs
        self._vp_vs = vp_vs

    def fitted(self) -> FittedModel:
        """Alternate between hypocenters and velocities."""
        before = self._relocated(self._sheets(self._log))
        for _ in range(_ROUNDS):
            self._improve()
        after = self._relocated(self._sheets(self._log))
        ratio = self._ratio(self._log)
        vp = np.round(self._start * np.exp(self._log[:-1]), 3)
        model = LayerModel(
            tuple(self._tops.tolist()),
            tuple(vp.tolist()),
            tuple(np.round(vp / ratio, 3).tolist()),
            constant=True,
            spherical=self._spherical,
        )
        count = len(self._places), len(self._picks.time_s)
        return FittedModel(model, round(ratio, 3), *count, (_spread(before), _spread(after)))

    def _ratio(self, log: F64) -> float:
        return float(self._vp_vs * np.exp(log[-1]))

    def _sheets(self, log: F64) -> _Sheets:
        vp = tuple((self._start * np.exp(log[:-1])).tolist())
        vs = tuple(v / self._ratio(log) for v in vp)
        model = LayerModel(tuple(self._tops.tolist()), vp, vs, True, self._spherical)
        p = self._picks
        reach = np.hypot(*(self._places[p.event, :2].T - [p.x_km, p.y_km])).max() * 1.3 + 20
        x = np.linspace(0.0, reach, 160)
        z = np.linspace(self._tops[0], max(self._places[:, 2].max() * 1.3, 20.0), 60)
        found = [travel_times(model, "P", float(level), x, z) for level in self._levels]
        return _Sheets(x, z, np.stack(found))

    def _residuals(self, sheets: _Sheets, log: F64) -> tuple[F64, F64]:
        """Return residuals (n,) and their derivatives by x, y, z and origin time (n, 4)."""
        p, place = self._picks, self._places[self._picks.event]
        dx, dy = place[:, 0] - p.x_km, place[:, 1] - p.y_km
        distance = np.maximum(np.hypot(dx, dy), 1e-3)
        time, by_x, by_z = sheets.times(p.level, distance, place[:, 2])
        scale = np.where(p.is_s, self._ratio(log), 1.0)
        slopes = [scale * by_x * dx / distance, scale * by_x * dy / distance, scale * by_z]
        residual = p.time_s - place[:, 3] - scale * time
        return residual, np.column_stack([*slopes, np.ones(len(time))])

    def _relocated(self, sheets: _Sheets) -> F64:
        """Improve every hypocenter with the velocities as they are; return the residuals."""
        for _ in range(4):
            residual, slopes = self._residuals(sheets, self._log)
            weight = _weights(residual)
            for event in range(len(self._places)):
                rows = np.flatnonzero(self._picks.event == event)
                a = slopes[rows] * weight[rows, None]
                normal = a.T @ a + np.diag([1e-3, 1e-3, 1e-2, 1e-4])
                step = np.linalg.solve(normal, a.T @ (residual[rows] * weight[rows]))
                self._places[event] += np.clip(step, -5.0, 5.0)
            self._places[:, 2] = np.clip(self._places[:, 2], sheets.z_km[0], sheets.z_km[-1])
        return self._residuals(sheets, self._log)[0]

    def _improve(self) -> None:
        sheets = self._sheets(self._log)
        residual = self._relocated(sheets)
        _, slopes = self._residuals(sheets, self._log)
        change = self._changes(residual)
        weight = _weights(residual) / max(_spread(residual), _FLOOR_S)
        a, r = self._separated(change, residual, slopes, weight)
        bands = len(self._tops)
        rows = [np.eye(bands + 1) / np.array([*[_PRIOR] * bands, _RATIO_PRIOR])[:, None]]
        prior = -self._log / np.array([*[_PRIOR] * bands, _RATIO_PRIOR])
        smooth = np.zeros((max(bands - 1, 0), bands + 1))
        smooth[np.arange(bands - 1), np.arange(bands - 1)] = -1 / _SMOOTH
        smooth[np.arange(bands - 1), np.arange(1, bands)] = 1 / _SMOOTH
        full = np.vstack([a, *rows, smooth])
        right = np.concatenate([r, prior, -smooth @ self._log])
        step, *_ = np.linalg.lstsq(full, right, rcond=None)
        self._log += np.clip(step, -0.1, 0.1)

    def _changes(self, residual: F64) -> F64:
        """Return derivatives of predicted times by the unknowns (n, bands + 1)."""
        columns = []
        for k in range(len(self._tops)):
            log = self._log.copy()
            log[k] += _STEP
            columns.append((residual - self._residuals(self._sheets(log), log)[0]) / _STEP)
        predicted = self._picks.time_s - self._places[self._picks.event, 3] - residual
        columns.append(np.where(self._picks.is_s, predicted, 0.0))
        return np.column_stack(columns)

    def _separated(self, change: F64, residual: F64, slopes: F64, weight: F64) -> tuple[F64, F64]:
        """Return equations for the velocities alone: what no move of the hypocenters explains."""
        a, r = change * weight[:, None], residual * weight
        for event in range(len(self._places)):
            rows = np.flatnonzero(self._picks.event == event)
            q, _ = np.linalg.qr(slopes[rows] * weight[rows, None])
            a[rows] -= q @ (q.T @ a[rows])
            r[rows] -= q @ (q.T @ r[rows])
        return a, r


def _columns(
    events: Sequence[Candidate], network: Network, number: dict[str, int], levels: F64
) -> _Picks:
    site = np.array([number[p.position or p.site] for e in events for p in e.picks], np.int64)
    time = [(p.time_ns - e.time_ns) / 1e9 for e in events for p in e.picks]
    rounded = np.round(network.depth_km[site] / _LEVEL_KM) * _LEVEL_KM
    return _Picks(
        np.repeat(np.arange(len(events)), [len(e.picks) for e in events]),
        network.x_km[site],
        network.y_km[site],
        np.searchsorted(levels, rounded),
        np.array([p.phase == "S" for e in events for p in e.picks]),
        np.array(time),
    )


def _banded(model: LayerModel, tops: F64) -> F64:
    """Return the P velocity of each band: its mean slowness, inverted."""
    ends = np.append(tops[1:], tops[-1] + 10)
    return np.array(
        [
            1 / np.mean(1 / model.velocity(np.linspace(top + 1e-6, end - 1e-6, 21), "P"))
            for top, end in zip(tops, ends, strict=True)
        ]
    )


def _weights(residual: F64) -> F64:
    """Square roots of Huber's weights."""
    limit = _HUBER * max(_spread(residual), _FLOOR_S)
    return np.asarray(np.sqrt(np.minimum(1.0, limit / np.maximum(np.abs(residual), 1e-9))))


def _spread(residual: F64) -> float:
    return round(1.4826 * float(np.median(np.abs(residual))), 3)
