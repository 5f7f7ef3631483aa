from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.association.candidates import Candidate, Matched
from epicat.association.events import azimuthal_gap, to_events
from epicat.model import Station
from support.tiny_network import PLANE, design_of, stations

DESIGN = design_of(stations())


@given(st.lists(st.floats(0, 360, exclude_max=True), min_size=1, max_size=12), st.integers(0, 359))
def test_the_gap_is_the_same_from_every_direction(azimuths, turn):
    turned = [(azimuth + turn) % 360 for azimuth in azimuths]
    assert azimuthal_gap(turned) == pytest.approx(azimuthal_gap(azimuths), abs=1e-6)


@given(st.lists(st.integers(0, 359), min_size=2, max_size=12, unique=True))
def test_no_station_lies_in_the_gap(azimuths):
    gap = azimuthal_gap(azimuths)
    assert 360 / len(azimuths) <= gap < 360
    clear = [
        start
        for start in azimuths
        if all((other - start) % 360 >= gap for other in azimuths if other != start)
    ]
    assert clear


@pytest.mark.parametrize(
    ("azimuths", "gap"),
    [([], 360), ([17], 360), ([17, 17], 360), ([0, 90, 180, 270], 90), ([350, 10], 340)],
)
def test_known_gaps(azimuths, gap):
    assert azimuthal_gap(azimuths) == gap


def design_around():
    """Return a design with a station 10 km north of the centre, and others around it."""
    places = {"N": (0, 10), "E": (20, 0), "S": (0, -30), "W": (-5, 0)}
    rows = []
    for code, (x, y) in places.items():
        lat, lon = (v.item() for v in PLANE.to_lat_lon(x, y))
        rows.append(Station("XX", code, "", (), lat, lon, 0.0, f"XX.{code}"))
    return design_of(rows)


def candidate_at(x, y, z, codes="NESW", residual=0.1):
    picks = [
        Matched(at, f"{code}{phase}", f"XX.{code}.", f"XX.{code}", phase, residual)
        for at, code in enumerate(codes)
        for phase in "PS"
    ]
    return Candidate(5, x, y, z, tuple(sorted(picks)))


def test_distances_and_azimuths_are_those_of_the_map():
    (event,) = to_events([candidate_at(0, 0, 8)], design_around())
    found = {a.trace_id[3]: (a.distance_km, a.azimuth_deg) for a in event.arrivals}
    for code, distance, azimuth in (("N", 10, 0), ("E", 20, 90), ("S", 30, 180), ("W", 5, 270)):
        assert found[code][0] == pytest.approx(distance, abs=0.01)
        assert (found[code][1] - azimuth + 180) % 360 - 180 == pytest.approx(0, abs=0.01)
    assert event.dmin_km == pytest.approx(5, abs=0.01)
    assert event.gap_deg == pytest.approx(90, abs=0.05)
    assert (event.latitude, event.longitude) == pytest.approx((PLANE.latitude, PLANE.longitude))
    assert (event.depth_km, event.rms_s, event.time_ns) == (8, pytest.approx(0.1), 5)


def test_only_stations_with_an_arrival_count_for_gap_and_distance():
    (event,) = to_events([candidate_at(0, 0, 8, codes="NE")], design_around())
    assert event.gap_deg == pytest.approx(270, abs=0.05)
    assert event.dmin_km == pytest.approx(10, abs=0.01)
    assert len(event.arrivals) == 4


def test_arrivals_keep_their_picks_and_the_order_of_time():
    candidate = candidate_at(1, 2, 8)
    (event,) = to_events([candidate], design_around())
    assert [a.pick_id for a in event.arrivals] == [p.pick_id for p in candidate.picks]
    assert [a.time_ns for a in event.arrivals] == sorted(a.time_ns for a in event.arrivals)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("side", [0, 1])
def test_a_hypocenter_at_the_edge_of_the_search_box_is_flagged(axis, side):
    design = design_around()
    limits = (design.x_km, design.y_km, design.z_km)
    place = [0.0, 0.0, 8.0]
    place[axis] = limits[axis][side] + (0.01, -0.01)[side]
    (event,) = to_events([candidate_at(*place)], design)
    assert event.edge
    place[axis] = limits[axis][side] + (2, -2)[side]
    (event,) = to_events([candidate_at(*place)], design)
    assert not event.edge


def test_no_candidates_no_events():
    assert to_events([], DESIGN) == []
