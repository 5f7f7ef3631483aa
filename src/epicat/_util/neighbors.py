"""Distances between points: direct for a few, with a k-d tree for many.

SciPy's tree takes a fifth of a second to import, longer than all that is done with a network of
ordinary size.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["count_within", "distance_to_nth", "pairs_within"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_FEW: Final = 1000
"""Points whose distances are computed directly: a matrix of 8 MB."""


def pairs_within(points: F64, limit: float) -> I64:
    """Return the pairs of points at most ``limit`` apart, each once, lower number first.

    ``points`` has a row for each point and a column for each coordinate; the result has the shape
    (pairs, 2).
    """
    if len(points) > _FEW:
        return np.asarray(_tree(points).query_pairs(limit, output_type="ndarray"), np.int64)
    near = np.argwhere(np.triu(_squared(points) <= limit * limit, k=1))
    return near.astype(np.int64).reshape(-1, 2)


def distance_to_nth(points: F64, n: int) -> F64:
    """Return the distance from each point to its ``n``-th nearest one, itself being the first."""
    if len(points) > _FEW:
        return np.asarray(_tree(points).query(points, k=[n])[0][:, 0])
    return np.asarray(np.sqrt(np.sort(_squared(points), axis=1)[:, n - 1]))


def count_within(points: F64, radius: float) -> I64:
    """Return how many points are at most ``radius`` from each point, itself included."""
    if len(points) > _FEW:
        counts = _tree(points).query_ball_point(points, radius, return_length=True)
        return np.asarray(counts, np.int64)
    return np.asarray((_squared(points) <= radius * radius).sum(axis=1), np.int64)


def _squared(points: F64) -> F64:
    """Return the squared distances, shape (points, points)."""
    squared: F64 = np.zeros((len(points), len(points)))
    for coordinate in points.T:
        squared += (coordinate[:, None] - coordinate[None, :]) ** 2
    return squared


def _tree(points: F64) -> Any:
    from scipy.spatial import KDTree

    return KDTree(points)
