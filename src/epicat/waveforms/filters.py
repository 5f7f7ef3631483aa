"""Filter traces as a picker's weights require: Butterworth, optionally zero-phase, as in ObsPy.

The impulse response of such a filter is infinite: each sample depends on all others of its trace.
To make the result independent of how much was read, the filter runs in blocks anchored to absolute
time.  Each block has a margin on both sides over which a transient decays by twenty orders of
magnitude, far below the precision of a float64, so a block depends bit for bit on the samples
within `reach_s` only.  The filter starts at rest only where a trace really begins or ends.
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
"""Ratio of the length of a block to that of its margin."""
_NOISE = 2.0**-46
"""Relative to the largest sample: smaller values after the filter are rounding and become zero."""

F64 = NDArray[np.float64]


def filtered(trace: Trace, how: Filter, kind: DTypeLike = np.float64) -> Trace:
    """Return the filtered trace, computed in float64 and stored as dtype ``kind``."""
    reader = Filtered.from_filter(trace, how)
    if reader is None:
        return trace
    samples = np.empty(len(trace.samples), kind)
    for low, high, passed in reader.blocks(trace.first, trace.stop):
        samples[low - trace.first : high - trace.first] = passed
    return replace(trace, samples=samples)


class Filtered:
    """The filtered samples of a trace as float64, computed on demand.

    A day at 200 Hz in float64 takes 138 MB, of which a few minutes at a time are needed.
    """

    def __init__(self, trace: Trace, how: Filter, sections: F64) -> None:
        self._trace, self._sections, self._zerophase = trace, sections, how.zerophase
        self._margin = ceil(_margin_s(how) * trace.rate)
        self._last: tuple[int, F64] | None = None

    @classmethod
    def from_filter(cls, trace: Trace, how: Filter) -> Filtered | None:
        """Return the filtered samples of a trace, or None if the filter passes all frequencies."""
        sections = _sections(how, trace.rate)
        return None if sections is None else cls(trace, how, sections)

    def read(self, low: int, high: int) -> F64:
        """Return samples by their indices on the grid, which must lie within the trace."""
        return np.concatenate([np.empty(0), *(part for _, _, part in self.blocks(low, high))])

    def blocks(self, low: int, high: int) -> Iterator[tuple[int, int, F64]]:
        """Yield start, stop and samples of each block's part between two indices."""
        length = _BLOCK * self._margin
        for begin in range(low // length * length, high, length):
            first, passed = max(begin, self._trace.first), self._block(begin)
            start, stop = max(begin, low), min(begin + length, high)
            yield start, stop, passed[start - first : stop - first]

    def _block(self, begin: int) -> F64:
        """Return the samples of a block inside the trace; the last block is cached."""
        if self._last is not None and self._last[0] == begin:
            return self._last[1]
        trace, end = self._trace, begin + _BLOCK * self._margin
        low, high = max(begin, trace.first), min(end, trace.stop)
        start, stop = max(begin - self._margin, trace.first), min(end + self._margin, trace.stop)
        part = trace.samples[start - trace.first : stop - trace.first].astype(np.float64)
        passed = _passed(self._sections, part, zerophase=self._zerophase)
        self._last = begin, passed[low - start : high - start]
        return self._last[1]


def reach_s(how: Filter) -> float:
    """Return how far in seconds the input extends that an output sample depends on."""
    return (1 + _BLOCK) * (_margin_s(how) + 1.0)  # margins are rounded up to whole samples


def _passed(sections: F64, samples: F64, *, zerophase: bool) -> F64:
    from scipy.signal import sosfilt

    passed: F64 = sosfilt(sections, samples)
    if zerophase:
        passed = sosfilt(sections, passed[::-1])[::-1].copy()
    # A dead channel with an offset must stay dead: normalisation would amplify rounding errors.
    passed[np.abs(passed) < _NOISE * np.abs(samples).max()] = 0
    return passed


def _bandpass(how: Filter, nyquist: float) -> tuple[str, Any] | None:
    if how.freqmax is None or how.freqmax >= (1 - 1e-6) * nyquist:  # as in ObsPy
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
    """Return second-order sections for a rate, or None if the filter passes all frequencies."""
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
