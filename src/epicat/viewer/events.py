"""The events and arrivals of a catalog as the tables of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epicat.viewer.columns import ARRIVALS, EVENTS, pack_column

if TYPE_CHECKING:
    from epicat.catalog.catalog import Catalog
    from epicat.model import Span

__all__ = ["arrival_rows", "best_places", "event_rows"]

_PLACE = ("time", "latitude", "longitude", "depth_km", "n_p", "n_s", "n_stations", "rms_s",
          "gap_deg", "dmin_km", "edge", "rejected")  # fmt: skip
"""Columns that both events and origins have; that of the origin is the better one."""
_OF_ORIGIN = ("quality", "major_km", "minor_km", "azimuth_deg", "depth_error_km", "time_error_s",
              "depth_fixed")  # fmt: skip


def best_places(events: pa.Table, origins: pa.Table) -> pa.Table:
    """Return the events at their located places, in the order of time.

    Events without an origin keep the place of the association.  The columns that only origins
    have are null for them.
    """
    at = pc.index_in(events["event_id"], value_set=origins["event_id"].combine_chunks())
    at = at.combine_chunks() if isinstance(at, pa.ChunkedArray) else at
    located = pc.is_valid(at)
    for name in _PLACE:
        column = pc.if_else(located, origins[name].combine_chunks().take(at), events[name])
        events = events.set_column(events.column_names.index(name), name, column)
    for name in _OF_ORIGIN:
        events = events.append_column(name, origins[name].combine_chunks().take(at))
    return events.sort_by([("time", "ascending"), ("event_id", "ascending")])


def event_rows(
    catalog: Catalog, span: Span | None = None, *, with_rejected: bool = True
) -> pa.Table:
    """Return rows of `EVENTS` in the order of time; ``span`` selects by the associated time."""
    events = catalog.events(span, with_rejected=True)
    origins = catalog.origins(None if span is None else span.widened(_REACH_NS))
    placed = best_places(events, origins)
    if not with_rejected:
        placed = placed.filter(pc.equal(pc.fill_null(placed["rejected"], ""), ""))
    columns = [pack_column(placed[field.name], field) for field in EVENTS]
    return pa.Table.from_arrays(columns, schema=EVENTS)


_REACH_NS = 600 * 1_000_000_000
"""How far a location may move the time of an event: ten minutes."""


def arrival_rows(events: pa.Table, arrivals: pa.Table, origin_arrivals: pa.Table,
                 picks: pa.Table) -> pa.Table:  # fmt: skip
    """Return rows of `ARRIVALS` for ``events``, in the order of event and distance.

    ``events`` names the events by ``event_id``; ``event`` of the result is their row.  Events
    with a location have the arrivals of that, the others those of the association.
    """
    ids = events["event_id"].combine_chunks()
    located = pc.unique(origin_arrivals["event_id"])
    if isinstance(located, pa.ChunkedArray):
        located = located.combine_chunks()
    others = arrivals.filter(pc.invert(pc.is_in(arrivals["event_id"], value_set=located)))
    parts = [_packed_arrivals(_of_events(rows, ids), picks) for rows in (origin_arrivals, others)]
    table = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    return table.sort_by([("event", "ascending"), ("distance_km", "ascending")])


def _of_events(rows: pa.Table, ids: pa.Array) -> pa.Table:
    number = pc.index_in(rows["event_id"], value_set=ids)
    return rows.append_column("event", number).filter(pc.is_valid(number))


def _packed_arrivals(rows: pa.Table, picks: pa.Table) -> pa.Table:
    at = pc.index_in(rows["pick_id"], value_set=picks["pick_id"].combine_chunks())
    at = at.combine_chunks() if isinstance(at, pa.ChunkedArray) else at
    rows = rows.append_column("confidence", picks["confidence"].combine_chunks().take(at))
    if "inlier_probability" in rows.column_names:
        rows = rows.rename_columns(
            ["weight" if name == "inlier_probability" else name for name in rows.column_names]
        )
    empty = pa.array(np.full(rows.num_rows, np.nan))
    columns = [
        pack_column(rows[field.name] if field.name in rows.column_names else empty, field)
        for field in ARRIVALS
    ]
    return pa.Table.from_arrays(columns, schema=ARRIVALS)
