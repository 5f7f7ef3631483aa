"""The path from source to station: the layered crust, attenuation, and first-arrival rays.

Times come from the layered solver of `epicat.velocity`; layers are shells of the Earth.
Directions come from the derivatives of the times: the horizontal slowness is dT/dX, and the
vertical direction at the source is the sign of dT/dz (Aki and Richards 2002, chapter 9).  A first
arrival whose slowness does not change with distance is a head wave.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from epicat.velocity.layers import LayerModel, Phase
from epicat.velocity.travel_times import travel_times

__all__ = ["GIL7", "Crust", "Path", "Ray", "density", "trace_rays"]

F64 = NDArray[np.float64]

GIL7 = LayerModel(
    depth_km=(0.0, 1.0, 3.0, 4.0, 5.0, 17.0, 25.0),
    vp=(3.20, 4.50, 4.80, 5.51, 6.21, 6.89, 7.83),
    vs=(1.50, 2.40, 2.78, 3.18, 3.40, 3.98, 4.52),
    constant=True,
)
"""The crust of Northern California, tops of uniform layers (Dreger and Romanowicz 1994,
USGS Open-File Report 94-176)."""


@dataclass(frozen=True, slots=True)
class Crust:
    """A layered crust with attenuation and scattering."""

    layers: LayerModel = field(default=GIL7)
    """Velocities of P and S by depth."""
    q_p: float = 200.0
    """Quality factor of P at 1 Hz."""
    q_s: float = 180.0
    """Quality factor of S at 1 Hz (Raoof, Herrmann and Malagnini 1999, BSSA 89, 888)."""
    q_power: float = 0.45
    """Exponent of the frequency dependence of Q."""
    crossover_km: float = 40.0
    """Amplitudes decay as 1/R up to this distance, then as 1/sqrt(R) (Raoof and others 1999)."""
    scattering_per_km: float = 0.01
    """Scattering coefficient of S in 1/km (Sato, Fehler and Maeda 2012: 0.001 to 0.05)."""
    coda_q: float = 120.0
    """Quality factor of coda waves at 1 Hz."""
    coda_q_power: float = 0.7
    """Exponent of the frequency dependence of coda Q (Aki and Chouet 1975)."""

    def velocity(self, phase: Phase, depth_km: float) -> float:
        """Velocity in km/s at a depth in km below sea level."""
        return float(self.layers.velocity(np.array(depth_km), phase))

    def spreading(self, distance_km: float) -> float:
        """Geometrical spreading in 1/km at a hypocentral distance in km."""
        near = max(distance_km, 0.5)
        if near <= self.crossover_km:
            return 1.0 / near
        return float(1.0 / np.sqrt(self.crossover_km * near))

    def loss(self, phase: Phase, time_s: float, frequency: F64) -> F64:
        """Return the attenuation exponent pi f t / Q(f) at frequencies in Hz."""
        q = self.q_p if phase == "P" else self.q_s
        return np.asarray(np.pi * time_s / q * frequency ** (1.0 - self.q_power))


def density(vp_km_s: float) -> float:
    """Density in kg/m3 of crustal rock from its P velocity (Brocher 2005, BSSA 95, 2081, eq. 1)."""
    v = min(max(vp_km_s, 1.5), 8.5)
    return 1e3 * v * (1.6612 + v * (-0.4721 + v * (0.0671 + v * (-0.0043 + v * 0.000106))))


_STEP_KM = 0.05
_STRAIGHT = 1e-6
"""A ray is a head wave if its slowness changes by less than this fraction over two steps."""


@dataclass(frozen=True, slots=True)
class Ray:
    """The first arrival of a phase."""

    phase: Phase
    """P or S."""
    time_s: float
    """Travel time in seconds."""
    slowness: float
    """Horizontal slowness in s/km."""
    takeoff: float
    """Takeoff angle at the source from the downward vertical, in radians; above pi/2 is upwards."""
    is_head_wave: bool
    """Whether it is a head wave."""


@dataclass(frozen=True, slots=True)
class Path:
    """The path from a hypocenter to a station."""

    distance_km: float
    """Epicentral distance in km."""
    azimuth_deg: float
    """Azimuth from the epicenter to the station, clockwise from north."""
    depth_km: float
    """Depth of the source in km below sea level."""
    elevation_m: float
    """Elevation of the station in metres."""
    p: Ray
    """The first P."""
    s: Ray
    """The first S."""

    @property
    def hypocentral_km(self) -> float:
        """Hypocentral distance in km."""
        return float(np.hypot(self.distance_km, self.depth_km + self.elevation_m / 1000.0))

    def ray(self, phase: Phase) -> Ray:
        """Return the ray of a phase."""
        return self.p if phase == "P" else self.s


def trace_rays(
    crust: Crust, distance_km: float, azimuth_deg: float, depth_km: float, elevation_m: float = 0.0
) -> Path:
    """Trace the first P and S from a source to a station at a distance, azimuth and elevation."""
    p, s = (_ray(crust, phase, distance_km, depth_km, elevation_m) for phase in ("P", "S"))
    return Path(distance_km, azimuth_deg, depth_km, elevation_m, p, s)


def _ray(crust: Crust, phase: Phase, x: float, z: float, elevation_m: float) -> Ray:
    across = np.array([max(x - _STEP_KM, 0.0), x, x + _STEP_KM])
    down = np.array([z - _STEP_KM, z, z + _STEP_KM])
    shells = replace(crust.layers, spherical=True)
    times = travel_times(shells, phase, -elevation_m / 1000.0, across, down)
    slopes = np.diff(times[:, 1]) / np.maximum(np.diff(across), 1e-9)
    slowness = float((times[2, 1] - times[0, 1]) / (across[2] - across[0]))
    sine = min(slowness * crust.velocity(phase, z), 1.0)
    is_upward = bool(times[1, 2] > times[1, 0])
    angle = float(np.arcsin(max(sine, 0.0)))
    straight = x > _STEP_KM and abs(slopes[1] - slopes[0]) < _STRAIGHT * max(slowness, 1e-3)
    return Ray(
        phase,
        float(times[1, 1]),
        slowness,
        np.pi - angle if is_upward else angle,
        straight and not is_upward,
    )
