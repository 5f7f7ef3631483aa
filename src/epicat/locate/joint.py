"""Static station terms and the scale of the velocity model, fitted to all events jointly.

Joint hypocenter determination (Douglas 1967, doi:10.1038/215047a0): the hypocenters are
eliminated from the normal equations, so that only what no hypocenter explains decides the terms.
The covariance of the result says how far the terms, and all places with them, are held by the data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.locate.arrivals import Batch
from epicat.locate.grids import PHASES
from epicat.locate.ordered import Symmetric, solve, total

__all__ = ["JointEquations", "JointTerms"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_WEAK = 1e-4
"""Weight of a prior on each place and origin time that keeps the equations solvable, in 1/km²."""
_ROUNDS = 5
"""Rounds in which the variance of the terms is fitted."""
_FIRST_S = 0.1
"""Standard deviation of the terms in s that the fit begins with."""
_LEAST_S = 0.003
"""Smallest standard deviation of the terms of a phase in s."""


@dataclass(frozen=True, slots=True)
class JointTerms:
    """Static terms, the scale of travel times, and their covariance."""

    value_s: F64
    """Terms in s, shape (keys,); the number of a key is twice the sensor, plus 1 for S."""
    scale: float
    """By how much all travel times are longer than in the velocity model, 0.01 for 1 %."""
    covariance: F64
    """Covariance of the terms and, last, the scale, shape (keys + 1, keys + 1)."""


class JointEquations:
    """Normal equations of terms and scale, from which hypocenters are eliminated."""

    def __init__(self, keys: int) -> None:
        self._keys = keys
        self._matrix = np.zeros((keys + 1, keys + 1))
        self._right = np.zeros(keys + 1)

    def add(self, batch: Batch, unknowns: list[F64], total_s: F64, weight: F64) -> None:
        """Add events at ``unknowns``; ``total_s`` are residuals without any term in s.

        ``weight`` in 1/s²; both of shape (picks, events, 1).
        """
        times, slopes = batch.times_and_slopes(*unknowns[:3])
        changes = [*(slope[:, :, 0] for slope in slopes), np.ones(times.shape[:2])]
        times, residual, weight = times[:, :, 0], total_s[:, :, 0], weight[:, :, 0]
        free = _Eliminated(changes, weight)
        key = batch.key[:, :, 0]
        n = len(key)
        times, residual = free.project(times), free.project(residual)
        rows = np.stack([free.row(i) for i in range(n)])
        flat = key[:, None] * (self._keys + 1) + key[None]
        sums = np.bincount(flat.ravel(), rows.ravel(), self._matrix.size)
        self._matrix += sums.reshape(self._matrix.shape)
        by_scale = np.bincount(key.ravel(), times.ravel(), self._keys)
        self._matrix[:-1, -1] += by_scale
        self._matrix[-1, :-1] += by_scale
        raw = batch.times(*unknowns[:3])[:, :, 0]
        self._matrix[-1, -1] += float(np.sum(total(raw * times)))
        self._right[:-1] += np.bincount(key.ravel(), residual.ravel(), self._keys)
        self._right[-1] += float(np.sum(total(raw * residual)))

    def solved(self, scale_error: float) -> JointTerms:
        """Return terms whose prior covariance is fitted by expectation maximisation.

        It is that of the P and the S term of a sensor: slow ground delays both.

        ``scale_error`` is the prior standard error of the scale.
        """
        n = self._keys // len(PHASES)
        seen = (np.diagonal(self._matrix)[:-1] > 0).reshape(n, len(PHASES)).all(axis=1)
        prior = np.eye(len(PHASES)) * _FIRST_S**2
        p, s = 2 * np.arange(n), 2 * np.arange(n) + 1
        for _ in range(_ROUNDS):
            precision = np.diag(np.full(self._keys + 1, 1 / max(scale_error, 1e-6) ** 2))
            inverse = _inverse(prior)
            precision[p, p], precision[s, s] = inverse[0, 0], inverse[1, 1]
            precision[p, s] = precision[s, p] = inverse[0, 1]
            covariance = _inverse(self._matrix + precision)
            value = np.sum(covariance * self._right, axis=1)
            if seen.any():
                pairs = value[:-1].reshape(n, -1)[seen]
                among = np.stack([covariance[2 * i : 2 * i + 2, 2 * i : 2 * i + 2]
                                  for i in np.flatnonzero(seen)])  # fmt: skip
                squares = pairs[:, :, None] * pairs[:, None] + among
                prior = squares.mean(axis=0) + np.eye(len(PHASES)) * _LEAST_S**2
        return JointTerms(value[:-1], float(value[-1]), covariance)


class _Eliminated:
    """Weights of picks, what the hypocenter can explain taken out."""

    def __init__(self, changes: list[F64], weight: F64) -> None:
        self._weight = weight
        self._weighted = [weight * change for change in changes]
        n = len(changes)
        rows = [
            [total(self._weighted[i] * changes[j]) + (_WEAK if i == j else 0.0)
             for j in range(i + 1)]
            for i in range(n)
        ]  # fmt: skip
        self._inverse = Symmetric(rows).inverse()
        self._normal = Symmetric(rows)

    def project(self, values: F64) -> F64:
        """Multiply values (picks, events) by the reduced weights."""
        right = [total(w * values) for w in self._weighted]
        by = solve(self._normal, right)
        explained = sum(w * b for w, b in zip(self._weighted, by, strict=True))
        return np.asarray(self._weight * values - explained)

    def row(self, i: int) -> F64:
        """Return the reduced weights between pick ``i`` and all picks, shape (picks, events)."""
        n = len(self._weighted)
        own = [w[i] for w in self._weighted]
        by = [sum((self._inverse[k, j] * own[j] for j in range(1, n)),
                  self._inverse[k, 0] * own[0]) for k in range(n)]  # fmt: skip
        result = -np.asarray(sum(w * b for w, b in zip(self._weighted, by, strict=True)))
        result[i] += self._weight[i]
        return result


def _inverse(matrix: F64) -> F64:
    """Invert a positive definite matrix by Gauss's and Jordan's elimination.

    BLAS would choose the order of additions by the number of its threads.
    """
    work = matrix.copy()
    n = len(work)
    for j in range(n):
        pivot = work[j, j]
        row = work[j] / pivot
        column = work[:, j].copy()
        work -= column[:, None] * row
        work[j] = row
        work[:, j] = -column / pivot
        work[j, j] = 1 / pivot
    return (work + work.T) / 2
