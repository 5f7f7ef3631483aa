"""Magnitudes of exported events, with the station magnitudes behind them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import pyarrow as pa

__all__ = ["NetworkMagnitude", "StationMagnitude", "magnitudes_by_event"]

_NETWORK: Final = ("magnitude_id", "value", "type", "standard_error", "mad", "n_used", "n_bounds",
                   "law", "origin_id", "design")  # fmt: skip
_STATION: Final = ("station_magnitude_id", "trace_id", "time", "value", "is_bound", "correction",
                   "weight", "flag", "pick_id", "amplitude_mm", "period_s")  # fmt: skip


class StationMagnitude(NamedTuple):
    """What one station says of an event's magnitude."""

    name: str
    """Its identity."""
    trace_id: str
    """``NET.STA.LOC``."""
    time_ns: int
    """Time of the pick that was measured, or origin time."""
    value: float | None
    """Magnitude or upper bound, with the correction; None where nothing could be measured."""
    is_bound: bool
    """Whether it is an upper bound."""
    correction: float
    """Station correction."""
    weight: float
    """Probability to belong to the event; 0 if not used."""
    flag: str
    """What it is, or why it has no value."""
    pick_id: str | None
    """The pick; None at a station without one."""
    amplitude_mm: float | None
    """Wood-Anderson amplitude."""
    period_s: float | None
    """Its period."""


class NetworkMagnitude(NamedTuple):
    """The magnitude of an event."""

    name: str
    """Its identity."""
    value: float
    """Magnitude."""
    kind: str
    """Its type, ``ML``."""
    error: float
    """Standard error."""
    mad: float
    """Median absolute deviation of the station magnitudes."""
    n_used: int
    """Stations with a value."""
    n_bounds: int
    """Stations with an upper bound."""
    law: str
    """Name of the law."""
    origin_id: str | None
    """The location that distances are from; None for the association's place."""
    design: str
    """Digest of the magnitudes."""
    stations: tuple[StationMagnitude, ...]
    """All station magnitudes, in the order of traces."""


def magnitudes_by_event(magnitudes: pa.Table, stations: pa.Table) -> dict[str, NetworkMagnitude]:
    """Return the magnitudes of rows of ``magnitudes`` and ``station_magnitudes`` by event."""
    of_magnitude: dict[str, list[StationMagnitude]] = {}
    for magnitude_id, *row in _rows(stations, ("magnitude_id", *_STATION)):
        of_magnitude.setdefault(magnitude_id, []).append(StationMagnitude(*row))
    found = {}
    for event_id, *row in _rows(magnitudes, ("event_id", *_NETWORK)):
        own = sorted(of_magnitude.get(row[0], ()), key=lambda one: one.trace_id)
        found[event_id] = NetworkMagnitude._make([*row, tuple(own)])
    return found


def _rows(table: pa.Table, names: Iterable[str]) -> Iterable[tuple[Any, ...]]:
    columns = (table[name] for name in names)
    plain = (c.cast(pa.int64()) if pa.types.is_timestamp(c.type) else c for c in columns)
    return zip(*(column.to_pylist() for column in plain), strict=True)
