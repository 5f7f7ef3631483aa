"""A campaign: everything that decides what is computed, frozen and validated on entry."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from epicat.archive.access import Access
from epicat.archive.archive import Archive, open_archive
from epicat.association.design import Design
from epicat.campaign.pick_run import ImportedRun, PickRun
from epicat.geo import Extent
from epicat.model import Place, Span, Station, StationDay, places_of
from epicat.store.mongo.address import secured
from epicat.time import DAY_NS

__all__ = ["Campaign", "whole_days"]


class Campaign(BaseModel):
    """What workers need to know.  Plain data: it travels to them as JSON, without secrets.

    Examples
    --------
    >>> import epicat as ec
    >>> campaign = ec.resolve(ec.CampaignOptions.from_toml("campaign.toml"))
    >>> len(campaign.stations)
    8

    """

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
    run: PickRun | ImportedRun
    """The identity of the picks."""
    design: Design
    """The identity of the events."""
    stations: tuple[Station, ...]
    """The stations of the campaign, in the order of ids."""
    site_radius_m: float
    """Stations this near to each other are one site."""

    @cached_property
    def places(self) -> dict[str, Place]:
        """The places of the campaign by name, in alphabetical order."""
        return places_of(self.stations)

    @cached_property
    def names(self) -> list[str]:
        """The names of the places, in alphabetical order."""
        return list(self.places)

    @cached_property
    def pick_names(self) -> list[str]:
        """The stations in the keys of the picks that are associated, in alphabetical order."""
        if isinstance(self.run, PickRun):
            return self.names
        return sorted({f"{station.network}.{station.code}" for station in self.stations})

    @property
    def picking(self) -> PickRun:
        """The run of a campaign that picks; raise TypeError if its picks were imported."""
        if not isinstance(self.run, PickRun):
            raise TypeError(f"run {self.run.digest} was imported: nothing says how to pick for it")
        return self.run

    def operates(self, key: StationDay) -> bool:
        """Tell whether a place has data of a day to expect, as far as the stations tell."""
        if key.station in self._timeless:  # most are, and a plan asks for each station-day
            return True
        return self.places[key.station].operates(key.span)

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
