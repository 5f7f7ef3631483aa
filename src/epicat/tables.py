"""The tables of epicat as Arrow schemas: the only module that names columns.

Every table of results carries ``design`` (the digest of the run or of the associator),
``key`` (the station-day or block).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from enum import StrEnum
from typing import Any, Final, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from epicat._util.arrow_arrays import arrow_array
from epicat.model import (
    ENTRY_TYPES,
    EVER,
    Event,
    Flag,
    LedgerEntry,
    ObjectRead,
    Orientation,
    Pick,
    Placement,
    Span,
    Stage,
    Station,
    Status,
)
from epicat.time import iso, parse_time

__all__ = [
    "COVARIANCE",
    "EXPORT_COLUMNS",
    "LEDGER",
    "RENAMED",
    "SCHEMAS",
    "SCHEMA_VERSION",
    "STATIONS",
    "STORED_LEDGER",
    "TABLES",
    "TableName",
    "accepted",
    "arrivals_table",
    "entries_of",
    "events_table",
    "ledger_table",
    "old_names",
    "picks_of",
    "picks_table",
    "stations_by_position",
    "stations_of",
    "stations_table",
]

SCHEMA_VERSION: Final = 2
"""Raised when a column changes its name or meaning.  Older stores are read, newer ones refused.

Adding a nullable column does not raise it: files written before read as null.
Version 2 renamed ``channel`` of picks to ``band`` and gave each stage its own ledger columns.
"""

TableName = Literal[
    "picks",
    "events",
    "arrivals",
    "origins",
    "origin_arrivals",
    "amplitudes",
    "envelopes",
    "magnitudes",
    "station_magnitudes",
]
"""The tables whose rows belong to keys."""
TABLES: Final[tuple[TableName, ...]] = get_args(TableName)

_TIME = pa.timestamp("ns", tz="UTC")
_KEYED = [
    pa.field("design", pa.string(), nullable=False),
    pa.field("key", pa.string(), nullable=False),
]


def _schema(*columns: tuple[str, pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns])


PICKS: Final = pa.schema(
    [
        *_schema(
            ("pick_id", pa.string()),
            ("trace_id", pa.string()),
            ("band", pa.string()),
            ("phase", pa.string()),
            ("time", _TIME),
            ("confidence", pa.float32()),
            ("onset", _TIME),
            ("end", _TIME),
        ),
        *_KEYED,
    ]
)
EVENTS: Final = pa.schema(
    [
        *_schema(
            ("event_id", pa.string()),
            ("time", _TIME),
            ("latitude", pa.float64()),
            ("longitude", pa.float64()),
            ("depth_km", pa.float64()),
            ("n_p", pa.int32()),
            ("n_s", pa.int32()),
            ("n_stations", pa.int32()),
            ("rms_s", pa.float64()),
            ("gap_deg", pa.float64()),
            ("dmin_km", pa.float64()),
            ("edge", pa.bool_()),
            ("x_km", pa.float64()),
            ("y_km", pa.float64()),
        ),
        pa.field("rejected", pa.string()),
        pa.field("magnitude", pa.float64()),
        pa.field("magnitude_type", pa.string()),
        *_KEYED,
    ]
)
"""``rejected`` gives the reason if quality control rejects the event; null otherwise.

