"""How large a wave will be, without making it: to leave out what nobody can see."""

from __future__ import annotations

import numpy as np
from scipy.integrate import trapezoid

from epicat.associate.layers import Phase
from epicat.testing.synthetic.crust import Crust
from epicat.testing.synthetic.instruments import Instrument
from epicat.testing.synthetic.pulses import strength
from epicat.testing.synthetic.rays import Path
from epicat.testing.synthetic.site import Site
from epicat.testing.synthetic.source import MEAN_RADIATION, Source

__all__ = ["SNR_BAND_HZ", "expected_peak"]

SNR_BAND_HZ = (1.0, 20.0)
"""The band in which signal and noise are compared: that of pickers of local earthquakes."""

_PEAK_FACTOR = 2.5
_SHORTEST_S = 0.3
_SURFACE = 2.0


def expected_peak(
    crust: Crust, source: Source, path: Path, site: Site, phase: Phase, instrument: Instrument
) -> float:
    """Return about the largest count of a phase in `SNR_BAND_HZ`; within a factor of three.

    By the energy of its spectrum and its duration (random vibration theory, Boore 2003).
    """
    frequency = np.geomspace(*SNR_BAND_HZ, 24)
    kappa = site.kappa_p if phase == "P" else site.kappa_s
    loss = crust.loss(phase, path.ray(phase).time_s, frequency) + np.pi * kappa * frequency
    pulse = source.displacement(phase, frequency, crust.velocity("S", path.depth_km))
    row = 2 if phase == "P" else 0
    ground = site.response(frequency)[row] * instrument.response(frequency, 1e3)
    size = strength(crust, source, path, phase) * MEAN_RADIATION[phase] * _SURFACE
    spectrum = size * np.abs(pulse * ground) * np.exp(-loss) * 2 * np.pi * frequency
    energy = 2.0 * trapezoid(spectrum**2, frequency)
    duration = _SHORTEST_S + 0.05 * path.hypocentral_km
    return float(_PEAK_FACTOR * np.sqrt(energy / duration))
