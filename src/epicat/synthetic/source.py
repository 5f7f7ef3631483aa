"""Earthquakes as point sources: moment, corner frequency, radiation and moment rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.velocity.layers import Phase

__all__ = ["MEAN_RADIATION", "Mechanism", "Source", "corner_hz", "moment_nm", "radiation"]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]

MEAN_RADIATION = {"P": (4 / 15) ** 0.5, "S": (2 / 5) ** 0.5}
"""RMS of the radiation over the focal sphere (Boore and Boatwright 1984,
BSSA 74, 1615, equations 5 and 6)."""

_CORNER_RATIO = 1.5
"""P to S corner frequency ratio (Madariaga 1976, BSSA 66, 639: 0.32 and 0.21)."""


@dataclass(frozen=True, slots=True)
class Mechanism:
    """A double couple."""

    strike_deg: float
    """Strike, clockwise from north, with the fault dipping to its right."""
    dip_deg: float
    """Dip below the horizontal."""
    rake_deg: float
    """Slip direction of the hanging wall, measured from the strike, positive up-dip."""


@dataclass(frozen=True, slots=True)
class Source:
    """The source of an earthquake."""

    magnitude: float
    """Moment magnitude."""
    mechanism: Mechanism
    """The double couple."""
    stress_drop_pa: float = 3e6
    """Stress drop in Pa."""
    delays: tuple[float, ...] = (0.0,)
    """Onsets of the sub-events, in corner periods after the first."""
    shares: tuple[float, ...] = (1.0,)
    """Fractions of the moment of the sub-events; their sum is 1."""

    @classmethod
    def random(cls, rng: np.random.Generator, magnitude: float) -> Source:
        """Draw mechanism, stress drop and sub-events.

        The mechanism is uniform in strike, in the cosine of the dip and in rake.  The stress
        drop is log-normal about 3 MPa with a standard deviation of 0.6 (natural logarithm).
        """
        mechanism = Mechanism(
            float(rng.uniform(0, 360)),
            float(np.degrees(np.arccos(rng.uniform(0, 0.95)))),
            float(rng.uniform(-180, 180)),
        )
        stress = float(np.clip(3e6 * np.exp(0.6 * rng.standard_normal()), 5e5, 2e7))
        parts = int(rng.choice([1, 2, 3, 4], p=[0.45, 0.25, 0.2, 0.1]))
        shares = rng.dirichlet(np.full(parts, 1.2))
        delays = np.concatenate([[0.0], np.sort(rng.exponential(0.35, parts - 1))])
        return cls(magnitude, mechanism, stress, tuple(delays.tolist()), tuple(shares.tolist()))

    def displacement(self, phase: Phase, frequency: F64, s_velocity_km_s: float) -> C128:
        """Spectrum of the far-field pulse, 1 at zero frequency (Brune 1970), shape (nf,).

        The sum of omega-square pulses t exp(-2 pi fc t), with abrupt onsets, of the sub-events.
        """
        corner = corner_hz(self.magnitude, self.stress_drop_pa, s_velocity_km_s)
        if phase == "P":
            corner *= _CORNER_RATIO
        parts = sum(
            share * np.exp(-2j * np.pi * frequency * (delay / corner))
            for share, delay in zip(self.shares, self.delays, strict=True)
        )
        return np.asarray(parts / (1.0 + 1j * frequency / corner) ** 2)


def moment_nm(magnitude: float) -> float:
    """Seismic moment in N m of a moment magnitude (Hanks and Kanamori 1979, JGR 84, 2348)."""
    return float(10.0 ** (1.5 * magnitude + 9.1))


def corner_hz(magnitude: float, stress_drop_pa: float, s_velocity_km_s: float) -> float:
    """Corner frequency of S in Hz: 0.49 beta (stress drop / moment)^(1/3) (Brune 1970, 1971).

    JGR 75, 4997 and 76, 5002; the constant is 4.9e6 in the units of Boore (2003), equation 4.
    """
    speed = 1e3 * s_velocity_km_s
    return float(0.49 * speed * (stress_drop_pa / moment_nm(magnitude)) ** (1 / 3))


def radiation(mechanism: Mechanism, takeoff: float, azimuth_deg: float) -> tuple[float, ...]:
    """Far-field radiation of P, SV and SH, each between -1 and 1.

    ``takeoff`` is the angle from the downward vertical in radians.  With the slip vector d and the
    normal n, it is the projection of the moment tensor d n + n d on the unit vectors of motion (Aki
    and Richards 2002, equations 4.83 to 4.91).  P is positive away from the source; SV and SH in
    the directions of growing takeoff and azimuth.
    """
    phi = np.radians(azimuth_deg)
    sin, cos = np.sin(takeoff), np.cos(takeoff)
    ray = np.array([sin * np.cos(phi), sin * np.sin(phi), cos])
    down = np.array([cos * np.cos(phi), cos * np.sin(phi), -sin])
    across = np.array([-np.sin(phi), np.cos(phi), 0.0])
    slip, normal = _slip_and_normal(mechanism)
    pairs = ((ray, ray), (down, ray), (across, ray))
    return tuple(float((a @ slip) * (b @ normal) + (a @ normal) * (b @ slip)) for a, b in pairs)


def _slip_and_normal(mechanism: Mechanism) -> tuple[F64, F64]:
    """Return unit vectors to the north, to the east and down."""
    strike, dip, rake = np.radians(
        [mechanism.strike_deg, mechanism.dip_deg, mechanism.rake_deg]
    ).tolist()
    slip = np.array([
        np.cos(rake) * np.cos(strike) + np.cos(dip) * np.sin(rake) * np.sin(strike),
        np.cos(rake) * np.sin(strike) - np.cos(dip) * np.sin(rake) * np.cos(strike),
        -np.sin(rake) * np.sin(dip),
    ])  # fmt: skip
    normal = np.array([-np.sin(dip) * np.sin(strike), np.sin(dip) * np.cos(strike), -np.cos(dip)])
    return slip, normal
