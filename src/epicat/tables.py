"""The tables of epicat as Arrow schemas: the only module that names columns.

Every table of results has the columns ``design``, the digest of what made the row (run,
associator, location, ...), and ``key``, its station-day or block.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Literal, get_args

import pyarrow as pa

__all__ = [
    "ARRIVALS",
    "COVARIANCE",
    "EVENTS",
    "EXPORT_COLUMNS",
    "LEDGER",
    "PICKS",
    "RENAMED",
    "SCHEMAS",
    "SCHEMA_VERSION",
    "STATIONS",
    "STORED_LEDGER",
    "TABLES",
    "TableName",
    "old_names",
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
