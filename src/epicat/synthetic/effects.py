"""How one path differs from the next: what the layers do not tell, drawn at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from epicat.synthetic.rays import Path
from epicat.velocity.layers import Phase

__all__ = ["Effects", "Later"]

_MEAN_FREE_KM = {"P": 35.0, "S": 25.0}
"""Distance over which a direct wave gives 1 - 1/e of its energy to forward scattering."""
_BROADENING = {"P": 0.03, "S": 0.05}
"""Seconds of broadening for each km (Boore 2003, page 649: path duration 0.05 R for S)."""


@dataclass(frozen=True, slots=True)
class Later:
    """A reflected or refracted wave that follows the first one of its phase."""

    phase: Phase
    """P or S."""
    delay_s: float
    """Seconds after the first arrival."""
    amplitude: float
    """Over that of the direct wave, with its sign."""


@dataclass(frozen=True, slots=True)
class Effects:
    """One draw of what small structure does to the waves of one event at one station."""

    level: dict[Phase, float]
    """Focusing and defocusing of each phase."""
    direct: dict[Phase, float]
    """Share of the energy that is left in the direct pulse; small ones make emergent onsets."""
    spread_s: dict[Phase, float]
    """Time over which the rest arrives, in s."""
    first: dict[Phase, float]
    """Amplitude of the first arrival over that of all arrivals together."""
    later: tuple[Later, ...]
    """Waves that follow."""
    coda: float
    """Factor on the strength of scattering."""
    roughness: float
    """Share of the radiation that is blurred, 0 to 1: nodes are never empty at high frequency."""
    seed: int
    """Of the scattered waves."""

    @classmethod
    def drawn(cls, rng: np.random.Generator, path: Path) -> Effects:
        """Draw for a path."""
        phases: tuple[Phase, Phase] = ("P", "S")
        distance = path.hypocentral_km
        level = {c: float(np.exp(0.35 * rng.standard_normal())) for c in phases}
        direct = {c: _direct(rng, distance / _MEAN_FREE_KM[c]) for c in phases}
        spread = {
            c: (0.2 + _BROADENING[c] * distance) * float(np.exp(0.5 * rng.standard_normal()))
            for c in phases
        }
        first, later = {}, []
        for c in phases:
            waves = _arrivals(rng, path, c)
            first[c] = waves[0].amplitude
            later += waves[1:]
        return cls(
            level, direct, spread, first, tuple(later),
            coda=float(np.exp(0.5 * rng.standard_normal())),
            roughness=float(rng.uniform(0.1, 0.5)),
            seed=int(rng.integers(2**62)),
        )  # fmt: skip


def _direct(rng: np.random.Generator, mean_free_paths: float) -> float:
    share = 0.7 * np.exp(-mean_free_paths * np.exp(0.5 * rng.standard_normal()))
    return float(np.clip(share, 0.004, 0.7))


def _arrivals(rng: np.random.Generator, path: Path, phase: Phase) -> list[Later]:
    """Return the first arrival and what follows: other ways through the layers.

    Squares of the amplitudes add up to 1.  Behind a head wave comes the stronger direct wave.
    """
    scale = (0.7 if phase == "P" else 1.2) * (0.1 + 0.012 * path.hypocentral_km)
    count = int(rng.integers(1, 9))
    delays = 0.04 + rng.exponential(scale, count)
    sizes = rng.normal(0.0, 0.4, count)
    first = 1.0
    if path.ray(phase).is_head_wave:
        first = float(rng.uniform(0.2, 0.7))
        delays[0] += 0.15
        sizes[0] = rng.choice([-1.0, 1.0])
    total = float(np.sqrt(first**2 + np.sum(sizes**2)))
    later = zip(delays.tolist(), (sizes / total).tolist(), strict=True)
    return [Later(phase, 0.0, first / total), *(Later(phase, *wave) for wave in later)]
