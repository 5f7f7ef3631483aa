"""Adapter from records in memory to the windows of a picker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.pick.picker import F32
from epicat.pick.windows import Stretch

__all__ = ["stretch_of"]


@dataclass(frozen=True, slots=True)
class _Whole:
    data: F32

    def fill(self, window: F32, begin: int) -> None:
        window[:] = self.data[:, begin : begin + window.shape[1]]


def stretch_of(record: NDArray[np.float64], starts: NDArray[np.int64]) -> Stretch:
    """Return a record (components, samples) with the first samples of its windows."""
    return Stretch(_Whole(record.astype(np.float32)), 0, record.shape[1], starts)
