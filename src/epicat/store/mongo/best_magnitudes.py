"""The events of a database with their computed magnitudes, as soon as there are any.

A document of ``events`` has ``ml``, ``ml_error``, ``ml_stations``, ``ml_law`` and ``magnitude_id``
of the magnitudes that were computed last.  ``magnitude`` and ``magnitude_type`` stay those of an
imported catalog.  The documents are updated before the magnitudes of their block are marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from pymongo import UpdateOne

from epicat._util.lists import batched
from epicat.ledger import MagnitudeEntry
from epicat.store.base import ReadableStore
from epicat.store.mongo.documents import SHAPES
from epicat.store.mongo.server import BATCH, Document, Server

__all__ = ["BestMagnitudes"]

_FIELDS: Final = {
    "ml": "value",
    "ml_error": "standard_error",
    "ml_stations": "n_used",
    "ml_law": "law",
    "magnitude_id": "_id",
}
"""Fields of an event, and those of its magnitude."""
_EVENTS: Final = SHAPES["events"].collection
_MAGNITUDES: Final = SHAPES["magnitudes"].collection


class BestMagnitudes:
    """Writes the magnitudes that were computed last into the events."""

    def __init__(self, server: Server, store: ReadableStore) -> None:
        self._server, self._store = server, store

    def update(self, entries: Sequence[MagnitudeEntry]) -> None:
        """Give the events of blocks their magnitudes, which are written and not yet marked."""
        for design in sorted({entry.design for entry in entries}):
            record = self._store.records("magnitude").get(design, {})
            associator = str(record.get("associator") or "")
            if associator:
                for some in batched([e for e in entries if e.design == design], BATCH):
                    self._update(associator, design, some)

    def _update(self, associator: str, design: str, entries: Sequence[MagnitudeEntry]) -> None:
        generations = {entry.key: entry.generation for entry in entries}
        keys = {"$in": sorted(generations)}
        sizes = {
            found["event_id"]: found
            for found in self._server.find(_MAGNITUDES, {"magnitude_design": design, "key": keys})
            if generations[found["key"]] in found["generations"]
        }
        events = self._server.find(_EVENTS, {"associator": associator, "key": keys}, ["key"])
        writes = [_change(event, sizes.get(str(event["_id"]))) for event in events]
        if writes:
            collection = self._server.collection(_EVENTS)
            self._server.do(partial(collection.bulk_write, writes, ordered=False))


def _change(event: Document, size: Document | None) -> UpdateOne:
    """Return the change of an event: to its magnitude, or to none."""
    if size is None:
        return UpdateOne({"_id": event["_id"]}, {"$unset": dict.fromkeys(_FIELDS, True)})
    values = {name: size[source] for name, source in _FIELDS.items()}
    return UpdateOne({"_id": event["_id"]}, {"$set": values})
