"""Events from tables, and the arrivals of a second one.

FDSN event text, ComCat's CSV, the tables of GaMMA, PyOcto, QuakeMigrate and of `epicat export`
are of this kind.  Depths are in kilometres below sea level unless the column says metres.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from epicat._util.table_file import TableFile, find_columns, shorten
from epicat.imports.pick_table import find_pick_columns, read_pick_table
from epicat.imports.raw import RawEvent, RawFile, RawPick
from epicat.imports.times import TimeParser

__all__ = ["add_arrivals", "is_event_table", "read_event_table"]

_ALIASES: Mapping[str, tuple[str, ...]] = {
    "name": ("event_id", "eventid", "id", "evid", "public_id", "event_index", "event_idx", "idx"),
    "time": ("time", "origin_time", "origintime", "datetime", "dt", "event_time"),
    "latitude": ("latitude", "lat", "y_deg", "y"),
    "longitude": ("longitude", "lon", "long", "x_deg", "x"),
    "depth_km": ("depth_km", "depth/km", "depth", "z_km", "z"),
    "depth_m": ("depth_m",),
    "magnitude": ("magnitude", "mag", "ml", "mw"),
    "magnitude_type": ("magtype", "mag_type", "magnitude_type"),
}
_EVENT_OF_ARRIVAL = {"event": ("event_id", "eventid", "event_index", "event_idx", "evid", "idx")}


def is_event_table(header: Iterable[str]) -> bool:
    """Return whether a header names origin times and positions."""
    return {"time", "latitude", "longitude"} <= set(find_columns(header, _ALIASES))


def read_event_table(table: TableFile) -> RawFile:
    """Read events without arrivals; raise `ValueError` if a column is missing."""
    columns = find_columns(table.header, _ALIASES)
    missing = [name for name in ("time", "latitude", "longitude") if name not in columns]
    if missing:
        names = ", ".join(table.header)
        raise ValueError(f"no column {', '.join(missing)}; the header is {shorten(names)}")
    found = RawFile()
    times = TimeParser()
    for number, (label, row) in enumerate(table.rows, 1):
        with found.reading(label):
            if set(row) == {""} and row[""]:
                raise ValueError(row[""])
            cell = {what: row.get(name, "") for what, name in columns.items()}
            found.events.append(_event(cell, str(number), times))
    if times.unit:
        found.notes.append(f"times read as {times.unit} since 1970")
    return found


def _event(cell: Mapping[str, Any], number: str, times: TimeParser) -> RawEvent:
    depth = _optional(cell, "depth_km")
    if depth is None and (metres := _optional(cell, "depth_m")) is not None:
        depth = metres / 1000
    latitude, longitude = (_required(cell, name) for name in ("latitude", "longitude"))
    if not (abs(latitude) <= 90 and abs(longitude) <= 360):
        raise ValueError(f"position {latitude:g}, {longitude:g} is not on Earth")
    return RawEvent(
        name=str(cell.get("name") or number),
        time_ns=times.parse(cell["time"]),
        latitude=latitude,
        longitude=(longitude + 180) % 360 - 180 if abs(longitude) > 180 else longitude,
        depth_km=math.nan if depth is None else depth,
        magnitude=_optional(cell, "magnitude"),
        magnitude_type=str(cell.get("magnitude_type", "")),
    )


def _required(cell: Mapping[str, Any], name: str) -> float:
    value = _optional(cell, name)
    if value is None:
        raise ValueError(f"{name} is missing")
    return value


def _optional(cell: Mapping[str, Any], name: str) -> float | None:
    value = cell.get(name, "")
    if value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} {shorten(value)} is not a number") from None
    return number if math.isfinite(number) else None


def add_arrivals(events: RawFile, table: TableFile) -> None:
    """Give events the arrivals of a table of picks that names the event of each.

    Raises `ValueError` if the table has no such column.
    """
    columns = find_pick_columns(table)
    event = find_columns(table.header, _EVENT_OF_ARRIVAL).get("event")
    if event is None:
        raise ValueError("no column event_id that names the event of each arrival")
    rows = list(table.rows)
    arrivals = read_pick_table(TableFile(table.header, rows, table.delimiter), columns)
    owners = {label: str(row.get(event, "")) for label, row in rows}
    of_event: dict[str, list[RawPick]] = {e.name: [] for e in events.events}
    for pick in arrivals.picks:
        owner = owners[pick.label]
        if owner in of_event:
            of_event[owner].append(pick)
        else:
            events.picks.append(pick)
    events.events = [replace(e, picks=tuple(of_event[e.name])) for e in events.events]
    events.rejected += [f"arrivals, {reason}" for reason in arrivals.rejected]
    events.notes += arrivals.notes
