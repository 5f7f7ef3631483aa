"""Windows with known arrivals: earthquakes of every kind at one station, for training pickers.

`make_window` draws everything anew: distance, depth, magnitude, mechanism, site, small structure,
noise and instrument.  Its magnitudes follow from the signal-to-noise ratio that is wanted, so that
no work goes into earthquakes that nobody can see.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from epicat.associate.layers import Phase
from epicat.testing.synthetic.crust import Crust
from epicat.testing.synthetic.disturbances import disturbance
from epicat.testing.synthetic.effects import Effects
from epicat.testing.synthetic.estimate import SNR_BAND_HZ, expected_peak
from epicat.testing.synthetic.instruments import Instrument, band_of
from epicat.testing.synthetic.motion import Shaking, velocity_spectrum
from epicat.testing.synthetic.noise import Ambient, counts_power, rms_counts
from epicat.testing.synthetic.noise_series import noise_like
from epicat.testing.synthetic.rays import Path, trace
from epicat.testing.synthetic.scattered import Frame
from epicat.testing.synthetic.site import Site
from epicat.testing.synthetic.source import Source

__all__ = ["Labelled", "Recipe", "Window", "make_window", "noise_window"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_COMPONENTS = "ZNE"
_PEAK_S = {"P": 2.0, "S": 4.0}
"""How long after its onset the peak of a phase is looked for."""


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
    snr: tuple[float, float] = (0.5, 1000.0)
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
    """Peak of the earthquake alone in the 2 s (P, vertical) or 4 s (S, larger horizontal) after
    the onset over the root mean square of the noise, both from 1 to 20 Hz."""
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
    """Draw a window with an earthquake of which at least P or S is inside; about 15 ms.

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
        level = rms_counts(ambient, "Z", instrument, rate, SNR_BAND_HZ)
        _add(data, disturbance(rng, rate, level), int(rng.integers(-rate, length)))
    return np.asarray(np.rint(data))


def _add(data: F64, extra: F64, begin: int) -> None:
    """Add rows to rows, from a sample on that may lie before the first, in place."""
    low, high = max(begin, 0), min(begin + extra.shape[1], data.shape[1])
    if low < high:
        data[:, low:high] += extra[:, low - begin : high - begin]


def _earthquake(
    rng: np.random.Generator, recipe: Recipe, crust: Crust, site: Site, ambient: Ambient
) -> tuple[F64, list[Labelled]]:
    """Return one earthquake in counts, (3, n), and its arrivals."""
    path = _path(rng, recipe, crust)
    instrument, rate = band_of(recipe.band)
    source = _source(rng, recipe, crust, (path, site, ambient))
    shaking = Shaking(source, path, site, Effects.drawn(rng, path))
    start = _window_start(rng, recipe, path)
    frame = _frame(path, start, recipe.seconds, rate)
    spectrum = velocity_spectrum(crust, shaking, frame)
    counts = frame.samples_of(spectrum * instrument.response(frame.frequency, rate))
    skip = round((start - frame.start_s) * rate)
    labels = _labels(shaking, frame, counts, ambient, instrument)
    length = recipe.seconds * rate
    waves = np.zeros((3, length))
    _add(waves, counts, -skip)
    return waves, [
        Labelled(phase, (time - start) * rate, snr, up, source.magnitude, path.distance_km)
        for phase, time, snr, up in labels
    ]


def _path(rng: np.random.Generator, recipe: Recipe, crust: Crust) -> Path:
    low, high = np.log(recipe.distance_km)
    return trace(
        crust,
        float(np.exp(rng.uniform(low, high))),
        float(rng.uniform(0, 360)),
        float(rng.uniform(*recipe.depth_km)),
        float(rng.uniform(0, 2000)),
    )


def _source(
    rng: np.random.Generator, recipe: Recipe, crust: Crust, at: tuple[Path, Site, Ambient]
) -> Source:
    """Draw a source whose P stands out of the noise by a ratio drawn from the recipe."""
    path, site, ambient = at
    instrument, rate = band_of(recipe.band)
    wanted = np.exp(rng.uniform(*np.log(recipe.snr)))
    noise = rms_counts(ambient, "Z", instrument, rate, SNR_BAND_HZ)
    sources = [
        Source.drawn(rng, m) for m in np.arange(recipe.magnitude[0], recipe.magnitude[1], 0.5)
    ]
    peaks = [expected_peak(crust, s, path, site, "P", instrument) / noise for s in sources]
    exact = np.interp(np.log(wanted), np.log(peaks), [s.magnitude for s in sources])
    return Source.drawn(rng, float(exact))


def _window_start(rng: np.random.Generator, recipe: Recipe, path: Path) -> float:
    """Return when the window begins, in s after the origin: P or S lies somewhere in it."""
    anchor = path.p.time_s if rng.uniform() < 0.75 else path.s.time_s
    return float(anchor - rng.uniform(0.02, 0.95) * recipe.seconds)


def _frame(path: Path, start: float, seconds: int, rate: int) -> Frame:
    begin = min(start, path.p.time_s - 2.0)
    begin = start - np.ceil((start - begin) * rate) / rate
    needed = max(start + seconds, path.s.time_s + 6.0) - begin
    return Frame(float(begin), 2 * fft.next_fast_len(int(needed * 4 / 7) + 2, real=True), rate)


def _labels(
    shaking: Shaking, frame: Frame, counts: F64, ambient: Ambient, instrument: Instrument
) -> Iterable[tuple[Phase, float, float, int]]:
    rate = frame.rate
    filtered = in_snr_band(counts, rate)
    where: dict[Phase, tuple[int, ...]] = {"P": (0,), "S": (1, 2)}
    for phase, rows in where.items():
        time = shaking.path.ray(phase).time_s
        begin = round((time - frame.start_s) * rate)
        peaks = np.abs(filtered[:, begin : begin + round(_PEAK_S[phase] * rate)]).max(axis=1)
        noise = [rms_counts(ambient, c, instrument, rate, SNR_BAND_HZ) for c in _COMPONENTS]
        snr = max(float(peaks[row] / noise[row]) for row in rows)
        yield phase, time, snr, shaking.polarity if phase == "P" else 0


def in_snr_band(values: F64, rate: float) -> F64:
    """Filter to `SNR_BAND_HZ`: Butterworth, four poles, forward; (..., n) in and out."""
    high = min(SNR_BAND_HZ[1], 0.45 * rate)
    sections = signal.butter(4, (SNR_BAND_HZ[0], high), "bandpass", fs=rate, output="sos")
    return np.asarray(signal.sosfilt(sections, values))
