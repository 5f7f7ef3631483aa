"""Cut segments into windows, stack the probabilities, find the triggers: arrays in, arrays out.

Windows start at every multiple of the stride since 1970 inside a segment, and one more is flush
with each real border.  Where a segment is cut at the edge of what was read there is none: so
the windows over a sample are the same however much was read around it, as long as that was
at least two windows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.pick.picker import F32, Picker, PickerInfo

__all__ = ["Stretch", "Trigger", "curves", "triggers", "window_starts"]

Starts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Samples without a gap, and where to put windows on them."""

    data: F32
    """Shape (components, samples)."""
    starts: Starts
    """First sample of each window, counted from the start of ``data``, rising."""


@dataclass(frozen=True, slots=True, order=True)
class Trigger:
    """A stretch of probability above the threshold; samples count from the start of the curve."""

    onset: int
    """First sample at or above the threshold."""
    peak: int
    """Sample of the largest probability, the first if there are several."""
    end: int
    """Last sample at or above half the threshold."""
    confidence: float
    """The largest probability."""


def window_starts(
    first: int, stop: int, info: PickerInfo, *, starts_really: bool, ends_really: bool
) -> Starts:
    """Return the first sample of each window of a segment, as grid indices, rising.

    ``first`` and ``stop`` are grid indices since 1970.  A segment shorter than a window has none.
    """
    last = stop - info.samples
    if last < first:
        return np.empty(0, np.int64)
    begin = -(-first // info.stride) * info.stride
    starts = np.arange(begin, last + 1, info.stride, dtype=np.int64)
    flush = [first] * starts_really + [last] * ends_really
    return np.union1d(starts, np.array(flush, np.int64))


def curves(picker: Picker, stretches: Sequence[Stretch], batch: int) -> Iterator[F32]:
    """Return the stacked probabilities (phases, samples) of each stretch, in order.

    Samples that no window's unblinded part covers are NaN.  Windows of different stretches
    share batches, so that a day in thousands of pieces costs no more than a whole one.
    """
    results = _batches(picker, stretches, batch)
    for stretch in stretches:
        stack = _Stack(stretch.data.shape[1], picker.info)
        for start in stretch.starts.tolist():
            stack.add(start, next(results))
        yield stack.result()


def _batches(picker: Picker, stretches: Sequence[Stretch], batch: int) -> Iterator[F32]:
    """Return the probabilities of every window of every stretch, in order."""
    length = picker.info.samples
    windows = [(s, start) for s in stretches for start in s.starts.tolist()]
    for begin in range(0, len(windows), batch):
        part = windows[begin : begin + batch]
        filled = np.stack([s.data[:, start : start + length] for s, start in part])
        yield from picker.probabilities(filled)


class _Stack:
    """The probabilities of one stretch while its windows come in."""

    def __init__(self, samples: int, info: PickerInfo) -> None:
        self._info = info
        self._combine = np.maximum if info.stacking == "max" else np.add
        self._sum = np.zeros((len(info.phases), samples), np.float32)
        self._count = np.zeros(samples, np.uint16)

    def add(self, start: int, probabilities: F32) -> None:
        before, after = self._info.blinding
        inner = slice(before, self._info.samples - after)
        outer = slice(start + before, start + self._info.samples - after)
        part, there = probabilities[:, inner], self._sum[:, outer]
        holes = np.isnan(part[0])  # BasicPhaseAE has some, beside what is blinded
        given = ~holes if holes.any() else np.True_
        self._combine(there, part, out=there, where=given)
        self._count[outer] += given

    def result(self) -> F32:
        if self._info.stacking == "avg":
            np.divide(self._sum, self._count, out=self._sum, where=self._count > 1)
        self._sum[:, self._count == 0] = np.nan
        return self._sum


def triggers(curve: F32, threshold: float) -> list[Trigger]:
    """Return the triggers of one phase's probabilities (samples,), rising.

    A trigger starts when the probability reaches the threshold and ends where it is last at
    least half of it, as in SeisBench (`obspy.signal.trigger.trigger_onset`).  NaN ends one.
    """
    on = np.flatnonzero(curve >= np.float32(threshold))
    if len(on) == 0:
        return []
    above = np.concatenate([[False], curve >= np.float32(threshold / 2), [False]])
    borders = np.flatnonzero(above[1:] != above[:-1]).reshape(-1, 2)
    group = np.searchsorted(borders[:, 0], on, side="right") - 1
    firsts = np.flatnonzero(np.diff(group, prepend=-1))
    found = []
    for onset, end in zip(on[firsts].tolist(), borders[group[firsts], 1].tolist(), strict=True):
        peak = onset + int(np.argmax(curve[onset:end]))
        found.append(Trigger(onset, peak, end - 1, float(curve[peak])))
    return found
