"""Clusters of points with a bounded diameter (complete linkage)."""

from __future__ import annotations

from collections import defaultdict
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np

from epicat._util.neighbors import pairs_within

__all__ = ["complete_linkage"]

_DECIMALS = 9
"""Distances are compared to a micrometre, so that equal spacings are equal on any machine."""


def complete_linkage(
    points: np.ndarray[Any, np.dtype[np.float64]], largest_diameter: float
) -> list[int]:
    """Return the number of each point's cluster; no two points of one are further apart.

    ``points`` has a row for each point and a column for each coordinate, in km.  Clusters are
    joined in the order of the largest distance between their points, of equal ones those with
    the lowest rows first, as long as that distance is at most ``largest_diameter``: the standard
    agglomerative method, on the pairs within the diameter alone, so that memory grows with those.
    A cluster's number is its first row.
    """
    distances = _pairs_within(points, largest_diameter)
    labels = {row: [row] for row in range(len(points))}
    queue = [(d, i, j) for i, others in distances.items() for j, d in others.items() if i < j]
    heapify(queue)
    while queue:
        distance, i, j = heappop(queue)
        if distances.get(i, {}).get(j) != distance:
            continue
        labels[i] += labels.pop(j)
        for k, farther in _joined(distances, i, j).items():
            heappush(queue, (farther, min(i, k), max(i, k)))
    found = {row: label for label, rows in labels.items() for row in rows}
    return [found[row] for row in range(len(points))]


def _pairs_within(
    points: np.ndarray[Any, np.dtype[np.float64]], limit: float
) -> dict[int, dict[int, float]]:
    distances: dict[int, dict[int, float]] = defaultdict(dict)
    if len(points) == 0 or limit <= 0:
        return distances
    pairs = pairs_within(points, limit)
    lengths = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1).round(_DECIMALS)
    for i, j, length in zip(*pairs.T.tolist(), lengths.tolist(), strict=True):
        distances[i][j] = distances[j][i] = length
    return distances


def _joined(distances: dict[int, dict[int, float]], i: int, j: int) -> dict[int, float]:
    """Join cluster j to i; return the new distances of i to clusters that may still be joined."""
    mine, others = distances.pop(i), distances.pop(j)
    for k in mine.keys() | others.keys():
        if k not in (i, j):
            distances[k].pop(i, None)
            distances[k].pop(j, None)
    merged = {k: max(mine[k], others[k]) for k in mine.keys() & others.keys()}
    for k, distance in merged.items():
        distances[k][i] = distance
    distances[i] = merged
    return merged
