"""Events of known position at stations that move, from exact arrival times with noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from epicat.association.associate_options import AssociateOptions
from epicat.geo import Extent, Plane
from epicat.model import EVER, Pick, Placement, Span, Station
from epicat.pipeline.in_memory.associate_picks import associate
from epicat.time import SECOND_NS, parse_time

PLANE = Plane(40.0, -124.0)
EXTENT = Extent(39.6, 40.4, -124.5, -123.5)
START, MOVE = parse_time("2024-06-01T18:00:00"), parse_time("2024-06-02")
VP, VS = 6.0, 3.4682
OPTIONS = AssociateOptions(p_velocity=VP, s_velocity=VS, max_depth=30)


def network(seed):
    """Return twelve stations, and x, y, elevation of each."""
    generator = np.random.default_rng(seed)
    places = np.column_stack([generator.uniform(-30, 30, (12, 2)), generator.uniform(0, 1500, 12)])
    rows = []
    for at, (x, y, up) in enumerate(places):
        lat, lon = (v.item() for v in PLANE.to_lat_lon(x, y))
        rows.append(Station("XX", f"S{at:02d}", "", (), lat, lon, up, f"XX.S{at:02d}"))
    return rows, places, generator


def shaken(rows, places_at, generator, events):
    """Return the picks of events at stations whose places are given for each time."""
    picks = []
    for time_ns, x, y, z in events:
        for row, (sx, sy, up) in zip(rows, places_at(time_ns), strict=True):
            distance = np.sqrt((x - sx) ** 2 + (y - sy) ** 2 + (z + up / 1000) ** 2)
            for phase, velocity, error in (("P", VP, 0.02), ("S", VS, 0.04)):
                seconds = distance / velocity + generator.normal(0, error)
                at = time_ns + round(seconds * SECOND_NS)
                picks.append(Pick(at, row.id, "HH", phase, 0.9, at, at))
    return picks


def errors_km(rows, picks, events):
    found = list(associate(picks, rows, options=OPTIONS, extent=EXTENT))
    errors = []
    for time_ns, x, y, _ in events:
        near = [e for e in found if abs(e.time_ns - time_ns) < 1.5 * SECOND_NS]
        for event in near[:1]:
            ex, ey = PLANE.to_xy(event.latitude, event.longitude)
            errors.append(float(np.hypot(ex - x, ey - y)))
    return np.array(errors)


@pytest.mark.parametrize("seed", [0, 1])
def test_stations_that_move_25_km_cost_no_accuracy(seed):
    rows, places, generator = network(seed)
    events = [
        (START + n * 2400 * SECOND_NS, *generator.uniform(-20, 20, 2), generator.uniform(4, 14))
        for n in range(18)
    ]
    undisturbed = errors_km(rows, shaken(rows, lambda _: places, generator, events), events)
    there = places + np.array([[0, 25, 0]]) * (np.arange(12) < 4)[:, None]
    moved = []
    for row, (x, y, _) in zip(rows, there, strict=True):
        lat, lon = (v.item() for v in PLANE.to_lat_lon(x, y))
        old = Placement(Span(EVER.start_ns, MOVE), row.latitude, row.longitude, row.elevation_m)
        new = Placement(Span(MOVE, EVER.end_ns), lat, lon, row.elevation_m)
        changed = lat != row.latitude
        moved.append(
            replace(row, latitude=lat, longitude=lon, placements=(old, new) if changed else ())
        )
    picks = shaken(rows, lambda t: there if t >= MOVE else places, generator, events)
    found = errors_km(moved, picks, events)
    assert len(found) == len(undisturbed) == len(events)
    assert np.median(found) < 1.5 * np.median(undisturbed) + 0.05
    assert found.max() < 3
    # With the last position on all days, events of the first day are lost or misplaced.
    wrong = errors_km([replace(row, placements=()) for row in moved], picks, events)
    assert len(wrong) < len(events) or wrong.max() > 3
