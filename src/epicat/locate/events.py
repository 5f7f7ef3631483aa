"""Rows of events and picks in, rows of origins out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epicat.locate.design import LocationDesign
from epicat.locate.event_picks import EventPicks, SensorPick, has_enough
from epicat.locate.locator import Locator
from epicat.locate.origin_rows import OriginRows
from epicat.locate.rematch import CandidatePicks, Claimants, Limits, Matches, rematch
from epicat.locate.solution import Located
from epicat.locate.terms import StationTerms
from epicat.locate.terms_file import FileTerms
from epicat.tables import ORIGIN_ARRIVALS, ORIGINS

__all__ = ["LocatedRows", "Rematching", "locate_events"]

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LocatedRows:
    """Rows of a block."""

    origins: pa.Table
    """Rows of ``origins``."""
    arrivals: pa.Table
    """Rows of ``origin_arrivals``."""

    @classmethod
    def empty(cls) -> LocatedRows:
        """Return no rows."""
        return cls(*(pa.Table.from_batches([], kind) for kind in (ORIGINS, ORIGIN_ARRIVALS)))


@dataclass(frozen=True, slots=True)
class Rematching:
    """What a rematch needs to know besides the events."""

    picks: CandidatePicks
    """Picks that may belong to the block's events, also those that they have at present."""
    rows: list[SensorPick]
    """Sensor and row of each of them."""
    own: frozenset[str]
    """Ids of the block's events; the others are neighbours that compete for picks."""


def locate_events(
    given: EventPicks,
    locator: Locator,
    design: LocationDesign,
    key: str,
    terms: FileTerms | None = None,
    rematching: Rematching | None = None,
) -> LocatedRows:
    """Locate events and return their rows under a block's key.

    With ``rematching``, picks join and leave the events by their first location, and the events
    are located once more.  Then only the block's own events have rows.
    """
    if not given.events:
        return LocatedRows.empty()
    work = _Locating(locator, design, key, terms)
    first = work.locate(given, given.start_km)
    if rematching is None:
        return work.rows([OriginRows(given, first, design, key)])
    matches = work.match(given, first, rematching)
    return work.again(given, first, rematching, matches)


class _Locating:
    """The location of a block's events."""

    def __init__(
        self, locator: Locator, design: LocationDesign, key: str, terms: FileTerms | None
    ) -> None:
        self._locator, self._design, self._key, self._terms = locator, design, key, terms

    def locate(self, given: EventPicks, start: F64, *, is_near: bool = False) -> Located:
        return self._locator.locate(
            given.arrivals,
            start=start,
            terms=self._terms_of(given),
            is_start_enough=is_near,
        )

    def match(self, given: EventPicks, first: Located, rematching: Rematching) -> Matches:
        """Match all picks with all events."""
        event = given.arrivals.event
        ids: list[set[str]] = [set() for _ in given.events]
        for k, row in enumerate(given.arrivals.row.tolist()):
            ids[event[k]].add(given.rows[row]["pick_id"])
        events = Claimants(
            event_id=given.ids,
            time_ns=np.array([e["time"] for e in given.events], dtype=np.int64),
            place_km=first.place_km,
            origin_s=first.origin_s,
            error_factor=first.error_factor,
            wrong_share=first.wrong_share,
            pick_ids=[frozenset(own) for own in ids],
        )
        return rematch(
            self._locator,
            rematching.picks,
            events,
            Limits(np.array(self._design.expected_s), self._design.cutoff_km, self._design.reach_s),
            self._terms_of(given),
        )

    def again(
        self, given: EventPicks, first: Located, rematching: Rematching, matches: Matches
    ) -> LocatedRows:
        """Locate the block's events again with the picks that they have now.

        Those that have too few of them keep their first place, with the picks that are left.
        """
        before = {row["pick_id"]: row["event_id"] for row in given.rows}
        located: list[int] = []
        lost: list[int] = []
        picks: dict[int, list[SensorPick]] = {}
        for i, event in enumerate(given.events):
            if event["event_id"] in rematching.own:
                own = [rematching.rows[k] for k in matches.of(i)]
                picks[i] = [(s, _joined(row, event["event_id"], before)) for s, row in own]
                (located if has_enough(own) else lost).append(i)
        parts = []
        if located:
            events = [given.events[i] for i in located]
            again = EventPicks.from_rows(events, [picks[i] for i in located], self._design)
            found = self.locate(again, first.place_km[located], is_near=True)
            parts.append(OriginRows(again, found, self._design, self._key))
        if lost:
            left = [{row["pick_id"] for _, row in picks[i]} for i in lost]
            parts.append(
                OriginRows(
                    given, first, self._design, self._key, dict(zip(lost, left, strict=True))
                )
            )
        return self.rows(parts)

    def rows(self, parts: Sequence[OriginRows]) -> LocatedRows:
        """Return rows in the order of time."""
        if not parts:
            return LocatedRows.empty()
        order = [("time", "ascending"), ("origin_id", "ascending")]
        origins = pa.concat_tables([part.origins() for part in parts]).sort_by(order)
        arrivals = pa.concat_tables([part.arrivals() for part in parts]).sort_by(order)
        return LocatedRows(origins, arrivals)

    def _terms_of(self, given: EventPicks) -> StationTerms | None:
        return self._terms.for_events(given.ids) if self._terms else None


def _joined(row: dict[str, Any], event_id: str, before: dict[str, str]) -> dict[str, Any]:
    """Return the row of a pick as one of an event, with whether it was not so before."""
    return row | {"event_id": event_id, "added": before.get(row["pick_id"]) != event_id}
