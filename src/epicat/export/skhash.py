"""First motions for SKHASH (Skoumal et al. 2024), which computes focal mechanisms.

A row for each first motion that is decided: ``event_id``, codes, ``p_polarity`` (1 up, -1 down),
``azimuth`` in degrees from the epicentre, ``sr_dist_km`` and the place of the event with its
uncertainty.  SKHASH computes take-off angles from a velocity model; the companion is its list of
stations.  In the control file: ``$input_format skhash``, ``$conpfile`` and ``$stfile``.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from typing import IO, Any

import pyarrow as pa

from epicat.export.quakes import Part, Quake, Written
from epicat.export.stream import quakes
from epicat.model import ANY_LOCATION

__all__ = ["write_skhash"]

_HEADER = ("event_id", "network", "station", "location", "channel", "p_polarity", "azimuth",
           "sr_dist_km", "origin_latitude", "origin_longitude", "origin_depth_km",
           "horz_uncert_km", "vert_uncert_km")  # fmt: skip
_STATION_HEADER = ("network", "station", "location", "channel", "latitude", "longitude",
                   "elevation")  # fmt: skip


def write_skhash(
    parts: Iterable[Part], stations: pa.Table, file: IO[str], *companions: IO[str]
) -> Written:
    """Write first motions; the companion is the list of their stations."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_HEADER)
    events = motions = 0
    traces: set[tuple[str, str]] = set()
    for quake in quakes(parts):
        rows = list(_rows(quake, traces))
        writer.writerows(rows)
        events += bool(rows)
        motions += len(rows)
    for companion in companions:
        _write_stations(stations, traces, companion)
    notes = () if motions else ("no first motion is decided: amplitudes were not measured",)
    return Written(events, motions, notes)


def _rows(quake: Quake, traces: set[tuple[str, str]]) -> Iterator[tuple[Any, ...]]:
    """Yield the first motions of an event; ``traces`` receives the traces and their channels."""
    origin = quake.origin
    errors = origin.errors
    widths = (_text(errors.major_km, 3), _text(errors.depth_km, 3)) if errors else ("", "")
    place = (f"{origin.latitude:z.6f}", f"{origin.longitude:z.6f}", f"{origin.depth_km:z.3f}")
    for arrival in origin.arrivals:
        polarity = quake.polarities.get(arrival.pick_id, 0)
        if arrival.phase != "P" or not polarity:
            continue
        network, station, location, *_ = [*arrival.trace_id.split("."), "", ""]
        channel = f"{arrival.band or ''}Z"
        traces.add((arrival.trace_id, channel))
        distance = math.hypot(arrival.distance_km, origin.depth_km)
        yield (
            quake.event_id, network, station, _location(location), channel, polarity,
            _text(arrival.azimuth_deg, 2), _text(distance, 3), *place, *widths,
        )  # fmt: skip


def _write_stations(stations: pa.Table, traces: set[tuple[str, str]], file: IO[str]) -> None:
    rows = {row["id"]: row for row in stations.to_pylist()}
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_STATION_HEADER)
    for trace_id, channel in sorted(traces):
        network, station, location, *_ = [*trace_id.split("."), "", ""]
        row = rows.get(trace_id) or rows.get(f"{network}.{station}.{ANY_LOCATION}")
        if row is not None:
            names = (network, station, _location(location), channel)
            writer.writerow([*names, row["latitude"], row["longitude"], row["elevation"]])


def _location(code: str) -> str:
    """Return a location code as SKHASH has it: ``--`` if it is empty."""
    return code if code and code != ANY_LOCATION else "--"


def _text(value: float, digits: int) -> str:
    return f"{value:z.{digits}f}" if math.isfinite(value) else ""
