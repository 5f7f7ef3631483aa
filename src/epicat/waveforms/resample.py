"""Resample traces with a finite anti-aliasing filter anchored to absolute time.

Output sample ``m`` lies at ``m / rate`` seconds since 1970 whatever the start of the trace, and
depends only on the input within `support_s` of it.  (FFT resampling, by contrast, depends on
everything that was read.)  The filter is a Kaiser-windowed sinc (Kaiser 1974; Oppenheim and Schafer
2010, section 7.5, for its length and shape): 80 dB of attenuation above half the lower of the two
rates, flat up to 0.4 of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from epicat.waveforms.traces import Clock, Trace

__all__ = ["Read", "resample", "support_s"]

Read = Callable[[int, int], NDArray[np.float64]]
"""Returns the samples between two indices on the grid, the second excluded."""

_ATTENUATION_DB = 80.0
_TRANSITION = 0.1  # of the lower rate, ending at half of it
_BLOCK = 2**15
"""Approximate number of output samples per step: a full day in float64 is too large."""
_COLUMNS = 32
"""Fewest output samples of a tile."""
_LARGEST = 2**20
"""Largest size of a tile's matrix (8 MB): beyond it, `upfirdn` is as fast and smaller."""


@dataclass(frozen=True, slots=True)
class _Tiles:
    """The filter as a banded matrix that maps blocks of input samples to blocks of output samples.

    The matrix product is about ten times as fast as `upfirdn`.  Tiles are numbered from 1970 and
    all products have one shape, so that a sample results from the same arithmetic wherever the
    trace starts and ends.
    """

    step: int
    """Input samples from one tile to the next."""
    reach: int
    """Input samples before and after a tile that it depends on."""
    rows: int
    """Tiles per matrix product."""
    matrix: NDArray[np.float64]
    """Weight of each input sample (step + 2 reach rows) in each output sample (columns)."""

    @property
    def block(self) -> int:
        """Output samples per matrix product."""
        return self.rows * self.matrix.shape[1]

    def made(self, trace: Trace, read: Read, number: int) -> NDArray[np.float64]:
        """Return a block of output samples by its number since 1970."""
        begin = number * self.rows * self.step - self.reach
        padded = _padded(trace, read, begin, begin + self.rows * self.step + 2 * self.reach)
        windows = sliding_window_view(padded, len(self.matrix))[:: self.step]
        found: NDArray[np.float64] = np.ascontiguousarray(windows) @ self.matrix
        return found.ravel()


def resample(trace: Trace, rate: Fraction, read: Read | None = None) -> Trace | None:
    """Return the trace at another rate, or None if no sample of the new grid lies inside it.

    The first and last samples are repeated beyond the ends, so that an offset causes no step.
    ``read`` replaces the samples of the trace, for example by filtered ones.
    """
    if trace.rate == rate and read is None:
        return trace
    read = read or partial(_own, trace)
    ratio = rate / trace.rate
    up, down = ratio.numerator, ratio.denominator
    first, stop = _ceil(trace.first * ratio), _floor((trace.stop - 1) * ratio) + 1
    if stop <= first:
        return None
    samples = np.empty(stop - first, np.float32)
    tiles = _tiles(up, down)
    size = tiles.block if tiles else _BLOCK
    for number in range(first // size, (stop - 1) // size + 1):
        begin, end = max(number * size, first), min((number + 1) * size, stop)
        if tiles:
            made = tiles.made(trace, read, number)[begin - number * size : end - number * size]
        else:
            made = _one_by_one(trace, read, ratio, begin, end)
        samples[begin - first : end - first] = made
    firsts = -((-trace.clock.firsts * up) // down)
    clock = Clock(firsts, trace.clock.offsets_ns)
    return Trace(rate, first, samples, clock)


def _one_by_one(
    trace: Trace, read: Read, ratio: Fraction, first: int, stop: int
) -> NDArray[np.float64]:
    """Return samples of the new grid, which do not depend on how many are requested."""
    from scipy.signal import upfirdn

    up, down = ratio.numerator, ratio.denominator
    taps = _taps(up, down)
    half = len(taps) // 2
    # Pad so that the filter is filled everywhere and the input starts at a multiple of `down`:
    # there, both grids share a sample.
    reach = half // up + 1
    begin = (_floor(first / ratio) - reach) // down * down
    end = _floor((stop - 1) / ratio) + 1 + reach
    filtered = upfirdn(taps, _padded(trace, read, begin, end), up, down)
    skip = first - begin // down * up
    # upfirdn's output n is centred on input n * down - half of the stuffed signal.
    lead = half // down
    found: NDArray[np.float64] = filtered[lead + skip : lead + skip + stop - first]
    return found


def _own(trace: Trace, low: int, high: int) -> NDArray[np.float64]:
    return trace.samples[low - trace.first : high - trace.first].astype(np.float64)


def _padded(trace: Trace, read: Read, begin: int, end: int) -> NDArray[np.float64]:
    """Return samples of a trace, with the first and last repeated beyond its ends."""
    low, high = max(begin, trace.first), min(end, trace.stop)
    part = read(low, high)
    return np.pad(part, (low - begin, end - high), "edge") if len(part) < end - begin else part


def support_s(rate_in: Fraction, rate_out: Fraction) -> float:
    """Return how far in seconds the input extends that an output sample depends on."""
    if rate_in == rate_out:
        return 0.0
    ratio = rate_out / rate_in
    half = len(_taps(ratio.numerator, ratio.denominator)) // 2
    return float(half / (rate_in * ratio.numerator)) + 1 / float(rate_in)


@lru_cache(maxsize=8)
def _tiles(up: int, down: int) -> _Tiles | None:
    """Return the filter in tiles, or None if their matrix would be too large."""
    taps = _taps(up, down)
    half = len(taps) // 2
    columns = -(-_COLUMNS // up) * up
    step, reach = columns // up * down, half // up + 1
    if columns * (step + 2 * reach) > _LARGEST:
        return None
    # The input's sample i lies i up after the tile's first in the stuffed signal, its p down.
    at = half + np.arange(columns) * down - np.arange(-reach, step + reach)[:, None] * up
    matrix = np.where((at >= 0) & (at < len(taps)), taps[np.clip(at, 0, len(taps) - 1)], 0.0)
    return _Tiles(step, reach, max(_BLOCK // columns, 1), matrix)


@lru_cache(maxsize=32)
def _taps(up: int, down: int) -> NDArray[np.float64]:
    """Odd, symmetric taps at the stuffed rate; their half length is a multiple of ``down``."""
    lower = 1 / max(up, down)  # the lower rate over the stuffed one
    width = _TRANSITION * lower
    wanted = (_ATTENUATION_DB - 7.95) / (2 * 2.285 * 2 * np.pi * width)
    half = int(np.ceil(wanted / down)) * down
    cutoff = (0.5 - _TRANSITION / 2) * lower
    window = np.kaiser(2 * half + 1, 0.1102 * (_ATTENUATION_DB - 8.7))
    taps = np.sinc(2 * cutoff * np.arange(-half, half + 1)) * window
    # The weights of each output sample sum to one, so that a constant stays constant.
    phases = np.arange(len(taps)) % up
    return np.asarray(taps / np.bincount(phases, taps)[phases])


def _ceil(value: Fraction) -> int:
    return -((-value.numerator) // value.denominator)


def _floor(value: Fraction) -> int:
    return value.numerator // value.denominator
