"""Amplitudes of an earthquake in a record: signal-to-noise ratio, Wood-Anderson amplitude and ML.

The signal-to-noise ratio is the RMS of the earthquake alone, in the 2 s after the P onset on the
vertical or the 4 s after the S onset on the horizontals, divided by the RMS of the noise alone,
computed from its power spectrum.  Both are from 1 to 20 Hz, in counts.  At a ratio of 3 the largest
amplitude is about eight times the RMS of the noise, or three times the noise's own largest
amplitude; at 1 the earthquake is not visible.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from epicat.synthetic.ground_motion import Shaking, low_frequency_level
from epicat.synthetic.instruments import Instrument
from epicat.synthetic.noise import AmbientNoise, rms_counts
from epicat.synthetic.propagation import Crust
from epicat.synthetic.sampling import Frame
from epicat.synthetic.source import MEAN_RADIATION
from epicat.velocity.layers import Phase

__all__ = [
    "SNR_BAND_HZ",
    "expected_snr",
    "local_magnitude",
    "noise_levels",
    "signal_to_noise",
    "wood_anderson_mm",
]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]

SNR_BAND_HZ: Final = (1.0, 20.0)
"""Frequency band of the signal-to-noise ratio."""

_WINDOW_S: Final = {"P": 2.0, "S": 4.0}
_ROWS: Final[dict[Phase, tuple[int, ...]]] = {"P": (0,), "S": (1, 2)}
_CORNERS = 4
"""Order of the Butterworth filter."""


def noise_levels(ambient: AmbientNoise, instrument: Instrument, rate: float) -> tuple[float, ...]:
    """RMS of the noise on Z, N and E in `SNR_BAND_HZ`, in counts."""
    return tuple(rms_counts(ambient, c, instrument, rate, SNR_BAND_HZ) for c in "ZNE")


def signal_to_noise(
    shaking: Shaking, frame: Frame, counts: F64, noise: Sequence[float]
) -> dict[Phase, float]:
    """Signal-to-noise ratio of P and S; ``counts`` (3, n) contain the earthquake without noise."""
    high = min(SNR_BAND_HZ[1], 0.45 * frame.rate)
    sections = signal.butter(
        _CORNERS, (SNR_BAND_HZ[0], high), "bandpass", fs=frame.rate, output="sos"
    )
    filtered = signal.sosfilt(sections, counts)
    return {phase: _ratio(shaking, frame, filtered, noise, phase) for phase in _ROWS}


def _ratio(
    shaking: Shaking, frame: Frame, filtered: F64, noise: Sequence[float], phase: Phase
) -> float:
    begin = round((shaking.path.ray(phase).time_s - frame.start_s) * frame.rate)
    rows = list(_ROWS[phase])
    part = filtered[rows, begin : begin + round(_WINDOW_S[phase] * frame.rate)]
    return float(np.sqrt(np.mean(part**2) / np.mean(np.square(noise)[rows])))


def expected_snr(
    crust: Crust, shaking: Shaking, phase: Phase, instrument: Instrument, noise: Sequence[float]
) -> float:
    """Estimate `signal_to_noise` within a factor of three, without computing the waveform.

    From the energy of the spectrum of the direct wave with mean radiation (Parseval).
    """
    frequency = np.geomspace(*SNR_BAND_HZ, 24)
    path, site, source = shaking.path, shaking.site, shaking.source
    kappa = site.kappa_p if phase == "P" else site.kappa_s
    loss = crust.loss(phase, path.ray(phase).time_s, frequency) + np.pi * kappa * frequency
    pulse = source.displacement(phase, frequency, crust.velocity("S", path.depth_km))
    row = 2 if phase == "P" else 0
    ground = site.response(frequency)[row] * instrument.response(frequency, 1e3)
    size = 2.0 * low_frequency_level(crust, source, path, phase) * MEAN_RADIATION[phase]
    spectrum = size * np.abs(pulse * ground) * np.exp(-loss) * 2 * np.pi * frequency
    steps = np.diff(frequency)
    energy = float(np.sum(steps * (spectrum[1:] ** 2 + spectrum[:-1] ** 2)))
    rows = len(_ROWS[phase])
    level = np.mean(np.square(noise)[list(_ROWS[phase])])
    return float(np.sqrt(energy / rows / _WINDOW_S[phase] / level))


_GAIN = 2080.0
_POLE = -5.49779 + 5.60886j
"""The standard of IASPEI (2013): static magnification 2080, damping 0.7, period 0.8 s
(Uhrhammer and Collins 1990, BSSA 80, 702)."""


def wood_anderson_mm(velocity: C128, frame: Frame) -> float:
    """Return the Wood-Anderson amplitude in mm: the geometric mean of the peaks of N and E.

    ``velocity`` is the spectrum of ground velocity, rows Z, N, E.
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
