"""First-arriving P and S: times from the layered solver, directions from the slopes of the times.

The horizontal slowness of a ray is dT/dX, and its vertical direction at the source the sign of
dT/dz (Aki and Richards 2002, chapter 9).  A first arrival whose slowness does not change with
distance is a head wave.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from epicat.synthetic.crust import Crust
from epicat.velocity.layers import Phase
from epicat.velocity.travel_times import travel_times

__all__ = ["Path", "Ray", "trace"]

_STEP_KM = 0.05
_STRAIGHT = 1e-6
"""Relative change of the slowness over two steps, below which a ray is a head wave."""


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
    """Angle from straight down at the source, in radians; above pi/2 the ray leaves upwards."""
    is_head_wave: bool
    """Whether it runs along an interface."""


@dataclass(frozen=True, slots=True)
class Path:
    """The way from a hypocenter to a station."""

    distance_km: float
    """Epicentral distance in km."""
    azimuth_deg: float
    """Azimuth from the epicentre to the station, clockwise from north."""
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
        """Straight distance from the hypocenter to the station, in km."""
        return float(np.hypot(self.distance_km, self.depth_km + self.elevation_m / 1000.0))

    def ray(self, phase: Phase) -> Ray:
        """Return the ray of a phase."""
        return self.p if phase == "P" else self.s


def trace(
    crust: Crust, distance_km: float, azimuth_deg: float, depth_km: float, elevation_m: float = 0.0
) -> Path:
    """Trace both phases from a source at a depth to a station at a distance and elevation."""
    p, s = (_ray(crust, phase, distance_km, depth_km, elevation_m) for phase in ("P", "S"))
    return Path(distance_km, azimuth_deg, depth_km, elevation_m, p, s)


def _ray(crust: Crust, phase: Phase, x: float, z: float, elevation_m: float) -> Ray:
    across = np.array([max(x - _STEP_KM, 0.0), x, x + _STEP_KM])
    down = np.array([z - _STEP_KM, z, z + _STEP_KM])
    times = travel_times(crust.layers, phase, -elevation_m / 1000.0, across, down)
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
