"""Measure what is flat in a channel's day: dead stretches and clipped tops."""

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
"""Equal samples in a row that are a flat top."""
_LOUD = 100
"""Steps of the digitiser: what is clipped is loud."""


def dead_share(runs: Sequence[Trace], day: Span, largest_range: float) -> float:
    """Return the share of a channel's time inside a day that is dead, 0 to 1.

    A whole UTC minute, or what there is of it, is dead if its largest and smallest samples
    differ by no more than ``largest_range`` (in the archive's unit).  MUSTANG's
    ``sample_unique`` asks the same of a day as a whole: a channel that hears the ground does
    not keep to one value.
    """
    dead = total = 0.0
    for run in runs:
        first, samples = _inside(run, day)
        if not len(samples):
            continue
        starts = _minutes(first, len(samples), Grid(run.rate))
        highest = np.maximum.reduceat(samples, starts).astype(np.float64)
        lowest = np.minimum.reduceat(samples, starts).astype(np.float64)
        lengths = np.diff(starts, append=len(samples))
        dead += float(lengths[highest - lowest <= largest_range].sum() / run.rate)
        total += float(len(samples) / run.rate)
    return dead / total if total else 0.0


def clipped_share(runs: Sequence[Trace], day: Span) -> float:
    """Return the share of a channel's time inside a day that is clipped, 0 to 1.

    Clipped are flat tops (three or more equal samples in a row, for less than a minute) at the
    highest and the lowest level that have such tops, if the level is loud: a hundred steps or
    more from the day's median or from the other level.  A step is the smallest difference
    between neighbouring samples.  So single spikes are no tops, what is flat for longer is
    dead, and a quiet channel of few counts is neither.  Of the marks of clipping that Kleckner
    et al. (2022, Seismological Research Letters 93, 880-896) compare, this is the plainest:
    equal neighbours at the ends of the histogram.  Tops that a filter after the digitiser has
    bent are not found.
    """
    parts = [(samples, run.rate) for run in runs if len(samples := _inside(run, day)[1])]
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


def _inside(run: Trace, day: Span) -> tuple[int, NDArray[np.generic]]:
    """Return the index of the first sample inside a day, and the samples inside it."""
    grid = Grid(run.rate)
    low, high = grid.first_at_or_after(day.start_ns), grid.first_at_or_after(day.end_ns)
    first = max(run.first, low)
    return first, run.samples[first - run.first : max(min(run.stop, high) - run.first, 0)]


def _minutes(first: int, count: int, grid: Grid) -> NDArray[np.int64]:
    """Return where samples begin another minute: the first one, and the first of each minute."""
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
