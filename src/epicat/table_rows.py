"""Values as rows of the tables, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from enum import StrEnum
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from epicat._util.arrow_arrays import arrow_array
from epicat.ledger import ENTRY_TYPES, Flag, LedgerEntry, ObjectRead, Stage, Status
from epicat.model import EVER, Event, Orientation, Pick, Placement, Span, Station
from epicat.tables import ARRIVALS, EVENTS, LEDGER, PICKS, STATIONS
from epicat.time import iso, parse_time

__all__ = [
    "accepted",
    "arrivals_table",
    "entries_of",
    "events_table",
    "ledger_table",
    "picks_of",
    "picks_table",
    "stations_by_position",
    "stations_of",
    "stations_table",
]

_FIELDS: Final = {kind: tuple(f.name for f in fields(kind)) for kind in ENTRY_TYPES.values()}
_USED: Final = re.compile(r"(\d+) picks at (\d+) sites")


def picks_table(picks: Iterable[Pick], design: str, key: str) -> pa.Table:
    """Return rows of ``picks`` for one key, in the order of time."""
    rows = [
        (p.id(design), p.trace_id, p.band, p.phase, p.time_ns, p.confidence, p.onset_ns,
         p.end_ns, design, key)
        for p in sorted(picks)
    ]  # fmt: skip
    return _from_rows(rows, PICKS)


def picks_of(table: pa.Table) -> list[Pick]:
    """Return the picks of rows that `picks_table` made, in their order."""
    times = [table[name].cast(pa.int64()).to_pylist() for name in ("time", "onset", "end")]
    names = ("trace_id", "band", "phase", "confidence")
    others = [table[name].to_pylist() for name in names]
    rows = zip(*times, *others, strict=True)
    return [
        Pick(time, trace_id, band, phase, confidence, onset, end)
        for time, onset, end, trace_id, band, phase, confidence in rows
    ]


def events_table(events: Iterable[Event], design: str, key: str) -> pa.Table:
    """Return rows of ``events`` for one key, in the order of time."""
    rows = [
        (e.id(design), e.time_ns, e.latitude, e.longitude, e.depth_km,
         sum(a.phase == "P" for a in e.arrivals), sum(a.phase == "S" for a in e.arrivals),
         e.n_stations, e.rms_s, e.gap_deg, e.dmin_km, e.edge,
         e.x_km, e.y_km, e.rejected or None, e.magnitude, e.magnitude_type or None, design, key)
        for e in sorted(events, key=lambda e: (e.time_ns, e.id(design)))
    ]  # fmt: skip
    return _from_rows(rows, EVENTS)


def accepted(events: pa.Table) -> pa.Table:
    """Return the rows of ``events`` that quality control accepts."""
    return events.filter(pc.is_null(events["rejected"]))


def arrivals_table(events: Iterable[Event], design: str, key: str) -> pa.Table:
    """Return rows of ``arrivals`` for one key, event by event in the order of time."""
    rows = [
        (e.id(design), a.pick_id, a.trace_id, a.phase, a.time_ns, a.residual_s, a.distance_km,
         a.azimuth_deg, design, key)
        for e in sorted(events, key=lambda e: (e.time_ns, e.id(design)))
        for a in e.arrivals
    ]  # fmt: skip
    return _from_rows(rows, ARRIVALS)


def stations_table(stations: Iterable[Station]) -> pa.Table:
    """Return rows of ``stations``, in the order of ids."""
    rows = [
        (s.id, s.network, s.code, s.location, ",".join(s.channels), s.latitude, s.longitude,
         s.elevation_m, s.name, _epochs_text(s.epochs), s.depth_m,
         [_placement_row(p) for p in s.placements],
         [_orientation_row(o) for o in s.orientations])
        for s in sorted(stations)
    ]  # fmt: skip
    return _from_rows(rows, STATIONS)


def stations_by_position(stations: pa.Table) -> pa.Table:
    """Return a row for each position of each station, with ``start_date`` and ``end_date``.

    Both are ISO 8601 times, null where open; the other columns are those of ``stations``.  A
    station list in CSV has moves in this form.
    """
    rows = []
    for row in stations.to_pylist():
        for place in row["placements"] or [{}]:
            dates = {"start_date": place.get("start"), "end_date": place.get("end")}
            names = ("latitude", "longitude", "elevation", "depth")
            rows.append({**row, **{n: place[n] for n in names if n in place}, **dates})
    added = [pa.field(name, pa.string()) for name in ("start_date", "end_date")]
    return pa.Table.from_pylist(rows, schema=pa.schema([*STATIONS, *added]))


def stations_of(table: pa.Table) -> list[Station]:
    """Return the stations of rows that `stations_table` made."""
    return [
        Station(
            network=row["network_code"],
            code=row["station_code"],
            location=row["location_code"],
            channels=tuple(filter(None, row["channels"].split(","))),
            latitude=row["latitude"],
            longitude=row["longitude"],
            elevation_m=row["elevation"],
            name=row["station"],
            epochs=_epochs_of(row["epochs"] or ""),
            depth_m=row["depth"] or 0.0,
            placements=tuple(_placement_of(p) for p in row["placements"] or ()),
            orientations=tuple(_orientation_of(o) for o in row["orientations"] or ()),
        )
        for row in table.to_pylist()
    ]


def _placement_row(placement: Placement) -> dict[str, object]:
    return {
        **_epoch_row(placement.epoch),
        "latitude": placement.latitude,
        "longitude": placement.longitude,
        "elevation": placement.elevation_m,
        "depth": placement.depth_m,
    }


def _placement_of(row: dict[str, Any]) -> Placement:
    position = (row["latitude"], row["longitude"], row["elevation"], row["depth"])
    return Placement(_epoch_of(row["start"], row["end"]), *position)


def _orientation_row(orientation: Orientation) -> dict[str, object]:
    return {
        "channel": orientation.channel,
        **_epoch_row(orientation.epoch),
        "azimuth": orientation.azimuth_deg,
        "dip": orientation.dip_deg,
    }


def _orientation_of(row: dict[str, Any]) -> Orientation:
    epoch = _epoch_of(row["start"], row["end"])
    return Orientation(row["channel"], epoch, row["azimuth"], row["dip"])


def _epoch_row(epoch: Span) -> dict[str, object]:
    return {
        "start": None if epoch.start_ns <= EVER.start_ns else iso(epoch.start_ns),
        "end": None if epoch.end_ns >= EVER.end_ns else iso(epoch.end_ns),
    }


def _epoch_of(start: str | None, end: str | None) -> Span:
    return Span(
        EVER.start_ns if start is None else parse_time(start),
        EVER.end_ns if end is None else parse_time(end),
    )


def _epochs_text(epochs: Iterable[Span]) -> str:
    rows = map(_epoch_row, epochs)
    return " ".join(f"{row['start'] or '..'}/{row['end'] or '..'}" for row in rows)


def _epochs_of(text: str) -> tuple[Span, ...]:
    pairs = (interval.split("/") for interval in text.split())
    named = ([None if time == ".." else time for time in pair] for pair in pairs)
    return tuple(_epoch_of(start, end) for start, end in named)


def ledger_table(entries: Iterable[LedgerEntry]) -> pa.Table:
    """Return rows of ``ledger``, in the given order; columns of other stages are null."""
    rows = [tuple(_plain(getattr(e, name, None)) for name in LEDGER.names) for e in entries]
    return _from_rows(rows, LEDGER)


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [asdict(item) for item in value]
    return value


def entries_of(table: pa.Table) -> list[LedgerEntry]:
    """Return the entries of rows of `STORED_LEDGER`, also those of schema version 1."""
    return [_entry(row) for row in table.to_pylist()]


def _entry(row: dict[str, Any]) -> LedgerEntry:
    kind = ENTRY_TYPES[Stage(row["stage"])]
    if row.get("count") is not None and row["n_picks"] is None and row["n_events"] is None:
        row.update(_from_version_1(row))
    values = {name: row[name] for name in _FIELDS[kind] if row.get(name) is not None}
    values["status"] = Status(row["status"])
    values["flags"] = tuple(Flag(**flag) for flag in row.get("flags") or ())
    if "objects" in values:
        values["objects"] = tuple(ObjectRead(**item) for item in row["objects"])
    return kind(**values)


def _from_version_1(row: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a row of schema version 1."""
    details = row.get("details") or ""
    if row["stage"] == Stage.PICK:
        layout = details if row["status"] == Status.NO_DATA else ""
        return {
            "n_picks": row["count"],
            "layout": layout,
            "channels": details if "[" in details else "",
        }
    used = _USED.fullmatch(details)
    n_picks, n_sites = map(int, used.groups()) if used else (0, 0)
    return {
        "n_picks_used": n_picks,
        "n_sites": n_sites,
        "n_events": row["count"],
        "n_rejected": row.get("rejected") or 0,
    }


def _from_rows(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    arrays = [arrow_array(c, f.type) for c, f in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
