"""The record of a Wood-Anderson seismograph, computed from counts.

Magnification 2080, damping 0.7, period 0.8 s (IASPEI 2013, Summary of magnitude working group
recommendations; Uhrhammer and Collins 1990, BSSA 80, 702).  A causal Butterworth high-pass is part
of the definition: below it, records of small earthquakes are microseism.

The filter is applied by overlap-save in float32 (Oppenheim and Schafer 2010, section 8.7.3).
Blocks lie on the absolute grid of the sampling rate, so that a value does not depend on where the
record was cut, except within `SETTLE_S` of its begin.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from epicat.amplitude.response import F64, Response, ResponseError
from epicat.waveforms.traces import Trace

__all__ = [
    "GAIN",
    "HIGHPASS_HZ",
    "HIGHPASS_ORDER",
    "POLE",
    "SETTLE_S",
    "ground_to_record",
    "wood_anderson_record",
]

F32 = NDArray[np.float32]
C128 = NDArray[np.complex128]

GAIN: Final = 2080.0
"""Magnification of the seismograph."""
POLE: Final = -5.49779 + 5.60886j
"""One of its two poles, rad/s; the other is its conjugate."""
HIGHPASS_HZ: Final = 0.8
"""Corner of the high-pass."""
HIGHPASS_ORDER: Final = 4
"""Order of the high-pass."""
SETTLE_S: Final = 8.0
"""How long the filter swings in: it forgets what is older but for a millionth."""
_BEFORE_S, _AFTER_S = 10.0, 2.0
"""Parts of a block that are computed to be dropped."""
_RATIO: Final = 8
"""Length of a block over its dropped parts, at least."""
_BATCH_BYTES: Final = 1 << 20
_LEAKAGE: Final = 1e-3


def ground_to_record(frequency_hz: F64, rate_hz: float) -> C128:
    """Return mm on the record per m/s of ground velocity at frequencies, (n,).

    The high-pass is that of ``scipy.signal.butter`` and of ObsPy's ``filter`` at a sampling rate.
    """
    from scipy import signal

    s = 2j * np.pi * frequency_hz
    seismograph = 1e3 * GAIN * s / ((s - POLE) * (s - POLE.conjugate()))
    sections = signal.butter(HIGHPASS_ORDER, HIGHPASS_HZ, "highpass", fs=rate_hz, output="sos")
    _, highpass = signal.sosfreqz(sections, frequency_hz, fs=rate_hz)
    return np.asarray(seismograph * highpass)


@dataclass(frozen=True, slots=True)
class _Kernel:
    """The filter of a response at a sampling rate."""

    spectrum: NDArray[np.complex64]
    """mm per count, (length / 2 + 1,)."""
    length: int
    """Samples of a block."""
    before: int
    """Samples at the begin of a block whose result is dropped."""
    step: int
    """Samples of a block whose result is used."""


@lru_cache(maxsize=32)
def _kernel(response: Response, rate: Fraction) -> _Kernel:
    """Return the filter; raise `ResponseError` if it does not settle in time."""
    from scipy import fft

    before, after = (ceil(seconds * rate) for seconds in (_BEFORE_S, _AFTER_S))
    length = 1 << (_RATIO * (before + after) - 1).bit_length()
    frequency = fft.rfftfreq(length, 1 / float(rate))
    spectrum = np.zeros(len(frequency), complex)
    with np.errstate(all="ignore"):
        record = ground_to_record(frequency[1:], float(rate))
        spectrum[1:] = record / response.velocity(frequency[1:])
    spectrum *= _end_of_band(frequency / frequency[-1])
    if not np.all(np.isfinite(spectrum)):
        raise ResponseError("the response is 0 or not finite at some frequency")
    energy = np.square(fft.irfft(spectrum, length))
    if energy[before:-after].sum() > _LEAKAGE**2 * energy.sum():
        raise ResponseError("the inverse of the response rings for more than 10 s")
    return _Kernel(spectrum.astype(np.complex64), length, before, length - before - after)


def _end_of_band(place: F64) -> F64:
    """Return a taper from 0.9 of the Nyquist frequency on, where digitisers leave nothing.

    A filter that ended abruptly there would ring.
    """
    return np.asarray(np.cos(np.pi / 2 * np.clip(10 * place - 9, 0, 1)) ** 2)


def wood_anderson_record(trace: Trace, response: Response) -> F32:
    """Return the record in mm at each sample of a trace, (n,).

    It is not valid within `SETTLE_S` of the begin.  Raises `ResponseError` if the response has no
    usable inverse.
    """
    kernel = _kernel(response, trace.rate)
    record = np.empty(len(trace.samples), np.float32)
    for first, rows in _filtered(trace, kernel):
        stop = first + rows.size
        if trace.first <= first and stop <= trace.stop:
            record[first - trace.first : stop - trace.first].reshape(rows.shape)[:] = rows
            continue
        low, high = max(first, trace.first), min(stop, trace.stop)
        record[low - trace.first : high - trace.first] = rows.reshape(-1)[
            low - first : high - first
        ]
    return record


def _filtered(trace: Trace, kernel: _Kernel) -> Iterator[tuple[int, F32]]:
    """Yield the first sample and the record of some blocks at a time, (blocks, samples)."""
    from scipy import fft

    step, length = kernel.step, kernel.length
    batch = max(1, _BATCH_BYTES // (4 * length))
    first_block, last_block = trace.first // step, (trace.stop - 1) // step + 1
    for low in range(first_block - first_block % batch, last_block, batch):
        block = max(low, first_block)
        count = min(low + batch, last_block) - block
        begin = block * step - kernel.before
        samples = _extended(trace, begin, (count - 1) * step + length)
        rows = np.lib.stride_tricks.sliding_window_view(samples, length)[::step]
        spectra = fft.rfft(rows, axis=1)
        spectra *= kernel.spectrum
        found = fft.irfft(spectra, length, axis=1, overwrite_x=True)
        yield block * step, found[:, kernel.before : kernel.before + step]


def _extended(trace: Trace, begin: int, count: int) -> F32:
    """Return samples minus a level near them, the first and the last repeated beyond the ends.

    The filter has no response to a constant; the level keeps the digits of small signals.
    """
    low, high = max(begin, trace.first), min(begin + count, trace.stop)
    inside = trace.samples[low - trace.first : high - trace.first]
    level = inside[0]
    samples = np.empty(count, np.float32)
    np.subtract(inside, level, out=samples[low - begin : high - begin], casting="unsafe")
    samples[: low - begin] = 0
    samples[high - begin :] = samples[high - begin - 1]
    return samples
