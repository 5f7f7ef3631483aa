from __future__ import annotations

from dataclasses import replace
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from epicat.association.sites import Site, SiteIndex, count_sites
from epicat.geo import Plane
from epicat.model import ANY_LOCATION, EVER, Placement, Span, Station
from epicat.time import parse_time

PLANE = Plane(40.0, -124.0)


def station(code, location, x_km, y_km=0.0, *, network="NC", name=None, up=0.0):
    lat, lon = (v.item() for v in PLANE.to_lat_lon(x_km, y_km))
    return Station(network, code, location, (), lat, lon, up, name or f"{network}.{code}")


def sites_of(rows, radius_m=100.0):
    return SiteIndex.from_stations(rows, PLANE, radius_m)


def test_location_codes_of_one_station_are_one_site():
    index = sites_of([station("KBG", "00", 0), station("KBG", "10", 0), station("KBG", "", 0.5)])
    assert count_sites(index.sites) == 1
    assert {index.site(f"NC.KBG.{loc}").group for loc in ("00", "10", "")} == {"NC.KBG"}


def test_stations_of_other_networks_at_the_same_place_are_one_site():
    index = sites_of(
        [station("KBG", "00", 0), station("STRONG", "HN", 0.08, network="CE"), station("X", "", 5)]
    )
    assert [s.name for s in index.sites] == ["CE.STRONG", "NC.X"]
    assert index.site("NC.KBG.00") == index.site("CE.STRONG.HN")


def test_a_place_beyond_the_radius_is_another_site():
    rows = [station("A", "", 0), station("B", "", 0.101)]
    assert len(sites_of(rows).sites) == 2
    assert len(sites_of(rows, 102).sites) == 1


def test_the_diameter_of_a_site_is_bounded():
    rows = [station(f"S{i}", "", 0.09 * i) for i in range(6)]
    assert [s.name for s in sites_of(rows).sites] == ["NC.S0", "NC.S2", "NC.S4"]
    assert len(sites_of(rows, 80).sites) == 6
    assert len(sites_of(rows, 500).sites) == 1


def test_a_line_of_nodes_is_a_line_of_sites():
    line = [station(f"E{i:03d}", "", 0.09 * i) for i in range(101)]
    index = sites_of([*line, *(station(f"N{i:03d}", "", 4.5, 0.09 * i - 4.55) for i in range(101))])
    assert 90 <= len(index.sites) <= 125
    assert all(1 < len(names) <= 4 for names in index.joined)
    assert index.joined[0] == ("NC.E000", "NC.E001")


def test_a_radius_of_nothing_leaves_only_the_codes():
    rows = [station("A", "00", 0), station("A", "10", 0), station("B", "00", 0)]
    assert [s.name for s in sites_of(rows, 0).sites] == ["NC.A", "NC.B"]


def test_a_location_that_the_list_does_not_name_is_at_the_station():
    index = sites_of([station("KBG", "00", 0)])
    assert index.site("NC.KBG.20") == index.site("NC.KBG.00")
    assert sites_of([station("KBG", ANY_LOCATION, 0)]).site("NC.KBG.00") is not None


def test_a_trace_of_no_station_has_no_site():
    index = sites_of([station("KBG", "00", 0)])
    assert index.site("NC.KB.00") is None
    assert index.site("BK.KBG.00") is None


def test_one_code_at_two_places_is_two_sites():
    near = station("KBG", "00", 0, name="NC.KBG.00", up=10)
    far = station("KBG", "10", 5, name="NC.KBG.10", up=20)
    index = sites_of([near, far])
    assert index.site("NC.KBG.00").elevation_m == 10
    assert index.site("NC.KBG.10").elevation_m == 20


def test_nothing_gives_no_sites():
    assert sites_of([]).sites == ()


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from(["00", "10"])), unique=True))
def test_the_order_of_the_list_does_not_matter(codes):
    rows = [station(code, loc, 0.06 * i) for i, (code, loc) in enumerate(codes[:4])]
    found = [sites_of(order).sites for order in permutations(rows)]
    assert all(sites == found[0] for sites in found)


