"""Locations of events: rows of origins and their arrivals, as a location makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from epicat.model import Arrival, Event, digest_of
from epicat.tables import COVARIANCE, ORIGIN_ARRIVALS, ORIGINS
from epicat.time import SECOND_NS

LOCATION = "location"
SQUARE = np.array([[0.30, 0.08, 0.05], [0.08, 0.12, -0.02], [0.05, -0.02, 0.55]])
"""Covariance of east, north and depth in km²."""


def elements(square: np.ndarray, prefix: str) -> dict[str, float]:
    at = {"e": 0, "n": 1, "z": 2}
    return {f"{prefix}_{ij}_km2": float(square[at[ij[0]], at[ij[1]]]) for ij in COVARIANCE}


def origin_row(
    event: Event, associator: str, location: str = LOCATION, key: str = "block", **changes: Any
) -> dict[str, Any]:
    """Return a row of ``origins``: half a second later and 0.01 degrees north-east, 1 km deeper."""
    row = {
        "event_id": event.id(associator),
        "time": event.time_ns,
        "latitude": event.latitude,
        "longitude": event.longitude,
        "depth_km": event.depth_km,
        "n_p": sum(a.phase == "P" for a in event.arrivals),
        "n_s": sum(a.phase == "S" for a in event.arrivals),
        "n_stations": event.n_stations,
        "x_km": event.x_km,
        "y_km": event.y_km,
        "rejected": event.rejected or None,
        "key": key,
    }
    return _moved(row, location, changes)


def _moved(event: Mapping[str, Any], location: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of ``origins`` for one of ``events``."""
    depth = event["depth_km"]
    return {
        **{name: event[name] for name in ("event_id", "n_p", "n_s", "n_stations", "x_km", "y_km",
                                          "rejected", "key")},
        "origin_id": digest_of(location, event["event_id"]),
        "time": event["time"] + SECOND_NS // 2,
        "latitude": event["latitude"] + 0.01,
        "longitude": event["longitude"] + 0.01,
        "depth_km": depth + 1.0,
        "time_error_s": 0.081,
        "major_km": 0.85,
        "minor_km": 0.42,
        "azimuth_deg": 69.5,
        "depth_error_km": 0.742,
        "depth_low_km": depth + 0.258,
        "depth_high_km": depth + 1.742,
        "quality": "B",
        "effective_picks": 2.5,
        "rms_s": 0.05,
        "gap_deg": 120.0,
        "secondary_gap_deg": 200.0,
        "dmin_km": 11.0,
        "edge": False,
        "depth_fixed": False,
        "moved_km": 1.8,
        "error_factor": 1.1,
        **elements(SQUARE, "cov"),
        **elements(SQUARE / 4, "relative"),
        "design": location,
        **changes,
    }  # fmt: skip


def arrival_row(row: Mapping[str, Any], arrival: Arrival, **changes: Any) -> dict[str, Any]:
    """Return a row of ``origin_arrivals`` for a row of ``origins``."""
    found = {
        **{name: row[name] for name in ("origin_id", "event_id", "design", "key")},
        "pick_id": arrival.pick_id,
        "trace_id": arrival.trace_id,
        "phase": arrival.phase,
        "time": arrival.time_ns,
        "residual_s": 0.031,
        "term_s": -0.02,
        "sigma_s": 0.047,
        "inlier_probability": 0.9,
        "takeoff_deg": 101.5,
        "distance_km": 11.0,
        "azimuth_deg": 70.0,
        "added": False,
    }
    return {**found, **changes}


def origins_table(*rows: Mapping[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([dict(row) for row in rows], ORIGINS)


def origin_arrivals_table(*rows: Mapping[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([dict(row) for row in rows], ORIGIN_ARRIVALS)


def locate(
    *events: Event, associator: str, location: str = LOCATION, key: str = "block", **changes: Any
) -> tuple[pa.Table, pa.Table]:
    """Return the rows of both tables for events; each arrival stays."""
    rows = [origin_row(event, associator, location, key, **changes) for event in events]
    arrivals = [
        arrival_row(row, arrival)
        for row, event in zip(rows, events, strict=True)
        for arrival in event.arrivals
    ]
    return origins_table(*rows), origin_arrivals_table(*arrivals)


def locate_rows(
    events: pa.Table, arrivals: pa.Table, location: str = LOCATION
) -> tuple[pa.Table, pa.Table]:
    """Return the rows of both tables for rows of ``events`` and ``arrivals``."""
    at = events.schema.get_field_index("time")
    times = events["time"].cast("int64")
    rows = [
        _moved(event, location, {}) for event in events.set_column(at, "time", times).to_pylist()
    ]
    names = {row["event_id"]: row["origin_id"] for row in rows}
    found = [
        {**row, "origin_id": names[row["event_id"]], "residual_s": 0.031, "term_s": -0.02,
         "sigma_s": 0.047, "inlier_probability": 0.9, "added": False, "design": location}
        for row in arrivals.to_pylist()
    ]  # fmt: skip
    return origins_table(*rows), origin_arrivals_table(*found)
