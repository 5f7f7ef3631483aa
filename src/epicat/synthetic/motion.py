"""Ground motion of one earthquake at one station: all waves added up.

What is left out: near and intermediate field, static offsets, finite faults, surface waves
(local earthquakes of up to magnitude 5 or so need none of them within 1 to 150 km), and any
three-dimensional structure beyond what `Effects` draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.synthetic.crust import Crust
from epicat.synthetic.effects import Effects
from epicat.synthetic.pulses import pulse
from epicat.synthetic.rays import Path
from epicat.synthetic.scattered import Frame, scattered
from epicat.synthetic.site import Site
from epicat.synthetic.source import MEAN_RADIATION, Source, radiation
from epicat.synthetic.surface import from_p, from_sh, from_sv
from epicat.velocity.layers import Phase

__all__ = ["Shaking", "velocity_spectrum"]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Shaking:
    """One earthquake at one station."""

    source: Source
    """How it radiates."""
    path: Path
    """The way."""
    site: Site
    """The ground under the station."""
    effects: Effects
    """What small structure does."""

    @property
    def polarity(self) -> int:
        """First motion of P on the vertical: 1 up, -1 down."""
        path = self.path
        p, _, _ = radiation(self.source.mechanism, path.p.takeoff, path.azimuth_deg)
        return 1 if p >= 0 else -1


def velocity_spectrum(crust: Crust, shaking: Shaking, frame: Frame) -> C128:
    """Spectrum of the ground's velocity (up, north, east) in m, shape (3, nf).

    The frame must begin before the P wave, and its end is faded out.  The spectrum is that of
    `Frame.samples_of`; multiply it by an instrument's response before.
    """
    frequency, path = frame.frequency, shaking.path
    phases: tuple[Phase, Phase] = ("P", "S")
    to_velocity = 2j * np.pi * frequency
    waves = {
        c: pulse(crust, shaking.source, path, shaking.site, c, frequency) * to_velocity
        for c in phases
    }
    motions = _motions(crust, shaking)
    total = np.zeros((3, len(frequency)), dtype=complex)
    for phase in phases:
        _add_direct(total, shaking, frame, phase, waves[phase], motions[phase])
    random = scattered(crust, path, shaking.effects, waves, frame)
    along = np.abs(motions["P"]).astype(float)
    random_p = _turned(random["P"], along)
    total += frame.spectrum_of(random_p + random["S"])
    total *= shaking.site.response(frequency)
    return _to_zne(total, path.azimuth_deg)


def _motions(crust: Crust, shaking: Shaking) -> dict[Phase, C128]:
    """Motion of the surface (radial, transverse, up) of direct P and S, radiation included."""
    path, top = shaking.path, -shaking.path.elevation_m / 1000.0
    vp, vs = crust.velocity("P", top), crust.velocity("S", top)
    p, _, _ = radiation(shaking.source.mechanism, path.p.takeoff, path.azimuth_deg)
    _, sv, sh = radiation(shaking.source.mechanism, path.s.takeoff, path.azimuth_deg)
    p, sv, sh = _blurred(shaking, p, sv, sh)
    # Radiation counts SV along the growing takeoff angle, which is up and back at the surface.
    return {
        "P": from_p(path.p.slowness, vp, vs) * p,
        "S": from_sv(path.s.slowness, vp, vs) * -sv + from_sh() * sh,
    }


def _blurred(shaking: Shaking, p: float, sv: float, sh: float) -> tuple[float, float, float]:
    """Fill the nodes: small structure blurs the radiation (Takenaka and others 2003)."""
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
    """Add the first arrival, what follows it and what the site converts of it, in place."""
    effects, first = shaking.effects, shaking.path.ray(phase).time_s - frame.start_s
    size = effects.level[phase] * effects.direct[phase] ** 0.5
    arrivals = [(0.0, effects.first[phase], motion), *_converted(shaking, phase, motion)]
    arrivals += [(w.delay_s, w.amplitude, motion) for w in effects.later if w.phase == phase]
    for delay, amplitude, vector in arrivals:
        shift = np.exp(-2j * np.pi * frame.frequency * (first + delay))
        total += np.outer(vector, wave * shift * (size * amplitude))


def _converted(shaking: Shaking, phase: Phase, motion: C128) -> list[tuple[float, float, C128]]:
    """Return what the base of the sediments makes: S after P, and P before S."""
    site = shaking.site
    length = float(np.linalg.norm(motion))
    if phase == "P":
        return [(site.conversion_s, site.p_to_s * length, np.array([1.0, 0.2, 0.1], complex))]
    return [(-site.conversion_s, site.s_to_p * length, np.array([0.15, 0.0, 1.0], complex))]


def _turned(rows: F64, along: F64) -> F64:
    """Turn rows (along, across, across) into (radial, transverse, up) about a direction."""
    size = float(np.linalg.norm(along)) or 1.0
    radial, up = along[0] / size, along[2] / size
    rows_rtz = [radial * rows[0] + up * rows[1], rows[2], up * rows[0] - radial * rows[1]]
    return np.asarray(2.0 * np.stack(rows_rtz))


def _to_zne(motion: C128, azimuth_deg: float) -> C128:
    """Turn (radial, transverse, up) to (up, north, east); transverse is to the right of the way."""
    phi = np.radians(azimuth_deg)
    radial, transverse, up = motion
    north = np.cos(phi) * radial - np.sin(phi) * transverse
    east = np.sin(phi) * radial + np.cos(phi) * transverse
    return np.stack([up, north, east])
