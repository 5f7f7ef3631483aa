"""Stations and picks of simulated events as files that a user would import."""

from __future__ import annotations

import csv
from pathlib import Path

from benchmarks.simulated_picks import LAYERS, Simulated

from epicat.geo import Extent, Plane
from epicat.time import iso, parse_time

FIRST = parse_time("2024-02-29")
EXTENT = "39.5,40.5,-124.6,-123.4"


def write_files(folder: Path, case: Simulated, every_ns: int) -> None:
    """Write stations, picks of events at even intervals, and the velocity model ``v.csv``."""
    latitude, longitude = Plane(*Extent.parse(EXTENT).center).to_lat_lon(
        case.network.x_km, case.network.y_km
    )
    with (folder / "stations.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "latitude", "longitude", "elevation"])
        for k, height in enumerate(-1000 * case.network.depth_km):
            writer.writerow([f"XX.S{k:02d}.", latitude[k], longitude[k], round(height, 1)])
    a = case.arrivals
    with (folder / "picks.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["trace_id", "time", "phase", "confidence"])
        for event, sensor, phase, time in zip(a.event, a.sensor, a.phase, a.time_s, strict=True):
            at = FIRST + int(event) * every_ns + round(float(time) * 1e9)
            writer.writerow([f"XX.S{sensor:02d}.", iso(at), "PS"[phase], 0.9])
    rows = zip(LAYERS.depth_km, LAYERS.vp, LAYERS.vs, strict=True)
    (folder / "v.csv").write_text("".join(f"{d},{p},{s}\n" for d, p, s in rows))
