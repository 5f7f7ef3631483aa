"""Spectra of body waves at a station: source, way and ground, without the scattering.

The far field of a point source along a ray (Aki and Richards 2002, equation 4.96, with Boore
2003, Pure and Applied Geophysics 160, 635, for the factors of path and site):

    u(f) = F M0 S(f) g(R) exp(-pi f t / Q(f)) exp(-pi kappa f) / (4 pi sqrt(r0 c0 rh) ch^(5/2))

with the radiation F, the pulse S of Brune, the spreading g, the density r and velocity c at the
source (h) and at the surface (0).  Loss delays what it weakens: the phase is that of the causal
filter with this amplitude (minimum phase), so that the wave begins at the time of the ray.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from epicat.synthetic.crust import Crust, density
from epicat.synthetic.rays import Path
from epicat.synthetic.site import Site
from epicat.synthetic.source import Source, moment_nm
from epicat.velocity.layers import Phase

__all__ = ["minimum_phase", "pulse", "strength"]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]


def pulse(
    crust: Crust, source: Source, path: Path, site: Site, phase: Phase, frequency: F64
) -> C128:
    """Spectrum of the displacement in m s, per unit of radiation, that begins at time zero.

    ``frequency`` is what `numpy.fft.rfftfreq` gives, in Hz, of an even number of samples.
    """
    kappa = site.kappa_p if phase == "P" else site.kappa_s
    loss = crust.loss(phase, path.ray(phase).time_s, frequency) + np.pi * kappa * frequency
    shape = source.displacement(phase, frequency, crust.velocity("S", path.depth_km))
    return np.asarray(strength(crust, source, path, phase) * shape * minimum_phase(-loss))


def strength(crust: Crust, source: Source, path: Path, phase: Phase) -> float:
    """Displacement in m s at zero frequency, per unit of radiation."""
    top = -path.elevation_m / 1000.0
    at_source, at_top = (crust.velocity(phase, z) * 1e3 for z in (path.depth_km, top))
    rock, ground = (density(crust.velocity("P", z)) for z in (path.depth_km, top))
    impedance = (rock * ground * at_top) ** 0.5 * at_source**2.5
    spreading = crust.spreading(path.hypocentral_km) / 1e3
    return float(moment_nm(source.magnitude) * spreading / (4 * np.pi * impedance))


def minimum_phase(log_amplitude: F64) -> C128:
    """Spectrum of the causal filter with an amplitude, given as logarithm, shape (nf,) with nf odd.

    By folding the cepstrum (Oppenheim and Schafer 2010, Discrete-Time Signal Processing,
    section 13.5).
    """
    cepstrum = fft.irfft(log_amplitude)
    half = len(cepstrum) // 2
    cepstrum[1:half] *= 2.0
    cepstrum[half + 1 :] = 0.0
    return np.asarray(np.exp(fft.rfft(cepstrum)))
