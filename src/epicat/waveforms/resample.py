"""Bring runs to a picker's rate by a finite, anti-aliased filter anchored to absolute time.

Output sample ``m`` lies at ``m / rate`` seconds since 1970 whatever the run's start, and depends
only on the input within `support_s` of it.  (FFT resampling, by contrast, depends on the whole
cut.)  The filter is a sinc under a Kaiser window (Kaiser 1974; Oppenheim and Schafer 2010,
section 7.5): 80 dB of attenuation above half the lower of the two rates, flat up to 0.4 of it.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from epicat.waveforms.runs import Clock, Run

__all__ = ["resample", "support_s"]

_ATTENUATION_DB = 80.0
_BLOCK = 2**18
"""Samples that are made at once: 64 bits of a whole day would be much of a worker's memory."""
_TRANSITION = 0.1  # of the lower rate, ending at half of it


def resample(run: Run, rate: Fraction) -> Run | None:
    """Return the run at another rate, or None if no sample of the new grid lies inside it.

    The first and last values are held beyond the ends, so that a run's offset makes no step.
    """
    if run.rate == rate:
        return run
    ratio = rate / run.rate
    up, down = ratio.numerator, ratio.denominator
    first, stop = _ceil(run.first * ratio), _floor((run.stop - 1) * ratio) + 1
    if stop <= first:
        return None
    samples = np.empty(stop - first, np.float32)
    for begin in range(first, stop, _BLOCK):
        end = min(begin + _BLOCK, stop)
        samples[begin - first : end - first] = _resampled(run, ratio, begin, end)
    firsts = -((-run.clock.firsts * up) // down)
    clock = Clock(firsts, run.clock.offsets_ns)
    return Run(rate, first, samples, clock)


def _resampled(run: Run, ratio: Fraction, first: int, stop: int) -> NDArray[np.float64]:
    """Return some samples of the new grid; they are the same whichever are asked for at once."""
    from scipy.signal import upfirdn  # noqa: PLC0415 - half a second, where rates are the same

    up, down = ratio.numerator, ratio.denominator
    taps = _taps(up, down)
    half = len(taps) // 2
    # Pad so that the filter is filled everywhere and the input starts at a multiple of `down`:
    # there, both grids share a sample.
    reach = half // up + 1
    begin = (_floor(first / ratio) - reach) // down * down
    end = _floor((stop - 1) / ratio) + 1 + reach
    low, high = max(begin, run.first), min(end, run.stop)
    part = run.samples[low - run.first : high - run.first].astype(np.float64)
    padded = np.pad(part, (low - begin, end - high), "edge")
    filtered = upfirdn(taps, padded, up, down)
    skip = first - begin // down * up
    # upfirdn's output n is centred on input n * down - half of the stuffed signal.
    lead = half // down
    found: NDArray[np.float64] = filtered[lead + skip : lead + skip + stop - first]
    return found


def support_s(rate_in: Fraction, rate_out: Fraction) -> float:
    """Return how far in seconds the input reaches that an output sample depends on."""
    if rate_in == rate_out:
        return 0.0
    ratio = rate_out / rate_in
    half = len(_taps(ratio.numerator, ratio.denominator)) // 2
    return float(half / (rate_in * ratio.numerator)) + 1 / float(rate_in)


@lru_cache(maxsize=32)
def _taps(up: int, down: int) -> NDArray[np.float64]:
    """Odd, symmetric taps at the stuffed rate; their half length is a multiple of ``down``."""
    from scipy.signal import firwin, kaiser_beta  # noqa: PLC0415 - heavy

    lower = 1 / max(up, down)  # the lower rate over the stuffed one
    width = _TRANSITION * lower
    wanted = (_ATTENUATION_DB - 7.95) / (2 * 2.285 * 2 * np.pi * width)
    half = int(np.ceil(wanted / down)) * down
    cutoff = (0.5 - _TRANSITION / 2) * lower
    taps = firwin(2 * half + 1, cutoff, window=("kaiser", kaiser_beta(_ATTENUATION_DB)), fs=1.0)
    # Each output sample weights its inputs with a sum of one: a large offset makes no hum.
    phases = np.arange(len(taps)) % up
    return np.asarray(taps / np.bincount(phases, taps)[phases])


def _ceil(value: Fraction) -> int:
    return -((-value.numerator) // value.denominator)


def _floor(value: Fraction) -> int:
    return value.numerator // value.denominator
