"""A resolved campaign: everything that determines what is computed, frozen and validated."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from epicat.amplitude.design import AmplitudeDesign
from epicat.archive.access import Access
from epicat.archive.archive import Archive, open_archive
from epicat.archive.fdsn import FdsnOptions, InstrumentRequest
from epicat.association.design import Design
from epicat.campaign.pick_run import ImportedRun, PickRun
from epicat.geo import Extent
from epicat.locate.design import LocationDesign
from epicat.magnitude.design import MagnitudeDesign
from epicat.model import EVER, Place, Span, Station, StationDay, digest_of, places_of
from epicat.stations.responses import Responses
from epicat.store.mongo.address import secured
from epicat.time import DAY_NS
from epicat.waveforms.channel_selection import instruments
from epicat.waveforms.orientation import orientation_digest

__all__ = ["Campaign", "whole_days"]


class Campaign(BaseModel):
    """What workers need.  Plain data, sent to them as JSON, without secrets.

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
    """The region of the stations and, with a margin, of the search for events."""
    archive: str = ""
    """Location of the waveforms; empty if existing picks are associated."""
    layout: str = ""
    """Name of the archive's layout."""
    keep: str = ""
    """Folder that keeps what a web service sends, in the SDS layout; empty if nothing is kept."""
    network: str = ""
    """Network of records whose network code is blank; empty if such records belong to none."""
    access: Access = Access()
    """Region, endpoint and credentials mode if the archive is a bucket; no secrets."""
    store: Annotated[str, AfterValidator(secured)]
    """Location of the results, without secrets."""
    bundle: Path | None = None
    """Folder of the compiled picker; None if existing picks are associated."""
    run: PickRun | ImportedRun
    """The identity of the picks."""
    design: Design
    """The identity of the events."""
    location: LocationDesign | None = None
    """The identity of the locations; None if events are not located."""
    amplitudes: AmplitudeDesign | None = None
    """The identity of the amplitudes; None if none are measured."""
    magnitude: MagnitudeDesign | None = None
    """The identity of the magnitudes; None if there are none."""
    responses: Responses = Responses()
    """The responses of the stations' channels."""
    stations: tuple[Station, ...]
    """The stations of the campaign, in the order of ids."""
    site_radius_m: float
    """Stations this near to each other are one site."""
    name: str = ""
    """Name of the catalog in the store; empty for the default one.  Not part of any identity."""

    @cached_property
    def identity(self) -> str:
        """Digest of what it computes, and of which days: equal for the same campaign."""
        return digest_of(self.run.digest, self.design.digest, self.span.start_ns, self.span.end_ns)

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
        """The places in the keys of the picks that are associated, in alphabetical order."""
        if isinstance(self.run, PickRun):
            return self.names
        return sorted({f"{station.network}.{station.code}" for station in self.stations})

    @property
    def picking(self) -> PickRun:
        """The run of a campaign that picks; raises TypeError if its picks were imported."""
        if not isinstance(self.run, PickRun):
            raise TypeError(f"run {self.run.digest} was imported: it cannot pick")
        return self.run

    def operates(self, key: StationDay) -> bool:
        """Return whether a place may have data of a day, as far as the station list tells."""
        if key.station in self.always_operating:  # most do, and a plan asks for each station-day
            return True
        return self.places[key.station].operates(key.span)

    @cached_property
    def always_operating(self) -> frozenset[str]:
        """Places without epochs in the station list."""
        return frozenset(row.name for row in self.stations if not row.epochs)

    def orientation_of(self, key: StationDay) -> str:
        """Return a digest of the directions of a place's channels around a day.

        Empty if the station metadata give none, or those that the channel codes stand for.  A
        station-day is picked again when it changes, under the same run: like waveforms, directions
        belong to what is picked, not to how.
        """
        if key.station not in self._turned:
            return ""
        span = key.span.widened(self.picking.halo_ns)
        return orientation_digest(self.places[key.station].orientations, span)

    @cached_property
    def _turned(self) -> frozenset[str]:
        """Places with channels whose directions are not those of their codes, at any time."""
        places = self.places.items()
        return frozenset(name for name, p in places if orientation_digest(p.orientations, EVER))

    def open_archive(self) -> Archive:
        """Open the archive."""
        codes: dict[tuple[str, str], set[str]] = {}
        for row in self.stations:
            codes.setdefault((row.network, row.code), set()).update(row.channels)
        requests = {
            station: tuple(InstrumentRequest(*found) for found in instruments(channels))
            for station, channels in codes.items()
        }
        wanted = {station: found for station, found in requests.items() if found}
        fdsn = FdsnOptions(wanted, Path(self.keep) if self.keep else None)
        return open_archive(
            self.archive, self.layout, self.access, fdsn=fdsn, blank_network=self.network
        )


def whole_days(span: Span) -> Span:
    """Widen a span to whole UTC days: the keys of the results."""
    start = span.start_ns // DAY_NS * DAY_NS
    return Span(start, -(-span.end_ns // DAY_NS) * DAY_NS)
