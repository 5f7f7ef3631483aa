"""Ground response at a station: the free surface, amplification, kappa and conversions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Resonance", "Site", "free_surface_p", "free_surface_sh", "free_surface_sv"]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Resonance:
    """A peak of the site's response."""

    frequency_hz: float
    """Frequency of the peak in Hz."""
    gain: float
    """Height of the peak, above 1."""
    damping: float
    """Half its relative width."""

    def response(self, frequency: F64) -> C128:
        """Return a causal response that is 1 far from the peak, shape (nf,).

        (1 + 2 i h g x - x^2) / (1 + 2 i h x - x^2) with x = f/f0: a damped oscillator.
        """
        x = frequency / self.frequency_hz
        width = 2j * self.damping * x
        return np.asarray((1.0 - x**2 + self.gain * width) / (1.0 - x**2 + width))


@dataclass(frozen=True, slots=True)
class Site:
    """The ground under a station."""

    horizontal: float
    """Amplification of horizontal motion."""
    vertical: float
    """Amplification of vertical motion."""
    kappa_s: float
    """Near-surface attenuation of S: exp(-pi kappa f), in s (Anderson and Hough 1984, BSSA 74)."""
    kappa_p: float
    """The same of P."""
    resonances: tuple[Resonance, ...]
    """Peaks of horizontal motion; those of vertical motion are weaker and at higher frequency."""
    conversion_s: float
    """S minus P travel time from the base of the sediments to the surface, in s."""
    p_to_s: float
    """Relative amplitude, with sign, of the P-to-S conversion at that base."""
    s_to_p: float
    """Relative amplitude of the S-to-P conversion there."""

    @classmethod
    def random(cls, rng: np.random.Generator) -> Site:
        """Draw a site: log-normal amplification and kappa, up to two resonances."""
        horizontal = float(np.exp(0.35 * rng.standard_normal()))
        kappa = float(np.clip(0.028 * np.exp(0.45 * rng.standard_normal()), 0.006, 0.08))
        count = int(rng.choice([0, 1, 2], p=[0.3, 0.45, 0.25]))
        return cls(
            horizontal=horizontal,
            vertical=float(horizontal**0.5 * np.exp(0.15 * rng.standard_normal())),
            kappa_s=kappa,
            kappa_p=kappa * float(rng.uniform(0.5, 1.0)),
            resonances=tuple(_resonance(rng) for _ in range(count)),
            conversion_s=float(rng.uniform(0.05, 0.6)),
            p_to_s=float(rng.normal(0.0, 0.2)),
            s_to_p=float(rng.normal(0.0, 0.08)),
        )

    def response(self, frequency: F64) -> C128:
        """Return the amplification of (radial or east, transverse or north, up), shape (3, nf)."""
        horizontal = np.full(frequency.shape, self.horizontal, dtype=complex)
        vertical = np.full(frequency.shape, self.vertical, dtype=complex)
        for peak in self.resonances:
            horizontal *= peak.response(frequency)
            higher = Resonance(1.8 * peak.frequency_hz, peak.gain**0.4, peak.damping)
            vertical *= higher.response(frequency)
        return np.stack([horizontal, horizontal, vertical])


def _resonance(rng: np.random.Generator) -> Resonance:
    frequency = float(np.exp(rng.uniform(np.log(0.8), np.log(15.0))))
    return Resonance(frequency, float(rng.uniform(1.3, 4.0)), float(rng.uniform(0.05, 0.25)))


def free_surface_p(slowness: float, vp: float, vs: float) -> C128:
    """Surface motion (radial, transverse, up) for an upgoing P wave of unit amplitude.

    ``slowness`` in s/km, velocities in km/s.  Aki and Richards (2002), section 5.2: the sum of
    the incident and the two reflected waves, with zero traction at the surface.
    """
    xi, eta, twice, denominator = _parts(slowness, vp, vs)
    scale = 2.0 * vp / (vs**2 * denominator)
    return np.array([scale * 2.0 * slowness * xi * eta, 0.0, scale * xi * twice])


def free_surface_sv(slowness: float, vp: float, vs: float) -> C128:
    """Surface motion (radial, transverse, up) for an upgoing SV wave of unit amplitude.

    The incident wave moves away from the source and down.  Beyond the critical slowness 1/vp
    the motion is complex: for positive frequencies of the transform exp(-2 pi i f t).
    """
    xi, eta, twice, denominator = _parts(slowness, vp, vs)
    scale = 2.0 * vs / (vs**2 * denominator)
    return np.array([scale * eta * twice, 0.0, -scale * 2.0 * slowness * xi * eta])


def free_surface_sh() -> C128:
    """Surface motion for an SH wave of unit amplitude: doubled."""
    return np.array([0.0, 2.0, 0.0], dtype=complex)


def _parts(slowness: float, vp: float, vs: float) -> tuple[complex, complex, float, complex]:
    p = min(slowness, 0.999 / vs)
    xi = complex(np.emath.sqrt(1.0 / vp**2 - p**2))
    if xi.imag:
        xi = -1j * abs(xi)
    eta = complex(np.emath.sqrt(1.0 / vs**2 - p**2))
    twice = 1.0 / vs**2 - 2.0 * p**2
    return xi, eta, twice, twice**2 + 4.0 * p**2 * xi * eta
