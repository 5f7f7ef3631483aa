"""What the ground under a station does: amplification, loss near the surface, conversions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Resonance", "Site"]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Resonance:
    """A peak of the site's response."""

    frequency_hz: float
    """Where it is."""
    gain: float
    """How high, above 1."""
    damping: float
    """Half its relative width."""

    def response(self, frequency: F64) -> C128:
        """Return a causal response that is 1 far from the peak, shape (nf,).

        (1 + 2 i h g x - x^2) / (1 + 2 i h x - x^2) with x = f/f0: an oscillator on the ground.
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
    """Loss of S near the surface: exp(-pi kappa f), in s (Anderson and Hough 1984, BSSA 74)."""
    kappa_p: float
    """The same of P."""
    resonances: tuple[Resonance, ...]
    """Peaks of horizontal motion; vertical motion has them higher up and weaker."""
    conversion_s: float
    """Travel time of S minus that of P from the base of the sediments to the surface, in s."""
    p_to_s: float
    """Amplitude of the S that P makes at that base, over that of P, with its sign."""
    s_to_p: float
    """Amplitude of the P that S makes there, over that of S."""

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Site:
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
        """Return amplification of (radial or east, transverse or north, up), shape (3, nf)."""
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
