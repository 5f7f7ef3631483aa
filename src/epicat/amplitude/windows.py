"""Measure the record of a Wood-Anderson seismograph at picks: peaks, their periods, the noise.

A window begins at the pick.  What cannot be measured is flagged, never guessed: windows in gaps,
soon after the begin of the data, where the filter still swings in, and clipped ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from epicat.amplitude.clipping import first_flat_tops
from epicat.amplitude.rows import WINDOWS_S, AmplitudeFlag
from epicat.amplitude.wood_anderson import F32, SETTLE_S
from epicat.waveforms.grid import Grid
from epicat.waveforms.traces import Trace

__all__ = ["Windows", "measure_windows", "window_starts", "without_windows"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_NOISE_S: Final = (8.5, 0.5)
"""Begin and end of the noise window before the pick."""
_LEAST_NOISE_S: Final = 3.0
"""Shortest noise window: what remains of it after a gap or the filter's transient."""
_CLIPPED_BEFORE_S: Final = 2.0
"""A flat top so shortly before a window still swings in it."""
_HALF_PERIOD_S: Final = 1.0
"""The longest time from a peak to the next zero that is looked for."""
_CHUNK: Final = 256
"""Picks at once, to bound memory."""


@dataclass(frozen=True, slots=True)
class Windows:
    """The measurements of one component at n picks, in the windows of `WINDOWS_S`."""

    amplitude_mm: F64
    """Largest amplitude, (n, windows); NaN where the flag is not OK."""
    period_s: F64
    """Twice the time between the zeros before and after the peak, of the same shape."""
    noise_mm: F64
    """Largest amplitude before the pick, (n,); NaN if it cannot be measured."""
    flag: NDArray[np.uint8]
    """`AmplitudeFlag`, (n, windows)."""

    def put(self, at: I64, other: Windows) -> None:
        """Copy the measurements of other picks to some positions."""
        self.amplitude_mm[at], self.period_s[at] = other.amplitude_mm, other.period_s
        self.noise_mm[at], self.flag[at] = other.noise_mm, other.flag


def without_windows(count: int, flag: AmplitudeFlag) -> Windows:
    """Return what is known of picks where nothing can be measured."""
    shape = (count, len(WINDOWS_S))
    return Windows(
        np.full(shape, np.nan),
        np.full(shape, np.nan),
        np.full(count, np.nan),
        np.full(shape, flag, np.uint8),
    )


def window_starts(trace: Trace, times_ns: I64) -> I64:
    """Return the positions in a trace of the first samples at or after times, (n,)."""
    grid = Grid(trace.rate)
    found = np.empty(len(times_ns), np.int64)
    for at, time_ns in enumerate(times_ns.tolist()):
        offset_ns = trace.clock.offset_ns(grid.first_at_or_after(time_ns))
        found[at] = grid.first_at_or_after(time_ns - offset_ns)
    return found - trace.first


def measure_windows(trace: Trace, record: F32, starts: I64) -> Windows:
    """Measure the record of a trace in windows that begin at some of its samples, (n,)."""
    found = without_windows(len(starts), AmplitudeFlag.OK)
    for low in range(0, len(starts), _CHUNK):
        at = np.arange(low, min(low + _CHUNK, len(starts)))
        found.put(at, _measured(trace, record, starts[at]))
    return found


def _measured(trace: Trace, record: F32, starts: I64) -> Windows:
    ends = [ceil(seconds * trace.rate) for seconds in WINDOWS_S]
    rows = _rows(record, starts, ends[-1])
    np.abs(rows, out=rows)
    peaks = np.zeros((len(starts), len(ends)), np.int64)
    size = np.zeros((len(starts), len(ends)))
    begin, lines = 0, np.arange(len(starts))
    for window, end in enumerate(ends):
        peak = rows[:, begin:end].argmax(axis=1) + begin
        value = rows[lines, peak].astype(np.float64)
        if window:
            is_larger = value > size[:, window - 1]
            peak = np.where(is_larger, peak, peaks[:, window - 1])
            value = np.where(is_larger, value, size[:, window - 1])
        peaks[:, window], size[:, window], begin = peak, value, end
    flag = _flags(trace, starts, ends)
    flag[size == 0] = AmplitudeFlag.GAP  # a dead channel
    is_ok = flag == AmplitudeFlag.OK
    period = _periods(record, starts[:, None] + peaks, float(trace.rate))
    noise = _noise(trace, record, starts)
    return Windows(np.where(is_ok, size, np.nan), np.where(is_ok, period, np.nan), noise, flag)


