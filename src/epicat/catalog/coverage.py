"""Which station-days were requested, and which of these were never processed.

Invocations on record say what was requested; a caller may give other days and stations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from epicat.geo import Extent
from epicat.ledger import LedgerEntry, Stage, StationDayEntry, Status
from epicat.model import Span, Station, StationDay, places_of
from epicat.stations import Patterns
from epicat.store.base import ReadableStore
from epicat.store.invocations import Invocation, invocations
from epicat.table_rows import stations_of

__all__ = ["NOT_RUN", "Requested", "complete_ledger", "missing", "requested"]

NOT_RUN = "not run"
"""Why a station-day is missing."""


@dataclass(frozen=True, slots=True)
class Requested:
    """Days and stations that were requested of one run."""

    run: str
    """Digest of the run."""
    span: Span
    """The days."""
    stations: tuple[Station, ...]
    """The stations."""

    def keys(self) -> Iterator[StationDay]:
        """Yield the station-days, without those on which a station does not operate."""
        places = places_of(self.stations).values()
        for day in self.span.days():
            for place in places:
                key = StationDay(place.name, day)
                if place.operates(key.span):
                    yield key


def requested(
    store: ReadableStore, span: Span | None, extent: Extent | None, patterns: Patterns
) -> list[Requested]:
    """Return the station-days that should be there, at stations that the store has.

    With a span they are those days of the newest run; without, what invocations requested.
    """
    stations = [s for s in _inside(stations_of(store.stations()), extent) if patterns.takes(s)]
    picking = [invocation for invocation in invocations(store) if invocation.layout]
    if span is None:
        return [_requested(invocation, stations) for invocation in picking]
    return [Requested(picking[-1].run, span, tuple(stations))] if picking else []


def complete_ledger(
    store: ReadableStore,
    span: Span | None = None,
    extent: Extent | None = None,
    patterns: Patterns | None = None,
) -> list[LedgerEntry]:
    """Return the ledger's entries and one for each requested station-day that was never run.

    The order is that of stage, design and key; see `requested` for the arguments.
    """
    marked = store.ledger()
    never = missing(requested(store, span, extent, patterns or Patterns()), marked)
    return sorted([*marked, *never], key=lambda e: (e.stage, e.design, e.key))


def missing(wanted: Sequence[Requested], entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
    """Yield an entry, of status `Status.MISSING`, for each station-day that has none."""
    seen = {(entry.design, entry.key) for entry in entries if entry.stage == Stage.PICK}
    for one in wanted:
        for key in map(str, one.keys()):
            if (one.run, key) not in seen:
                seen.add((one.run, key))
                yield StationDayEntry(one.run, key, Status.MISSING, "", 0, reason=NOT_RUN)


def _requested(invocation: Invocation, stations: Sequence[Station]) -> Requested:
    """Return what an invocation requested; records of earlier versions name no stations."""
    if invocation.stations is None:
        chosen = _inside(stations, Extent.parse(invocation.extent))
    else:
        named = frozenset(invocation.stations)
        chosen = [station for station in stations if station.name in named]
    return Requested(invocation.run, invocation.span, tuple(chosen))


def _inside(stations: Sequence[Station], extent: Extent | None) -> list[Station]:
    return [s for s in stations if extent is None or extent.contains(s.latitude, s.longitude)]
