"""Waves without a ray: what forward scattering spreads behind P and S, and the coda.

Noise with the spectrum of the direct wave, under envelopes of power:

- forward scattering keeps the energy that the direct pulse has lost and spreads it over a time
  that grows with distance (the envelopes of Saito, Sato and Ohtake 2002, JGR 107, 2009, B, here
  as (t/d) exp(-t/d));
- the coda is that of single isotropic scattering (Sato 1977, J. Phys. Earth 25, 27, which far
  behind the S wave is Aki and Chouet 1975, JGR 80, 3322): at time t after the origin the power
  is the energy of the direct wave times g v K(t/ts) exp(-2 pi f (t - ts) / Qc(f)), with
  K(a) = log((a + 1) / (a - 1)) / a, octave by octave, since Qc depends on frequency.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from epicat.synthetic.crust import Crust
from epicat.synthetic.effects import Effects
from epicat.synthetic.rays import Path
from epicat.synthetic.source import MEAN_RADIATION
from epicat.velocity.layers import Phase

__all__ = ["Frame", "scattered"]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]

_LOWEST_OCTAVE_HZ = 0.5
_P_CODA = 1.3
"""Scattering of P over that of S: what P loses comes mostly as S, which stays longer."""
_P_ALONG, _P_ASIDE = 0.9, 0.25
"""Amplitude of scattered P along the ray's motion, and in each other direction."""
_CODA_PARTITION = np.array([0.62, 0.62, 0.48])
"""Amplitudes of (radial, transverse, up) in the coda; squares add up to 1 (Shapiro and others
2000, BSSA 90, 655, find about this share of vertical energy at the surface)."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The times and frequencies at which waves are made."""

    start_s: float
    """First moment, in s after the origin."""
    seconds: int
    """Length in s; even, with small prime factors."""
    rate: int
    """Samples a second."""

    @property
    def samples(self) -> int:
        """Number of samples."""
        return self.seconds * self.rate

    @property
    def time(self) -> F64:
        """Seconds after the origin, (n,)."""
        return self.start_s + np.arange(self.samples) / self.rate

    @property
    def frequency(self) -> F64:
        """Frequencies in Hz, (nf,)."""
        return np.arange(self.samples // 2 + 1) / self.seconds

    def white(self, rng: np.random.Generator, rows: int) -> C128:
        """Return spectra of white noise of density 1, (rows, nf).

        Frequency by frequency: two rates have the same noise where both have it.
        """
        draws = rng.standard_normal((len(self.frequency), rows, 2))
        spectra: C128 = (draws[..., 0] + 1j * draws[..., 1]).T * (self.seconds / 2) ** 0.5
        spectra[:, [0, -1]] = 0.0
        return spectra

    def samples_of(self, spectrum: C128) -> F64:
        """Return the values in time of spectra, (..., n)."""
        return np.asarray(fft.irfft(spectrum, self.samples) * self.rate)

    def spectrum_of(self, values: F64) -> C128:
        """Return the spectra of values in time, (..., nf)."""
        return np.asarray(fft.rfft(values) / self.rate)


def scattered(
    crust: Crust, path: Path, effects: Effects, waves: dict[Phase, C128], frame: Frame
) -> dict[Phase, F64]:
    """Velocity (radial, transverse, up) in m/s at the times of a frame, (3, n), by phase.

    ``waves`` are the spectra of the direct waves' velocity per unit of radiation, (nf,).  What
    comes with S has the free surface in it; what follows P is still to be given the direction
    of its ray: its rows are (along the motion of P, across, across).
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
    effects: Effects,
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
        else np.array([1.35, 1.35, 0.55])  # 2 of the surface, shared by two, and less upwards
    )
    spectra = noise * waves[phase] * (MEAN_RADIATION[phase] * effects.level[phase])
    return np.asarray(frame.samples_of(spectra) * envelope * shares[:, None])


def _coda(
    crust: Crust,
    path: Path,
    effects: Effects,
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
    """Power of scattered waves over the energy of the direct one, in 1/s."""
    first = path.ray(phase).time_s
    speed = path.hypocentral_km / first
    lapse = np.maximum(time / first, 1.01)
    kernel = np.log((lapse + 1.0) / (lapse - 1.0)) / lapse
    q = crust.coda_q * frequency**crust.coda_q_power
    strength = crust.scattering_per_km * speed * (_P_CODA if phase == "P" else 1.0)
    decay = np.exp(-2.0 * np.pi * frequency * np.maximum(time - first, 0.0) / q)
    return np.where(time >= first, strength * kernel * decay, 0.0)


def _rise(after_s: F64, frequency: float) -> F64:
    """Return a power that grows to 1 within some periods: nothing scattered is there at once."""
    return np.asarray(1.0 - np.exp(-np.maximum(after_s, 0.0) * frequency / 2.0))


def _octaves(frequency: F64) -> list[tuple[float, F64]]:
    """Return center and weight of bands an octave wide; the weights add up to 1 everywhere."""
    count = max(1, int(np.log2(frequency[-1] / _LOWEST_OCTAVE_HZ)) + 1)
    place = np.log2(np.maximum(frequency, 1e-9) / _LOWEST_OCTAVE_HZ)
    place = np.clip(place, 0.0, count - 1.0)
    bands = []
    for number in range(count):
        away = np.minimum(np.abs(place - number), 1.0)
        bands.append((_LOWEST_OCTAVE_HZ * 2.0**number, np.cos(np.pi / 2 * away) ** 2))
    return bands


def _faded(frame: Frame) -> F64:
    """Return 1, falling to 0 over the last eighth of the frame."""
    tail = frame.samples // 8
    fade = np.ones(frame.samples)
    fade[-tail:] = np.cos(np.linspace(0.0, np.pi / 2, tail)) ** 2
    return fade
