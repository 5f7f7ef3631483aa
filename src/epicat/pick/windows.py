"""Put windows on segments, stack the probabilities, find the triggers: arrays in, arrays out.

Windows start at every multiple of the stride since 1970 inside a segment, and one more is flush
with each real border.  Where a segment ends only because no more was read there is none: so the
windows over a sample are the same however much was read around it, provided that it was at least
two windows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from epicat.pick.picker import F32, Picker, PickerInfo, Starts, Stretch, batched, windows_of

__all__ = [
    "Trigger",
    "curves",
    "found_triggers",
    "triggers",
    "window_starts",
]

_BLOCK = 2**17
"""Samples of a stretch whose probabilities are kept until their triggers are found."""


@dataclass(frozen=True, slots=True, order=True)
class Trigger:
    """Probability above the threshold; samples are numbered from the start of the curve."""

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
    """Return the first sample of each window of a segment, as grid indices, ascending.

    ``first`` and ``stop`` are grid indices since 1970.  A segment shorter than a window has none.
    """
    last = stop - info.samples
    if last < first:
        return np.empty(0, np.int64)
    begin = -(-first // info.stride) * info.stride
    starts = np.arange(begin, last + 1, info.stride, dtype=np.int64)
    # Where probabilities stand for several samples, those of all windows are at the same samples.
    after, before = -(-first // info.step) * info.step, last // info.step * info.step
    flush = [after] * starts_really * (after <= last) + [before] * ends_really * (before >= first)
    return np.union1d(starts, np.array(flush, np.int64))


def found_triggers(
    picker: Picker,
    stretches: Sequence[Stretch],
    thresholds: Mapping[str, float],
    batch: int,
) -> Iterator[dict[str, list[Trigger]]]:
    """Return the triggers of each phase that has a threshold, stretch by stretch, in order."""
    rows = [(row, p) for row, p in enumerate(picker.info.picked) if p in thresholds]
    windows = picker.of_stretches(stretches, thresholds, batch)
    for parts in _curves(windows, stretches, picker.info):
        finders = {phase: _Finder(thresholds[phase], picker.info.step) for _, phase in rows}
        found: dict[str, list[Trigger]] = {phase: [] for phase in finders}
        for part in parts:
            for row, phase in rows:
                found[phase] += finders[phase].add(part[row])
        for phase, finder in finders.items():
            found[phase] += finder.rest()
        yield found


def curves(picker: Picker, stretches: Sequence[Stretch], batch: int) -> Iterator[Iterator[F32]]:
    """Return the stacked probabilities (picked phases, samples) of each stretch, part by part.

    Samples that no window's unblinded part covers are NaN.  All parts of a stretch must have been
    taken before the next stretch is.
    """
    return _curves(batched(picker, windows_of(stretches), batch), stretches, picker.info)


def _curves(
    results: Iterator[F32], stretches: Sequence[Stretch], info: PickerInfo
) -> Iterator[Iterator[F32]]:
    for stretch in stretches:
        yield _stacked(stretch, results, info)


def _stacked(stretch: Stretch, results: Iterator[F32], info: PickerInfo) -> Iterator[F32]:
    stack = _Stack(stretch.samples, info)
    for start in stretch.starts.tolist():
        while start + info.samples > stack.stop:
            yield stack.take(start)
        stack.add(start, next(results))
    while not stack.is_empty:
        yield stack.take(stretch.samples)


class _Stack:
    """The probabilities of a part of a stretch while its windows come in."""

    def __init__(self, samples: int, info: PickerInfo) -> None:
        self._info = info
        self._samples = samples
        self._combine = np.maximum if info.stacking == "max" else np.add
        self._begin = 0  # of the part
        room = min(samples, max(_BLOCK, 4 * info.samples))
        self._sum = np.zeros((len(info.picked), room), np.float32)
        self._count = np.zeros(room, np.uint16)

    @property
    def stop(self) -> int:
        """The sample after the last one that a window may have."""
        return self._begin + len(self._count)

    @property
    def is_empty(self) -> bool:
        """Whether all samples have been taken."""
        return self._begin >= self._samples

    def add(self, start: int, probabilities: F32) -> None:
        before, after = self._info.blinding
        inner = slice(before, self._info.samples - after)
        begin = start - self._begin
        outer = slice(begin + before, begin + self._info.samples - after)
        part, there = probabilities[:, inner], self._sum[:, outer]
        holes = np.isnan(part[0])  # BasicPhaseAE has some, in addition to those blinded
        if holes.any():
            self._combine(there, part, out=there, where=~holes)
            self._count[outer] += ~holes
        else:
            self._combine(there, part, out=there)
            self._count[outer] += 1

    def take(self, stop: int) -> F32:
        """Return the next samples before one that no later window reaches, and make room."""
        length = min(stop - self._begin, len(self._count), self._samples - self._begin)
        part, count = self._sum[:, :length].copy(), self._count[:length]
        if self._info.stacking == "avg":
            np.divide(part, count, out=part, where=count > 1)
        part[:, count == 0] = np.nan
        left = len(self._count) - length
        for array in (self._sum, self._count):
            array[..., :left] = array[..., length:].copy()
            array[..., left:] = 0
        self._begin += length
        return part


class _Finder:
    """Finds the triggers of a curve that comes in parts."""

    def __init__(self, threshold: float, step: int) -> None:
        self._threshold = threshold
        self._tail = step - 1  # samples for which the last probability stands as well
        self._begin = 0  # of what is kept
        self._kept = np.empty(0, np.float32)

    def add(self, part: F32) -> list[Trigger]:
        """Return the triggers that end before the last sample so far; keep what may continue."""
        curve = np.concatenate([self._kept, part]) if len(self._kept) else part
        below = np.flatnonzero(~(curve >= np.float32(self._threshold / 2)))
        stop = int(below[-1]) + 1 if len(below) else 0
        found = self._shifted(curve[:stop])
        self._begin += stop
        self._kept = curve[stop:]
        return found

    def rest(self) -> list[Trigger]:
        """Return the trigger that lasts to the end of the curve, if any."""
        return self._shifted(self._kept)

    def _shifted(self, curve: F32) -> list[Trigger]:
        at = self._begin
        return [
            Trigger(t.onset + at, t.peak + at, t.end + at - self._tail, t.confidence)
            for t in triggers(curve, self._threshold)
        ]


def triggers(curve: F32, threshold: float) -> list[Trigger]:
    """Return the triggers of one phase's probabilities (samples,), ascending.

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
