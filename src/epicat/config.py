"""A campaign: everything that decides what is computed, frozen and validated at the door."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from epicat.archive.layouts import choose_layout
from epicat.archive.reader import Archive, open_archive
from epicat.archive.stations import read_stations, select
from epicat.associate.design import Design, make_design
from epicat.associate.layers import read_layers
from epicat.associate.options import AssociateOptions
from epicat.associate.sites import SiteIndex
from epicat.clock import DAY_NS
from epicat.errors import InputError
from epicat.geo import Extent, Plane
from epicat.model import Span, Station, digest_of
from epicat.pick.picker import PickerInfo, PickOptions
from epicat.pick.prepare import prepare_bundle
from epicat.waveforms.filters import reach_s

__all__ = ["Campaign", "Cut", "Options", "Run", "settle", "whole_days"]

_ALGORITHM = 1
"""Raised whenever the same weights and thresholds give other picks."""


class Options(BaseModel):
    """What a person asks for: the stages' options, and where things are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    span: Span = Field(description="Time span; widened to whole UTC days.")
    extent: Extent = Field(description="Selects stations and, widened by a margin, hypocenters.")
    archive: str = Field(description="Folder with waveforms: where the layout's names start.")
    layout: str = Field(description="How the archive names its objects: ncedc, sds or files.")
    stations: Path = Field(description="List of stations in CSV.")
    store: str = Field(description="Where picks and events are kept.")
    pick: PickOptions = Field(description="How to pick.")
    associate: AssociateOptions = Field(description="How to associate.")


class Cut(BaseModel):
    """How the work is cut into units.  Never changes a result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stations_per_unit: int = Field(default=1, ge=1, description="Stations in one unit of picking.")
    days_per_unit: int = Field(default=10, ge=1, description="Days in one unit of picking.")
    window_days: int = Field(default=2, ge=1, description="Days in one unit of association.")


class Run(BaseModel):
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

    @classmethod
    def of(cls, info: PickerInfo, options: PickOptions) -> Run:
        """Settle the thresholds: the options', else the weights' own."""
        given = {"P": options.p_threshold, "S": options.s_threshold}
        for phase, threshold in given.items():
            if threshold is not None and phase not in info.thresholds:
                raise InputError(f"{phase} threshold {threshold:g}: {info.model} picks no {phase}")
        settled = {phase: own or info.thresholds.get(phase) for phase, own in given.items()}
        return cls(picker=info, p_threshold=settled["P"], s_threshold=settled["S"])

    @cached_property
    def digest(self) -> str:
        """Names the run."""
        picker = self.picker.model_dump(exclude={"made_with", "weight", "version", "about"})
        return digest_of(picker, self.p_threshold, self.s_threshold, self.algorithm)

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


class Campaign(BaseModel):
    """What workers need to know.  Plain data: it travels to them as JSON, without secrets."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    span: Span
    """Whole UTC days."""
    extent: Extent
    """Selects stations and events."""
    archive: str
    """Where the waveforms are."""
    layout: str
    """How the archive names its objects."""
    store: str
    """Where results go."""
    bundle: Path
    """The compiled picker."""
    run: Run
    """The identity of the picks."""
    design: Design
    """The identity of the events."""
    stations: tuple[Station, ...]
    """The stations of the campaign, in the order of ids."""
    site_radius_m: float
    """Stations this near to each other are one site."""

    @cached_property
    def names(self) -> list[str]:
        """The places of the campaign, in alphabetical order."""
        return sorted({station.name for station in self.stations})

    @cached_property
    def rows_by_name(self) -> dict[str, list[Station]]:
        """The stations of each place."""
        found: dict[str, list[Station]] = {}
        for station in self.stations:
            found.setdefault(station.name, []).append(station)
        return found

    def open_archive(self) -> Archive:
        """Open the archive."""
        return open_archive(self.archive, self.layout)


def whole_days(span: Span) -> Span:
    """Widen a span to whole UTC days: the keys of the results."""
    start = span.start_ns // DAY_NS * DAY_NS
    return Span(start, -(-span.end_ns // DAY_NS) * DAY_NS)


def settle(options: Options) -> Campaign:
    """Settle every number of a campaign: read stations and velocities, prepare the picker.

    Compiles the model if it is not in the cache.  Raises the error tree's `InputError`,
    `ArchiveError` or `ModelError` for what cannot be used.
    """
    choose_layout(options.layout)
    stations = select(read_stations(options.stations), options.extent)
    associate = options.associate
    layers = (
        read_layers(Path(associate.velocity), constant=associate.velocity_layers == "constant")
        if associate.velocity
        else None
    )
    archive = open_archive(options.archive, options.layout)
    bundle = prepare_bundle(options.pick)
    run = Run.of(bundle.info, options.pick)
    plane = Plane(*options.extent.center)
    sites = SiteIndex.of(stations, plane, associate.site_radius_m).sites
    return Campaign(
        span=whole_days(options.span),
        extent=options.extent,
        archive=archive.location,
        layout=options.layout,
        store=options.store,
        bundle=bundle.folder,
        run=run,
        design=make_design(associate, run.digest, options.extent, sites, layers),
        stations=tuple(stations),
        site_radius_m=associate.site_radius_m,
    )
