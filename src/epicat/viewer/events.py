"""The events and arrivals of a catalog as the tables of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epicat.viewer.columns import ARRIVALS, ASSOCIATED, EVENTS, STATION_MAGNITUDES, pack_column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from epicat.catalog.catalog import Catalog
    from epicat.model import Span

__all__ = [
    "arrival_rows",
    "associated_rows",
    "event_rows",
    "pack_table",
    "station_magnitude_rows",
]

_RENAMED = {"inlier_probability": "weight"}


def event_rows(
    catalog: Catalog, span: Span | None = None, *, with_rejected: bool = True
) -> pa.Table:
    """Return rows of `EVENTS` in the order of time; ``span`` selects by origin time."""
    return pack_table(catalog.events(span, with_rejected=with_rejected), EVENTS)


def associated_rows(events: pa.Table) -> pa.Table:
    """Return rows of `ASSOCIATED` for those of some events of a catalog that were located."""
    located = np.flatnonzero(pc.is_valid(events["location"]).to_numpy())
    some = events.take(located).append_column("event", pa.array(located))
    names = {f"associated_{name}": name for name in ASSOCIATED.names[1:]}
    some = some.select(["event", *names]).rename_columns(["event", *names.values()])
    return pack_table(some, ASSOCIATED)


def arrival_rows(
    events: pa.Table,
    arrivals: pa.Table,
    picks: pa.Table,
    motions: Mapping[str, int] | None = None,
) -> pa.Table:
    """Return rows of `ARRIVALS` for ``events``, in the order of event and distance.

    ``events`` names the events by ``event_id``: ``event`` of the result is their row.  Arrivals
    of other events are left out.  ``picks`` gives the confidence, ``motions`` the first motions by
    ``pick_id``.
    """
    number = pc.index_in(arrivals["event_id"], value_set=events["event_id"].combine_chunks())
    rows = arrivals.append_column("event", number).filter(pc.is_valid(number))
    at = pc.index_in(rows["pick_id"], value_set=picks["pick_id"].combine_chunks())
    confidence = picks["confidence"].combine_chunks().take(at.combine_chunks())
    rows = rows.append_column("confidence", confidence)
    known = motions or {}
    polarity = [known.get(pick_id) for pick_id in rows["pick_id"].to_pylist()]
    rows = rows.append_column("polarity", pa.array(polarity, pa.int8()))
    rows = rows.rename_columns([_RENAMED.get(name, name) for name in rows.column_names])
    ordered = rows.sort_by([("event", "ascending"), ("distance_km", "ascending")])
    return pack_table(ordered, ARRIVALS)


def station_magnitude_rows(events: pa.Table, magnitudes: pa.Table) -> pa.Table:
    """Return rows of `STATION_MAGNITUDES` for ``events``, in the order of event and distance."""
    ids = events["event_id"].combine_chunks()
    number = pc.index_in(magnitudes["event_id"], value_set=ids)
    rows = magnitudes.append_column("event", number).filter(pc.is_valid(number))
    ordered = rows.sort_by([("event", "ascending"), ("distance_km", "ascending")])
    return pack_table(ordered, STATION_MAGNITUDES)


def pack_table(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the columns of a schema of the page."""
    columns = [pack_column(rows[field.name], field) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)
