"""Damped Gauss-Newton refinement of hypocenters, many at once.

Iteratively reweighted least squares with Levenberg's and Marquardt's damping (Marquardt 1963,
doi:10.1137/0111030).  The unknowns are x, y, depth, origin time and, with a Gaussian prior, the
scales of the travel times of P and S: the error of the velocity model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from epicat.locate.arrivals import Batch
from epicat.locate.likelihood import Likelihood
from epicat.locate.ordered import Symmetric, normal_equations, solve
from epicat.locate.scales import add_prior, misfit, scale_changes, scaled
from epicat.locate.search import Box

__all__ = ["Hypocenters", "Refiner", "residuals"]

F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

_DEPTH, _ORIGIN, _SCALES = 2, 3, 4
"""Numbers of the unknowns after x and y; the scales are the last."""
_CONVERGED_KM = 1e-3
_LARGEST_STEP_KM = 5.0
_WEAK = 1e-4
"""Weight of a prior on each place and origin time that keeps the equations solvable, in 1/km²."""
_STIFF = 1e12
"""Weight that holds an unknown where it is."""
_DAMPING = (1e-3, 1e-2, 1e8)
"""Damping at first, after the first step that failed, and at which a hypocenter is given up."""


@dataclass(frozen=True)
class Hypocenters:
    """Hypocenters of events, n for each: arrays of shape (events, n)."""

    unknowns: list[F64]
    """x, y and depth in km, origin time in s, scales of P and S in standard errors."""
    logarithm: F64
    """Log-likelihood, with the prior of the scales."""
    normal: Symmetric
    """Matrix of the normal equations, with the prior of the scales: the inverse covariance."""

    @cached_property
    def covariance(self) -> Symmetric:
        """Covariance of the unknowns by Laplace's approximation."""
        return self.normal.inverse()

    def with_depth_error(self, error_km: float) -> Hypocenters:
        """Return the same hypocenters with a prior of the depth."""
        rows = self.normal.square()
        rows[_DEPTH][_DEPTH] = rows[_DEPTH][_DEPTH] + 1 / error_km**2
        return Hypocenters(self.unknowns, self.logarithm, Symmetric(rows))

    @classmethod
    def joined(cls, parts: Sequence[Hypocenters]) -> Hypocenters:
        """Put the hypocenters of parts of the events one after the other."""
        unknowns = [np.concatenate(v) for v in zip(*(p.unknowns for p in parts), strict=True)]
        rows = [
            [np.concatenate([p.normal[i, j] for p in parts]) for j in range(i + 1)]
            for i in range(len(unknowns))
        ]
        return cls(unknowns, np.concatenate([p.logarithm for p in parts]), Symmetric(rows))

    def best(self) -> Hypocenters:
        """Return the most likely hypocenter of each event, shape (events, 1)."""
        at = np.argmax(self.logarithm, axis=1)[:, None]

        def pick(values: F64) -> F64:
            return np.take_along_axis(values, at, 1)

        rows = [[pick(value) for value in row] for row in self.normal.square()]
        return Hypocenters([pick(v) for v in self.unknowns], pick(self.logarithm), Symmetric(rows))


@dataclass(slots=True)
class _State:
    """Hypocenters on their way."""

    unknowns: list[F64]
    logarithm: F64
    normal: Symmetric
    right: list[F64]

    def take(self, events: NDArray[np.int64]) -> _State:
        return _State(
            [v[events] for v in self.unknowns],
            self.logarithm[events],
            Symmetric([[v[events] for v in row] for row in self.normal.lower]),
            [v[events] for v in self.right],
        )

    def improve(self, trial: _State, better: Bool) -> None:
        """Replace hypocenters where others are better."""
        for mine, new in zip(self._arrays(), trial._arrays(), strict=True):
            np.copyto(mine, new, where=better)

    def put(self, events: NDArray[np.int64], part: _State) -> None:
        """Replace the hypocenters of some of the events."""
        for mine, new in zip(self._arrays(), part._arrays(), strict=True):
            mine[events] = new

    def _arrays(self) -> list[F64]:
        matrix = [value for row in self.normal.lower for value in row]
        return [*self.unknowns, self.logarithm, *matrix, *self.right]


