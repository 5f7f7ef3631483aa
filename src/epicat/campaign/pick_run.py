"""The identity of picks: what made them, so that equal settings give one run."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict

from epicat.errors import InputError
from epicat.model import digest_of
from epicat.pick.options import PickOptions, Precision
from epicat.pick.picker import PickerInfo
from epicat.waveforms.filters import reach_s
from epicat.waveforms.options import QualityOptions

__all__ = ["ImportedRun", "PickRun"]

_ALGORITHM = 1
"""Raised whenever the same weights and thresholds give other picks."""
_FEWER_BITS = 2
"""Raised whenever only fewer bits than 32 give other picks."""


class PickRun(BaseModel):
    """The identity of picks: two runs with one digest would make the same picks.

    The archive is not part of it: the same waveforms give the same picks wherever they lie,
    and a campaign may take its stations from two archives.  The ledger names the archive.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    picker: PickerInfo
    """The model and its weights, by content."""
    p_threshold: float | None
    """Probability that a P pick must reach; None for a picker of S alone."""
    s_threshold: float | None
    """Probability that an S pick must reach; None for a picker of P alone."""
    algorithm: int = _ALGORITHM
    """Version of epicat's own part."""
    quality: QualityOptions = QualityOptions()
    """Which waveforms are not picked."""
    precision: Precision = "f32"
    """Numbers that the picker computes in."""

    @classmethod
    def from_options(
        cls, info: PickerInfo, options: PickOptions, quality: QualityOptions | None = None
    ) -> PickRun:
        """Settle the thresholds: the options', else the weights' own."""
        given = {"P": options.p_threshold, "S": options.s_threshold}
        for phase, threshold in given.items():
            if threshold is not None and phase not in info.thresholds:
                raise InputError(f"{phase} threshold {threshold:g}: {info.model} picks no {phase}")
        settled = {phase: own or info.thresholds.get(phase) for phase, own in given.items()}
        return cls(
            picker=info,
            p_threshold=settled["P"],
            s_threshold=settled["S"],
            quality=quality or QualityOptions(),
            precision=options.precision,
        )

    @cached_property
    def digest(self) -> str:
        """Names the run.  What is as it always was is left out: unset limits, and 32 bits."""
        thresholds = (self.p_threshold, self.s_threshold)
        less = () if self.precision == "f32" else ("precision", self.precision, _FEWER_BITS)
        given = (*thresholds, self.algorithm, *self.quality.given, *less)
        return digest_of(_identity(self.picker), *given)

    def picks_with(self, info: PickerInfo) -> bool:
        """Tell whether this picker is the run's, by all that its picks depend on."""
        return _identity(info) == _identity(self.picker)

    @property
    def thresholds(self) -> dict[str, float]:
        """Threshold by phase."""
        both = {"P": self.p_threshold, "S": self.s_threshold}
        return {phase: threshold for phase, threshold in both.items() if threshold is not None}

    @property
    def halo_ns(self) -> int:
        """How far beyond a day waveforms are read.

        Two windows settle the probabilities at midnight; two more leave room for a trigger
        that goes on over it, and for the filter of the resampling.  The picker's own filters
        come on top.
        """
        windows = 4 * self.picker.samples / self.picker.sampling_rate
        filters = max(map(reach_s, self.picker.filters.values()), default=0.0)
        return round((windows + filters) * 1e9)


def _identity(info: PickerInfo) -> dict[str, Any]:
    return info.model_dump(exclude={"made_with", "weight", "version", "about"})


class ImportedRun(BaseModel):
    """The identity of picks that were made elsewhere: the file that they came in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    imported: str
    """Name of the file."""
    sha256: str
    """SHA-256 of the file."""
    columns: dict[str, str]
    """Which column was taken for what."""
    algorithm: int = _ALGORITHM
    """Version of the reading of the file."""

    @cached_property
    def digest(self) -> str:
        """Names the run; the file's name is not part of it."""
        return digest_of("imported", self.sha256, sorted(self.columns.items()), self.algorithm)
