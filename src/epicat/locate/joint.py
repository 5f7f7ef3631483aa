"""Static station terms and the scales of P and S travel times, fitted to all events jointly.

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
from epicat.locate.scales import CORRELATION

__all__ = ["JointEquations", "JointTerms", "by_phase"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_WEAK = 1e-4
"""Weight of a prior on each place and origin time that keeps the equations solvable, in 1/km²."""
_ROUNDS = 8
"""Rounds in which the variance of the terms is fitted."""
_FREEDOM = 4.0
"""Degrees of freedom of the prior of the terms: a few sites have much larger ones."""
_INFORMATION = (_FREEDOM + len(PHASES)) / (_FREEDOM + len(PHASES) + 2)
"""Curvature of that prior over the weight of its terms, in the mean (Lange et al. 1989)."""
_FIRST_S = 0.1
"""Standard deviation of the terms in s that the fit begins with."""
_LEAST_S = 0.003
"""Smallest standard deviation of the terms of a phase in s."""


@dataclass(frozen=True, slots=True)
class JointTerms:
    """Static terms, the scales of travel times, and their covariance."""

    value_s: F64
    """Terms in s, shape (keys,); the number of a key is twice the sensor, plus 1 for S."""
    scale: F64
    """By how much times of P and S are longer than in the model, 0.01 for 1 %, shape (2,)."""
    covariance: F64
    """Covariance of the terms and, last, the scales, shape (keys + 2, keys + 2)."""


class JointEquations:
    """Normal equations of terms and scales, from which hypocenters are eliminated."""

    def __init__(self, keys: int) -> None:
        self._keys = keys
        size = keys + len(PHASES)
        self._matrix = np.zeros((size, size))
        self._right = np.zeros(size)

    def add(self, batch: Batch, unknowns: list[F64], total_s: F64, weight: F64) -> None:
        """Add events at ``unknowns``; ``total_s`` are residuals without any term in s.

        ``weight`` in 1/s²; both of shape (picks, events, 1).
        """
        times, slopes = batch.times_and_slopes(*unknowns[:3])
        changes = [*(slope[:, :, 0] for slope in slopes), np.ones(times.shape[:2])]
        free = _Eliminated(changes, weight[:, :, 0])
        key, keys = batch.key[:, :, 0], self._keys
        residual = free.project(total_s[:, :, 0])
        rows = np.stack([free.row(i) for i in range(len(key))])
        flat = key[:, None] * keys + key[None]
        sums = np.bincount(flat.ravel(), rows.ravel(), keys * keys)
        self._matrix[:keys, :keys] += sums.reshape(keys, keys)
        self._right[:keys] += np.bincount(key.ravel(), residual.ravel(), keys)
        travel = by_phase(batch, times[:, :, 0])
        reduced = [free.project(values) for values in travel]
        for p, values in enumerate(travel):
            by_scale = np.bincount(key.ravel(), reduced[p].ravel(), keys)
            self._matrix[:keys, keys + p] += by_scale
            self._matrix[keys + p, :keys] += by_scale
            self._right[keys + p] += float(np.sum(total(values * residual)))
            for q in range(len(PHASES)):
                product = travel[max(p, q)] * reduced[min(p, q)]  # symmetric to the last bit
                self._matrix[keys + p, keys + q] += float(np.sum(total(product)))

    def solved(self, scale_error: float) -> JointTerms:
        """Return terms whose prior is fitted by expectation maximisation.

        It is Student's t for the pair of P and S of a sensor, with a covariance: slow ground
        delays both, and a basin under a few sensors does not make those of the others large.

        ``scale_error`` is the prior standard error of the scale of P, of that of S, and of their
        ratio.
        """
        keys, n = self._keys, self._keys // len(PHASES)
        seen = (np.diagonal(self._matrix)[:keys] > 0).reshape(n, len(PHASES)).all(axis=1)
        prior, share = np.eye(len(PHASES)) * _FIRST_S**2, np.ones(n)
        of_scales = _inverse(_prior_of_scales(scale_error))
        for _ in range(_ROUNDS):
            inverse = _inverse(prior)
            covariance = _inverse(self._matrix + _precision(inverse, share, of_scales))
            value = np.sum(covariance * self._right, axis=1)
            squares = _expected_squares(value[:keys], covariance)
            size = (squares * inverse).sum(axis=(1, 2))
            share = (_FREEDOM + len(PHASES)) / (_FREEDOM + size)
            if seen.any():
                prior = (share[:, None, None] * squares)[seen].mean(axis=0)
                prior += np.eye(len(PHASES)) * _LEAST_S**2
        curvature = _precision(inverse * _INFORMATION, share, of_scales)
        return JointTerms(value[:keys], value[keys:], _inverse(self._matrix + curvature))


def _precision(of_terms: F64, share: F64, of_scales: F64) -> F64:
    """Return the prior precision of all unknowns; ``share`` is that of each sensor."""
    n = len(PHASES)
    at = np.arange(n * len(share)).reshape(-1, n)
    precision = np.zeros((at.size + n, at.size + n))
    precision[at[:, :, None], at[:, None]] = share[:, None, None] * of_terms
    precision[at.size :, at.size :] = of_scales
    return precision


def _expected_squares(value_s: F64, covariance: F64) -> F64:
    """Return the expected products of the terms of each sensor in s², shape (sensors, 2, 2)."""
    pairs = value_s.reshape(-1, len(PHASES))
    at = np.arange(len(value_s)).reshape(pairs.shape)
    return np.asarray(pairs[:, :, None] * pairs[:, None] + covariance[at[:, :, None], at[:, None]])


def by_phase(batch: Batch, values: F64) -> list[F64]:
    """Return values (picks, events) of P picks, 0 for others, and the same of S picks."""
    phase = batch.key[:, :, 0] % len(PHASES)
    return [np.where(phase == p, values, 0.0) for p in range(len(PHASES))]


def _prior_of_scales(error: float) -> F64:
    """Return the covariance of the scales of P and S."""
    return np.asarray(CORRELATION * max(error, 1e-6) ** 2)


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
