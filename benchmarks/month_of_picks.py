"""A month of synthetic picks of a regional network, for the association benchmark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from epicat.geo import Extent, Plane
from epicat.time import DAY_NS, parse_time

__all__ = ["BEGIN", "EXTENT", "VP", "VS", "write_month"]

BEGIN, EXTENT = "2019-06-01", Extent.parse("39,41,-125,-123")
VP, VS = 6.0, 3.46
"""Of the whole space that the arrivals are computed in, km/s."""
_SPREAD_S = 0.1
_NOISE = 0.5
"""Picks of nothing for each pick of an arrival."""


def write_month(folder: Path, stations: int, days: int, picks: int) -> int:
    """Write stations.csv and picks.parquet; return the number of earthquakes.

    Stations and earthquakes are anywhere in the extent, down to 30 km.  Each station within range
    has both phases with an error of 0.1 s, of which one in twenty is missing.
    """
    random = np.random.default_rng(20190601)
    low, high = (EXTENT.south, EXTENT.west), (EXTENT.north, EXTENT.east)
    at = random.uniform(low, high, (stations, 2))
    plane = Plane(*EXTENT.center)
    sites = np.column_stack(plane.to_xy(at[:, 0], at[:, 1]))
    ids = [f"XX.M{n:03d}." for n in range(stations)]
    rows = "".join(f"{i},{la:.5f},{lo:.5f},0\n" for i, (la, lo) in zip(ids, at, strict=True))
    (folder / "stations.csv").write_text("id,latitude,longitude,elevation\n" + rows)
    seconds, station, phase, quakes = _arrivals(random, sites, days, round(picks / (1 + _NOISE)))
    noise = round(_NOISE * len(seconds))
    seconds = np.concatenate([seconds, random.uniform(0, days * 86400, noise)])
    station = np.concatenate([station, random.integers(0, stations, noise)])
    phase = np.concatenate([phase, random.choice(["P", "S"], noise)])
    times = parse_time(BEGIN) + np.round(seconds * 1e9).astype(np.int64)
    inside = (times >= parse_time(BEGIN)) & (times < parse_time(BEGIN) + days * DAY_NS)
    table = pa.table({
        "trace_id": np.array(ids)[station[inside]],
        "phase": phase[inside],
        "time": pa.array(times[inside], pa.int64()).cast(pa.timestamp("ns", "UTC")),
        "confidence": random.uniform(0.3, 1, int(inside.sum())),
    })  # fmt: skip
    pq.write_table(table, folder / "picks.parquet")
    return quakes


def _arrivals(
    random: np.random.Generator, sites: np.ndarray, days: int, wanted: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Return seconds, stations and phases of arrivals, and the number of earthquakes."""
    seconds, stations, phases = [], [], []
    count = quakes = 0
    low, high = sites.min(axis=0), sites.max(axis=0)
    while count < wanted:
        origin = random.uniform(0, days * 86400)
        place = random.uniform(low, high)
        away = np.hypot(np.linalg.norm(sites - place, axis=1), random.uniform(2, 30))
        reach_km = 40 + 40 * random.exponential()
        for phase, velocity in (("P", VP), ("S", VS)):
            seen = np.flatnonzero((away < reach_km) & (random.uniform(size=len(sites)) < 0.95))
            error = random.normal(0, _SPREAD_S, len(seen))
            seconds.append(origin + away[seen] / velocity + error)
            stations.append(seen)
            phases.append(np.full(len(seen), phase))
            count += len(seen)
        quakes += 1
    return np.concatenate(seconds), np.concatenate(stations), np.concatenate(phases), quakes
