"""The error of the velocity model: one scale of all travel times of P, and one of those of S.

Before there are data vp, vs and vp/vs are equally uncertain, which is a correlation of 0.5 of the
two scales.  One common scale would take vp/vs as exact: an error of 1 % in it is then explained by
another depth and a scale that is wrong by several per cent.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from epicat.locate.arrivals import Batch
from epicat.locate.grids import PHASES
from epicat.locate.ordered import Symmetric

__all__ = ["CORRELATION", "add_prior", "misfit", "scale_changes", "scaled", "without_prior"]

F64 = NDArray[np.float64]

CORRELATION = np.array([[1.0, 0.5], [0.5, 1.0]])
"""Correlation of the scales of P and S before there are data."""
_PRECISION = np.array([[4.0, -2.0], [-2.0, 4.0]]) / 3
"""Inverse of `CORRELATION`."""


def scale_changes(batch: Batch, times: F64, scale_error: float) -> list[F64]:
    """Return by how many seconds one standard error of each scale delays picks.

    ``times`` in s have shape (picks, events, n), and so have the results: of P, of S.
    """
    phase = batch.key % len(PHASES)
    return [np.where(phase == p, scale_error, 0.0) * times for p in range(len(PHASES))]


def scaled(batch: Batch, scales: list[F64], scale_error: float) -> F64:
    """Return the factor of each pick's travel time, shape (picks, events, n).

    ``scales`` in standard errors, of P and of S, have shape (events, n).
    """
    is_s = batch.key % len(PHASES) == 1
    return np.asarray(1 + scale_error * np.where(is_s, scales[1], scales[0]))


def add_prior(normal: Symmetric, right: list[F64], at: int, scales: list[F64]) -> None:
    """Add the prior of scales, in standard errors, to normal equations from row ``at`` on."""
    for i, row in enumerate(_PRECISION.tolist()):
        for j in range(i + 1):
            normal.lower[at + i][at + j] += row[j]
        right[at + i] -= row[0] * scales[0] + row[1] * scales[1]


def without_prior(normal: Symmetric, at: int) -> Symmetric:
    """Return normal equations without the prior of the scales, which `add_prior` added."""
    rows = normal.square()
    for i, row in enumerate(_PRECISION.tolist()):
        for j, value in enumerate(row):
            rows[at + i][at + j] = rows[at + i][at + j] - value
    return Symmetric(rows)


def misfit(scales: list[F64]) -> F64:
    """Return minus the logarithm of the prior density of scales in standard errors."""
    p, s = scales
    return np.asarray(0.5 * (_PRECISION[0, 0] * (p * p + s * s)) + _PRECISION[0, 1] * p * s)
