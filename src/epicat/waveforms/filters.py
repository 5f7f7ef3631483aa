"""Filter runs as a picker's weights want it: Butterworth, forwards and backwards, as ObsPy does.

Such a filter has no end: each sample depends on all others of its run, if only a little.  So it
is applied in blocks that are anchored to absolute time, each with a margin on both sides over
which a transient decays by twenty orders of magnitude, far below the last bit of 64.  A block
depends on the samples within `reach_s` and on nothing else, to the last bit: what else was read
does not matter.  Only where a run really begins or ends does a block start at rest there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from math import ceil, log
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from epicat.model import Filter
from epicat.waveforms.traces import Trace

__all__ = ["Filtered", "filtered", "reach_s"]

_DECAY = log(1e20)
_BLOCK = 4
"""Length of a block over that of its margin."""
_NOISE = 2.0**-46
"""Of the largest sample: what is smaller after the filter is rounding, and becomes zero."""

F64 = NDArray[np.float64]


def filtered(run: Trace, how: Filter, kind: DTypeLike = np.float64) -> Trace:
    """Return the run after a filter, computed in 64 bits and kept as a kind of number."""
    reader = Filtered.from_filter(run, how)
    if reader is None:
        return run
    samples = np.empty(len(run.samples), kind)
    for low, high, passed in reader.blocks(run.first, run.stop):
        samples[low - run.first : high - run.first] = passed
    return replace(run, samples=samples)


class Filtered:
    """The samples of a run after a filter, in 64 bits, made as they are read.

    A day of 200 Hz in 64 bits is 138 MB, of which no one needs more than some minutes at a time.
    """

    def __init__(self, run: Trace, how: Filter, sections: F64) -> None:
        self._run, self._sections, self._zerophase = run, sections, how.zerophase
        self._margin = ceil(_margin_s(how) * run.rate)
        self._last: tuple[int, F64] | None = None

    @classmethod
    def from_filter(cls, run: Trace, how: Filter) -> Filtered | None:
        """Return a run's samples after a filter, or None if it lets everything pass."""
        sections = _sections(how, run.rate)
        return None if sections is None else cls(run, how, sections)

    def read(self, low: int, high: int) -> F64:
        """Return samples by their indices on the grid; all of them are the run's."""
        return np.concatenate([np.empty(0), *(part for _, _, part in self.blocks(low, high))])

    def blocks(self, low: int, high: int) -> Iterator[tuple[int, int, F64]]:
        """Return the bounds and the samples of each part of a block that lies between two."""
        length = _BLOCK * self._margin
        for begin in range(low // length * length, high, length):
            first, passed = max(begin, self._run.first), self._block(begin)
            start, stop = max(begin, low), min(begin + length, high)
            yield start, stop, passed[start - first : stop - first]

    def _block(self, begin: int) -> F64:
        """Return the samples that a block has of the run; the last one is asked for twice."""
        if self._last is not None and self._last[0] == begin:
            return self._last[1]
        run, end = self._run, begin + _BLOCK * self._margin
        low, high = max(begin, run.first), min(end, run.stop)
        start, stop = max(begin - self._margin, run.first), min(end + self._margin, run.stop)
        part = run.samples[start - run.first : stop - run.first].astype(np.float64)
        passed = _passed(self._sections, part, zerophase=self._zerophase)
        self._last = begin, passed[low - start : high - start]
        return self._last[1]


def reach_s(how: Filter) -> float:
    """Return how far in seconds the input reaches that an output sample depends on."""
    return (1 + _BLOCK) * (_margin_s(how) + 1.0)  # margins are rounded up to whole samples


def _passed(sections: F64, samples: F64, *, zerophase: bool) -> F64:
    from scipy.signal import sosfilt

    passed: F64 = sosfilt(sections, samples)
    if zerophase:
        passed = sosfilt(sections, passed[::-1])[::-1].copy()
    # A dead channel at an offset is to stay dead: a picker would blow its rounding up to waves.
    passed[np.abs(passed) < _NOISE * np.abs(samples).max()] = 0
    return passed


def _bandpass(how: Filter, nyquist: float) -> tuple[str, Any] | None:
    if how.freqmax is None or how.freqmax >= (1 - 1e-6) * nyquist:  # as ObsPy: nothing to cut off
        return _highpass(how, nyquist)
    return "bandpass", (how.freqmin, how.freqmax)


def _highpass(how: Filter, _nyquist: float) -> tuple[str, Any] | None:
    return "highpass", how.freqmin


def _lowpass(how: Filter, nyquist: float) -> tuple[str, Any] | None:
    return None if how.freqmax is None or how.freqmax >= nyquist else ("lowpass", how.freqmax)


_KINDS: dict[str, Callable[[Filter, float], tuple[str, Any] | None]] = {
    "bandpass": _bandpass,
    "highpass": _highpass,
    "lowpass": _lowpass,
}


@lru_cache(maxsize=64)
def _sections(how: Filter, rate: Fraction) -> F64 | None:
    """Return second-order sections for a rate, or None if the filter lets everything pass."""
    wanted = _KINDS[how.kind](how, float(rate) / 2)
    if wanted is None:
        return None
    from scipy.signal import butter

    kind, corners = wanted
    return np.asarray(butter(how.corners, corners, kind, output="sos", fs=float(rate)))


@lru_cache(maxsize=64)
def _margin_s(how: Filter) -> int:
    """Return the seconds after which the slowest oscillation of the filter has decayed."""
    from scipy.signal import butter

    corners = [f for f in (how.freqmin, how.freqmax) if f is not None]
    angular = [2 * np.pi * f for f in corners]
    _, poles, _ = butter(
        how.corners, angular if len(angular) > 1 else angular[0], how.kind, True, "zpk"
    )
    return ceil(_DECAY / float(-poles.real.max()))
