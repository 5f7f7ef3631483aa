"""Labelled waveform windows of one station, for training and testing pickers.

`make_window` draws everything at random: distance, depth, magnitude, mechanism, site, path
effects, noise and instrument.  The magnitude is chosen to give a random signal-to-noise ratio, so
that no time is spent on earthquakes below the noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from epicat.synthetic.amplitude import expected_snr, noise_levels, signal_to_noise
from epicat.synthetic.ground_motion import Shaking, velocity_spectrum
from epicat.synthetic.instruments import band_of
from epicat.synthetic.noise import AmbientNoise, counts_power, disturbance, noise_like
from epicat.synthetic.propagation import Crust, Path, trace_rays
from epicat.synthetic.sampling import Frame, add_rows
from epicat.synthetic.scattering import PathEffects
from epicat.synthetic.site import Site
from epicat.synthetic.source import Source
from epicat.velocity.layers import Phase

__all__ = ["LabelledArrival", "Recipe", "Window", "make_window", "noise_window"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_COMPONENTS = "ZNE"
_HALVINGS = 9


@dataclass(frozen=True, slots=True)
class Recipe:
    """The distribution that windows are drawn from."""

    seconds: int = 30
    """Length of a window in s."""
    band: str = "HH"
    """Band code, which determines instrument and sampling rate."""
    distance_km: tuple[float, float] = (1.0, 150.0)
    """Epicentral distances; uniform in their logarithm."""
    depth_km: tuple[float, float] = (1.0, 22.0)
    """Depths below sea level."""
    snr: tuple[float, float] = (0.3, 500.0)
    """Expected signal-to-noise ratios of P; uniform in their logarithm."""
    magnitude: tuple[float, float] = (-1.0, 5.5)
    """Range of magnitudes."""
    cultural: tuple[float, float] = (0.05, 0.7)
    """Noise above 1 Hz, from the low (0) to the high (1) noise model."""
    disturbed: float = 0.25
    """Fraction of windows with a non-seismic disturbance."""
    second: float = 0.1
    """Fraction of windows with a second earthquake."""


@dataclass(frozen=True, slots=True)
class LabelledArrival:
    """An arrival in a window."""

    phase: Phase
    """P or S."""
    sample: float
    """Onset in samples after the first; may lie outside the window."""
    snr: float
    """Signal-to-noise ratio as `epicat.synthetic.amplitude` defines it."""
    up: int
    """First motion of P on the vertical: 1 up, -1 down; 0 for S."""
    magnitude: float
    """Moment magnitude of the earthquake."""
    distance_km: float
    """Epicentral distance."""


@dataclass(frozen=True, slots=True)
class Window:
    """Three components of one station, with the arrivals in them."""

    data: F32
    """Counts, (3, n), in the order Z, N, E."""
    rate: int
    """Sampling rate in Hz."""
    arrivals: tuple[LabelledArrival, ...]
    """Arrivals in and around the window, in order of time."""

    def sample(self, phase: Phase) -> float | None:
        """Return the sample of the first arrival of a phase inside the window, or None."""
        inside = (a.sample for a in self.arrivals if a.phase == phase)
        return next((s for s in inside if 0 <= s < self.data.shape[1]), None)


def make_window(
    rng: np.random.Generator, recipe: Recipe | None = None, crust: Crust | None = None
) -> Window:
    """Draw a window with an earthquake whose P or S is inside.

    >>> window = make_window(np.random.default_rng(1))
    >>> window.data.shape, [a.phase for a in window.arrivals]
    ((3, 3000), ['P', 'S'])
    """
    recipe, crust = recipe or Recipe(), crust or Crust()
    site, ambient = Site.random(rng), AmbientNoise.random(rng, *recipe.cultural)
    data = _noise(rng, recipe, ambient)
    arrivals: list[LabelledArrival] = []
    for _ in range(2 if rng.uniform() < recipe.second else 1):
        waves, labels = _earthquake(rng, recipe, crust, site, ambient)
        data += waves
        arrivals += labels
    arrivals.sort(key=lambda a: a.sample)
    return Window(data.astype(np.float32), band_of(recipe.band)[1], tuple(arrivals))


def noise_window(rng: np.random.Generator, recipe: Recipe | None = None) -> Window:
    """Draw a window without an earthquake."""
    recipe = recipe or Recipe()
    data = _noise(rng, recipe, AmbientNoise.random(rng, *recipe.cultural))
    return Window(data.astype(np.float32), band_of(recipe.band)[1], ())


def _noise(rng: np.random.Generator, recipe: Recipe, ambient: AmbientNoise) -> F64:
    instrument, rate = band_of(recipe.band)
    seconds = fft.next_fast_len(recipe.seconds + 34, real=True)
    frequency = np.arange(seconds * rate // 2 + 1) / seconds
    length = recipe.seconds * rate
    rows = [
        noise_like(counts_power(ambient, c, instrument, rate, frequency), seconds, rng)[:length]
        for c in _COMPONENTS
    ]
    data = np.array(rows, dtype=float)
    if rng.uniform() < recipe.disturbed:
        level = noise_levels(ambient, instrument, rate)[0]
        add_rows(data, disturbance(rng, rate, level), int(rng.integers(-rate, length)))
    return np.asarray(np.rint(data))


def _earthquake(
    rng: np.random.Generator, recipe: Recipe, crust: Crust, site: Site, ambient: AmbientNoise
) -> tuple[F64, list[LabelledArrival]]:
    """Return one earthquake in counts, (3, n), and its arrivals."""
    instrument, rate = band_of(recipe.band)
    noise = noise_levels(ambient, instrument, rate)
    shaking = _shaking(rng, recipe, crust, site, noise)
    path = shaking.path
    start = _window_start(rng, recipe, path)
    frame = _frame(path, start, recipe.seconds, rate)
    spectrum = velocity_spectrum(crust, shaking, frame)
    counts = frame.samples_of(spectrum * instrument.response(frame.frequency, rate))
    waves = np.zeros((3, recipe.seconds * rate))
    add_rows(waves, counts, -round((start - frame.start_s) * rate))
    labels = [
        LabelledArrival(
            phase,
            (path.ray(phase).time_s - start) * rate,
            snr,
            shaking.polarity if phase == "P" else 0,
            shaking.source.magnitude,
            path.distance_km,
        )
        for phase, snr in signal_to_noise(shaking, frame, counts, noise).items()
    ]
    return waves, labels


def _path(rng: np.random.Generator, recipe: Recipe, crust: Crust) -> Path:
    low, high = np.log(recipe.distance_km)
    return trace_rays(
        crust,
        float(np.exp(rng.uniform(low, high))),
        float(rng.uniform(0, 360)),
        float(rng.uniform(*recipe.depth_km)),
        float(rng.uniform(0, 2000)),
    )


def _shaking(
    rng: np.random.Generator, recipe: Recipe, crust: Crust, site: Site, noise: Sequence[float]
) -> Shaking:
    """Draw an earthquake with a P signal-to-noise ratio drawn from the recipe."""
    path = _path(rng, recipe, crust)
    effects = PathEffects.random(rng, path)
    instrument, _ = band_of(recipe.band)
    target = float(np.exp(rng.uniform(*np.log(recipe.snr))))
    kind = Source.random(rng, 0.0)
    low, high = recipe.magnitude
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        shaking = Shaking(replace(kind, magnitude=middle), path, site, effects)
        is_weak = expected_snr(crust, shaking, "P", instrument, noise) < target
        low, high = (middle, high) if is_weak else (low, middle)
    return shaking


def _window_start(rng: np.random.Generator, recipe: Recipe, path: Path) -> float:
    """Return the start of a window that contains P or S, in s after the origin."""
    anchor = path.p.time_s if rng.uniform() < 0.75 else path.s.time_s
    return float(anchor - rng.uniform(0.02, 0.95) * recipe.seconds)


def _frame(path: Path, start: float, seconds: int, rate: int) -> Frame:
    begin = min(start, path.p.time_s - 2.0)
    begin = start - np.ceil((start - begin) * rate) / rate
    needed = max(start + seconds, path.s.time_s + 6.0) - begin
    return Frame(float(begin), 2 * fft.next_fast_len(int(needed * 4 / 7) + 2, real=True), rate)
