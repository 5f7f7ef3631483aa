"""Ground motion of an earthquake at a station: the sum of direct, converted and scattered waves.

Direct waves are the far field of a point source along a ray (Aki and Richards 2002, equation
4.96, with Boore 2003, Pure and Applied Geophysics 160, 635, for path and site factors):

    u(f) = F M0 S(f) g(R) exp(-pi f t / Q(f)) exp(-pi kappa f) / (4 pi sqrt(r0 c0 rh) ch^(5/2))

with radiation F, Brune pulse S, spreading g, and density r and velocity c at the source (h) and
at the surface (0).  Attenuation is causal: its phase is that of the minimum-phase filter with this
amplitude, so that a wave begins at the time of its ray, at every sampling rate.

Not included: near and intermediate field, static offsets, finite faults, surface waves (not needed
for local earthquakes up to about magnitude 5 at 1 to 150 km), and three-dimensional structure
beyond what `PathEffects` draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from epicat.synthetic.propagation import Crust, Path, density
from epicat.synthetic.sampling import Frame
from epicat.synthetic.scattering import PathEffects, scattered_waves
from epicat.synthetic.site import Site, free_surface_p, free_surface_sh, free_surface_sv
from epicat.synthetic.source import MEAN_RADIATION, Source, moment_nm, radiation
from epicat.velocity.layers import Phase

__all__ = [
    "Shaking",
    "body_wave_spectrum",
    "low_frequency_level",
    "minimum_phase",
    "velocity_spectrum",
]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]

_HIGHEST_HZ = 100.0
"""Frequency up to which attenuation is computed: half of the highest sampling rate."""


def body_wave_spectrum(
    crust: Crust, source: Source, path: Path, site: Site, phase: Phase, frequency: F64
) -> C128:
    """Displacement spectrum in m s of a wave that begins at time zero, per unit of radiation.

    ``frequency``: in Hz, as `numpy.fft.rfftfreq` of an even number of samples.
    """
    shape = source.displacement(phase, frequency, crust.velocity("S", path.depth_km))
    level = low_frequency_level(crust, source, path, phase)
    return np.asarray(level * shape * _attenuation(crust, path, site, phase, frequency))


def _attenuation(crust: Crust, path: Path, site: Site, phase: Phase, frequency: F64) -> C128:
    """Return the spectrum of the attenuation of path and site, (nf,).

    The delay at one frequency depends on the attenuation at all others.  All rates therefore have
    one band: else a recording at 40 Hz would begin some 20 ms before one at 200 Hz.
    """
    step = frequency[1]
    wide = step * np.arange(max(len(frequency), round(_HIGHEST_HZ / step) + 1))
    kappa = site.kappa_p if phase == "P" else site.kappa_s
    loss = crust.loss(phase, path.ray(phase).time_s, wide) + np.pi * kappa * wide
    return minimum_phase(-loss)[: len(frequency)]


def low_frequency_level(crust: Crust, source: Source, path: Path, phase: Phase) -> float:
    """Displacement spectrum in m s at zero frequency, per unit of radiation."""
    top = -path.elevation_m / 1000.0
    at_source, at_top = (crust.velocity(phase, z) * 1e3 for z in (path.depth_km, top))
    rock, ground = (density(crust.velocity("P", z)) for z in (path.depth_km, top))
    impedance = (rock * ground * at_top) ** 0.5 * at_source**2.5
    spreading = crust.spreading(path.hypocentral_km) / 1e3
    return float(moment_nm(source.magnitude) * spreading / (4 * np.pi * impedance))


def minimum_phase(log_amplitude: F64) -> C128:
    """Spectrum of the causal filter with a log amplitude of shape (nf,), nf odd.

    Computed by folding the cepstrum (Oppenheim and Schafer 2010, Discrete-Time Signal Processing,
    section 13.5).
    """
    cepstrum = fft.irfft(log_amplitude)
    half = len(cepstrum) // 2
    cepstrum[1:half] *= 2.0
    cepstrum[half + 1 :] = 0.0
    return np.asarray(np.exp(fft.rfft(cepstrum)))


@dataclass(frozen=True, slots=True)
class Shaking:
    """One earthquake at one station, with all that determines its ground motion."""

    source: Source
    """The source."""
    path: Path
    """The path."""
    site: Site
    """The site response."""
    effects: PathEffects
    """Random effects of small-scale structure."""

    @property
    def polarity(self) -> int:
        """First motion of P on the vertical: 1 up, -1 down."""
        path = self.path
        p, _, _ = radiation(self.source.mechanism, path.p.takeoff, path.azimuth_deg)
        return 1 if p >= 0 else -1


def velocity_spectrum(crust: Crust, shaking: Shaking, frame: Frame) -> C128:
    """Spectrum of ground velocity (up, north, east) in m, shape (3, nf).

    The frame must begin before the P wave; its end is tapered.  For counts, multiply the spectrum
    by the instrument response and pass it to `Frame.samples_of`.
    """
    frequency, path = frame.frequency, shaking.path
    phases: tuple[Phase, Phase] = ("P", "S")
    to_velocity = 2j * np.pi * frequency
    waves = {
        c: body_wave_spectrum(crust, shaking.source, path, shaking.site, c, frequency) * to_velocity
        for c in phases
    }
    motions = _motions(crust, shaking)
    total = np.zeros((3, len(frequency)), dtype=complex)
    for phase in phases:
        _add_direct(total, shaking, frame, phase, waves[phase], motions[phase])
    random = scattered_waves(crust, path, shaking.effects, waves, frame)
    along = np.abs(motions["P"]).astype(float)
    random_p = _turned(random["P"], along)
    total += frame.spectrum_of(random_p + random["S"])
    total *= shaking.site.response(frequency)
    return _to_zne(total, path.azimuth_deg)


def _motions(crust: Crust, shaking: Shaking) -> dict[Phase, C128]:
    """Surface motion (radial, transverse, up) of direct P and S, with radiation pattern."""
    path, top = shaking.path, -shaking.path.elevation_m / 1000.0
    vp, vs = crust.velocity("P", top), crust.velocity("S", top)
    p, _, _ = radiation(shaking.source.mechanism, path.p.takeoff, path.azimuth_deg)
    _, sv, sh = radiation(shaking.source.mechanism, path.s.takeoff, path.azimuth_deg)
    p, sv, sh = _blurred(shaking, p, sv, sh)
    # SV is positive in the direction of growing takeoff angle: up and back at the surface.
    return {
        "P": free_surface_p(path.p.slowness, vp, vs) * p,
        "S": free_surface_sv(path.s.slowness, vp, vs) * -sv + free_surface_sh() * sh,
    }


def _blurred(shaking: Shaking, p: float, sv: float, sh: float) -> tuple[float, float, float]:
    """Fill the nodes: small-scale structure blurs the radiation (Takenaka and others 2003)."""
    share = shaking.effects.roughness
    rms = MEAN_RADIATION["P"], MEAN_RADIATION["S"] / 2**0.5, MEAN_RADIATION["S"] / 2**0.5
    filled = [
        float(np.copysign(np.hypot((1 - share) * value, share * mean), value))
        for value, mean in zip((p, sv, sh), rms, strict=True)
    ]
    return filled[0], filled[1], filled[2]


def _add_direct(
    total: C128, shaking: Shaking, frame: Frame, phase: Phase, wave: C128, motion: C128
) -> None:
    """Add the first and secondary arrivals and site conversions of a phase, in place."""
    effects, first = shaking.effects, shaking.path.ray(phase).time_s - frame.start_s
    size = effects.level[phase] * effects.direct[phase] ** 0.5
    arrivals = [(0.0, effects.first[phase], motion), *_converted(shaking, phase, motion)]
    arrivals += [(w.delay_s, w.amplitude, motion) for w in effects.later if w.phase == phase]
    for delay, amplitude, vector in arrivals:
        shift = np.exp(-2j * np.pi * frame.frequency * (first + delay))
        total += np.outer(vector, wave * shift * (size * amplitude))


def _converted(shaking: Shaking, phase: Phase, motion: C128) -> list[tuple[float, float, C128]]:
    """Return the conversions at the base of the sediments: S after P, and P before S."""
    site = shaking.site
    length = float(np.linalg.norm(motion))
    if phase == "P":
        return [(site.conversion_s, site.p_to_s * length, np.array([1.0, 0.2, 0.1], complex))]
    return [(-site.conversion_s, site.s_to_p * length, np.array([0.15, 0.0, 1.0], complex))]


def _turned(rows: F64, along: F64) -> F64:
    """Rotate rows (along, across, across) about a direction to (radial, transverse, up)."""
    size = float(np.linalg.norm(along)) or 1.0
    radial, up = along[0] / size, along[2] / size
    rows_rtz = [radial * rows[0] + up * rows[1], rows[2], up * rows[0] - radial * rows[1]]
    return np.asarray(2.0 * np.stack(rows_rtz))


def _to_zne(motion: C128, azimuth_deg: float) -> C128:
    """Rotate (radial, transverse, up) to (up, north, east); transverse is right of radial."""
    phi = np.radians(azimuth_deg)
    radial, transverse, up = motion
    north = np.cos(phi) * radial - np.sin(phi) * transverse
    east = np.sin(phi) * radial + np.cos(phi) * transverse
    return np.stack([up, north, east])
