"""Scattered waves: random path effects, forward scattering behind P and S, and the coda.

Scattered waves are noise with the spectrum of the direct wave, under envelopes of power:

- forward scattering takes the energy that the direct pulse has lost and spreads it over a time
  that grows with distance (the envelopes of Saito, Sato and Ohtake 2002, JGR 107, 2009, B, here
  as (t/d) exp(-t/d));
- the coda is that of single isotropic scattering (Sato 1977, J. Phys. Earth 25, 27, which long
  after the S wave is Aki and Chouet 1975, JGR 80, 3322): at time t after the origin the power is
  the energy of the direct wave times g v K(t/ts) exp(-2 pi f (t - ts) / Qc(f)), with
  K(a) = log((a + 1) / (a - 1)) / a, octave by octave, since Qc depends on frequency.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.synthetic.propagation import Crust, Path
from epicat.synthetic.sampling import Frame
from epicat.synthetic.source import MEAN_RADIATION
from epicat.velocity.layers import Phase

__all__ = ["PathEffects", "SecondaryArrival", "scattered_waves"]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]

_MEAN_FREE_KM = {"P": 35.0, "S": 25.0}
"""Distance over which a direct wave loses 1 - 1/e of its energy to forward scattering."""
_BROADENING = {"P": 0.03, "S": 0.05}
"""Broadening in s/km (Boore 2003, page 649: path duration 0.05 R for S)."""


@dataclass(frozen=True, slots=True)
class SecondaryArrival:
    """A reflected or refracted wave that follows the first arrival of its phase."""

    phase: Phase
    """P or S."""
    delay_s: float
    """Seconds after the first arrival."""
    amplitude: float
    """Amplitude relative to the direct wave, with sign."""


@dataclass(frozen=True, slots=True)
class PathEffects:
    """Random effects of small-scale structure on the waves of one event at one station."""

    level: dict[Phase, float]
    """Amplitude factor of each phase from focusing and defocusing."""
    direct: dict[Phase, float]
    """Fraction of the energy left in the direct pulse; small values give emergent onsets."""
    spread_s: dict[Phase, float]
    """Time over which the scattered energy arrives, in s."""
    first: dict[Phase, float]
    """Amplitude of the first arrival relative to that of all arrivals together."""
    later: tuple[SecondaryArrival, ...]
    """Secondary arrivals."""
    coda: float
    """Factor of the coda amplitude."""
    roughness: float
    """Fraction of the radiation pattern that is blurred, 0 to 1, which fills its nodes."""
    seed: int
    """Seed of the scattered waves."""

    @classmethod
    def random(cls, rng: np.random.Generator, path: Path) -> PathEffects:
        """Draw the effects for a path."""
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


def _arrivals(rng: np.random.Generator, path: Path, phase: Phase) -> list[SecondaryArrival]:
    """Return the first arrival and secondary ones, which take other paths through the layers.

    Squared amplitudes sum to 1.  A head wave is followed by the stronger direct wave.
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
    return [
        SecondaryArrival(phase, 0.0, first / total),
        *(SecondaryArrival(phase, *wave) for wave in later),
    ]


_LOWEST_OCTAVE_HZ = 0.5
_P_CODA = 1.3
"""Scattering of P relative to S: P scatters mostly to S, which lasts longer."""
_P_ALONG, _P_ASIDE = 0.9, 0.25
"""Amplitude of scattered P along the ray's motion, and perpendicular to it."""
_CODA_PARTITION = np.array([0.62, 0.62, 0.48])
"""Amplitudes of (radial, transverse, up) in the coda; squares sum to 1 (Shapiro and others
2000, BSSA 90, 655, find about this share of vertical energy at the surface)."""


def scattered_waves(
    crust: Crust, path: Path, effects: PathEffects, waves: dict[Phase, C128], frame: Frame
) -> dict[Phase, F64]:
    """Velocity (radial, transverse, up) in m/s at the times of a frame, (3, n), by phase.

    ``waves`` are the velocity spectra of the direct waves per unit of radiation, (nf,).  Waves
    scattered from S include the free surface.  Waves scattered from P are still to be rotated to
    the direction of the ray: their rows are (along the motion of P, across, across).
    """
    rng = np.random.default_rng(effects.seed)
    noise = frame.white(rng, 9)
    p = _forward(path, effects, waves, frame, "P", noise[:3])
    s = _forward(path, effects, waves, frame, "S", noise[3:6])
    s += _coda(crust, path, effects, waves, frame, noise[6:])
    fade = _faded(frame)
    return {"P": p * fade, "S": s * fade}


