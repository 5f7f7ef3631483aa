"""Windows of stretches, in batches, through a picker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from epicat.pick.picker import F32, Picker

__all__ = ["Starts", "Stretch", "Waveforms", "Window", "computed", "windows_of"]

Starts = NDArray[np.int64]


class Waveforms(Protocol):
    """Samples without a gap, which can be had a window at a time."""

    def fill(self, window: F32, begin: int) -> None:
        """Fill a window (components, samples) from a sample on."""
        ...


@dataclass(frozen=True, slots=True)
class Stretch:
    """Samples without a gap, and where to put windows on them."""

    waveforms: Waveforms
    """The samples."""
    first: int
    """The first sample, as `waveforms` counts them."""
    samples: int
    """How many there are."""
    starts: Starts
    """First sample of each window, counted from the first sample, rising."""


Window = tuple[Stretch, int]
"""A stretch, and the window's first sample in it."""


def windows_of(stretches: Sequence[Stretch]) -> Iterator[Window]:
    """Return every window of every stretch, in order."""
    return ((stretch, start) for stretch in stretches for start in stretch.starts.tolist())


def computed(picker: Picker, windows: Iterable[Window], batch: int) -> Iterator[F32]:
    """Return the probabilities (picked phases, samples) of windows, in order.

    Windows of different stretches share batches, so that a day in thousands of pieces costs no
    more than a whole one.
    """
    info, coming = picker.info, iter(windows)
    filled = np.empty((batch, len(info.component_order), info.samples), np.float32)
    while part := list(islice(coming, batch)):
        for window, (stretch, start) in zip(filled, part, strict=False):
            stretch.waveforms.fill(window, stretch.first + start)
        yield from picker.probabilities(filled[: len(part)])
