"""The largest amplitude of each step of a day, from the record of a component."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epicat.amplitude.clipping import NO_TOP, flat_top
from epicat.amplitude.envelope import STEP_S
from epicat.amplitude.wood_anderson import F32, SETTLE_S
from epicat.model import Span
from epicat.time import SECOND_NS
from epicat.waveforms.grid import Grid
from epicat.waveforms.traces import Trace

__all__ = ["DayEnvelope"]


@dataclass(slots=True)
class DayEnvelope:
    """The largest amplitude of one component, step by step."""

    day: Span
    """The UTC day."""
    amplitude_mm: NDArray[np.float64]
    """Largest amplitude of each step; NaN where some of it is unknown."""
    unbounded: NDArray[np.bool_]
    """Steps in which the record is clipped."""

    @classmethod
    def empty(cls, day: Span) -> DayEnvelope:
        """Return an envelope of which nothing is known."""
        steps = (day.end_ns - day.start_ns) // (STEP_S * SECOND_NS)
        return cls(day, np.full(steps, np.nan), np.zeros(steps, bool))

    def add(self, trace: Trace, record: F32) -> None:
        """Take in the record of a trace."""
        bounds = self._bounds(trace)
        settle = ceil(SETTLE_S * trace.rate)
        inside = np.flatnonzero((bounds[:-1] >= settle) & (bounds[1:] <= len(record)))
        if not len(inside):
            return
        own = bounds[inside[0] : inside[-1] + 2]
        low, high = _extremes(record, own)
        size = np.maximum(high, -low).astype(np.float64)
        size[self._is_bridged(trace, own) | (size == 0)] = np.nan  # 0: a dead channel
        self.amplitude_mm[inside] = size
        self.unbounded[inside] = _clipped(trace.samples, own)

    def _bounds(self, trace: Trace) -> NDArray[np.int64]:
        """Return the positions in a trace at which the steps begin, and the last one ends."""
        grid, count = Grid(trace.rate), len(self.amplitude_mm)
        width = STEP_S * trace.rate
        if width.denominator == 1:
            first = grid.first_at_or_after(self.day.start_ns) - trace.first
            return first + np.arange(count + 1) * width.numerator
        times = range(self.day.start_ns, self.day.end_ns + 1, STEP_S * SECOND_NS)
        return np.array([grid.first_at_or_after(time) for time in times]) - trace.first

    def _is_bridged(self, trace: Trace, bounds: NDArray[np.int64]) -> NDArray[np.bool_]:
        found = np.zeros(len(bounds) - 1, bool)
        for first, count in trace.bridged.tolist():
            low, high = first - trace.first, first - trace.first + count
            found |= (bounds[:-1] < high) & (bounds[1:] > low)
        return found


def _extremes(samples: NDArray[Any], bounds: NDArray[np.int64]) -> tuple[Any, Any]:
    """Return the smallest and the largest sample between bounds."""
    widths = np.diff(bounds)
    if np.all(widths == widths[0]):
        rows = samples[bounds[0] : bounds[-1]].reshape(len(widths), widths[0])
        return rows.min(axis=1), rows.max(axis=1)
    part, starts = samples[bounds[0] : bounds[-1]], bounds[:-1] - bounds[0]
    return np.minimum.reduceat(part, starts), np.maximum.reduceat(part, starts)


def _clipped(samples: NDArray[Any], bounds: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return the steps that reach the record's largest or smallest value with a flat top."""
    low, high = _extremes(samples, bounds)
    found = np.zeros(len(low), bool)
    for levels, level in ((high, high.max()), (low, low.min())):
        for at in np.flatnonzero(levels == level).tolist():
            part = samples[max(bounds[at] - 2, 0) : bounds[at + 1] + 2]
            found[at] |= flat_top(part, level) != NO_TOP
    return found
