"""Bring runs to a picker's rate by a finite, anti-aliased filter anchored to absolute time.

Output sample ``m`` lies at ``m / rate`` seconds since 1970 whatever the run's start, and depends
only on the input within `support_s` of it.  (FFT resampling, by contrast, depends on the whole
cut.)  The filter is a sinc under a Kaiser window (Kaiser 1974; Oppenheim and Schafer 2010,
section 7.5, with their estimates of its length and shape): 80 dB of attenuation above half the
lower of the two rates, flat up to 0.4 of it.
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
"""Samples between two indices on the grid, the second not included."""

_ATTENUATION_DB = 80.0
_TRANSITION = 0.1  # of the lower rate, ending at half of it
_BLOCK = 2**15
"""Samples that are made at once, about: a day in 64 bits would be much of a worker's memory."""
_COLUMNS = 32
"""Samples of a tile, at least."""
_LARGEST = 2**20
"""Numbers of a tile's matrix, 8 MB: beyond, sample by sample is no slower, and smaller."""


@dataclass(frozen=True, slots=True)
class _Tiles:
    """The filter as a matrix: so many samples in a row of input are so many of output.

    The product of the samples with a band of taps is some ten times as fast as their sum one by
    one.  Tiles are counted from 1970 and products always of one shape, so that a sample comes
    from the same arithmetic however a run was cut.
    """

    step: int
    """Samples of input from one tile to the next."""
    reach: int
    """Samples of input before a tile, and after it, that it depends on."""
    rows: int
    """Tiles in a product."""
    matrix: NDArray[np.float64]
    """What each sample of input (step + 2 reach) adds to each of output (columns)."""

    @property
    def block(self) -> int:
        """Samples of output in a product."""
        return self.rows * self.matrix.shape[1]

    def made(self, run: Trace, read: Read, number: int) -> NDArray[np.float64]:
        """Return a block of output samples by its number since 1970."""
        begin = number * self.rows * self.step - self.reach
        padded = _padded(run, read, begin, begin + self.rows * self.step + 2 * self.reach)
        windows = sliding_window_view(padded, len(self.matrix))[:: self.step]
        found: NDArray[np.float64] = np.ascontiguousarray(windows) @ self.matrix
        return found.ravel()


def resample(run: Trace, rate: Fraction, read: Read | None = None) -> Trace | None:
    """Return the run at another rate, or None if no sample of the new grid lies inside it.

    The first and last values are held beyond the ends, so that a run's offset makes no step.
    ``read`` gives other samples in the place of the run's, between two indices on its grid.
    """
    if run.rate == rate and read is None:
        return run
    read = read or partial(_own, run)
    ratio = rate / run.rate
    up, down = ratio.numerator, ratio.denominator
    first, stop = _ceil(run.first * ratio), _floor((run.stop - 1) * ratio) + 1
    if stop <= first:
        return None
    samples = np.empty(stop - first, np.float32)
    tiles = _tiles(up, down)
    size = tiles.block if tiles else _BLOCK
    for number in range(first // size, (stop - 1) // size + 1):
        begin, end = max(number * size, first), min((number + 1) * size, stop)
        if tiles:
            made = tiles.made(run, read, number)[begin - number * size : end - number * size]
        else:
            made = _one_by_one(run, read, ratio, begin, end)
        samples[begin - first : end - first] = made
    firsts = -((-run.clock.firsts * up) // down)
    clock = Clock(firsts, run.clock.offsets_ns)
    return Trace(rate, first, samples, clock)


def _one_by_one(
    run: Trace, read: Read, ratio: Fraction, first: int, stop: int
) -> NDArray[np.float64]:
    """Return some samples of the new grid; they are the same whichever are asked for at once."""
    from scipy.signal import upfirdn

    up, down = ratio.numerator, ratio.denominator
    taps = _taps(up, down)
    half = len(taps) // 2
    # Pad so that the filter is filled everywhere and the input starts at a multiple of `down`:
    # there, both grids share a sample.
    reach = half // up + 1
    begin = (_floor(first / ratio) - reach) // down * down
    end = _floor((stop - 1) / ratio) + 1 + reach
    filtered = upfirdn(taps, _padded(run, read, begin, end), up, down)
    skip = first - begin // down * up
    # upfirdn's output n is centred on input n * down - half of the stuffed signal.
    lead = half // down
    found: NDArray[np.float64] = filtered[lead + skip : lead + skip + stop - first]
    return found


def _own(run: Trace, low: int, high: int) -> NDArray[np.float64]:
    return run.samples[low - run.first : high - run.first].astype(np.float64)


def _padded(run: Trace, read: Read, begin: int, end: int) -> NDArray[np.float64]:
    """Return samples of a run, its first and last ones held beyond its ends."""
    low, high = max(begin, run.first), min(end, run.stop)
    part = read(low, high)
    return np.pad(part, (low - begin, end - high), "edge") if len(part) < end - begin else part


def support_s(rate_in: Fraction, rate_out: Fraction) -> float:
    """Return how far in seconds the input reaches that an output sample depends on."""
    if rate_in == rate_out:
        return 0.0
    ratio = rate_out / rate_in
    half = len(_taps(ratio.numerator, ratio.denominator)) // 2
    return float(half / (rate_in * ratio.numerator)) + 1 / float(rate_in)


@lru_cache(maxsize=8)
def _tiles(up: int, down: int) -> _Tiles | None:
    """Return the filter in tiles, or None where their matrix would be large."""
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
    # Each output sample weights its inputs with a sum of one: a large offset makes no hum.
    phases = np.arange(len(taps)) % up
    return np.asarray(taps / np.bincount(phases, taps)[phases])


def _ceil(value: Fraction) -> int:
    return -((-value.numerator) // value.denominator)


def _floor(value: Fraction) -> int:
    return value.numerator // value.denominator