``magnitude`` and ``magnitude_type`` are those of an imported catalog; null otherwise, and in files
of earlier versions.
"""
ARRIVALS: Final = pa.schema(
    [
        *_schema(
            ("event_id", pa.string()),
            ("pick_id", pa.string()),
            ("trace_id", pa.string()),
            ("phase", pa.string()),
            ("time", _TIME),
            ("residual_s", pa.float64()),
            ("distance_km", pa.float64()),
            ("azimuth_deg", pa.float64()),
        ),
        *_KEYED,
    ]
)
COVARIANCE: Final = ("ee", "en", "ez", "nn", "nz", "zz")
"""Elements of a covariance of east, north and depth, as the names of columns end."""

ORIGINS: Final = pa.schema(
    [
        *_schema(
            ("origin_id", pa.string()),
            ("event_id", pa.string()),
            ("time", _TIME),
            ("latitude", pa.float64()),
            ("longitude", pa.float64()),
            ("depth_km", pa.float64()),
            ("time_error_s", pa.float64()),
            ("major_km", pa.float64()),
            ("minor_km", pa.float64()),
            ("azimuth_deg", pa.float64()),
            ("depth_error_km", pa.float64()),
            ("depth_low_km", pa.float64()),
            ("depth_high_km", pa.float64()),
            ("quality", pa.string()),
            ("n_p", pa.int32()),
            ("n_s", pa.int32()),
            ("n_stations", pa.int32()),
            ("effective_picks", pa.float64()),
            ("rms_s", pa.float64()),
            ("gap_deg", pa.float64()),
            ("secondary_gap_deg", pa.float64()),
            ("dmin_km", pa.float64()),
            ("edge", pa.bool_()),
            ("depth_fixed", pa.bool_()),
            ("moved_km", pa.float64()),
            ("error_factor", pa.float64()),
            ("x_km", pa.float64()),
            ("y_km", pa.float64()),
            *((f"cov_{name}_km2", pa.float64()) for name in COVARIANCE),
            *((f"relative_{name}_km2", pa.float64()) for name in COVARIANCE),
        ),
        pa.field("rejected", pa.string()),
        *_KEYED,
    ]
)
"""Locations of events; ``design`` names the location: its model, terms and settings.

The ellipse (semi-axes, and azimuth of the major one) and the depth interval have a confidence of
68 %.  ``cov`` is the absolute covariance, ``relative`` that against neighbouring events.
``rejected`` says which criterion of an event the located picks no longer meet; null if none.
"""
ORIGIN_ARRIVALS: Final = pa.schema(
    [
        *_schema(
            ("origin_id", pa.string()),
            ("event_id", pa.string()),
            ("pick_id", pa.string()),
            ("trace_id", pa.string()),
            ("phase", pa.string()),
            ("time", _TIME),
            ("residual_s", pa.float64()),
            ("term_s", pa.float64()),
            ("sigma_s", pa.float64()),
            ("inlier_probability", pa.float64()),
            ("distance_km", pa.float64()),
            ("azimuth_deg", pa.float64()),
            ("added", pa.bool_()),
        ),
        pa.field("takeoff_deg", pa.float64()),
        *_KEYED,
    ]
)
"""Picks of origins.  ``residual_s`` is what is left after the station term ``term_s``.

``added`` says that the pick joined after the association.  ``takeoff_deg`` is the angle of the ray
at the source from downwards, 0 to 180 degrees; null in files of earlier versions.
"""
AMPLITUDES: Final = pa.schema(
    [
        *_schema(
            ("amplitude_id", pa.string()),
            ("trace_id", pa.string()),
            ("band", pa.string()),
            ("codes", pa.string()),
            ("time", _TIME),
            ("n_picks", pa.int32()),
            ("pick_time", pa.binary()),
            ("phase", pa.binary()),
            ("amplitude", pa.binary()),
            ("period", pa.binary()),
            ("noise", pa.binary()),
            ("flag", pa.binary()),
            ("polarity", pa.binary()),
        ),
        *_KEYED,
    ]
)
"""Wood-Anderson amplitudes at the picks of an instrument on a day, packed: a row for all of them.

``time`` is the start of the day, ``design`` names the definition of the amplitudes and the run.
``amplitude_id`` is a digest of the content, including that of the row of ``envelopes`` that has the
same id.  `epicat.amplitude.rows` packs and unpacks the binary columns.
"""
ENVELOPES: Final = pa.schema(
    [
        *_schema(
            ("amplitude_id", pa.string()),
            ("trace_id", pa.string()),
            ("band", pa.string()),
            ("time", _TIME),
            ("step_s", pa.int32()),
            ("vertical", pa.binary()),
            ("horizontal", pa.binary()),
        ),
        *_KEYED,
    ]
)
"""The largest Wood-Anderson amplitude of each ``step_s`` of a day, from ``time`` on: a byte each.

