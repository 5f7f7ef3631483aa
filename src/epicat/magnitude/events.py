"""Events with picks and amplitudes in, rows of ``magnitudes`` and ``station_magnitudes`` out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epicat.magnitude.design import MagnitudeDesign
from epicat.magnitude.lookup import Amplitudes, PickRow
from epicat.magnitude.network import NetworkMagnitudes, Observations, network_magnitudes
from epicat.magnitude.readings import EventReadings, Reading, ReadingFlag, Source, Stations
from epicat.model import digest_of
from epicat.tables import MAGNITUDES, STATION_MAGNITUDES

__all__ = ["TYPE", "Measured", "magnitude_rows", "measured_events", "observations"]

TYPE = "ML"
"""Type of the magnitudes."""


@dataclass(frozen=True, slots=True)
class Measured:
    """An event with what the stations say of it."""

    source: Source
    """Time and place."""
    origin_id: str | None
    """The location that the place is from; None for the association's."""
    readings: list[Reading] = field(repr=False)
    """A reading for each station."""

    @property
    def n_values(self) -> int:
        """Stations with an amplitude above noise."""
        return sum(reading.flag == ReadingFlag.AMPLITUDE for reading in self.readings)


@dataclass(frozen=True, slots=True)
class MagnitudeRows:
    """Rows of a block."""

    magnitudes: pa.Table
    """Rows of ``magnitudes``."""
    stations: pa.Table
    """Rows of ``station_magnitudes``; those of events without a magnitude are not kept."""
    too_few: int
    """Events whose amplitudes are too few."""


def measured_events(
    events: pa.Table,
    arrivals: pa.Table,
    design: MagnitudeDesign,
    amplitudes: Amplitudes,
    stations: Stations,
) -> list[Measured]:
    """Read the stations for events: rows of `epicat.located.BEST_EVENTS` and their arrivals."""
    reader = EventReadings(design.law, design.least_snr, stations)
    picks = _picks_by_event(arrivals)
    names = ("event_id", "latitude", "longitude", "depth_km", "origin_id")
    columns = [events[name].to_pylist() for name in names]
    times = events["time"].cast(pa.int64()).to_pylist()
    found = []
    for time_ns, (event_id, *place, origin_id) in zip(
        times, zip(*columns, strict=True), strict=True
    ):
        source = Source(event_id, time_ns, *place)
        readings = reader.read(source, picks.get(event_id, ()), amplitudes)
        found.append(Measured(source, origin_id, readings))
    return found


def _picks_by_event(arrivals: pa.Table) -> dict[str, list[PickRow]]:
    found: dict[str, list[PickRow]] = {}
    names = ("event_id", "trace_id", "phase", "pick_id")
    columns = [arrivals[name].to_pylist() for name in names]
    times = arrivals["time"].cast(pa.int64()).to_pylist()
    for event_id, trace_id, phase, pick_id, time_ns in zip(*columns, times, strict=True):
        found.setdefault(event_id, []).append(PickRow(trace_id, phase, time_ns, pick_id))
    return found


def observations(
    measured: Sequence[Measured], corrections: Mapping[str, float]
) -> tuple[Observations, NDArray[np.int64]]:
    """Return all readings that count, and the number of each among all readings, in order."""
    event, value, bound, peak, at, number = [], [], [], [], [], 0
    for i, one in enumerate(measured):
        for reading in one.readings:
            if reading.counts:
                event.append(i)
                value.append(reading.magnitude + corrections.get(reading.trace_id, 0.0))
                bound.append(reading.is_bound)
                peak.append(reading.is_peak)
                at.append(number)
            number += 1
    rows = Observations(
        np.array(event, dtype=np.int64),
        np.array(value, dtype=np.float64),
        np.array(bound, dtype=np.bool_),
        len(measured),
        np.array(peak, dtype=np.bool_),
    )
    return rows, np.array(at, dtype=np.int64)


def magnitude_rows(
    measured: Sequence[Measured], design: MagnitudeDesign, key: str
) -> MagnitudeRows:
    """Compute the magnitudes of events and return their rows under a block's key."""
    enough = [one for one in measured if one.n_values >= design.least_stations]
    corrections = dict(design.corrections)
    given, at = observations(enough, corrections)
    found = network_magnitudes(given, design.network)
    weights = np.zeros(sum(len(one.readings) for one in enough))
    weights[at] = found.weight
    magnitudes: list[dict[str, Any]] = []
    stations: list[dict[str, Any]] = []
    first = 0
    for i, one in enumerate(enough):
        own = weights[first : first + len(one.readings)].tolist()
        first += len(one.readings)
        row = _magnitude(one, found, i, design.digest)
        magnitudes.append(row)
        stations += _station_rows(one, own, corrections, row["magnitude_id"])
    return MagnitudeRows(
        magnitudes=_table(magnitudes, MAGNITUDES, design, key),
        stations=_table(stations, STATION_MAGNITUDES, design, key),
        too_few=len(measured) - len(enough),
    )


def _magnitude(one: Measured, found: NetworkMagnitudes, i: int, design: str) -> dict[str, Any]:
    counts = (int(found.n_used[i]), int(found.n_bounds[i]))
    value = float(found.value[i])
    return {
        "magnitude_id": digest_of(design, one.source.event_id, f"{value:.5f}", *counts),
        "event_id": one.source.event_id,
        "time": one.source.time_ns,
        "type": TYPE,
        "value": value,
        "standard_error": float(found.standard_error[i]),
        "mad": float(found.mad[i]),
        "median": float(found.median[i]),
        "n_used": counts[0],
        "n_bounds": counts[1],
        "origin_id": one.origin_id,
    }


def _station_rows(
    one: Measured, weights: Sequence[float], corrections: Mapping[str, float], magnitude_id: str
) -> Iterable[dict[str, Any]]:
    for reading, weight in zip(one.readings, weights, strict=True):
        correction = corrections.get(reading.trace_id, 0.0)
        value = reading.magnitude + correction
        is_outlier = reading.flag == ReadingFlag.AMPLITUDE and weight < 0.5
        yield {
            "station_magnitude_id": digest_of(magnitude_id, reading.trace_id),
            "magnitude_id": magnitude_id,
            "event_id": one.source.event_id,
            "trace_id": reading.trace_id,
            "time": reading.time_ns,
            "distance_km": reading.distance_km,
            "is_bound": reading.is_bound,
            "correction": correction,
            "weight": weight,
            "flag": (ReadingFlag.OUTLIER if is_outlier else reading.flag).value,
            "value": _or_none(value),
            "pick_id": reading.pick_id,
            "amplitude_mm": _or_none(reading.amplitude_mm),
            "noise_mm": _or_none(reading.noise_mm),
            "period_s": _or_none(reading.period_s),
        }


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _table(
    rows: Sequence[dict[str, Any]], schema: pa.Schema, design: MagnitudeDesign, key: str
) -> pa.Table:
    """Return rows in the order of time and id."""
    same = {"law": design.law.name, "design": design.digest, "key": key}
    table = pa.Table.from_pylist([{**row, **same} for row in rows], schema)
    return table.sort_by([("time", "ascending"), (schema.names[0], "ascending")])
