"""Noise of the ground at a station, between the low and the high noise model.

The power at each frequency lies a share of the way, in dB, from the low to the high model of
Peterson (1993).  The share has a part for each origin of noise: tilt at long periods, the
microseisms, and the cultural band above 1 Hz, which follows the hours of the day (McNamara and
Buland 2004, BSSA 94, 1517: 10 dB and more).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import trapezoid

from epicat.synthetic.instruments import Instrument
from epicat.synthetic.noise_models import NHNM, NLNM, power_db
from epicat.time import DAY_NS

__all__ = ["Ambient", "counts_power", "rms_counts"]

F64 = NDArray[np.float64]

_BUSIEST_HOUR = 14.0
_LEAST, _MOST = 0.03, 0.92
_LOWEST_HZ, _KNOTS = 1e-3, 400


@dataclass(frozen=True, slots=True)
class Ambient:
    """Noise of one place: shares of the way from the low (0) to the high (1) noise model."""

    long_period: float
    """Below 0.05 Hz on the vertical."""
    tilt: float
    """How much more the horizontals have there."""
    microseism: float
    """From 0.05 to 0.7 Hz."""
    cultural: float
    """Above 1 Hz, mean of the day."""
    diurnal: float
    """Amplitude of its change over the day; 0.06 is 8 dB between day and night at 5 Hz."""
    slope: float
    """Change of it from 1 to 20 Hz."""
    bumps: tuple[tuple[float, float], ...] = ()
    """Frequency in Hz and share of humps, a third of an octave wide: wind, machines, trees."""

    @classmethod
    def drawn(cls, rng: np.random.Generator, low: float = 0.2, high: float = 0.5) -> Ambient:
        """Draw the noise of a place; the cultural band lies between two shares."""
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

    def at(self, time_ns: int, longitude: float) -> Ambient:
        """Return the noise of a moment: the cultural band by the local solar time."""
        hour = 24.0 * (time_ns % DAY_NS) / DAY_NS + longitude / 15.0
        change = self.diurnal * np.cos(2 * np.pi * (hour - _BUSIEST_HOUR) / 24.0)
        return replace(self, cultural=self.cultural + float(change), diurnal=0.0)

    def acceleration_db(self, frequency: F64, component: str) -> F64:
        """Power in dB of (m/s2)2/Hz at frequencies above zero; ``component`` is Z, N or E."""
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
    ambient: Ambient, component: str, instrument: Instrument, rate: float, frequency: F64
) -> F64:
    """One-sided power of noise in counts2/Hz, the instrument's own included; 0 at 0 Hz."""
    knots = np.geomspace(_LOWEST_HZ, rate / 2, _KNOTS)
    power = np.log(_power(ambient, component, instrument, rate, knots) + 1e-30)
    smooth = np.exp(np.interp(np.log(np.maximum(frequency, _LOWEST_HZ)), np.log(knots), power))
    return np.where((frequency > 0) & (frequency < rate / 2), smooth, 0.0)


def _power(
    ambient: Ambient, component: str, instrument: Instrument, rate: float, frequency: F64
) -> F64:
    ground = 10 ** (ambient.acceleration_db(frequency, component) / 10)
    total = ground + 10 ** (instrument.self_noise_db / 10)
    velocity = total / (2 * np.pi * frequency) ** 2
    return np.asarray(velocity * np.abs(instrument.response(frequency, rate)) ** 2)


def rms_counts(
    ambient: Ambient,
    component: str,
    instrument: Instrument,
    rate: float,
    band_hz: tuple[float, float],
) -> float:
    """Root mean square of noise in counts between two frequencies in Hz."""
    frequency = np.linspace(band_hz[0], min(band_hz[1], rate / 2), 400)
    power = counts_power(ambient, component, instrument, rate, frequency)
    return float(np.sqrt(trapezoid(power, frequency)))
