"""Rows of events and picks in, rows of origins out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epicat.locate.arrivals import Arrivals
from epicat.locate.design import LocationDesign
from epicat.locate.event_picks import EventPicks, SensorPick, has_enough
from epicat.locate.locator import Locator
from epicat.locate.origin_rows import OriginRows
from epicat.locate.rematch import CandidatePicks, Claimants, Limits, Matches, rematch
from epicat.locate.solution import Located
from epicat.locate.terms import StationTerms
from epicat.locate.terms_file import FileTerms
from epicat.tables import ORIGIN_ARRIVALS, ORIGINS

__all__ = ["BlockEvents", "LocatedRows", "Rematching", "locate_blocks"]

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


@dataclass(frozen=True, slots=True)
class BlockEvents:
    """The events of a block, to be located."""

    key: str
    """Key of the block."""
    given: EventPicks
    """The events with their picks; with ``rematching`` also neighbours."""
    rematching: Rematching | None = None
    """What a rematch needs; None if picks neither join nor leave the events."""


@dataclass(frozen=True, slots=True)
class _Task:
    """Events to locate, and where to begin."""

    given: EventPicks
    start_km: F64
    """Places of the events, shape (events, 3)."""


@dataclass(frozen=True, slots=True)
class _Rematched:
    """The events of a block after the rematch, with the picks that they have now."""

    again: _Task | None
    """Those to be located again; None if there are none."""
    left: dict[int, set[str]]
    """Number of each event that has too few picks now, and the ids of those that are left."""


def locate_blocks(
    blocks: Sequence[BlockEvents],
    locator: Locator,
    design: LocationDesign,
    terms: FileTerms | None = None,
) -> list[LocatedRows]:
    """Locate the events of blocks and return the rows of each.

    With ``rematching``, picks join and leave the events by their first location, and the events
    are located once more.  Then only the block's own events have rows.  The blocks share batches,
    which makes them faster; rows of one do not depend on the others.
    """
    work = _Locating(locator, design, terms)
    first = work.locate([_Task(b.given, b.given.start_km) for b in blocks])
    pairs = list(zip(blocks, first, strict=True))
    rematched = [
        work.rematched(b.given, found, b.rematching) if b.rematching and b.given.events else None
        for b, found in pairs
    ]
    tasks = [r.again for r in rematched if r and r.again]
    again = iter(work.locate(tasks, is_near=True))
    rows = []
    for (block, found), now in zip(pairs, rematched, strict=True):
        parts = []
        if block.given.events and (now is None or now.left):
            left = now.left if now else None
            parts.append(OriginRows(block.given, found, design, block.key, left))
        if now and now.again:
            parts.append(OriginRows(now.again.given, next(again), design, block.key))
        rows.append(_rows(parts))
    return rows


class _Locating:
    """The location of the events of blocks."""

    def __init__(self, locator: Locator, design: LocationDesign, terms: FileTerms | None) -> None:
        self._locator, self._design, self._terms = locator, design, terms

    def locate(self, tasks: Sequence[_Task], *, is_near: bool = False) -> list[Located]:
        """Locate events in the same batches, ``is_near`` without a search."""
        if not tasks:
            return []
        joined = Arrivals.joined([task.given.arrivals for task in tasks])
        found = self._locator.locate(
            joined,
            start=np.concatenate([task.start_km for task in tasks]),
            terms=self._terms_of([name for task in tasks for name in task.given.ids]),
            is_start_enough=is_near,
        )
        parts, events, picks = [], 0, 0
        for task in tasks:
            own, its = len(task.given.events), len(task.given.rows)
            parts.append(found.part(slice(events, events + own), slice(picks, picks + its)))
            events, picks = events + own, picks + its
        return parts

    def _matches(self, given: EventPicks, first: Located, rematching: Rematching) -> Matches:
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
            self._terms_of(given.ids),
        )

    def rematched(self, given: EventPicks, first: Located, rematching: Rematching) -> _Rematched:
        """Match picks, and collect the block's own events with those that they have now.

        Events that have too few of them keep their first place.
        """
        matches = self._matches(given, first, rematching)
        before = {row["pick_id"]: row["event_id"] for row in given.rows}
        located: list[int] = []
        picks: list[list[SensorPick]] = []
        left: dict[int, set[str]] = {}
        for i, event in enumerate(given.events):
            if event["event_id"] not in rematching.own:
                continue
            matched = [rematching.rows[k] for k in matches.of(i)]
            own = [(s, _joined(row, event["event_id"], before)) for s, row in matched]
            if has_enough(own):
                located.append(i)
                picks.append(own)
            else:
                left[i] = {row["pick_id"] for _, row in own}
        if not located:
            return _Rematched(None, left)
        again = EventPicks.from_rows([given.events[i] for i in located], picks, self._design)
        return _Rematched(_Task(again, first.place_km[located]), left)

    def _terms_of(self, event_ids: list[str]) -> StationTerms | None:
        return self._terms.for_events(event_ids) if self._terms else None


def _rows(parts: Sequence[OriginRows]) -> LocatedRows:
    """Return rows in the order of time."""
    if not parts:
        return LocatedRows.empty()
    order = [("time", "ascending"), ("origin_id", "ascending")]
    origins = pa.concat_tables([part.origins() for part in parts]).sort_by(order)
    arrivals = pa.concat_tables([part.arrivals() for part in parts]).sort_by(order)
    return LocatedRows(origins, arrivals)


def _joined(row: dict[str, Any], event_id: str, before: dict[str, str]) -> dict[str, Any]:
    """Return the row of a pick as one of an event, with whether it was not so before."""
    return row | {"event_id": event_id, "added": before.get(row["pick_id"]) != event_id}
