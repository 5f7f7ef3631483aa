"""Events at their best places: those of a location where it has them, else the association's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from epicat.model import digest_of
from epicat.tables import ARRIVALS, EVENTS, MAGNITUDES, ORIGIN_ARRIVALS, ORIGINS

__all__ = [
    "ADDED_BY_MAGNITUDES",
    "BEST_ARRIVALS",
    "BEST_ARRIVAL_COLUMNS",
    "BEST_EVENTS",
    "BEST_EVENT_COLUMNS",
    "arrivals_at_best_places",
    "best_event_sources",
    "events_at_best_places",
    "events_with_magnitudes",
    "locations_digest",
    "unmet",
]

_FROM_EITHER: Final = tuple(
    name for name in EVENTS.names if name in ORIGINS.names and name not in ("event_id", "rejected",
                                                                             "design", "key")
)  # fmt: skip
"""Columns that events and origins share: the origin's replace the event's."""
_FROM_ORIGIN: Final = tuple(name for name in ORIGINS.names if name not in EVENTS.names)
_ASSOCIATED: Final = ("time", "latitude", "longitude", "depth_km")
_ADDED_ARRIVALS: Final = tuple(
    name for name in ORIGIN_ARRIVALS.names if name not in ARRIVALS.names and name != "origin_id"
)


ADDED_BY_MAGNITUDES: Final = {
    "magnitude_error": "standard_error",
    "magnitude_stations": "n_used",
    "magnitude_bounds": "n_bounds",
}
"""Columns that `events_with_magnitudes` adds, and those of ``magnitudes`` that they are."""


def _nullable(schema: pa.Schema, names: Sequence[str], prefix: str = "") -> list[pa.Field]:
    return [pa.field(prefix + name, schema.field(name).type) for name in names]


BEST_EVENTS: Final = pa.schema(
    [
        *EVENTS,
        *_nullable(ORIGINS, _FROM_ORIGIN),
        pa.field("location", pa.string()),
        pa.field("unmet", pa.string()),
        *_nullable(EVENTS, _ASSOCIATED, "associated_"),
    ]
)
"""The columns of events at their best places.

Those of ``events``, with time, place and quality of the location; then those of ``origins`` that
events do not have, null for an event that was not located.  ``location`` is the digest of the
location; ``unmet`` says which criterion of an event the located picks no longer meet;
``associated_...`` are time and place of the association.
"""
BEST_EVENT_COLUMNS: Final = (
    *EVENTS.names[: EVENTS.names.index("dmin_km") + 1],
    "magnitude", "magnitude_type", "magnitude_error", "time_error_s", "major_km", "minor_km",
    "azimuth_deg", "depth_error_km", "quality", "depth_fixed", "unmet",
)  # fmt: skip
"""The standard columns of an export of `BEST_EVENTS`."""

BEST_ARRIVALS: Final = pa.schema([*ARRIVALS, *_nullable(ORIGIN_ARRIVALS, _ADDED_ARRIVALS)])
"""The columns of arrivals of best places: ``arrivals``, and those of ``origin_arrivals``.

The added ones are null for an event that was not located.
"""
BEST_ARRIVAL_COLUMNS: Final = (
    *ARRIVALS.names[: ARRIVALS.names.index("azimuth_deg") + 1],
    *_ADDED_ARRIVALS,
)
"""The standard columns of an export of `BEST_ARRIVALS`."""


def events_at_best_places(events: pa.Table, origins: pa.Table) -> pa.Table:
    """Return events at the places of their origins, in the order of time.

    ``events`` are rows of `EVENTS`, ``origins`` rows of `ORIGINS` of one location.  An event
    without an origin keeps the place of the association; origins of other events are ignored.
    """
    own = _origins_of(events, origins)
    columns = {name: events[name] for name in EVENTS.names}
    columns |= {name: pc.coalesce(own[name], events[name]) for name in _FROM_EITHER}
    columns |= {name: own[name] for name in _FROM_ORIGIN}
    columns["location"] = own["design"]
    columns["unmet"] = unmet(events["rejected"], own["rejected"])
    columns |= {f"associated_{name}": events[name] for name in _ASSOCIATED}
    arrays = [columns[field.name].cast(field.type) for field in BEST_EVENTS]
    found = pa.Table.from_arrays(arrays, schema=BEST_EVENTS)
    return found.sort_by([("time", "ascending"), ("event_id", "ascending")])


def unmet(event_rejected: pa.ChunkedArray, origin_rejected: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return which criterion the located picks no longer meet; null if none, or if rejected."""
    is_met = pc.or_kleene(pc.is_valid(event_rejected), pc.equal(origin_rejected, ""))
    return pc.if_else(pc.fill_null(is_met, False), pa.scalar(None, pa.string()), origin_rejected)


