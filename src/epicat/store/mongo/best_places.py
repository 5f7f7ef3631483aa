"""The events of a database at their best places, as soon as a location has found them.

A document of ``events`` has time and place of the preferred location, with its uncertainty, the
numbers that describe its picks, and ``origin_id`` and ``location_id``.  Those of the association
are in ``associated``, from which epicat reads the row; ``picks`` counts the assignments.  The
documents are updated before the location of their block is marked: a kill in between leaves
places that the next call of `epicat locate` writes again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from pymongo import UpdateOne

from epicat._util.lists import batched
from epicat.ledger import LocateEntry, Stage
from epicat.store.base import ReadableStore
from epicat.store.locations import location_of_campaign
from epicat.store.mongo.documents import ASSOCIATED, SHAPES, associated_of, at_place, place_of
from epicat.store.mongo.server import BATCH, Document, Server

__all__ = ["BestPlaces"]

_FROM_ORIGIN: Final = ("location_id", "quality", "time_error_s", "major_km", "minor_km",
                       "azimuth_deg", "depth_error_km", "depth_fixed")  # fmt: skip
_EVENTS: Final = SHAPES["events"].collection
_ORIGINS: Final = SHAPES["origins"].collection


class BestPlaces:
    """Writes the places of the preferred location into the events."""

    def __init__(self, server: Server, store: ReadableStore) -> None:
        self._server, self._store = server, store
        self._associators: dict[str, str] = {}

    def update(self, entries: Sequence[LocateEntry]) -> None:
        """Move the events of blocks whose origins are written, before they are marked."""
        for design in sorted({entry.design for entry in entries}):
            associator = self._associator(design)
            if not associator:
                continue
            for some in batched([e for e in entries if e.design == design], BATCH):
                self._update(associator, design, some)

    def _associator(self, design: str) -> str:
        """Return the associator whose events have this location's places; empty if none."""
        if design not in self._associators:
            record = self._store.records("location").get(design, {})
            associator = str(record.get("associator") or "")
            campaign = location_of_campaign(self._store, associator)
            is_preferred = campaign in ("", design) or not self._store.ledger(
                Stage.LOCATE, campaign
            )
            self._associators[design] = associator if is_preferred else ""
        return self._associators[design]

    def _update(self, associator: str, design: str, entries: Sequence[LocateEntry]) -> None:
        generations = {entry.key: entry.generation for entry in entries}
        keys = {"$in": sorted(generations)}
        origins = {
            found["event_id"]: found
            for found in self._server.find(_ORIGINS, {"location_id": design, "key": keys})
            if generations[found["key"]] in found["generations"]
        }
        events = self._server.find(_EVENTS, {"associator": associator, "key": keys})
        writes = list(_changes(events, origins))
        if writes:
            collection = self._server.collection(_EVENTS)
            self._server.do(partial(collection.bulk_write, writes, ordered=False))


def _changes(events: Iterable[Document], origins: Mapping[str, Document]) -> Iterator[UpdateOne]:
    """Yield the changes of events: to their origins, or back to the association."""
    for event in events:
        origin = origins.get(str(event.get("event_id", event["_id"])))
        there, own = event.get(ASSOCIATED), associated_of(event)
        is_same: dict[str, Any] = {"_id": event["_id"], ASSOCIATED: there or {"$exists": False}}
        if origin is not None:
            found = {name: origin[name] for name in _FROM_ORIGIN}
            change = {**at_place(place_of(origin)), **found, "origin_id": origin["_id"]}
            yield UpdateOne(is_same, {"$set": {ASSOCIATED: own, **change}})
        elif "origin_id" in event:
            away = dict.fromkeys(("origin_id", *_FROM_ORIGIN), True)
            yield UpdateOne(is_same, {"$set": {ASSOCIATED: own, **at_place(own)}, "$unset": away})
