"""Windows with known arrivals: earthquakes of every kind at one station, for training pickers.

`make_window` draws everything anew: distance, depth, magnitude, mechanism, site, small structure,
noise and instrument.  Its magnitudes follow from the signal-to-noise ratio that is wanted, so that
no work goes into earthquakes that nobody can see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from epicat.synthetic.adding import add_rows
from epicat.synthetic.crust import Crust
from epicat.synthetic.disturbances import disturbance
from epicat.synthetic.effects import Effects
from epicat.synthetic.instruments import band_of
from epicat.synthetic.motion import Shaking, velocity_spectrum
from epicat.synthetic.noise import Ambient, counts_power
from epicat.synthetic.noise_series import noise_like
from epicat.synthetic.rays import Path, trace
from epicat.synthetic.scattered import Frame
from epicat.synthetic.site import Site
from epicat.synthetic.snr import expected_snr, noise_levels, ratios
from epicat.synthetic.source import Source
from epicat.velocity.layers import Phase

__all__ = ["Labelled", "Recipe", "Window", "make_window", "noise_window"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_COMPONENTS = "ZNE"
_HALVINGS = 9


@dataclass(frozen=True, slots=True)
class Recipe:
    """What windows are drawn from."""

    seconds: int = 30
    """Length of a window."""
    band: str = "HH"
    """Band code: instrument and samples a second."""
    distance_km: tuple[float, float] = (1.0, 150.0)
    """Epicentral distances; uniform in their logarithm."""
    depth_km: tuple[float, float] = (1.0, 22.0)
    """Depths below sea level."""
    snr: tuple[float, float] = (0.3, 500.0)
    """Expected signal-to-noise ratios of P; uniform in their logarithm."""
    magnitude: tuple[float, float] = (-1.0, 5.5)
    """Magnitudes that may come of it."""
    cultural: tuple[float, float] = (0.05, 0.7)
    """Noise above 1 Hz, between the low (0) and the high (1) noise model."""
    disturbed: float = 0.25
    """Share of windows with a disturbance that is no earthquake."""
    second: float = 0.1
    """Share of windows with a second earthquake."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """An arrival in a window."""

    phase: Phase
    """P or S."""
    sample: float
    """Where it begins, in samples after the first; may lie outside the window."""
    snr: float
    """Signal-to-noise ratio as `epicat.synthetic.snr` defines it."""
    up: int
    """First motion of P on the vertical: 1 up, -1 down; 0 for S."""
    magnitude: float
    """Of its earthquake."""
    distance_km: float
    """Epicentral distance."""


@dataclass(frozen=True, slots=True)
class Window:
    """Three components of one station, and what is in them."""

    data: F32
    """Counts, (3, n), in the order Z, N, E."""
    rate: int
    """Samples a second."""
    arrivals: tuple[Labelled, ...]
    """Arrivals in and about the window, in the order of time."""

    def sample(self, phase: Phase) -> float | None:
        """Return where the first arrival of a phase inside the window is, or None."""
        inside = (a.sample for a in self.arrivals if a.phase == phase)
        return next((s for s in inside if 0 <= s < self.data.shape[1]), None)


def make_window(
    rng: np.random.Generator, recipe: Recipe | None = None, crust: Crust | None = None
) -> Window:
    """Draw a window with an earthquake of which at least P or S is inside.

    >>> window = make_window(np.random.default_rng(1))
    >>> window.data.shape, [a.phase for a in window.arrivals]
    ((3, 3000), ['P', 'S'])
    """
    recipe, crust = recipe or Recipe(), crust or Crust()
    site, ambient = Site.drawn(rng), Ambient.drawn(rng, *recipe.cultural)
    data = _noise(rng, recipe, ambient)
    arrivals: list[Labelled] = []
    for _ in range(2 if rng.uniform() < recipe.second else 1):
        waves, labels = _earthquake(rng, recipe, crust, site, ambient)
        data += waves
        arrivals += labels
    arrivals.sort(key=lambda a: a.sample)
    return Window(data.astype(np.float32), band_of(recipe.band)[1], tuple(arrivals))


def noise_window(rng: np.random.Generator, recipe: Recipe | None = None) -> Window:
    """Draw a window without an earthquake."""
    recipe = recipe or Recipe()
    data = _noise(rng, recipe, Ambient.drawn(rng, *recipe.cultural))
    return Window(data.astype(np.float32), band_of(recipe.band)[1], ())


def _noise(rng: np.random.Generator, recipe: Recipe, ambient: Ambient) -> F64:
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
    rng: np.random.Generator, recipe: Recipe, crust: Crust, site: Site, ambient: Ambient
) -> tuple[F64, list[Labelled]]:
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
        Labelled(
            phase,
            (path.ray(phase).time_s - start) * rate,
            snr,
            shaking.polarity if phase == "P" else 0,
            shaking.source.magnitude,
            path.distance_km,
        )
        for phase, snr in ratios(shaking, frame, counts, noise).items()
    ]
    return waves, labels


def _path(rng: np.random.Generator, recipe: Recipe, crust: Crust) -> Path:
    low, high = np.log(recipe.distance_km)
    return trace(
        crust,
        float(np.exp(rng.uniform(low, high))),
        float(rng.uniform(0, 360)),
        float(rng.uniform(*recipe.depth_km)),
        float(rng.uniform(0, 2000)),
    )


def _shaking(
    rng: np.random.Generator, recipe: Recipe, crust: Crust, site: Site, noise: Sequence[float]
) -> Shaking:
    """Draw an earthquake whose P stands out of the noise by about a ratio drawn from the recipe."""
    path = _path(rng, recipe, crust)
    effects = Effects.drawn(rng, path)
    instrument, _ = band_of(recipe.band)
    wanted = float(np.exp(rng.uniform(*np.log(recipe.snr))))
    kind = Source.drawn(rng, 0.0)
    low, high = recipe.magnitude
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        shaking = Shaking(replace(kind, magnitude=middle), path, site, effects)
        is_weak = expected_snr(crust, shaking, "P", instrument, noise) < wanted
        low, high = (middle, high) if is_weak else (low, middle)
    return shaking


def _window_start(rng: np.random.Generator, recipe: Recipe, path: Path) -> float:
    """Return when the window begins, in s after the origin: P or S lies somewhere in it."""
    anchor = path.p.time_s if rng.uniform() < 0.75 else path.s.time_s
    return float(anchor - rng.uniform(0.02, 0.95) * recipe.seconds)


def _frame(path: Path, start: float, seconds: int, rate: int) -> Frame:
    begin = min(start, path.p.time_s - 2.0)
    begin = start - np.ceil((start - begin) * rate) / rate
    needed = max(start + seconds, path.s.time_s + 6.0) - begin
    return Frame(float(begin), 2 * fft.next_fast_len(int(needed * 4 / 7) + 2, real=True), rate)
