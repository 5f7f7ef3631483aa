"""The pool: files of some hundred records with their targets, written once by several processes.

Each file has its own seed, so the pool does not depend on the number of processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from training.damage import damaged
from training.draw import Draw, Source
from training.targets import Teacher, target

__all__ = ["PER_FILE", "make_pool", "pool_file"]

PER_FILE = 512
"""Records in one file."""

_DAMAGED = 0.4
"""Share of the records that something happens to."""


def pool_file(folder: Path, number: int) -> Path:
    """Return the path of a file of the pool."""
    return folder / f"{number:04}.npz"


def make_pool(source: Source, folder: Path, files: int, workers: int) -> Iterator[Path]:
    """Write the missing files of the pool; yield each when it is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [n for n in range(files) if not pool_file(folder, n).exists()]
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(partial(_make, source, folder), missing)


def _make(source: Source, folder: Path, number: int) -> Path:
    rng = np.random.default_rng((source.seed, number))
    maker = _maker(source)
    pairs = [maker.pair(rng) for _ in range(PER_FILE)]
    unfinished = folder / f"{number:04}.part"
    with unfinished.open("wb") as file:
        np.savez(file, data=np.stack([d for d, _ in pairs]), target=np.stack([t for _, t in pairs]))
    return unfinished.rename(pool_file(folder, number))


@cache
def _maker(source: Source) -> _Maker:
    return _Maker(source)


class _Maker:
    """Creates records with targets in one process."""

    def __init__(self, source: Source) -> None:
        self._draw = Draw(source)
        self._teacher = Teacher(source.data)

    def pair(self, rng: np.random.Generator) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
        """Return waveforms scaled to 16 bits, and their targets times 255."""
        record = self._draw.record(rng)
        wanted = target(record, self._teacher.probabilities(record.data))
        seen = damaged(rng, record.data) if rng.random() < _DAMAGED else record.data
        wanted[:, _silent(seen)] = 0
        seen = np.clip(100 * seen / (seen.std() + 1e-12), -60_000, 60_000)
        return seen.astype(np.float16), np.round(255 * wanted).astype(np.uint8)


def _silent(data: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the samples around which all components are zero."""
    zero = (~data.any(axis=0)).astype(np.float64)
    silent: NDArray[np.bool_] = uniform_filter1d(zero, 61) > 0.999
    return silent
