"""What a picker is: windows in, probabilities out; and what is known about one."""

from __future__ import annotations

from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["PickOptions", "Picker", "PickerInfo"]

F32 = NDArray[np.float32]


class PickOptions(BaseModel):
    """How to pick."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(default="PhaseNet", description="SeisBench model, for example PhaseNet.")
    weight: str = Field(
        default="original",
        description="Weights by SeisBench's name, or the .pt or .json file of a local pair.",
    )
    p_threshold: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="P threshold; default: the weights' own, else the model's.",
    )
    s_threshold: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="S threshold; default: the weights' own, else the model's.",
    )


class PickerInfo(BaseModel):
    """What the weights and the model say about picking with them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """SeisBench's name of the architecture."""
    weight: str
    """Name of the weights, or of their file."""
    sampling_rate: float
    """Samples a second."""
    samples: int
    """Length of a window in samples."""
    phases: str
    """The meaning of each row of probabilities, one letter each; N is noise."""
    component_order: str
    """The order of the components in a window, such as ``ENZ``."""
    overlap: int
    """Samples that neighbouring windows share."""
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

    @model_validator(mode="after")
    def _windows_advance(self) -> Self:
        if not 0 <= self.overlap < self.samples or not 0 <= sum(self.blinding) < self.samples:
            raise ValueError(
                f"an overlap of {self.overlap} and a blinding of {self.blinding} "
                f"leave nothing of a window of {self.samples} samples"
            )
        return self

    @property
    def stride(self) -> int:
        """Samples from one window's start to the next."""
        return self.samples - self.overlap


class Picker(Protocol):
    """Windows (n, 3, samples) in, probabilities (n, phases, samples) out."""

    info: PickerInfo

    def probabilities(self, windows: F32) -> F32:
        """Return the probability of each phase at each sample of each window.

        The result for a window does not depend on the others.  Raw counts go in: demeaning
        and normalising are the picker's.
        """
        ...