def _forward(
    path: Path,
    effects: PathEffects,
    waves: dict[Phase, C128],
    frame: Frame,
    phase: Phase,
    noise: C128,
) -> F64:
    after = np.maximum(frame.time - path.ray(phase).time_s, 0.0) / effects.spread_s[phase]
    energy = (1.0 - effects.direct[phase]) / effects.spread_s[phase]
    envelope = (energy * after * np.exp(-after)) ** 0.5
    shares = (
        np.array([_P_ALONG, _P_ASIDE, _P_ASIDE])
        if phase == "P"
        else np.array([1.35, 1.35, 0.55])  # surface factor 2, shared by two; less on Z
    )
    spectra = noise * waves[phase] * (MEAN_RADIATION[phase] * effects.level[phase])
    return np.asarray(frame.samples_of(spectra) * envelope * shares[:, None])


def _coda(
    crust: Crust,
    path: Path,
    effects: PathEffects,
    waves: dict[Phase, C128],
    frame: Frame,
    noise: C128,
) -> F64:
    total = np.zeros((3, frame.samples))
    spectra = noise * waves["S"]
    for center, weight in _octaves(frame.frequency):
        at = min(int(np.searchsorted(frame.frequency, center)), len(frame.frequency) - 1)
        ratio = float(abs(waves["P"][at]) / max(abs(waves["S"][at]), 1e-300))
        power = sum(
            _coda_power(crust, path, phase, frame.time, center)
            * _rise(frame.time - path.ray(phase).time_s, center)
            * (MEAN_RADIATION[phase] * (ratio if phase == "P" else 1.0)) ** 2
            for phase in ("P", "S")
        )
        total += frame.samples_of(spectra * weight) * np.sqrt(power * effects.coda)
    return np.asarray(total * 2.0 * _CODA_PARTITION[:, None])


def _coda_power(crust: Crust, path: Path, phase: Phase, time: F64, frequency: float) -> F64:
    """Power of scattered waves relative to the energy of the direct wave, in 1/s."""
    first = path.ray(phase).time_s
    speed = path.hypocentral_km / first
    lapse = np.maximum(time / first, 1.01)
    kernel = np.log((lapse + 1.0) / (lapse - 1.0)) / lapse
    q = crust.coda_q * frequency**crust.coda_q_power
    strength = crust.scattering_per_km * speed * (_P_CODA if phase == "P" else 1.0)
    decay = np.exp(-2.0 * np.pi * frequency * np.maximum(time - first, 0.0) / q)
    return np.where(time >= first, strength * kernel * decay, 0.0)


def _rise(after_s: F64, frequency: float) -> F64:
    """Return a power that grows to 1 over a few periods: scattered waves build up gradually."""
    return np.asarray(1.0 - np.exp(-np.maximum(after_s, 0.0) * frequency / 2.0))


def _octaves(frequency: F64) -> list[tuple[float, F64]]:
    """Return center and weight of bands an octave wide; the weights sum to 1 everywhere."""
    count = max(1, int(np.log2(frequency[-1] / _LOWEST_OCTAVE_HZ)) + 1)
    place = np.log2(np.maximum(frequency, 1e-9) / _LOWEST_OCTAVE_HZ)
    place = np.clip(place, 0.0, count - 1.0)
    bands = []
    for number in range(count):
        away = np.minimum(np.abs(place - number), 1.0)
        bands.append((_LOWEST_OCTAVE_HZ * 2.0**number, np.cos(np.pi / 2 * away) ** 2))
    return bands


def _faded(frame: Frame) -> F64:
    """Return a taper: 1, falling to 0 over the last eighth of the frame."""
    tail = frame.samples // 8
    fade = np.ones(frame.samples)
    fade[-tail:] = np.cos(np.linspace(0.0, np.pi / 2, tail)) ** 2
    return fade