@dataclass(frozen=True, slots=True)
class Refiner:
    """What is the same for every refinement."""

    box: Box
    """Hypocenters stay in it."""
    scale_error: float
    """Standard error of the common scale of travel times: the model error, 0.02 for 2 %."""
    is_depth_fixed: bool = False
    """Whether depths stay as they are given."""

    def refine(
        self, batch: Batch, likelihood: Likelihood, start: list[F64], rounds: int
    ) -> Hypocenters:
        """Improve the hypocenters ``start``, the unknowns of shape (events, n) each."""
        parts = []
        for own in batch.parts(start[0].shape[1]):
            part = batch.trimmed(own)
            its = likelihood.of(own, len(part.time_s))
            parts.append(self._refined(part, its, [v[own] for v in start], rounds))
        return Hypocenters.joined(parts)

    def _refined(
        self, batch: Batch, likelihood: Likelihood, start: list[F64], rounds: int
    ) -> Hypocenters:
        """Refine a part of the events; ``start`` is not used again."""
        active = np.arange(len(batch.events))
        state = found = self._evaluate(batch, likelihood, start)
        damping = np.full(state.logarithm.shape, _DAMPING[0])
        for _ in range(rounds):
            step = self._step(state, damping)
            moved = [v + d for v, d in zip(state.unknowns, step, strict=True)]
            trial = self._evaluate(batch, likelihood, moved)
            better = trial.logarithm >= state.logarithm
            state.improve(trial, better)
            damping = np.where(better, damping * 0.2, np.maximum(damping * 10, _DAMPING[1]))
            length = np.sqrt(step[0] ** 2 + step[1] ** 2 + step[2] ** 2)
            done = (better & (length < _CONVERGED_KM)) | (damping > _DAMPING[2])
            left = np.flatnonzero(~done.all(axis=1))
            if len(left) < len(active):
                found.put(active, state)
                active, state, damping = active[left], state.take(left), damping[left]
                batch = batch.trimmed(left)
                likelihood = likelihood.of(left, len(batch.time_s))
            if len(left) == 0:
                break
        found.put(active, state)
        return Hypocenters(found.unknowns, found.logarithm, found.normal)

    def _evaluate(self, batch: Batch, likelihood: Likelihood, unknowns: list[F64]) -> _State:
        x, y, z, origin, *scales = unknowns
        times, slopes = batch.times_and_slopes(x, y, z)
        factor = scaled(batch, scales, self.scale_error)
        residual = batch.time_s - origin - factor * times
        changes = [
            *(factor * slope for slope in slopes),
            None,
            *scale_changes(batch, times, self.scale_error),
        ]
        normal, right = normal_equations(likelihood.weights(residual), changes, residual)
        add_prior(normal, right, _SCALES, scales)
        for k in range(_SCALES):
            normal.lower[k][k] += _WEAK
        logarithm = likelihood.logarithm(residual) - misfit(scales)
        return _State(unknowns, logarithm, normal, right)

    def _step(self, state: _State, damping: F64) -> list[F64]:
        """Return the next step, inside the box; at its edge along the edge."""
        unknowns = range(len(state.unknowns))
        held = [np.full(damping.shape, self.is_depth_fixed and k == _DEPTH) for k in unknowns]
        step = _damped(state, damping, held)
        outside = [*self._leaves(state, step), *held[_ORIGIN:]]
        held = [a | b for a, b in zip(held, outside, strict=True)]
        if any(k.any() for k in outside):
            along = _damped(state, damping, held)
            either = held[0] | held[1] | held[2]
            step = [np.where(either, b, a) for a, b in zip(step, along, strict=True)]
        for k in range(3):
            step[k] = np.where(held[k], 0.0, step[k])
        return self._shortened(state, step)

    def _edges(self) -> tuple[tuple[float, float], ...]:
        return self.box.x_km, self.box.y_km, self.box.z_km

    def _leaves(self, state: _State, step: list[F64]) -> list[Bool]:
        """Tell which places are at an edge of the box that the step crosses."""
        return [
            ((at <= low) & (by < 0)) | ((at >= high) & (by > 0))
            for at, by, (low, high) in zip(state.unknowns[:3], step[:3], self._edges(), strict=True)
        ]

    def _shortened(self, state: _State, step: list[F64]) -> list[F64]:
        """Limit a step in length, and to the box."""
        largest = np.maximum(np.maximum(abs(step[0]), abs(step[1])), abs(step[2]))
        factor = np.minimum(1.0, _LARGEST_STEP_KM / np.maximum(largest, 1e-9))
        step = [v * factor for v in step]
        for k, (low, high) in enumerate(self._edges()):
            at = state.unknowns[k]
            step[k] = np.clip(at + step[k], low, high) - at
        return step


def residuals(batch: Batch, unknowns: list[F64], scale_error: float) -> F64:
    """Observed minus predicted times at hypocenters, in s, shape (picks, events, n)."""
    x, y, z, origin, *scales = unknowns
    return batch.time_s - origin - scaled(batch, scales, scale_error) * batch.times(x, y, z)


def _damped(state: _State, damping: F64, held: list[Bool]) -> list[F64]:
    rows = state.normal.square()
    for k, row in enumerate(rows):
        row[k] = row[k] * (1 + damping) + np.where(held[k], _STIFF, 0.0)
    return solve(Symmetric(rows), state.right)
