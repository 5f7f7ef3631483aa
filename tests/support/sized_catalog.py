"""Rows of magnitudes for events of `tiny_catalog`."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from epicat.model import Event
from epicat.tables import MAGNITUDES, STATION_MAGNITUDES
from support.tiny_catalog import ASSOCIATOR

DESIGN = "sizes"


def magnitude_row(event: Event, value: float = 1.234, **changes: Any) -> dict[str, Any]:
    return {
        "magnitude_id": f"m-{event.id(ASSOCIATOR)}",
        "event_id": event.id(ASSOCIATOR),
        "time": event.time_ns,
        "type": "ML",
        "value": value,
        "standard_error": 0.081,
        "mad": 0.12,
        "median": value + 0.1,
        "n_used": 1,
        "n_bounds": 1,
        "law": "hutton-boore",
        "origin_id": None,
        "design": DESIGN,
        "key": "block",
        **changes,
    }


def station_rows(event: Event) -> list[dict[str, Any]]:
    """Return a value at the first pick, a bound without a pick, and a clipped record."""
    first, *_, last = event.arrivals
    same = {
        "magnitude_id": f"m-{event.id(ASSOCIATOR)}",
        "event_id": event.id(ASSOCIATOR),
        "time": event.time_ns,
        "distance_km": 20.0,
        "correction": 0.05,
        "design": DESIGN,
        "key": "block",
    }
    return [
        {**same, "station_magnitude_id": "s1", "trace_id": first.trace_id, "value": 1.3,
         "is_bound": False, "weight": 0.97, "flag": "amplitude", "pick_id": first.pick_id,
         "amplitude_mm": 0.25, "noise_mm": 0.01, "period_s": 0.4},
        {**same, "station_magnitude_id": "s2", "trace_id": "XX.FAR.", "value": 1.1,
         "is_bound": True, "weight": 0.8, "flag": "below noise", "pick_id": None,
         "amplitude_mm": None, "noise_mm": 0.02, "period_s": None},
        {**same, "station_magnitude_id": "s3", "trace_id": last.trace_id, "value": None,
         "is_bound": False, "weight": 0.0, "flag": "clipped", "pick_id": last.pick_id,
         "amplitude_mm": None, "noise_mm": None, "period_s": None},
    ]  # fmt: skip


def magnitude_tables(*events: Event) -> tuple[pa.Table, pa.Table]:
    rows = [magnitude_row(event) for event in events]
    stations = [row for event in events for row in station_rows(event)]
    return (
        pa.Table.from_pylist(rows, MAGNITUDES),
        pa.Table.from_pylist(stations, STATION_MAGNITUDES),
    )
