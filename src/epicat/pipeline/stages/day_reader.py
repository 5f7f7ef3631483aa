"""Read a station-day and select its sensors: what picking and measuring have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from epicat.archive.archive import Archive
from epicat.archive.objects import StoredObject
from epicat.campaign.pick_run import PickRun
from epicat.errors import ArchiveError
from epicat.ledger import ObjectRead
from epicat.model import Place, Span, StationDay
from epicat.pipeline.stages.day_parts import Part, further_parts
from epicat.pipeline.stages.measure_day import Instrument
from epicat.pipeline.stages.read_day import DayRecords, read_day
from epicat.waveforms.channel_selection import Choice, choose, with_pressure
from epicat.waveforms.quality import Exclusion, name_of, usable_choice
from epicat.waveforms.records import Channel
from epicat.waveforms.traces import Trace

__all__ = ["DayReader", "Reading"]

Channels = Mapping[Channel, Sequence[Trace]]


class Reading(Protocol):
    """What decides which samples of a station-day are used: of a campaign, or of a store."""

    @property
    def network(self) -> str:
        """Network of records whose network code is blank."""
        ...

    @property
    def places(self) -> Mapping[str, Place]:
        """The places by name."""
        ...

    @property
    def picking(self) -> PickRun:
        """The run of the picks."""
        ...


class DayReader:
    """Reads the station-days of a campaign, one at a time."""

    def __init__(self, campaign: Reading, archive: Archive) -> None:
        self._campaign, self._archive = campaign, archive
        self._run = campaign.picking
        self._info = self._run.picker

    def objects(self, key: StationDay) -> list[StoredObject]:
        """Return the objects that a station-day depends on, including those of adjacent days."""
        place = self._campaign.places[key.station]
        return self._archive.objects(place.network, place.code, self.span(key))

    def span(self, key: StationDay) -> Span:
        """Return the span that is read for a station-day."""
        return key.span.widened(self._run.halo_ns)

    def read(self, key: StationDay, items: Sequence[StoredObject], threads: int = 1) -> DayRecords:
        """Read the objects of a station-day; see `read_day`."""
        place, network = self._campaign.places[key.station], self._campaign.network
        return read_day(self._archive, items, place, self.span(key), network, threads)

    def instruments(
        self, key: StationDay, known: Sequence[ObjectRead] = ()
    ) -> tuple[Instrument, ...]:
        """Read a station-day again; return what was picked, with its samples.

        ``known`` are the objects as they were when it was picked.  Raises `ArchiveError` if one has
        changed since or cannot be read, `AwayError` if the archive is unavailable.
        """
        read = self.read(key, self.objects(key))
        _check_unchanged(known, read.objects)
        traces = read.take_traces(self._run.quality.bridged_s)
        parts, _ = self.parts(key, traces)
        return tuple(Instrument.from_choice(part.choice) for part in parts)

    def parts(self, key: StationDay, traces: Channels) -> tuple[list[Part], list[Exclusion]]:
        """Return the sensors of a day, none if no channel can be used, and what is excluded."""
        choice, exclusions = self._choose(key, traces, [key.span])
        if choice is None:
            return [], exclusions
        parts = [Part(choice, (key.span,)), *self._further_parts(key, traces, choice, exclusions)]
        return parts, exclusions

    def _choose(
        self, key: StationDay, channels: Channels, spans: Sequence[Span]
    ) -> tuple[Choice | None, list[Exclusion]]:
        """Select the channels for some spans of a day, without those that are dead or clipped."""
        place = self._campaign.places[key.station]

        def choose_among(left: Channels) -> Choice | None:
            choice = choose(left, spans, place.locations, place.orientations)
            if choice is not None and "H" in self._info.component_order:
                choice = with_pressure(choice, left, key.span)
            return choice

        return usable_choice(choose_among, channels, key.span, self._run.quality)

    def _further_parts(
        self, key: StationDay, traces: Channels, choice: Choice, exclusions: list[Exclusion]
    ) -> list[Part]:
        def choose_for(channels: Channels, spans: Sequence[Span]) -> Choice | None:
            found, others = self._choose(key, channels, spans)
            exclusions.extend(others)
            return found

        window_s = self._info.samples / self._info.sampling_rate
        excluded = {exclusion.channel for exclusion in exclusions}
        left = {c: found for c, found in traces.items() if name_of(c) not in excluded}
        margin_ns, least_s = self._run.halo_ns, window_s
        return further_parts(
            choice, left, choose_for, key.span, margin_ns=margin_ns, least_s=least_s
        )


def _check_unchanged(known: Sequence[ObjectRead], found: Sequence[ObjectRead]) -> None:
    """Raise `ArchiveError` for objects that are not as they were when they were picked."""
    now = {item.key: item.etag for item in found}
    for item in known:
        if item.etag and now.get(item.key) != item.etag:
            what = "has changed since it was picked" if now.get(item.key) else "cannot be read"
            raise ArchiveError(f"{item.key}: {what}")
