"""Batches from the pool: a different window of a record each time, with cheap augmentation."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.pool import PER_FILE, pool_file
from training.records import SAMPLES

__all__ = ["Pool"]

F32 = NDArray[np.float32]
Rng = np.random.Generator

_DROPPED = 0.04
"""Share of the windows that lose a component."""
_EMPTY_EDGE = 0.04
"""Share of the windows that begin or end with zeros."""


class Pool:
    """The records of a growing number of files, held in memory."""

    def __init__(self, folder: Path, samples: int) -> None:
        self._folder = folder
        self._samples = samples
        self._data: list[NDArray[np.float16]] = []
        self._target: list[NDArray[np.uint8]] = []

    def __len__(self) -> int:
        return PER_FILE * len(self._data)

    def grow(self, files: int) -> None:
        """Load the first files, up to a number; wait for those still being written."""
        for number in range(len(self._data), files):
            path = pool_file(self._folder, number)
            while not path.exists():
                time.sleep(1)
            with np.load(path) as loaded:
                self._data.append(loaded["data"])
                self._target.append(loaded["target"])

    def batches(self, rng: Rng, size: int) -> Iterator[tuple[F32, F32]]:
        """Yield windows (size, 3, samples) and targets (size, 2, samples) without end."""
        while True:
            order = rng.permutation(len(self))
            for i in range(0, len(order) - size + 1, size):
                pairs = [self._window(rng, row) for row in order[i : i + size]]
                yield np.stack([d for d, _ in pairs]), np.stack([t for _, t in pairs])

    def _window(self, rng: Rng, row: int) -> tuple[F32, F32]:
        start = rng.integers(SAMPLES - self._samples + 1)
        part = slice(start, start + self._samples)
        file, place = divmod(row, PER_FILE)
        data = self._data[file][place, :, part].astype(np.float32)
        target = self._target[file][place, :, part].astype(np.float32) / 255
        return _changed(rng, data, target)


def _changed(rng: Rng, data: F32, target: F32) -> tuple[F32, F32]:
    data *= rng.choice(np.array([-1, 1], np.float32), (3, 1))
    if rng.random() < 0.5:
        data[1:] = data[:0:-1]
    if rng.random() < _DROPPED:
        data[rng.integers(3)] = 0
    if rng.random() < _EMPTY_EDGE:
        edge = int(rng.integers(50, data.shape[1] // 2))
        empty = slice(None, edge) if rng.random() < 0.5 else slice(-edge, None)
        data[:, empty], target[:, empty] = 0, 0
    return data, target