def best_event_sources(events: str, origins: str, magnitudes: str) -> list[tuple[str, str]]:
    """Return each column of `BEST_EVENTS` with magnitudes, and its SQL expression.

    The arguments are the names of the tables, joined by the event.  The last columns are those of
    `ADDED_BY_MAGNITUDES`.
    """
    either = {name: f"coalesce({origins}.{name}, {events}.{name})" for name in _FROM_EITHER}
    reason = f"CASE WHEN {events}.rejected IS NULL THEN nullif({origins}.rejected, '') END"
    source = {
        **{name: f"{events}.{name}" for name in EVENTS.names},
        **either,
        **{name: f"{origins}.{name}" for name in _FROM_ORIGIN},
        "location": f"{origins}.design",
        "unmet": reason,
        **{f"associated_{name}": f"{events}.{name}" for name in _ASSOCIATED},
        "magnitude": f"coalesce({magnitudes}.value, {events}.magnitude)",
        "magnitude_type": f"coalesce({magnitudes}.type, {events}.magnitude_type)",
        **{name: f"{magnitudes}.{own}" for name, own in ADDED_BY_MAGNITUDES.items()},
    }
    return [(name, source[name]) for name in (*BEST_EVENTS.names, *ADDED_BY_MAGNITUDES)]


def _origins_of(events: pa.Table, origins: pa.Table) -> pa.Table:
    """Return a row of ``origins`` for each event, of nulls where it has none."""
    at = pc.index_in(events["event_id"], value_set=origins["event_id"].combine_chunks())
    nullable = pa.schema([pa.field(field.name, field.type) for field in origins.schema])
    return origins.cast(nullable).take(at.combine_chunks())


def arrivals_at_best_places(
    arrivals: pa.Table, origin_arrivals: pa.Table, located: pa.Array
) -> pa.Table:
    """Return the arrivals of best places, in the order of time.

    ``arrivals`` are rows of `ARRIVALS`, ``origin_arrivals`` rows of `ORIGIN_ARRIVALS` of one
    location, and ``located`` the ids of events that have an origin of it: their arrivals are
    those of the origin.  Other rows of ``origin_arrivals`` are ignored.  ``design`` and ``key``
    are those of the association.
    """
    is_located = pc.is_in(arrivals["event_id"], value_set=located)
    designs = pc.unique(arrivals["design"])
    associated = arrivals.filter(pc.invert(is_located)).select(ARRIVALS.names)
    ours = origin_arrivals.filter(pc.is_in(origin_arrivals["event_id"], value_set=located))
    if len(designs) == 1:
        at = ours.schema.get_field_index("design")
        ours = ours.set_column(at, "design", pa.repeat(designs[0], ours.num_rows))
    found = pa.concat_tables(
        [associated, ours.select(BEST_ARRIVALS.names)], promote_options="permissive"
    )
    found = found.select(BEST_ARRIVALS.names).cast(BEST_ARRIVALS)
    return found.sort_by([("time", "ascending"), ("event_id", "ascending")])


def events_with_magnitudes(events: pa.Table, magnitudes: pa.Table) -> pa.Table:
    """Return events with the magnitudes of ``magnitudes``, rows of `epicat.tables.MAGNITUDES`.

    ``events`` are rows of `BEST_EVENTS`.  ``magnitude`` and ``magnitude_type`` are those computed,
    else those of an imported catalog.  The added columns ``magnitude_error`` (standard error),
    ``magnitude_stations`` and ``magnitude_bounds`` (stations with a value, and with an upper
    bound) are null without a computed magnitude.
    """
    at = pc.index_in(events["event_id"], value_set=magnitudes["event_id"].combine_chunks())
    own = magnitudes.cast(pa.schema(_nullable(MAGNITUDES, MAGNITUDES.names)))
    own = own.take(at.combine_chunks())
    found = events
    for name, source in (("magnitude", "value"), ("magnitude_type", "type")):
        index = found.schema.get_field_index(name)
        found = found.set_column(index, name, pc.coalesce(own[source], found[name]))
    for name, source in ADDED_BY_MAGNITUDES.items():
        found = found.append_column(name, own[source])
    return found


def locations_digest(origins: pa.Table, origin_arrivals: pa.Table) -> str:
    """Return the digest of places and picks of located events, as the ledger has it for a block.

    An event keeps the id of its origin when an event nearby takes some of its picks.
    """
    names = ("origin_id", "time", "latitude", "longitude", "depth_km", "rejected")
    places = zip(*(origins[name].to_pylist() for name in names), strict=True)
    picks = (origin_arrivals[name].to_pylist() for name in ("origin_id", "pick_id"))
    return digest_of(*sorted(map(str, places)), *sorted(map(str, zip(*picks, strict=True))))
