"""Signal-to-noise ratio: one definition for windows, archives and their scores.

The root mean square of the earthquake alone, in the 2 s after the onset of P on the vertical or
the 4 s after that of S on the two horizontals, over that of the noise alone, which its power
gives.  Both from 1 to 20 Hz, in counts.  At 3 the largest swing is some eight times the noise's
root mean square, about three times what that reaches itself; at 1 nobody sees it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from epicat.synthetic.crust import Crust
from epicat.synthetic.instruments import Instrument
from epicat.synthetic.motion import Shaking
from epicat.synthetic.noise import Ambient, rms_counts
from epicat.synthetic.pulses import strength
from epicat.synthetic.scattered import Frame
from epicat.synthetic.source import MEAN_RADIATION
from epicat.velocity.layers import Phase

__all__ = ["SNR_BAND_HZ", "expected_snr", "noise_levels", "ratios"]

F64 = NDArray[np.float64]

SNR_BAND_HZ: Final = (1.0, 20.0)
"""The band of the definition."""

_WINDOW_S: Final = {"P": 2.0, "S": 4.0}
_ROWS: Final[dict[Phase, tuple[int, ...]]] = {"P": (0,), "S": (1, 2)}
_CORNERS = 4
"""Order of the Butterworth filter."""


def noise_levels(ambient: Ambient, instrument: Instrument, rate: float) -> tuple[float, ...]:
    """Root mean square of the noise of Z, N and E in `SNR_BAND_HZ`, in counts."""
    return tuple(rms_counts(ambient, c, instrument, rate, SNR_BAND_HZ) for c in "ZNE")


def ratios(
    shaking: Shaking, frame: Frame, counts: F64, noise: Sequence[float]
) -> dict[Phase, float]:
    """Signal-to-noise ratio of each phase of an earthquake; ``counts`` (3, n) are of it alone."""
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
    """Return about what `ratios` will give, within a factor of three, without making the waves.

    By the energy of the spectrum of the direct wave with mean radiation (Parseval).
    """
    frequency = np.geomspace(*SNR_BAND_HZ, 24)
    path, site, source = shaking.path, shaking.site, shaking.source
    kappa = site.kappa_p if phase == "P" else site.kappa_s
    loss = crust.loss(phase, path.ray(phase).time_s, frequency) + np.pi * kappa * frequency
    pulse = source.displacement(phase, frequency, crust.velocity("S", path.depth_km))
    row = 2 if phase == "P" else 0
    ground = site.response(frequency)[row] * instrument.response(frequency, 1e3)
    size = 2.0 * strength(crust, source, path, phase) * MEAN_RADIATION[phase]
    spectrum = size * np.abs(pulse * ground) * np.exp(-loss) * 2 * np.pi * frequency
    steps = np.diff(frequency)
    energy = float(np.sum(steps * (spectrum[1:] ** 2 + spectrum[:-1] ** 2)))
    rows = len(_ROWS[phase])
    level = np.mean(np.square(noise)[list(_ROWS[phase])])
    return float(np.sqrt(energy / rows / _WINDOW_S[phase] / level))