``horizontal`` is the larger of the two horizontals.  See `epicat.amplitude.envelope`
for the scale.
"""
MAGNITUDES: Final = pa.schema(
    [
        *_schema(
            ("magnitude_id", pa.string()),
            ("event_id", pa.string()),
            ("time", _TIME),
            ("type", pa.string()),
            ("value", pa.float64()),
            ("standard_error", pa.float64()),
            ("mad", pa.float64()),
            ("median", pa.float64()),
            ("n_used", pa.int32()),
            ("n_bounds", pa.int32()),
            ("law", pa.string()),
        ),
        pa.field("origin_id", pa.string()),
        *_KEYED,
    ]
)
"""Network magnitudes of events; ``design`` names the law, the location and the amplitudes.

``median`` is that of the station magnitudes above noise, without bounds and weights.  ``n_used``
counts stations with a value, ``n_bounds`` those with an upper bound.  ``origin_id`` is the location
that the distances are from; null if they are from the event's own hypocenter.
"""
STATION_MAGNITUDES: Final = pa.schema(
    [
        *_schema(
            ("station_magnitude_id", pa.string()),
            ("magnitude_id", pa.string()),
            ("event_id", pa.string()),
            ("trace_id", pa.string()),
            ("time", _TIME),
            ("distance_km", pa.float64()),
            ("is_bound", pa.bool_()),
            ("correction", pa.float64()),
            ("weight", pa.float64()),
            ("flag", pa.string()),
        ),
        pa.field("value", pa.float64()),
        pa.field("pick_id", pa.string()),
        pa.field("amplitude_mm", pa.float64()),
        pa.field("noise_mm", pa.float64()),
        pa.field("period_s", pa.float64()),
        *_KEYED,
    ]
)
"""Station magnitudes, also those that a network magnitude does not use: ``flag`` says why.

``value`` is from ``amplitude_mm`` without the power of ``noise_mm`` and includes ``correction``; it
is an upper bound where ``is_bound``, and null where nothing could be measured.  ``weight`` is the
probability that it belongs to the event, 0 if not used.  ``distance_km`` is hypocentral.
``pick_id`` is null at stations without a pick.
"""
SCHEMAS: Final[dict[TableName, pa.Schema]] = {
    "picks": PICKS,
    "events": EVENTS,
    "arrivals": ARRIVALS,
    "origins": ORIGINS,
    "origin_arrivals": ORIGIN_ARRIVALS,
    "amplitudes": AMPLITUDES,
    "envelopes": ENVELOPES,
    "magnitudes": MAGNITUDES,
    "station_magnitudes": STATION_MAGNITUDES,
}
RENAMED: Final[Mapping[TableName, Mapping[str, str]]] = {
    "picks": {"band": "channel"},
    "events": {},
    "arrivals": {},
    "origins": {},
    "origin_arrivals": {},
    "amplitudes": {},
    "envelopes": {},
    "magnitudes": {},
    "station_magnitudes": {},
}
"""The name of a column in stores of schema version 1, where it was another one."""


def old_names(table: TableName, there: Collection[str]) -> dict[str, str]:
    """Return `RENAMED` as far as rows with these columns are of schema version 1."""
    renamed = RENAMED[table].items()
    return {name: old for name, old in renamed if name not in there and old in there}


_EPOCH: Final = [("start", pa.string()), ("end", pa.string())]
_PLACEMENT: Final = pa.struct(
    [*_EPOCH, *((name, pa.float64()) for name in ("latitude", "longitude", "elevation", "depth"))]
)
_ORIENTATION: Final = pa.struct(
    [("channel", pa.string()), *_EPOCH, ("azimuth", pa.float64()), ("dip", pa.float64())]
)

STATIONS: Final = pa.schema(
    [
        *_schema(
            ("id", pa.string()),
            ("network_code", pa.string()),
            ("station_code", pa.string()),
            ("location_code", pa.string()),
            ("channels", pa.string()),
            ("latitude", pa.float64()),
            ("longitude", pa.float64()),
            ("elevation", pa.float64()),
            ("station", pa.string()),
        ),
        pa.field("epochs", pa.string()),
        pa.field("depth", pa.float64()),
        pa.field("placements", pa.list_(_PLACEMENT)),
        pa.field("orientations", pa.list_(_ORIENTATION)),
    ]
)
"""The columns of the tutorial's station list, the name used in keys, and what changes with time.

