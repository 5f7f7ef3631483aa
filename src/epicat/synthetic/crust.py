"""The earth between source and station: layers, density, attenuation and scattering."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from epicat.velocity.layers import LayerModel, Phase

__all__ = ["GIL7", "Crust", "density"]

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
    """A layered earth, and what it does to waves on their way."""

    layers: LayerModel = field(default=GIL7)
    """Velocities of P and S by depth."""
    q_p: float = 200.0
    """Quality factor of P at 1 Hz."""
    q_s: float = 180.0
    """Quality factor of S at 1 Hz (Raoof, Herrmann and Malagnini 1999, BSSA 89, 888)."""
    q_power: float = 0.45
    """Q grows with frequency to this power."""
    crossover_km: float = 40.0
    """Amplitudes fall as 1/R up to here, and as 1/sqrt(R) beyond it (Raoof and others 1999)."""
    scattering_per_km: float = 0.01
    """Scattering coefficient of S in 1/km (Sato, Fehler and Maeda 2012: 0.001 to 0.05)."""
    coda_q: float = 120.0
    """Quality factor of coda waves at 1 Hz."""
    coda_q_power: float = 0.7
    """Coda Q grows with frequency to this power (Aki and Chouet 1975)."""

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
        """Return the exponent of attenuation, pi f t / Q(f), for frequencies in Hz."""
        q = self.q_p if phase == "P" else self.q_s
        return np.asarray(np.pi * time_s / q * frequency ** (1.0 - self.q_power))


def density(vp_km_s: float) -> float:
    """Density in kg/m3 of crustal rock from its P velocity (Brocher 2005, BSSA 95, 2081, eq. 1)."""
    v = min(max(vp_km_s, 1.5), 8.5)
    return 1e3 * v * (1.6612 + v * (-0.4721 + v * (0.0671 + v * (-0.0043 + v * 0.000106))))
