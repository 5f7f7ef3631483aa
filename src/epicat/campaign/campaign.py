"""A campaign: everything that decides what is computed, frozen and validated at the door."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

from epicat.archive.access import Access, settle_access
from epicat.archive.archive import Archive, look_into, open_archive
from epicat.archive.layouts import choose_layout
from epicat.archive.registry import layout_for, locate
from epicat.archive.s3 import is_bucket
from epicat.associate.design import Design, make_design
from epicat.associate.layers import read_layers
from epicat.associate.options import AssociateOptions
from epicat.associate.sites import SiteIndex
from epicat.campaign.options import Cut, Options
from epicat.errors import InputError
from epicat.fs.retry import BRISK
from epicat.geo import Extent, Plane
from epicat.model import Span, Station, StationDay, digest_of
from epicat.pick.openvino.bundle import Bundle
from epicat.pick.options import Precision
from epicat.pick.picker import PickerInfo, PickOptions
from epicat.pick.resolve import prepare_bundle
from epicat.stations import Patterns, bucket_opener, find_stations, select
from epicat.store.mongo.address import secured
from epicat.time import DAY_NS
from epicat.waveforms.filters import reach_s
from epicat.waveforms.options import QualityOptions

__all__ = [
    "Campaign",
    "Cut",
    "ImportedRun",
    "Options",
    "Run",
    "choose_stations",
    "settle",
    "settle_design",
    "unheard",
    "whole_days",
]

_ALGORITHM = 1
"""Raised whenever the same weights and thresholds give other picks."""
_FEWER_BITS = 2
"""Raised whenever only fewer bits than 32 give other picks."""


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
    quality: QualityOptions = QualityOptions()
    """Which waveforms are not picked."""
    precision: Precision = "f32"
    """Numbers that the picker computes in."""

    @classmethod
    def of(
        cls, info: PickerInfo, options: PickOptions, quality: QualityOptions | None = None
    ) -> Run:
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


class Campaign(BaseModel):
    """What workers need to know.  Plain data: it travels to them as JSON, without secrets."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True
    )

    span: Span
    """Whole UTC days."""
    extent: Extent
    """Selects stations and events."""
    archive: str = ""
    """Where the waveforms are; empty if picks are only associated."""
    layout: str = ""
    """How the archive names its objects."""
    access: Access = Access()
    """How the archive is reached if it is a bucket; without secrets."""
    store: Annotated[str, AfterValidator(secured)]
    """Where results go: without any secret, which a database's address refers to."""
    bundle: Path | None = None
    """The compiled picker; None if picks are only associated."""
    run: Run | ImportedRun
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

    @cached_property
    def pick_names(self) -> list[str]:
        """The stations in the keys of the picks that are associated, in alphabetical order."""
        if isinstance(self.run, Run):
            return self.names
        return sorted({f"{station.network}.{station.code}" for station in self.stations})

    @property
    def picking(self) -> Run:
        """The run of a campaign that picks; raise TypeError if its picks were imported."""
        if not isinstance(self.run, Run):
            raise TypeError(f"run {self.run.digest} was imported: nothing says how to pick for it")
        return self.run

    def operates(self, key: StationDay) -> bool:
        """Tell whether a place has data of a day to expect, as far as the stations tell."""
        if key.station in self._timeless:  # most are, and a plan asks for each station-day
            return True
        return any(row.operates(key.span) for row in self.rows_by_name[key.station])

    @cached_property
    def _timeless(self) -> frozenset[str]:
        """Places of which nothing says when they operate."""
        return frozenset(row.name for row in self.stations if not row.epochs)

    def open_archive(self) -> Archive:
        """Open the archive."""
        return open_archive(self.archive, self.layout, self.access)


def whole_days(span: Span) -> Span:
    """Widen a span to whole UTC days: the keys of the results."""
    start = span.start_ns // DAY_NS * DAY_NS
    return Span(start, -(-span.end_ns // DAY_NS) * DAY_NS)


def unheard(text: str) -> None:
    """Say nothing."""
    del text


def settle(
    options: Options,
    say: Callable[[str], None] = unheard,
    prepare: Callable[[PickOptions], Bundle] = prepare_bundle,
) -> Campaign:
    """Settle every number of a campaign: read stations and velocities, prepare the picker.

    ``prepare`` gives the picker when all that comes before it is settled, by default compiled
    here if it is not in the cache; ``say`` is told what a person may want to know.  Raises the
    error tree's `InputError`, `ArchiveError` or `ModelError` for what cannot be used.
    """
    layout = layout_for(options.archive, options.layout)
    choose_layout(layout)
    access = _access(options)
    patterns = Patterns(options.select, options.exclude)
    opener = bucket_opener(options.archive, access)
    found = find_stations(options.stations, options.extent, patterns, opener)
    stations = choose_stations(found, options.extent, patterns, say)
    span = whole_days(options.span)
    archive = open_archive(options.archive, layout, access, BRISK)
    if is_bucket(archive.location):
        first = Span(span.start_ns, span.start_ns + DAY_NS)
        look_into(archive, ((s.network, s.code) for s in stations), first)
    bundle = prepare(options.pick)
    run = Run.of(bundle.info, options.pick, options.quality)
    return Campaign(
        span=span,
        extent=options.extent,
        archive=archive.location,
        layout=layout,
        access=access,
        store=options.store,
        bundle=bundle.folder,
        run=run,
        design=settle_design(options.associate, run.digest, options.extent, stations),
        stations=tuple(stations),
        site_radius_m=options.associate.site_radius_m,
    )


def _access(options: Options) -> Access:
    if not is_bucket(locate(options.archive)):
        return Access()
    return settle_access(
        options.archive,
        region=options.archive_region,
        endpoint=options.archive_endpoint,
        signed=options.archive_signed,
    )


def settle_design(
    associate: AssociateOptions, run: str, extent: Extent, stations: list[Station]
) -> Design:
    """Settle the association of a run's picks at these stations; read the velocities."""
    layers = (
        read_layers(Path(associate.velocity), constant=associate.velocity_layers == "constant")
        if associate.velocity
        else None
    )
    sites = SiteIndex.of(stations, Plane(*extent.center), associate.site_radius_m).sites
    return make_design(associate, run, extent, sites, layers)


def choose_stations(
    found: list[Station], extent: Extent, patterns: Patterns, say: Callable[[str], None]
) -> list[Station]:
    """Return the stations inside an extent that match the patterns, in the order of ids."""
    inside = select(found, extent)
    chosen = patterns.chosen(inside)
    kept = f", {len(chosen)} kept by --select and --exclude" if len(chosen) < len(inside) else ""
    say(f"{len(found):,} stations, {len(inside):,} of them inside the extent{kept}")
    return chosen
