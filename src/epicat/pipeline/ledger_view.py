"""Lazy view of the ledger, for planning."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Generic, TypeVar

from epicat.campaign.campaign import Campaign
from epicat.ledger import (
    BlockEntry,
    LedgerEntry,
    LocateEntry,
    MagnitudeEntry,
    MeasureEntry,
    StationDayEntry,
    Status,
)
from epicat.model import Span, StationDay
from epicat.store.base import (
    ReadableStore,
    block_entries,
    locate_entries,
    magnitude_entries,
    measure_entries,
    station_day_entries,
)
from epicat.time import DAY_NS, day_start, named_day

__all__ = ["RETRIED", "WITHOUT_WAVEFORMS", "DayEntries", "LedgerView"]

RETRIED = frozenset({Status.FAILED, Status.READ_ERROR})
"""Statuses that the next run retries."""

WITHOUT_WAVEFORMS = frozenset({Status.NO_DATA, Status.REJECTED, *RETRIED})
"""Statuses of station-days that have no amplitudes."""

_ENTRIES = 200_000
"""Approximate number of entries read at once."""
_KEPT = 4
"""Number of parts kept in memory: the reach of a block may touch several."""


E = TypeVar("E", StationDayEntry, MeasureEntry)


class DayEntries(Mapping[str, E], Generic[E]):
    """The newest entries of station-days, a few days in memory at a time.

    A plan visits the days in order, so that each is read once or twice.
    """

    def __init__(self, read: Callable[[Span], Iterable[E]], span: Span, days_at_once: int) -> None:
        self._read: Callable[[Span], Iterable[E]] = read
        self._span = span
        self._days_at_once = days_at_once
        self._kept: OrderedDict[int, dict[str, E]] = OrderedDict()
        self._numbers: dict[str, int] = {}

    def __getitem__(self, key: str) -> E:
        name = key.rpartition("/")[2]
        if name not in self._numbers:
            self._numbers[name] = self._number(named_day(name))
        return self._part(self._numbers[name])[key]

    def __iter__(self) -> Iterator[str]:
        for number in sorted({self._number(day) for day in self._span.days()}):
            days = (StationDay.parse(key) for key in self._part(number))
            yield from (str(key) for key in days if key.span.overlaps(self._span))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        """Return True without reading: there may be entries."""
        return True

    def _number(self, day: date) -> int:
        return day.toordinal() // self._days_at_once

    def _part(self, number: int) -> dict[str, E]:
        """Return the entries of a group of days that are read together."""
        if number not in self._kept:
            first = date.fromordinal(max(1, number * self._days_at_once))
            last = date.fromordinal((number + 1) * self._days_at_once - 1)
            days = Span(day_start(first), day_start(last) + DAY_NS)
            self._kept[number] = {e.key: e for e in self._read(days)}
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]


@dataclass(frozen=True, slots=True)
class LedgerView:
    """The entries of a campaign's run and associator."""

    picks: Mapping[str, StationDayEntry]
    """Newest entry of each station-day of the run."""
    blocks: Mapping[str, BlockEntry]
    """Newest entry of each block of the associator."""
    locations: Mapping[str, LocateEntry] = field(default_factory=dict)
    """Newest entry of each block of the location."""
    measures: Mapping[str, MeasureEntry] = field(default_factory=dict)
    """Newest entry of each measured station-day."""
    magnitudes: Mapping[str, MagnitudeEntry] = field(default_factory=dict)
    """Newest entry of each block of the magnitudes."""

    @classmethod
    def from_entries(cls, entries: Iterable[LedgerEntry], campaign: Campaign) -> LedgerView:
        """Select the entries of a campaign."""
        picks: dict[str, StationDayEntry] = {}
        blocks: dict[str, BlockEntry] = {}
        locations: dict[str, LocateEntry] = {}
        measures: dict[str, MeasureEntry] = {}
        magnitudes: dict[str, MagnitudeEntry] = {}
        magnitude = campaign.magnitude.digest if campaign.magnitude else ""
        location = campaign.location.digest if campaign.location else ""
        amplitudes = campaign.amplitudes.digest if campaign.amplitudes else ""
        for entry in entries:
            if isinstance(entry, StationDayEntry) and entry.design == campaign.run.digest:
                picks[entry.key] = entry
            elif isinstance(entry, BlockEntry) and entry.design == campaign.design.digest:
                blocks[entry.key] = entry
            elif isinstance(entry, LocateEntry) and entry.design == location:
                locations[entry.key] = entry
            elif isinstance(entry, MeasureEntry) and entry.design == amplitudes:
                measures[entry.key] = entry
            elif isinstance(entry, MagnitudeEntry) and entry.design == magnitude:
                magnitudes[entry.key] = entry
        return cls(picks, blocks, locations, measures, magnitudes)

    @classmethod
    def from_store(cls, store: ReadableStore | None, campaign: Campaign) -> LedgerView:
        """Return the view of a store's ledger; an empty one without a store."""
        if store is None:
            return cls({}, {})
        # Blocks within reach of the campaign's may be due, and each depends on all within its own.
        design = campaign.design
        span = campaign.span.widened(2 * design.reach_ns + design.block_ns)
        blocks = block_entries(store, design.digest, span)
        days_at_once = max(1, _ENTRIES // max(1, len(campaign.pick_names)))
        picks = DayEntries(
            partial(station_day_entries, store, campaign.run.digest), span, days_at_once
        )
        measures: Mapping[str, MeasureEntry] = {}
        if campaign.amplitudes is not None:
            read = partial(measure_entries, store, campaign.amplitudes.digest)
            measures = DayEntries(read, span, days_at_once)
        located = locate_entries(store, campaign.location.digest, span) if campaign.location else []
        known = {entry.key: entry for entry in located}
        magnitudes = {}
        if campaign.magnitude is not None:
            sized = magnitude_entries(store, campaign.magnitude.digest, span)
            magnitudes = {entry.key: entry for entry in sized}
        return cls(picks, {entry.key: entry for entry in blocks}, known, measures, magnitudes)

    def is_done(self, key: StationDay, archive: str, layout: str, orientation: str = "") -> bool:
        """Return whether a station-day needs no work.

        Days are due if the digest of their channels' directions in the metadata changed, days
        without data if the archive or its layout changed, and days that failed or could not be
        read in any case.
        """
        entry = self._entry(key)
        if entry is None or entry.status in RETRIED:
            return False
        if entry.orientation != orientation:
            return False
        if entry.status != Status.NO_DATA:
            return True
        return entry.archive == archive and entry.layout in (layout, "")

    def is_incomplete(self, key: StationDay) -> bool:
        """Return whether some object of a station-day could not be obtained when it was picked."""
        entry = self._entry(key)
        return entry is not None and entry.is_incomplete

    def _entry(self, key: StationDay) -> StationDayEntry | None:
        return (
            self.picks.get(str(key)) if self.picks else None
        )  # the first plan of a campaign asks for millions
