"""Find clipped parts of records: flat tops that the ground cannot have made.

The test is local, unlike `epicat.waveforms.flat`, which judges the level of an entire day: three
or more equal samples at the largest or the smallest value of a window, entered or left by a step
that a smooth wave of that size would not make at its crest.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["NO_TOP", "first_flat_tops", "flat_top"]

NO_TOP: Final = np.iinfo(np.int64).max
"""Position of the flat top of a window that has none."""

_EQUAL: Final = 3
"""Fewest equal samples in a row that form a top."""
_SMALLEST: Final = 200
"""Smallest range of a clipped window, in steps of the digitiser.

At the crest of a wave, three samples are rounded to one value only if the next one differs by four
steps at most: `_ENTERED` of this range is more.
"""
_ENTERED: Final = 0.025
"""Smallest step at a side of a top, as a share of the range."""


def first_flat_tops(windows: NDArray[Any]) -> NDArray[np.int64]:
    """Return the position of the first flat top in each window (n, samples), else `NO_TOP`."""
    found = np.full(len(windows), NO_TOP, np.int64)
    if not windows.size:
        return found
    high, low = windows.max(axis=1), windows.min(axis=1)
    for level in (high, low):
        counts = np.count_nonzero(windows == level[:, None], axis=1)
        for at in np.flatnonzero((counts >= _EQUAL) & (high > low)).tolist():
            found[at] = min(found[at], flat_top(windows[at], level[at]))
    return found


def flat_top(samples: NDArray[Any], level: float) -> int:
    """Return the position of the first flat top of samples at a level, else `NO_TOP`."""
    values = samples.astype(np.float64)
    span = float(values.max() - values.min())
    steps = np.abs(np.diff(values))
    smallest = float(np.min(steps, where=steps > 0, initial=np.inf))
    if not span >= _SMALLEST * smallest:
        return int(NO_TOP)
    is_level = np.concatenate([[False], values == level, [False]])
    begins, ends = np.flatnonzero(is_level[1:] != is_level[:-1]).reshape(-1, 2).T
    padded = np.pad(values, 1, "edge")
    entered = np.maximum(np.abs(padded[begins] - level), np.abs(padded[ends + 1] - level))
    tops = begins[(ends - begins >= _EQUAL) & (entered >= _ENTERED * span)]
    return int(tops[0]) if len(tops) else int(NO_TOP)
