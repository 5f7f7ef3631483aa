"""What a picker is: windows in, probabilities out; and its description."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import Any, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from epicat._util import lists
from epicat._util.threads import ahead, held
from epicat.model import Filter
from epicat.pick.pick_options import PickOptions, Precision

__all__ = [
    "F32",
    "PickOptions",
    "Picker",
    "PickerInfo",
    "Starts",
    "Stretch",
    "Waveforms",
    "Window",
    "batched",
    "windows_of",
]

F32 = NDArray[np.float32]
Starts = NDArray[np.int64]


class PickerInfo(BaseModel):
    """What the weights and the network determine about picking with them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """SeisBench's name of the architecture."""
    weight: str
    """Name of the weights, or of their file."""
    sampling_rate: float
    """Samples a second."""
    samples: int
    """Length of a window in samples."""
    phases: tuple[str, ...]
    """The meaning of each row of probabilities: P, S, N for noise, or a name that is not picked."""
    component_order: str
    """The order of the components in a window, such as ``ENZ``; H is a hydrophone."""
    filters: dict[str, Filter] = {}
    """By component, the filter that waveforms must have passed before they are resampled."""
    overlap: int
    """Samples that neighboring windows share."""
    blinding: tuple[int, int]
    """Samples at a window's start and end whose probabilities are not used."""
    stacking: Literal["avg", "max"]
    """How the probabilities of overlapping windows become one."""
    thresholds: dict[str, float]
    """Threshold of each phase that is picked."""
    weights_sha256: str
    """SHA-256 of the file of weights."""
    metadata_sha256: str
    """SHA-256 of the file that describes the weights."""
    made_with: dict[str, str]
    """Versions of the programs that made the bundle."""
    step: int = 1
    """Samples for which one probability stands, the first of them its own."""
    version: str = "1"
    """Version of the weights."""
    about: str = ""
    """First line of what their authors say about the weights, often with the licence."""

    @field_validator("phases", mode="before")
    @classmethod
    def _letters(cls, value: Any) -> Any:
        """Take ``"NPS"`` for three names, as SeisBench does."""
        return tuple(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _windows_advance(self) -> Self:
        if not 0 <= self.overlap < self.samples or not 0 <= sum(self.blinding) < self.samples:
            raise ValueError(
                f"an overlap of {self.overlap} and a blinding of {self.blinding} "
                f"leave nothing of a window of {self.samples} samples"
            )
        return self

    @property
    def picked(self) -> tuple[str, ...]:
        """The phases that are picked: what there are probabilities of, in this order."""
        return tuple(phase for phase in self.phases if phase in self.thresholds)

    @property
    def picked_rows(self) -> tuple[int, ...]:
        """The rows of `phases` that are picked."""
        return tuple(self.phases.index(phase) for phase in self.picked)

    @property
    def stride(self) -> int:
        """Samples from one window's start to the next."""
        return self.samples - self.overlap


class Waveforms(Protocol):
    """Samples without a gap, which can be read a window at a time."""

    def fill(self, window: F32, begin: int) -> None:
        """Fill a window (components, samples) from a sample on."""
        ...


@dataclass(frozen=True, slots=True)
class Stretch:
    """Samples without a gap, and where to put windows on them."""

    waveforms: Waveforms
    """The samples."""
    first: int
    """The first sample, in the numbering of `waveforms`."""
    samples: int
    """How many there are."""
    starts: Starts
    """First sample of each window relative to the first sample, ascending."""


Window = tuple[Stretch, int]
"""A stretch, and the window's first sample in it."""


class Picker(Protocol):
    """Windows (n, components, samples) in, probabilities (n, picked phases, samples) out.

    Examples
    --------
    >>> import epicat as ec
    >>> import numpy as np
    >>> picker = ec.load_picker("epicat-mini")
    >>> windows = np.zeros((2, 3, picker.info.samples), np.float32)
    >>> picker.probabilities(windows).shape == (2, 2, picker.info.samples)
    True

    """

    info: PickerInfo
    """The description of the picker."""
    precision: Precision
    """The precision of its numbers."""
    threads: int = 1
    """How many batches it computes at once."""

    def use_threads(self, threads: int) -> None:
        """Compute so many batches at once from now on, if it can; results stay the same."""
        del threads

    def probabilities(self, windows: F32) -> F32:
        """Return the probability of each picked phase at each sample of each window, or NaN.

        The result for a window does not depend on the others.  Raw counts go in: the picker
        demeans and normalizes them.
        """
        ...

    def of_stretches(
        self, stretches: Sequence[Stretch], thresholds: Mapping[str, float], batch: int
    ) -> Iterator[F32]:
        """Return the probabilities (picked phases, samples) of every window, in order.

        Those of phases without a threshold, and those that cannot reach it, may be approximate.
        """
        del thresholds  # every probability is exact
        return batched(self, windows_of(stretches), batch)


def windows_of(stretches: Sequence[Stretch]) -> Iterator[Window]:
    """Return every window of every stretch, in order."""
    return ((stretch, start) for stretch in stretches for start in stretch.starts.tolist())


def batched(picker: Picker, windows: Iterable[Window], batch: int) -> Iterator[F32]:
    """Return the probabilities (picked phases, samples) of windows, in order.

    Windows of different stretches share batches, so that a day in thousands of pieces takes no
    longer than one without gaps.
    """
    parts = _filled(picker, windows, batch)
    tasks = ((None, partial(picker.probabilities, part)) for part in parts)
    for _, found in ahead(tasks, picker.threads):
        yield from found


def _filled(picker: Picker, windows: Iterable[Window], batch: int) -> Iterator[F32]:
    """Return windows (n, components, samples), up to ``batch`` at once.

    Buffers take turns: what is returned stays as it is while `ahead` may compute with it.
    """
    shape = (batch, len(picker.info.component_order), picker.info.samples)
    buffers = cycle([np.empty(shape, np.float32) for _ in range(held(picker.threads) + 1)])
    for part in lists.batched(windows, batch):
        filled = next(buffers)
        for window, (stretch, start) in zip(filled, part, strict=False):
            stretch.waveforms.fill(window, stretch.first + start)
        yield filled[: len(part)]