``epochs`` are ISO 8601 intervals, ``2002-04-04T00:00:00.000000Z/..``, separated by blanks.
``start`` and ``end`` of a placement or orientation are ISO 8601 times, null where open.
``elevation`` is that of the sensor, ``depth`` its depth below the ground, both in metres.
The nullable columns are null in files of earlier versions.
"""

_FIELDS: Final = {kind: tuple(f.name for f in fields(kind)) for kind in ENTRY_TYPES.values()}
_USED: Final = re.compile(r"(\d+) picks at (\d+) sites")
_OBJECT = pa.struct([("key", pa.string()), ("etag", pa.string()), ("reason", pa.string())])
_FLAGS = pa.list_(pa.struct([("criterion", pa.string()), ("count", pa.int64())]))

LEDGER: Final = pa.schema(
    [
        *_schema(
            ("stage", pa.string()),
            ("design", pa.string()),
            ("key", pa.string()),
            ("status", pa.string()),
            ("generation", pa.string()),
            ("marked_ns", pa.int64()),
            ("reason", pa.string()),
            ("seconds", pa.float64()),
            ("result", pa.string()),
        ),
        pa.field("flags", _FLAGS),
        pa.field("archive", pa.string()),
        pa.field("layout", pa.string()),
        pa.field("objects", pa.list_(_OBJECT)),
        pa.field("samples", pa.int64()),
        pa.field("gaps", pa.int64()),
        pa.field("channels", pa.string()),
        pa.field("orientation", pa.string()),
        pa.field("n_picks", pa.int64()),
        pa.field("inputs", pa.string()),
        pa.field("n_picks_used", pa.int64()),
        pa.field("n_sites", pa.int64()),
        pa.field("n_events", pa.int64()),
        pa.field("n_rejected", pa.int64()),
        pa.field("n_origins", pa.int64()),
        pa.field("responses", pa.string()),
        pa.field("n_instruments", pa.int64()),
        pa.field("n_amplitudes", pa.int64()),
        pa.field("n_magnitudes", pa.int64()),
    ]
)
"""The entries of all stages; a column that a stage does not have is null."""

STORED_LEDGER: Final = pa.schema(
    [
        *LEDGER,
        pa.field("count", pa.int64()),
        pa.field("rejected", pa.int64()),
        pa.field("details", pa.string()),
    ]
)
"""`LEDGER` and the columns of schema version 1: what `entries_of` reads.

There, ``count`` was of picks or events, and ``details`` was the chosen channels, the layout of an
archive without data, or ``12 picks at 5 sites``.
"""

EXPORT_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "events": tuple(EVENTS.names[: EVENTS.names.index("dmin_km") + 1]),
    "picks": tuple(PICKS.names[: PICKS.names.index("confidence") + 1]),
    "arrivals": tuple(ARRIVALS.names[: ARRIVALS.names.index("azimuth_deg") + 1]),
    "origins": tuple(ORIGINS.names[: ORIGINS.names.index("moved_km") + 1]),
    "origin_arrivals": tuple(
        ORIGIN_ARRIVALS.names[: ORIGIN_ARRIVALS.names.index("takeoff_deg") + 1]
    ),
    "amplitudes": tuple(AMPLITUDES.names[: AMPLITUDES.names.index("n_picks") + 1]),
    "envelopes": tuple(ENVELOPES.names[: ENVELOPES.names.index("step_s") + 1]),
    "magnitudes": tuple(MAGNITUDES.names[: MAGNITUDES.names.index("law") + 1]),
    "station_magnitudes": ("station_magnitude_id", "magnitude_id", "event_id", "pick_id",
                           "trace_id", "time", "distance_km", "value", "is_bound", "correction",
                           "weight", "flag", "amplitude_mm", "noise_mm", "period_s"),
    "stations": tuple(STATIONS.names[: STATIONS.names.index("elevation") + 1]),
    "ledger": ("stage", "key", "status", "reason", "archive", "layout", "objects", "samples",
               "gaps", "channels", "n_picks", "n_picks_used", "n_sites", "n_events", "n_rejected",
               "n_origins", "n_instruments", "n_amplitudes", "n_magnitudes", "seconds", "design"),
}  # fmt: skip
"""The columns of an export, in a stable order; Parquet and ``--columns all`` have more."""


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
