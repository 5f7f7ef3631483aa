"""Draw records: noise, synthetic and real earthquakes, in fixed proportions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.mixtures import Mixtures, with_noise
from training.noise import Noise
from training.real import read_windows
from training.records import Record
from training.synthetics import synthetic

__all__ = ["Draw", "Source"]

_NOISE, _SYNTHETIC = 0.2, 0.45
"""Shares of noise alone and of synthetic earthquakes; the rest are real."""
_NOISIER = 0.35
"""Share of the synthetic records, which have noise of their own, that get more of it."""


@dataclass(frozen=True, slots=True)
class Source:
    """The sources of records."""

    data: Path
    """The folder of real data."""
    part: str = "train"
    """The part of the windows and of the noise."""
    seed: int = 20140824
    """Decides everything that is drawn."""


class Draw:
    """Draws records from the sources."""

    def __init__(self, source: Source) -> None:
        self._source = source
        windows = read_windows(source.data)
        self._noise = Noise.read(source.data, windows, source.part)
        self._real = Mixtures([w for w in windows if w.part == source.part], self._noise)

    def streams(self, records: int) -> Iterator[np.random.Generator]:
        """Yield a random generator for each record of a set."""
        for number in range(records):
            yield np.random.default_rng((self._source.seed, number))

    def record(self, rng: np.random.Generator) -> Record:
        """Return one record."""
        kind = rng.random()
        if kind < _NOISE:
            return self._real.quiet(rng)
        if kind < _NOISE + _SYNTHETIC:
            made = synthetic(rng)
            return with_noise(rng, made, self._noise) if rng.random() < _NOISIER else made
        return self._real.quakes(rng)
