"""Evaluation on data not used in training: scores by phase, false picks per hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epicat.pick.picker import Picker
from epicat.synthetic.training_windows import Recipe, make_window, noise_window
from training.measure import Score, matched, picks_of
from training.noise import Noise
from training.real import RATE, read_windows

__all__ = [
    "Trial",
    "analysts_windows",
    "false_an_hour",
    "real_noise",
    "synthetic_noise",
    "synthetics",
]

F64 = NDArray[np.float64]

_SEED = 4
_CLEAR = 3.0
"""Signal-to-noise ratio from which on a synthetic arrival is expected to be picked."""
_END_S = 3.0
"""An arrival nearer than this to an end counts neither way: pickers are blind for 2.5 s there."""
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Trial:
    """Records with known arrivals."""

    records: tuple[F64, ...]
    """Waveforms of each (3, samples), Z, N, E."""
    wanted: tuple[Mapping[str, Sequence[float]], ...]
    """By phase, the seconds at which picks are expected."""
    excused: tuple[Mapping[str, Sequence[float]], ...]
    """By phase, the seconds at which picks count neither way."""

    def scores(self, picker: Picker, tolerance: float) -> dict[str, Score]:
        """Return the score of each phase at the picker's own thresholds."""
        total = {"P": Score(), "S": Score()}
        found = picks_of(picker, self.records)
        for picks, wanted, excused in zip(found, self.wanted, self.excused, strict=True):
            for phase in total:
                seconds = [sample / RATE for sample in picks[phase]]
                seconds = [s for s in seconds if not _near(s, excused[phase], tolerance)]
                total[phase] += matched(seconds, wanted[phase], tolerance)
        return total


def _near(second: float, others: Sequence[float], tolerance: float) -> bool:
    return any(abs(second - other) <= tolerance for other in others)


def analysts_windows(data: Path) -> Trial:
    """Return the windows of Northern California not used in training or for thresholds."""
    windows = [w for w in read_windows(data) if w.part == "test"]
    wanted = tuple({"P": [w.p / RATE], "S": [w.s / RATE]} for w in windows)
    nothing: dict[str, list[float]] = {"P": [], "S": []}
    return Trial(tuple(w.data for w in windows), wanted, (nothing,) * len(windows))


def synthetics(records: int) -> Trial:
    """Return synthetic earthquakes, one minute each, with arrivals above and below the noise."""
    rng = np.random.default_rng(_SEED)
    windows = [make_window(rng, Recipe(seconds=_MINUTE)) for _ in range(records)]
    wanted, excused = [], []
    for window in windows:
        clear: dict[str, list[float]] = {"P": [], "S": []}
        unclear: dict[str, list[float]] = {"P": [], "S": []}
        for arrival in window.arrivals:
            second = arrival.sample / window.rate
            inside = _END_S <= second <= _MINUTE - _END_S
            kind = clear if inside and arrival.snr > _CLEAR else unclear
            kind[arrival.phase].append(second)
        wanted.append(clear)
        excused.append(unclear)
    data = tuple(window.data.astype(np.float64) for window in windows)
    return Trial(data, tuple(wanted), tuple(excused))


def real_noise(data: Path, hours: int) -> list[F64]:
    """Return minutes of real days, each component from a different time, so without events."""
    rng = np.random.default_rng(_SEED)
    noise = Noise.read(data, read_windows(data), "test")
    length = _MINUTE * RATE
    minutes = hours * 60
    return [np.stack([noise.of_a_day(rng, length) for _ in range(3)]) for _ in range(minutes)]


def synthetic_noise(hours: int) -> list[F64]:
    """Return minutes of synthetic noise, a quarter of them with a disturbance."""
    rng = np.random.default_rng(_SEED)
    minutes = [noise_window(rng, Recipe(seconds=_MINUTE)) for _ in range(hours * 60)]
    return [window.data.astype(np.float64) for window in minutes]


def false_an_hour(picker: Picker, minutes: Sequence[F64]) -> dict[str, float]:
    """Return the picks per hour in minutes without an earthquake, by phase."""
    found = picks_of(picker, minutes)
    return {p: 60 * sum(len(picks[p]) for picks in found) / len(minutes) for p in "PS"}
