"""Wood-Anderson amplitudes and local magnitude, for the truth and for tests of magnitudes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from epicat.synthetic.scattered import Frame

__all__ = ["local_magnitude", "wood_anderson_mm"]

C128 = NDArray[np.complex128]

_GAIN = 2080.0
_POLE = -5.49779 + 5.60886j
"""The standard of IASPEI (2013): static magnification 2080, damping 0.7, period 0.8 s
(Uhrhammer and Collins 1990, BSSA 80, 702)."""


def wood_anderson_mm(velocity: C128, frame: Frame) -> float:
    """Return the largest swing of N and E, their geometric mean, in mm.

    ``velocity`` is the spectrum of the ground's velocity, rows Z, N, E.
    """
    s = 2j * np.pi * frame.frequency
    response = _GAIN * s / ((s - _POLE) * (s - _POLE.conjugate()))
    swing = np.abs(frame.samples_of(velocity[1:] * response)).max(axis=1)
    return float(1e3 * np.sqrt(swing[0] * swing[1]))


def local_magnitude(amplitude_mm: float, hypocentral_km: float) -> float:
    """Return ML of Southern California (Hutton and Boore 1987, BSSA 77, 2074): 3 at 1 mm, 100 km.

    >>> local_magnitude(1.0, 100.0)
    3.0
    """
    away = 1.11 * np.log10(hypocentral_km / 100.0) + 0.00189 * (hypocentral_km - 100.0)
    return float(np.log10(amplitude_mm) + away + 3.0)