def _rows(samples: NDArray[np.generic], starts: I64, length: int) -> NDArray[np.generic]:
    """Return a window for each start, (n, length), zero beyond the ends of the samples."""
    rows = np.zeros((len(starts), length), samples.dtype)
    for row, start in zip(rows, starts.tolist(), strict=True):
        low, high = max(start, 0), min(start + length, len(samples))
        if low < high:
            row[low - start : high - start] = samples[low:high]
    return rows


def _flags(trace: Trace, starts: I64, ends: list[int]) -> NDArray[np.uint8]:
    settle = ceil(SETTLE_S * trace.rate)
    before = ceil(_CLIPPED_BEFORE_S * trace.rate)
    flag = np.zeros((len(starts), len(ends)), np.uint8)
    tops = first_flat_tops(_rows(trace.samples, starts - before, before + ends[-1]))
    for window, end in enumerate(ends):
        flag[tops < before + end, window] = AmplitudeFlag.CLIPPED
        is_outside = (starts < settle) | (starts + end > len(trace.samples))
        flag[is_outside | _has_bridge(trace, starts, starts + end), window] = AmplitudeFlag.GAP
    return flag


def _has_bridge(trace: Trace, begins: I64, ends: I64) -> NDArray[np.bool_]:
    """Whether a part of a window was interpolated over a gap."""
    if not len(trace.bridged):
        return np.zeros(len(begins), bool)
    firsts = trace.bridged[:, 0] - trace.first
    stops = firsts + trace.bridged[:, 1]
    # Bridges are ascending and disjoint: the first that ends after the begin decides.
    at = np.searchsorted(stops, begins, side="right")
    near = np.append(firsts, np.iinfo(np.int64).max)[at]
    return np.asarray(near < ends)


def _noise(trace: Trace, record: F32, starts: I64) -> F64:
    """Return the largest amplitude before picks; NaN where too little of it is known.

    Soon after a gap the window is what follows the filter's transient.
    """
    begin, end, least = (ceil(seconds * trace.rate) for seconds in (*_NOISE_S, _LEAST_NOISE_S))
    first, stop = starts - begin, starts - end
    rows = np.abs(_rows(record, first, begin - end))
    settled = np.maximum(first, ceil(SETTLE_S * trace.rate))
    np.copyto(rows, 0, where=np.arange(begin - end) < (settled - first)[:, None])
    size = rows.max(axis=1).astype(np.float64)
    is_bad = (stop - settled < least) | (stop > len(record))
    return np.where(is_bad | _has_bridge(trace, settled, stop), np.nan, size)


def _periods(record: F32, peaks: I64, rate: float) -> F64:
    """Return twice the time between the zeros around peaks, interpolated, of the same shape."""
    reach = ceil(_HALF_PERIOD_S * rate)
    rows = _rows(record, peaks.reshape(-1) - reach, 2 * reach + 1).astype(np.float64)
    rows *= np.where(rows[:, reach] < 0, -1.0, 1.0)[:, None]
    after = _to_zero(rows[:, reach:])
    before = _to_zero(rows[:, reach::-1])
    return np.asarray(2 * (before + after) / rate).reshape(peaks.shape)


def _to_zero(rows: F64) -> F64:
    """Return how many samples after the first each row first reaches zero, interpolated."""
    crossed = rows <= 0
    at = np.where(crossed.any(axis=1), crossed.argmax(axis=1), rows.shape[1] - 1)
    lines = np.arange(len(rows))
    there, before = rows[lines, at], rows[lines, np.maximum(at - 1, 0)]
    step = np.where(before > there, before - there, 1.0)
    return np.asarray(np.where(there <= 0, at + there / step, at))
