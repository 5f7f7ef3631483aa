"""A catalog out of a store, piece by piece, so that it never is in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from epicat.amplitude.rows import read_amplitudes
from epicat.export.quakes import Part
from epicat.ledger import LedgerEntry, Stage
from epicat.model import Span
from epicat.store.base import REACH_NS, ReadableStore, Where
from epicat.table_rows import accepted
from epicat.tables import PICKS, TableName
from epicat.time import DAY_NS

__all__ = ["PartDesigns", "catalog_parts", "first_motions"]

_SIZES: tuple[TableName, ...] = ("magnitudes", "station_magnitudes")

_MS = 1_000_000
_MOST_EVENTS = 10_000
_MOST_BLOCKS = 28
"""A week of blocks of six hours: all its picks are read, also those of no event."""


@dataclass(frozen=True, slots=True)
class PartDesigns:
    """Digests of what comes with events; one that is empty stands for nothing."""

    location: str = ""
    """The location whose origins come with them."""
    magnitude: str = ""
    """Their magnitudes."""
    amplitude: str = ""
    """The amplitudes whose first motions come with the picks."""


def catalog_parts(
    store: ReadableStore,
    run: str | None,
    associator: str | None,
    designs: PartDesigns | None = None,
    *,
    with_rejected: bool = False,
    span: Span | None = None,
) -> Iterator[Part]:
    """Give the events of an associator with their arrivals and the run's picks, in order.

    ``designs`` name the location, magnitudes and amplitudes that come with them.  ``span`` leaves
    out blocks that have no event in it; others come with all their events.
    """
    wanted = designs or PartDesigns()
    if run is None or associator is None:
        return
    for keys in _bundles(store.ledger(Stage.ASSOCIATE, associator, _around(span))):
        where = Where(design=associator, keys=keys)
        arrivals = store.read("arrivals", where)
        events = store.read("events", where)
        chosen = events if with_rejected else accepted(events)
        part = Part(chosen, arrivals, PICKS.empty_table())
        if wanted.location:
            ours = Where(design=wanted.location, keys=keys)
            origins, located = store.read("origins", ours), store.read("origin_arrivals", ours)
            part = replace(part, origins=origins, origin_arrivals=located)
        if wanted.magnitude:
            ours = Where(design=wanted.magnitude, keys=keys)
            magnitudes, stations = (store.read(t, ours) for t in _SIZES)
            part = replace(part, magnitudes=magnitudes, station_magnitudes=stations)
        picks = _picks(store, run, arrivals, part.origin_arrivals)
        polarities = first_motions(store, wanted.amplitude, picks) if wanted.amplitude else {}
        yield replace(part, picks=picks, polarities=polarities)


def _around(span: Span | None) -> Span | None:
    """Return a span with the first days of all blocks that may have events in it."""
    return span and Span(span.start_ns - REACH_NS[Stage.ASSOCIATE], span.end_ns)


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


def first_motions(store: ReadableStore, amplitude: str, picks: pa.Table) -> Mapping[str, int]:
    """Return the first motions of P picks by pick, 1 up, -1 down and 0 undecided."""
    names = ("trace_id", "band", "pick_id", "phase")
    columns = [picks[name].to_pylist() for name in names]
    times = picks["time"].cast(pa.int64()).to_pylist()
    wanted = {
        (trace, band, time_ns // _MS): pick_id
        for trace, band, pick_id, phase, time_ns in zip(*columns, times, strict=True)
        if phase == "P"
    }
    found: dict[str, int] = {}
    for day in sorted({time_ns // DAY_NS for time_ns in times}):
        span = Span(day * DAY_NS, (day + 1) * DAY_NS)
        for _, one in read_amplitudes(store.read("amplitudes", Where(amplitude, span))):
            motions = zip(one.time_ns.tolist(), one.phases, one.polarity.tolist(), strict=True)
            for time_ns, phase, polarity in motions:
                pick_id = wanted.get((one.trace_id, one.band, time_ns // _MS))
                if pick_id is not None and phase == "P":
                    found[pick_id] = polarity
    return found
