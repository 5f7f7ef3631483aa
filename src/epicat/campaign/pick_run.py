"""The identity of picks: equal settings give the same run."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict

from epicat.errors import InputError
from epicat.model import digest_of
from epicat.pick.pick_options import PickOptions, Precision
from epicat.pick.picker import PickerInfo
from epicat.waveforms.filters import reach_s
from epicat.waveforms.quality_options import QualityOptions

__all__ = ["ImportedCatalog", "ImportedRun", "PickRun"]

_ALGORITHM = 1
"""Incremented when the same weights and thresholds give different picks."""
_REDUCED = 2
"""Incremented when only reduced precision gives different picks."""


class PickRun(BaseModel):
    """The identity of picks: two runs with the same digest make the same picks.

    The archive is not part of it: the same waveforms give the same picks wherever they are
    stored, and a campaign may use two archives.  The ledger names the archive.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    picker: PickerInfo
    """Model and weights, identified by content."""
    p_threshold: float | None
    """Probability threshold of P picks; None if the picker has no P."""
    s_threshold: float | None
    """Probability threshold of S picks; None if the picker has no S."""
    algorithm: int = _ALGORITHM
    """Version of epicat's picking algorithm."""
    quality: QualityOptions = QualityOptions()
    """Criteria for excluding waveforms."""
    precision: Precision = "f32"
    """Inference precision."""

    @classmethod
    def from_options(
        cls, info: PickerInfo, options: PickOptions, quality: QualityOptions | None = None
    ) -> PickRun:
        """Resolve the thresholds: those of the options, otherwise the defaults of the weights."""
        given = {"P": options.p_threshold, "S": options.s_threshold}
        for phase, threshold in given.items():
            if threshold is not None and phase not in info.thresholds:
                raise InputError(f"{phase} threshold {threshold:g}: {info.model} picks no {phase}")
        resolved = {phase: own or info.thresholds.get(phase) for phase, own in given.items()}
        return cls(
            picker=info,
            p_threshold=resolved["P"],
            s_threshold=resolved["S"],
            quality=quality or QualityOptions(),
            precision=options.precision,
        )

    @cached_property
    def digest(self) -> str:
        """Identifies the run.

        Settings at their original defaults are omitted so that existing digests stay valid.
        """
        thresholds = (self.p_threshold, self.s_threshold)
        reduced = () if self.precision == "f32" else ("precision", self.precision, _REDUCED)
        given = (*thresholds, self.algorithm, *self.quality.given, *reduced)
        return digest_of(_identity(self.picker), *given)

    def picks_with(self, info: PickerInfo) -> bool:
        """Return whether a picker is the one of this run, by everything that affects picks."""
        return _identity(info) == _identity(self.picker)

    @property
    def thresholds(self) -> dict[str, float]:
        """Threshold by phase."""
        both = {"P": self.p_threshold, "S": self.s_threshold}
        return {phase: threshold for phase, threshold in both.items() if threshold is not None}

    @property
    def halo_ns(self) -> int:
        """How far beyond a day waveforms are read, in nanoseconds.

        Two windows determine the probabilities at midnight; two more leave room for a trigger
        that extends over it, and for the resampling filter.  The picker's own filters are added.
        """
        windows = 4 * self.picker.samples / self.picker.sampling_rate
        filters = max(map(reach_s, self.picker.filters.values()), default=0.0)
        return round((windows + filters) * 1e9)


def _identity(info: PickerInfo) -> dict[str, Any]:
    identity = info.model_dump(exclude={"made_with", "weight", "version", "about"})
    if info.step == 1:  # as before there were others
        del identity["step"]
    return identity


class ImportedRun(BaseModel):
    """The identity of imported picks: the file that they were read from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    imported: str
    """Name of the file."""
    sha256: str
    """SHA-256 of the file."""
    columns: dict[str, str]
    """Column of the file by its meaning."""
    algorithm: int = _ALGORITHM
    """Version of the import."""
    settings: dict[str, str] = {}
    """What else decides the picks, such as the network of bare station names."""

    @cached_property
    def digest(self) -> str:
        """Identifies the run; the name of the file is not part of it."""
        given = (f"{name}={value}" for name, value in sorted(self.settings.items()))
        columns = sorted(self.columns.items())
        return digest_of("imported", self.sha256, columns, self.algorithm, *given)


class ImportedCatalog(BaseModel):
    """The identity of events that were found elsewhere: the file that they came in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    """Digest of the run of their picks."""
    imported: str
    """Name of the file."""
    sha256: str
    """SHA-256 of the file."""
    stations: str
    """Digest of the positions that distances were computed with; empty without any."""
    latitude: float
    """Latitude of the origin of the local plane, degrees."""
    longitude: float
    """Longitude of the origin of the local plane, degrees."""
    block_ns: int
    """Length of the blocks that the events are kept in."""
    algorithm: int = _ALGORITHM
    """Version of the import."""

    @cached_property
    def digest(self) -> str:
        """Identifies the catalog; the name of the file is not part of it."""
        parts = (self.run, self.sha256, self.stations, self.block_ns, self.algorithm)
        return digest_of("imported catalog", *parts)
