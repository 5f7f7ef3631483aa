"""Seismic noise: spectra between the low and high noise models, continuous series, disturbances.

- **Models**: the new low and high noise models (Peterson 1993, USGS Open-File Report 93-322,
  tables 3 and 4), power of ground acceleration in dB of 1 (m/s2)2/Hz, as A + B log10(T) between
  periods T in s.
- **Ambient noise** lies between them, as a fraction of the way in dB that depends on the origin of
  the noise: tilt at long periods, the microseisms, and the cultural band above 1 Hz, which follows
  the time of day (McNamara and Buland 2004, BSSA 94, 1517: 10 dB and more).
- **Series** are made of independent stretches at fixed absolute times, cross-faded at constant
  power (sine and cosine over the overlap).  Each has its own random stream, so the noise is
  continuous at midnight and does not depend on how the time is partitioned.
- **Disturbances** (footsteps, traffic, wind gusts) are band-limited noise under an envelope that
  rises and falls, stronger on some components than on others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.integrate import trapezoid

from epicat.synthetic.instruments import Instrument
from epicat.time import DAY_NS, SECOND_NS

__all__ = [
    "HOP_S",
    "NHNM",
    "NLNM",
    "AmbientNoise",
    "Stretches",
    "counts_power",
    "disturbance",
    "noise_like",
    "power_db",
    "rms_counts",
]

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]

Table = tuple[tuple[float, float, float], ...]

NLNM: Final[Table] = (
    (0.10, -162.36, 5.64), (0.17, -166.70, 0.00), (0.40, -170.00, -8.30),
    (0.80, -166.40, 28.90), (1.24, -168.60, 52.48), (2.40, -159.98, 29.81),
    (4.30, -141.10, 0.00), (5.00, -71.36, -99.77), (6.00, -97.26, -66.49),
    (10.00, -132.18, -31.57), (12.00, -205.27, 36.16), (15.60, -37.65, -104.33),
    (21.90, -114.37, -47.10), (31.60, -160.58, -16.28), (45.00, -187.50, 0.00),
    (70.00, -216.47, 15.70), (101.00, -185.00, 0.00), (154.00, -168.34, -7.61),
    (328.00, -217.43, 11.90), (600.00, -258.28, 26.60), (10000.00, -346.88, 48.75),
)  # fmt: skip
"""The new low noise model: smallest period in s of each row, A and B in dB."""

NHNM: Final[Table] = (
    (0.10, -108.73, -17.23), (0.22, -150.34, -80.50), (0.32, -122.31, -23.87),
    (0.80, -116.85, 32.51), (3.80, -108.48, 18.08), (4.60, -74.66, -32.95),
    (6.30, 0.66, -127.18), (7.90, -93.37, -22.42), (15.40, 73.54, -162.98),
    (20.00, -151.52, 10.01), (354.80, -206.66, 31.63),
)  # fmt: skip
"""The new high noise model, in the same form."""


def power_db(model: Table, frequency: F64) -> F64:
    """Power in dB at frequencies above 0 Hz; constant above 10 Hz, where the models end."""
    period = np.clip(1.0 / frequency, model[0][0], 1e5)
    starts, levels, slopes = (np.array(column) for column in zip(*model, strict=True))
    row = np.searchsorted(starts, period, side="right") - 1
    return np.asarray(levels[row] + slopes[row] * np.log10(period))


_BUSIEST_HOUR = 14.0
_LEAST, _MOST = 0.03, 0.92
_LOWEST_HZ, _KNOTS = 1e-3, 400


@dataclass(frozen=True, slots=True)
class AmbientNoise:
    """Noise at a station, as fractions of the way from the low (0) to the high (1) noise model."""

    long_period: float
    """Below 0.05 Hz on the vertical."""
    tilt: float
    """Additional fraction on the horizontals at these frequencies."""
    microseism: float
    """From 0.05 to 0.7 Hz."""
    cultural: float
    """Above 1 Hz, daily mean."""
    diurnal: float
    """Amplitude of its daily variation; 0.06 is 8 dB between day and night at 5 Hz."""
    slope: float
    """Change of the cultural fraction from 1 to 20 Hz."""
    bumps: tuple[tuple[float, float], ...] = ()
    """Frequency in Hz and height of peaks, a third of an octave wide: wind, machines, trees."""

    @classmethod
    def random(cls, rng: np.random.Generator, low: float = 0.2, high: float = 0.5) -> AmbientNoise:
        """Draw the noise of a station; the cultural fraction lies between ``low`` and ``high``."""
        bumps = tuple(
            (float(np.exp(rng.uniform(np.log(1.0), np.log(40.0)))), float(rng.uniform(0.02, 0.15)))
            for _ in range(int(rng.integers(0, 4)))
        )
        return cls(
            long_period=float(rng.uniform(0.1, 0.5)),
            tilt=float(rng.uniform(0.05, 0.3)),
            microseism=float(rng.uniform(0.15, 0.6)),
            cultural=float(rng.uniform(low, high)),
            diurnal=float(rng.uniform(0.01, 0.08)),
            slope=float(rng.normal(0.0, 0.08)),
            bumps=bumps,
        )

    def at(self, time_ns: int, longitude: float) -> AmbientNoise:
        """Return the noise at a time: the cultural band follows local solar time."""
        hour = 24.0 * (time_ns % DAY_NS) / DAY_NS + longitude / 15.0
        change = self.diurnal * np.cos(2 * np.pi * (hour - _BUSIEST_HOUR) / 24.0)
        return replace(self, cultural=self.cultural + float(change), diurnal=0.0)

    def acceleration_db(self, frequency: F64, component: str) -> F64:
        """Power in dB of (m/s2)2/Hz at frequencies above 0 Hz; ``component`` is Z, N or E."""
        low, high = power_db(NLNM, frequency), power_db(NHNM, frequency)
        return np.asarray(low + (high - low) * self._share(frequency, component))

    def _share(self, frequency: F64, component: str) -> F64:
        decades = np.log10(frequency)
        is_long, is_cultural = (0.5 * (1 + np.tanh(s * (decades - at) / 0.15))
                                for s, at in ((-1, -1.3), (1, -0.08)))  # fmt: skip
        long = self.long_period + (0.0 if component == "Z" else self.tilt)
        high = self.cultural + self.slope * np.clip(decades, 0.0, 1.3) / 1.3
        share = is_long * long + is_cultural * high
        share += (1 - is_long) * (1 - is_cultural) * self.microseism
        for at, extra in self.bumps:
            share += extra * np.exp(-(((decades - np.log10(at)) / 0.05) ** 2))
        return np.asarray(np.clip(share, _LEAST, _MOST))


def counts_power(
    ambient: AmbientNoise, component: str, instrument: Instrument, rate: float, frequency: F64
) -> F64:
    """One-sided power of noise in counts2/Hz, including instrument self-noise; 0 at 0 Hz."""
    knots = np.geomspace(_LOWEST_HZ, rate / 2, _KNOTS)
    power = np.log(_power(ambient, component, instrument, rate, knots) + 1e-30)
    smooth = np.exp(np.interp(np.log(np.maximum(frequency, _LOWEST_HZ)), np.log(knots), power))
    return np.where((frequency > 0) & (frequency < rate / 2), smooth, 0.0)


def _power(
    ambient: AmbientNoise, component: str, instrument: Instrument, rate: float, frequency: F64
) -> F64:
    ground = 10 ** (ambient.acceleration_db(frequency, component) / 10)
    total = ground + 10 ** (instrument.self_noise_db / 10)
    velocity = total / (2 * np.pi * frequency) ** 2
    return np.asarray(velocity * np.abs(instrument.response(frequency, rate)) ** 2)


def rms_counts(
    ambient: AmbientNoise,
    component: str,
    instrument: Instrument,
    rate: float,
    band_hz: tuple[float, float],
) -> float:
    """RMS of noise in counts between two frequencies in Hz."""
    frequency = np.linspace(band_hz[0], min(band_hz[1], rate / 2), 400)
    power = counts_power(ambient, component, instrument, rate, frequency)
    return float(np.sqrt(trapezoid(power, frequency)))


HOP_S = 600
"""Time between the starts of consecutive stretches, in s."""
_OVERLAP_S = 40


def noise_like(power: F64, seconds: int, rng: np.random.Generator) -> F32:
    """Return Gaussian noise with a one-sided power (nf,) at multiples of 1/seconds Hz, (n,)."""
    samples = 2 * (len(power) - 1)
    scale = np.sqrt(power * (seconds / 4)).astype(np.float32) * (samples / seconds)
    # Drawn frequency by frequency, so that two rates share the noise at common frequencies.
    draws = rng.standard_normal(2 * len(power), np.float32).view(np.complex64)
    draws *= scale
    draws[0] = 0.0
    draws[-1] = draws[-1].real
    return np.asarray(fft.irfft(draws, samples))


@dataclass(slots=True)
class Stretches:
    """Noise of one channel, stretch by stretch; caches the last one for the cross-fade."""

    rate: int
    """Sampling rate in Hz."""
    power: Callable[[int, F64], F64]
    """One-sided power as a function of the center time of a stretch in ns and frequencies in Hz."""
    rng: Callable[[int], np.random.Generator]
    """Random generator of a stretch, by its number."""
    _kept: tuple[int, F32] | None = None

    def hop(self, number: int) -> F32:
        """Return `HOP_S` seconds of samples starting ``number * HOP_S`` seconds after 1970."""
        before, now = self._stretch(number - 1), self._stretch(number)
        overlap = _OVERLAP_S * self.rate
        angle = np.linspace(0, np.pi / 2, overlap, endpoint=False, dtype=np.float32)
        samples = now[: HOP_S * self.rate].copy()
        samples[:overlap] *= np.sin(angle)
        samples[:overlap] += before[HOP_S * self.rate :] * np.cos(angle)
        self._kept = number, now
        return samples

    def _stretch(self, number: int) -> F32:
        if self._kept is not None and self._kept[0] == number:
            return self._kept[1]
        seconds = HOP_S + _OVERLAP_S
        middle = (number * HOP_S + seconds // 2) * SECOND_NS
        frequency = np.arange(seconds * self.rate // 2 + 1) / seconds
        return noise_like(self.power(middle, frequency), seconds, self.rng(number))


def disturbance(rng: np.random.Generator, rate: float, level: float) -> F64:
    """Return one disturbance in counts, (3, n); ``level`` is the RMS of the noise."""
    seconds = float(np.clip(np.exp(rng.normal(0.6, 1.1)), 0.15, 40.0))
    samples = max(16, round(3 * seconds * rate))
    frequency = np.fft.rfftfreq(samples, 1 / rate)
    center = np.exp(rng.uniform(np.log(1.5), np.log(0.4 * rate)))
    width = rng.uniform(0.1, 0.5)
    shape = np.exp(-((np.log(np.maximum(frequency, 1e-3) / center) / width) ** 2))
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal((3, samples))) * shape, samples)
    noise /= max(float(noise.std()), 1e-12)
    time = np.arange(samples) / rate
    rise = seconds * rng.uniform(0.02, 0.8)
    envelope = (1 - np.exp(-time / rise)) * np.exp(-time / (0.5 * seconds))
    envelope *= np.cos(np.linspace(0, np.pi / 2, samples)) ** 2
    size = level * np.exp(rng.normal(np.log(5.0), 0.8))
    return np.asarray(noise * envelope * size * rng.uniform(0.2, 1.0, (3, 1)))
