"""Sums and small linear systems whose result for an event does not depend on its batch.

`numpy.sum`, `numpy.einsum` and BLAS choose the order of additions by the shape of the arrays, so
the last bits of an event's numbers would depend on the events that are computed with it.  Here
every sum runs over the first axis, one row after the other, and every matrix element is an array
over the batch.  Rows that pad an event to the length of another are zeros: adding them is exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Symmetric", "normal_equations", "product", "solve", "total", "trace"]

F64 = NDArray[np.float64]


def total(values: F64) -> F64:
    """Sum over the first axis, row by row."""
    if values[0].size == 1:  # along the only axis NumPy would add in pairs
        return np.asarray(np.add.accumulate(values)[-1])
    return np.asarray(np.add.reduce(np.ascontiguousarray(values)))


class Symmetric:
    """Symmetric matrices, one for each element of a batch: ``matrix[i][j]`` is an array."""

    def __init__(self, rows: Sequence[Sequence[F64]]) -> None:
        self.lower = [list(row[: i + 1]) for i, row in enumerate(rows)]

    def __len__(self) -> int:
        return len(self.lower)

    def __getitem__(self, ij: tuple[int, int]) -> F64:
        i, j = max(ij), min(ij)
        return self.lower[i][j]

    def square(self) -> list[list[F64]]:
        """Return all rows in full."""
        return [[self[i, j] for j in range(len(self))] for i in range(len(self))]

    def cholesky(self) -> list[list[F64]]:
        """Return the lower factor.  The matrices must be positive definite."""
        factor: list[list[F64]] = []
        for i, row in enumerate(self.lower):
            new: list[F64] = []
            for j in range(i + 1):
                rest = row[j].copy()
                for k in range(j):
                    rest -= new[k] * (new[k] if i == j else factor[j][k])
                new.append(np.sqrt(rest) if i == j else rest / factor[j][j])
            factor.append(new)
        return factor

    def inverse(self) -> Symmetric:
        """Return the inverses."""
        n = len(self)
        factor = self.cholesky()
        one, zero = np.ones_like(factor[0][0]), np.zeros_like(factor[0][0])
        columns = [_substitute(factor, [one if i == j else zero for i in range(n)])
                   for j in range(n)]  # fmt: skip
        return Symmetric([[columns[j][i] for j in range(n)] for i in range(n)])

    def stacked(self, size: int | None = None) -> F64:
        """Return the leading ``size`` rows and columns as an array of shape (..., size, size)."""
        n = len(self) if size is None else size
        return np.stack([np.stack([self[i, j] for j in range(n)], -1) for i in range(n)], -2)


def solve(matrix: Symmetric, right: Sequence[F64]) -> list[F64]:
    """Solve ``matrix @ x = right`` for each element of the batch, by Cholesky's method."""
    return _substitute(matrix.cholesky(), right)


def product(left: Sequence[Sequence[F64]], right: Sequence[Sequence[F64]]) -> list[list[F64]]:
    """Multiply square matrices for each element of the batch."""
    n = range(1, len(left))
    return [
        [sum((row[k] * right[k][j] for k in n), row[0] * right[0][j]) for j in range(len(left))]
        for row in left
    ]


def trace(matrix: Sequence[Sequence[F64]]) -> F64:
    """Sum the diagonal for each element of the batch."""
    return sum((matrix[i][i] for i in range(1, len(matrix))), matrix[0][0])


def _substitute(factor: list[list[F64]], right: Sequence[F64]) -> list[F64]:
    n = len(factor)
    x: list[F64] = []
    for i in range(n):
        value = right[i].copy()
        for k in range(i):
            value -= factor[i][k] * x[k]
        x.append(value / factor[i][i])
    for i in reversed(range(n)):
        for k in range(i + 1, n):
            x[i] = x[i] - factor[k][i] * x[k]
        x[i] = x[i] / factor[i][i]
    return x


def normal_equations(
    weight: F64, slopes: Sequence[F64 | None], residual: F64
) -> tuple[Symmetric, list[F64]]:
    """Return the weighted normal equations of a linear model of the residuals.

    ``weight``, ``residual`` and each of ``slopes`` have the shape (picks, ...); None is a slope of
    1 everywhere.
    """
    weighted = [_times(weight, slope) for slope in slopes]
    rows = [
        [total(_times(weighted[i], slopes[j])) for j in range(i + 1)] for i in range(len(slopes))
    ]
    return Symmetric(rows), [total(w * residual) for w in weighted]


def _times(values: F64, slope: F64 | None) -> F64:
    return values if slope is None else np.asarray(values * slope)
