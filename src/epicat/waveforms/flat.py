"""Detect dead and clipped stretches of a channel-day."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from epicat.model import Span
from epicat.time import SECOND_NS
from epicat.waveforms.grid import Grid
from epicat.waveforms.traces import Trace

__all__ = ["clipped_share", "dead_share"]

F64 = NDArray[np.float64]

_MINUTE_NS = 60 * SECOND_NS
_FLAT_TOP = 3
"""Fewest equal samples in a row that form a flat top."""
_LOUD = 100
"""Smallest amplitude of a clipped level, in steps of the digitiser."""


def dead_share(traces: Sequence[Trace], day: Span, largest_range: float) -> float:
    """Return the share of a channel's time inside a day that is dead, 0 to 1.

    A UTC minute, or the part of it that has data, is dead if its largest and smallest samples
    differ by at most ``largest_range`` (in the archive's unit).  MUSTANG's ``sample_unique``
    metric applies the same idea to a day: a channel that records the ground does not stay at
    one value.
    """
    dead = total = 0.0
    for trace in traces:
        first, samples = _inside(trace, day)
        if not len(samples):
            continue
        starts = _minutes(first, len(samples), Grid(trace.rate))
        highest = np.maximum.reduceat(samples, starts).astype(np.float64)
        lowest = np.minimum.reduceat(samples, starts).astype(np.float64)
        lengths = np.diff(starts, append=len(samples))
        dead += float(lengths[highest - lowest <= largest_range].sum() / trace.rate)
        total += float(len(samples) / trace.rate)
    return dead / total if total else 0.0


def clipped_share(traces: Sequence[Trace], day: Span) -> float:
    """Return the share of a channel's time inside a day that is clipped, 0 to 1.

    Clipped samples are flat tops (three or more equal samples in a row, for less than a minute)
    at the highest and the lowest level that have such tops, if that level is large: a hundred
    steps or more from the day's median or from the other level.  A step is the smallest
    difference between adjacent samples.  Hence single spikes are not tops, longer flat stretches
    are dead rather than clipped, and a quiet channel of a few counts is neither.  This is the
    simplest of the criteria compared by Kleckner et al. (2022, Seismological Research Letters
    93, 880-896): equal adjacent samples at the ends of the histogram.  Tops that were deformed
    by a filter after the digitiser are not detected.
    """
    parts = [(samples, trace.rate) for trace in traces if len(samples := _inside(trace, day)[1])]
    tops = [_flat_tops(samples, round(60 * rate)) for samples, rate in parts]
    levels = np.concatenate([np.empty(0), *(values for values, _, _ in tops)])
    if not len(levels):
        return 0.0
    low, high = float(levels.min()), float(levels.max())
    median = float(np.median(np.concatenate([samples for samples, _ in parts])))
    loud = _LOUD * min(step for _, _, step in tops)
    ends = [level for level in (low, high) if max(abs(level - median), high - low) >= loud]
    clipped = sum(
        float(lengths[np.isin(values, ends)].sum() / rate)
        for (values, lengths, _), (_, rate) in zip(tops, parts, strict=True)
    )
    return clipped / sum(float(len(samples) / rate) for samples, rate in parts)


def _inside(trace: Trace, day: Span) -> tuple[int, NDArray[np.generic]]:
    """Return the index of the first sample inside a day, and the samples inside it."""
    grid = Grid(trace.rate)
    low, high = grid.first_at_or_after(day.start_ns), grid.first_at_or_after(day.end_ns)
    first = max(trace.first, low)
    return first, trace.samples[first - trace.first : max(min(trace.stop, high) - trace.first, 0)]


def _minutes(first: int, count: int, grid: Grid) -> NDArray[np.int64]:
    """Return the positions of the first sample and of the first sample of each UTC minute."""
    begin, end = grid.time_ns(first), grid.time_ns(first + count)
    moments = range((begin // _MINUTE_NS + 1) * _MINUTE_NS, end, _MINUTE_NS)
    starts = [0, *(grid.first_at_or_after(moment) - first for moment in moments)]
    return np.unique([start for start in starts if start < count])


def _flat_tops(samples: NDArray[np.generic], most: int) -> tuple[F64, NDArray[np.int64], float]:
    """Return value and length of each flat top, and the smallest step between samples."""
    values = samples.astype(np.float64)
    steps = np.abs(np.diff(values))
    flat = np.concatenate([[False], steps == 0, [False]])
    borders = np.flatnonzero(flat[1:] != flat[:-1]).reshape(-1, 2)
    lengths = borders[:, 1] - borders[:, 0] + 1
    kept = (lengths >= _FLAT_TOP) & (lengths < most)
    smallest = float(np.min(steps, where=steps > 0, initial=np.inf))
    return values[borders[kept, 0]], lengths[kept], smallest