MOVED_NS = parse_time("2024-06-02")
BEFORE, AFTER = Span(EVER.start_ns, MOVED_NS), Span(MOVED_NS, EVER.end_ns)


def moved(row, x_km, y_km=0.0, *, up=0.0):
    """Return a station that was elsewhere before `MOVED_NS`."""
    lat, lon = (v.item() for v in PLANE.to_lat_lon(x_km, y_km))
    now = Placement(AFTER, row.latitude, row.longitude, row.elevation_m)
    return replace(row, placements=(Placement(BEFORE, lat, lon, up), now))


def test_a_station_that_moved_is_two_sites_with_epochs():
    index = sites_of([moved(station("A", "00", 0), 25), station("B", "", 50)])
    assert [(s.name, s.epoch) for s in index.sites] == [
        ("NC.A", AFTER), ("NC.A@until-20240602T000000", BEFORE), ("NC.B", EVER),
    ]  # fmt: skip
    assert index.site("NC.A.00", MOVED_NS).name == "NC.A"
    assert index.site("NC.A.00", MOVED_NS - 1).name == "NC.A@until-20240602T000000"
    assert index.site("NC.A.10", MOVED_NS - 1) == index.site("NC.A.00", MOVED_NS - 1)
    assert index.site("NC.A.00").name == "NC.A"
    assert count_sites(index.sites) == 2


def test_a_move_within_the_radius_is_a_correction_of_the_coordinates():
    (site,) = sites_of([moved(station("A", "00", 0), 0.05)]).sites
    assert site == Site("NC.A", site.latitude, site.longitude, 0.0, "NC.A")
    assert abs(site.longitude - PLANE.longitude) < 1e-6


def test_a_station_that_came_back_is_at_its_first_site_again():
    there = station("A", "", 5)
    row = replace(
        station("A", "", 0),
        placements=(
            Placement(Span(EVER.start_ns, 10), PLANE.latitude, PLANE.longitude, 0.0),
            Placement(Span(10, 20), there.latitude, there.longitude, 0.0),
            Placement(Span(20, EVER.end_ns), PLANE.latitude, PLANE.longitude, 0.0),
        ),
    )
    index = sites_of([row])
    assert index.site("NC.A.", 0) == index.site("NC.A.", 30) != index.site("NC.A.", 15)
    assert len(index.sites) == 2


def test_all_sensors_of_a_place_move_to_one_site():
    rows = [moved(station("A", loc, 0), 25, 0.2 * at) for at, loc in enumerate(("00", "10"))]
    index = sites_of(rows)
    old = {index.site(row.id, 0).group for row in rows}
    assert old == {"NC.A@until-20240602T000000"}
    assert index.site("NC.A.10", 0).latitude > index.site("NC.A.00", 0).latitude
    assert count_sites(index.sites) == 1


def test_a_borehole_sensor_has_its_own_position_and_the_site_counts_once():
    index = sites_of([station("A", "00", 0, up=100), station("A", "10", 0.001, up=-150)])
    surface, deep = index.site("NC.A.00"), index.site("NC.A.10")
    assert (surface.name, surface.elevation_m, surface.group) == ("NC.A", 100, "NC.A")
    assert (deep.name, deep.elevation_m, deep.group) == ("NC.A.10", -150, "NC.A")
    assert count_sites(index.sites) == 1


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=25), st.integers(0, 30))
def test_no_two_stations_of_a_site_are_further_apart_than_the_radius(points, radius):
    rows = [station(f"S{at}", "", x / 100, y / 100) for at, (x, y) in enumerate(points)]
    index = sites_of(rows, radius * 10)
    x, y = PLANE.to_xy([r.latitude for r in rows], [r.longitude for r in rows])
    for i, one in enumerate(rows):
        for j, other in enumerate(rows):
            if index.site(one.id).group == index.site(other.id).group:
                assert (x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2 <= (radius / 100 + 1e-6) ** 2
