"""Rows added to rows, wherever they begin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["add_rows"]

F64 = NDArray[np.float64]


def add_rows(rows: F64, extra: F64, begin: int) -> None:
    """Add rows to rows (k, n), from a sample on that may lie before the first, in place."""
    low, high = max(begin, 0), min(begin + extra.shape[1], rows.shape[1])
    if low < high:
        rows[:, low:high] += extra[:, low - begin : high - begin]
