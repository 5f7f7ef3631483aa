"""A catalog out of a store, piece by piece, so that it never is in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from epicat.export.quakes import Part
from epicat.model import LedgerEntry, Span, Stage
from epicat.store.base import ReadableStore, Where
from epicat.tables import accepted

__all__ = ["catalog_parts"]

_MOST_EVENTS = 10_000
_MOST_BLOCKS = 28
"""A week of blocks of six hours: all its picks are read, also those of no event."""


def catalog_parts(
    store: ReadableStore,
    run: str | None,
    associator: str | None,
    location: str = "",
    *,
    with_rejected: bool = False,
) -> Iterator[Part]:
    """Give the events of an associator with their arrivals and the run's picks, in order.

    ``location`` is the digest of the location whose origins come with them; empty for none.
    """
    if run is None or associator is None:
        return
    for keys in _bundles(store.ledger(Stage.ASSOCIATE, associator)):
        where = Where(design=associator, keys=keys)
        arrivals = store.read("arrivals", where)
        events = store.read("events", where)
        chosen = events if with_rejected else accepted(events)
        if not location:
            yield Part(chosen, arrivals, _picks(store, run, arrivals))
            continue
        ours = Where(design=location, keys=keys)
        origins, located = store.read("origins", ours), store.read("origin_arrivals", ours)
        picks = _picks(store, run, arrivals, located)
        yield Part(chosen, arrivals, picks, origins, located)


def _bundles(entries: Iterable[LedgerEntry]) -> Iterator[frozenset[str]]:
    """Give the keys of blocks with events, some at a time, in the order of time."""
    keys: set[str] = set()
    events = 0
    for entry in entries:
        if not entry.n_rows:
            continue
        if keys and (events + entry.n_rows > _MOST_EVENTS or len(keys) == _MOST_BLOCKS):
            yield frozenset(keys)
            keys, events = set(), 0
        keys.add(entry.key)
        events += entry.n_rows
    if keys:
        yield frozenset(keys)


def _picks(store: ReadableStore, run: str, *arrivals: pa.Table) -> pa.Table:
    """Return the picks of the arrivals; there are many more that no event has."""
    used = pa.concat_tables([rows.select(["pick_id", "time"]) for rows in arrivals])
    times = pc.min_max(used["time"].cast(pa.int64())).as_py()
    span = Span(times["min"] or 0, (times["max"] or 0) + 1)
    picks = store.read("picks", Where(design=run, span=span))
    return picks.filter(pc.is_in(picks["pick_id"], value_set=used["pick_id"].combine_chunks()))
