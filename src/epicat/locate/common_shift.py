"""The shift that neighbouring events need in common to fit static terms.

Source-specific terms take up any shift that neighbouring events share: their places stay consistent
with each other, and drift together from one round to the next.  Static terms say where they belong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.locate.arrivals import Batch
from epicat.locate.ordered import Symmetric, normal_equations, solve

__all__ = ["ShiftEquations"]

F64 = NDArray[np.float64]

_UNKNOWNS = 4
_WEAK = 1e-4
"""Weight of a prior that keeps the equations solvable, in 1/km² and 1/s²."""
_AT_ONCE = 256
"""Events that are computed at once, so that memory does not grow with their square."""


@dataclass(frozen=True, slots=True)
class ShiftEquations:
    """Normal equations of the place and origin time of each event, terms taken as exact."""

    normal: F64
    """Normal matrices of x, y, depth and origin time, in 1/km² and 1/s², shape (4, 4, events)."""
    right: F64
    """Right-hand sides, shape (4, events)."""

    @classmethod
    def empty(cls, events: int) -> ShiftEquations:
        """Make room for the equations of events."""
        return cls(np.zeros((_UNKNOWNS, _UNKNOWNS, events)), np.zeros((_UNKNOWNS, events)))

    def add(self, batch: Batch, unknowns: list[F64], residual_s: F64, weight: F64) -> None:
        """Write the equations of a batch at ``unknowns``, four of shape (events, 1).

        ``residual_s`` in s and ``weight`` in 1/s² have shape (picks, events, 1).
        """
        times, slopes = batch.times_and_slopes(*unknowns[:3])
        changes = [*slopes, np.ones_like(times)]
        normal, right = normal_equations(weight, changes, residual_s)
        for i in range(_UNKNOWNS):
            self.right[i, batch.events] = right[i][:, 0]
            for j in range(_UNKNOWNS):
                self.normal[i, j, batch.events] = normal[i, j][:, 0]

    def solved(self, place_km: F64, length_km: float) -> F64:
        """Return the shifts of x, y, depth (km) and origin time (s), shape (events, 4).

        The equations of the events around each place are added, weighted by
        exp(-d²/2 length²) of their distance d.
        """
        shift = np.empty((len(place_km), _UNKNOWNS))
        for i in range(0, len(place_km), _AT_ONCE):
            part = place_km[i : i + _AT_ONCE]
            squared = sum((part[:, None, k] - place_km[None, :, k]) ** 2 for k in range(3))
            near = np.exp(squared * (-0.5 / length_km**2))
            shift[i : i + _AT_ONCE] = self._solved_near(near)
        return shift

    def _solved_near(self, near: F64) -> F64:
        """Solve the sums of the equations with weights (n, events), shape (n, 4)."""
        rows = [
            [(near * self.normal[i, j]).sum(axis=1) + (_WEAK if i == j else 0.0)
             for j in range(i + 1)]
            for i in range(_UNKNOWNS)
        ]  # fmt: skip
        right = [(near * values).sum(axis=1) for values in self.right]
        return np.stack(solve(Symmetric(rows), right), axis=-1)
