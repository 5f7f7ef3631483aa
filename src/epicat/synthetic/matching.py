"""One-to-one matching of two lists of times, the best of all that the tolerances allow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

__all__ = ["match"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_NEVER = 1e6


def match(
    one: I64, other: I64, tolerance_ns: int, cost: Callable[[I64, I64], F64]
) -> list[tuple[int, int]]:
    """Return pairs of positions in two lists of times in ns, which may be in any order.

    Each time is in one pair at most.  As many pairs as possible, and of these the ones with the
    smallest sum of costs.  ``cost`` takes positions (n, 1) and (1, m) and gives (n, m), at most
    1 for what may be a pair; times further apart than the tolerance never are.
    """
    pairs = []
    for mine, theirs in _groups(one, other, tolerance_ns):
        costs = cost(mine[:, None], theirs[None, :])
        apart = np.abs(one[mine][:, None] - other[theirs][None, :]) > tolerance_ns
        costs = np.where(apart | (costs > 1.0), _NEVER, costs)
        rows, columns = linear_sum_assignment(costs)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if costs[row, column] <= 1.0:
                pairs.append((int(mine[row]), int(theirs[column])))
    return sorted(pairs)


def _groups(one: I64, other: I64, tolerance_ns: int) -> list[tuple[I64, I64]]:
    """Cut both lists where nothing can be matched across: small problems instead of a large one."""
    times = np.concatenate([one, other])
    order = np.argsort(times, kind="stable")
    breaks = np.flatnonzero(np.diff(times[order]) > tolerance_ns) + 1
    groups = np.split(order, breaks)
    both = [(g[g < len(one)], g[g >= len(one)] - len(one)) for g in groups]
    return [(mine, theirs) for mine, theirs in both if len(mine) and len(theirs)]
