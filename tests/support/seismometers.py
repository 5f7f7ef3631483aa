"""Instruments of the synthetic archives as responses, and traces of ground motion in counts."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from epicat.amplitude.response import Response, Shape
from epicat.synthetic.instruments import BANDS
from epicat.time import parse_time
from epicat.waveforms.grid import Grid
from epicat.waveforms.traces import Clock, Trace

DAY_NS = parse_time("2024-03-01")


def response_of(band: str) -> Response:
    """Return the response of a band code."""
    instrument, _ = BANDS[band]
    pairs = [tuple((p.real, p.imag) for p in own) for own in (instrument.zeros, instrument.poles)]
    shape = Shape(*pairs, reference_hz=instrument.reference_hz)
    return Response(instrument.unit, instrument.sensitivity, (shape,))


def trace_of(samples: NDArray[np.generic], rate: int = 100, start_s: float = 0.0) -> Trace:
    """Return a trace that begins some seconds after the day does."""
    first = Grid(Fraction(rate)).index(DAY_NS) + round(start_s * rate)
    nothing = np.zeros(0, np.int64)
    return Trace(Fraction(rate), first, samples, Clock(nothing, nothing))


def ground_velocity(seconds: int, rate: int, seed: int, bursts: int = 6) -> NDArray[np.float64]:
    """Return m/s of microseism and noise, with decaying bursts below 0.35 of the sampling rate."""
    rng = np.random.default_rng(seed)
    count = seconds * rate
    time = np.arange(count) / rate
    ground = 1e-7 * np.sin(2 * np.pi * 0.2 * time) + 1e-8 * rng.normal(size=count)
    for at in np.linspace(0.15, 0.9, bursts) * count:
        since = np.maximum(time - at / rate, 0)
        frequency = 10 ** rng.uniform(0, np.log10(0.12 * rate))
        shape = since * np.exp(-since * rng.uniform(1, 4)) * np.sin(2 * np.pi * frequency * since)
        ground += 10 ** rng.uniform(-6, -4) * shape
    low = signal.butter(8, 0.35 * rate, fs=rate, output="sos")
    return np.asarray(signal.sosfilt(low, ground))


def recorded(ground: NDArray[np.float64], band: str, offset: int = 0) -> NDArray[np.int32]:
    """Return counts of a band code's instrument; the ground is at rest before and after."""
    _, rate = BANDS[band]
    length = fft.next_fast_len(len(ground) + 60 * rate)
    frequency = fft.rfftfreq(length, 1 / rate)
    spectrum = fft.rfft(ground, length)
    spectrum[1:] *= response_of(band).velocity(frequency[1:])
    spectrum[0] = 0
    return (np.round(fft.irfft(spectrum, length)[: len(ground)]) + offset).astype(np.int32)
