"""Station-days that somebody asked for and that nothing was marked for: they were never run.

What was asked for stands in the records of invocations.  A person may ask for other days.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from epicat.geo import Extent
from epicat.model import LedgerEntry, Span, Stage, Station, StationDay, StationDayEntry, Status
from epicat.stations import Patterns
from epicat.store.base import Store, in_order
from epicat.tables import stations_of

__all__ = ["NOT_RUN", "Asked", "asked_for", "missing"]

NOT_RUN = "not run"
"""Why a station-day is missing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Days and stations of one run that somebody asked for."""

    run: str
    """Digest of the run."""
    span: Span
    """The days."""
    stations: tuple[Station, ...]
    """The stations."""

    def keys(self) -> Iterator[StationDay]:
        """Yield the station-days, without those on which a station does not operate."""
        rows: dict[str, list[Station]] = {}
        for station in self.stations:
            rows.setdefault(station.name, []).append(station)
        for day in self.span.days():
            for name in sorted(rows):
                key = StationDay(name, day)
                if any(row.operates(key.span) for row in rows[name]):
                    yield key


def asked_for(
    store: Store, span: Span | None, extent: Extent | None, patterns: Patterns
) -> list[Asked]:
    """Return what should be there, at stations that the store has.

    With a span it is these days of the newest run; without, what invocations have asked for.
    """
    stations = [s for s in _inside(stations_of(store.stations()), extent) if patterns.takes(s)]
    picking = _picking(store)
    if span is None:
        return [_asked(record, stations) for record in picking]
    return [Asked(picking[-1]["run"], span, tuple(stations))] if picking else []


def missing(asked: Sequence[Asked], entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
    """Yield an entry, of status `Status.MISSING`, for each station-day that has none."""
    seen = {(entry.design, entry.key) for entry in entries if entry.stage == Stage.PICK}
    for wish in asked:
        for key in map(str, wish.keys()):
            if (wish.run, key) not in seen:
                seen.add((wish.run, key))
                yield StationDayEntry(wish.run, key, Status.MISSING, "", 0, reason=NOT_RUN)


def _picking(store: Store) -> list[Mapping[str, Any]]:
    """Return the invocations that had waveforms to pick, the oldest first."""
    records = store.records("invocation").values()
    return in_order(record for record in records if record.get("layout"))


def _asked(record: Mapping[str, Any], stations: Sequence[Station]) -> Asked:
    """Return what an invocation asked for; those of earlier versions name no stations."""
    names = record.get("stations")
    if names is None:
        chosen = _inside(stations, Extent.parse(record["extent"]))
    else:
        known = frozenset(names)
        chosen = [station for station in stations if station.name in known]
    return Asked(record["run"], Span(*record["span"]), tuple(chosen))


def _inside(stations: Sequence[Station], extent: Extent | None) -> list[Station]:
    return [s for s in stations if extent is None or extent.contains(s.latitude, s.longitude)]
