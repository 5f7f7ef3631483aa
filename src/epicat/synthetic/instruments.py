"""Seismometers and digitizers: poles, zeros, gains, self-noise and clipping level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from epicat.errors import NameChoiceError

__all__ = ["BANDS", "Instrument", "band_of"]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]

_PASS = 0.8
"""Fraction of the Nyquist frequency up to which the digitizer's filter is flat."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """A sensor with its digitizer."""

    name: str
    """Description."""
    unit: str
    """Unit of the ground motion that the sensor measures: ``M/S`` or ``M/S**2``."""
    zeros: tuple[complex, ...]
    """Zeros of the sensor in rad/s."""
    poles: tuple[complex, ...]
    """Poles of the sensor in rad/s."""
    gain: float
    """Volts per unit of ground motion at `reference_hz`."""
    counts_per_volt: float
    """Gain of the digitizer including its preamplifier."""
    reference_hz: float
    """Frequency of gain and sensitivity, in Hz."""
    self_noise_db: float
    """Power of the self-noise, dB of (m/s2)2/Hz, between 1 and 50 Hz."""
    clip: int = 2**23 - 1
    """Largest count: 24 bits."""

    @property
    def sensitivity(self) -> float:
        """Counts per unit of ground motion at `reference_hz`."""
        return self.gain * self.counts_per_volt

    @property
    def normalization(self) -> float:
        """Factor that normalizes poles and zeros to 1 at `reference_hz` (A0 in StationXML)."""
        return float(1.0 / abs(self._ratio(np.array([self.reference_hz]))[0]))

    def response(self, frequency: F64, rate: float) -> C128:
        """Return the response in counts per m/s of ground velocity, (nf,), at a sampling rate.

        Above 0.8 of the Nyquist frequency the digitizer's zero-phase filter falls to 0.  Archive
        metadata usually omit that filter, and so does the StationXML written here.
        """
        motion = 1.0 if self.unit == "M/S" else 2j * np.pi * frequency
        scale = self.sensitivity * self.normalization
        values = scale * self._ratio(frequency) * motion * _antialias(frequency, rate)
        return np.asarray(values)

    def _ratio(self, frequency: F64) -> C128:
        s = 2j * np.pi * frequency
        above = np.prod([s - zero for zero in self.zeros], axis=0) if self.zeros else 1.0
        below = np.prod([s - pole for pole in self.poles], axis=0)
        return np.asarray(above / below * np.ones_like(s))


def _antialias(frequency: F64, rate: float) -> F64:
    place = (frequency / (rate / 2) - _PASS) / (1.0 - _PASS)
    return np.asarray(np.cos(np.pi / 2 * np.clip(place, 0.0, 1.0)) ** 2)


_Q330 = 2**24 / 40
"""Counts per volt of a 24-bit digitizer with a range of 40 V."""

BROADBAND = Instrument(
    "STS-2, 120 s, 24 bits", "M/S", (0j, 0j),
    (-0.037004 + 0.037016j, -0.037004 - 0.037016j, -251.33 + 0j,
     -131.04 - 467.29j, -131.04 + 467.29j),
    1500.0, _Q330, 1.0, -185.0,
)  # fmt: skip
SHORT_PERIOD = Instrument(
    "L-4C, 1 Hz, 24 bits, preamplifier 30", "M/S", (0j, 0j),
    (-4.44288 + 4.44288j, -4.44288 - 4.44288j),
    171.0, 30 * _Q330, 10.0, -165.0,
)  # fmt: skip
STRONG_MOTION = Instrument(
    "EpiSensor, 2 g, 24 bits", "M/S**2", (),
    (-981.0 + 1009.0j, -981.0 - 1009.0j, -3290.0 + 1263.0j, -3290.0 - 1263.0j),
    10.0 / 9.80665, _Q330, 1.0, -128.0,
)  # fmt: skip

BANDS: Final[Mapping[str, tuple[Instrument, int]]] = {
    "HH": (BROADBAND, 100),
    "BH": (BROADBAND, 40),
    "EH": (SHORT_PERIOD, 100),
    "HN": (STRONG_MOTION, 200),
    "EN": (STRONG_MOTION, 100),
}
"""Instrument and sampling rate in Hz of each band code."""


def band_of(code: str) -> tuple[Instrument, int]:
    """Return instrument and rate in Hz of a band code; raise `NameChoiceError` for others."""
    try:
        return BANDS[code]
    except KeyError:
        raise NameChoiceError("band", code, BANDS) from None
