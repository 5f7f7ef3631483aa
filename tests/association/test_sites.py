from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from epicat.association.sites import SiteIndex
from epicat.geo import Plane
from epicat.model import ANY_LOCATION, Station

PLANE = Plane(40.0, -124.0)


def station(code, location, x_km, y_km=0.0, *, network="NC", name=None, up=0.0):
    lat, lon = (v.item() for v in PLANE.to_lat_lon(x_km, y_km))
    return Station(network, code, location, (), lat, lon, up, name or f"{network}.{code}")


def sites_of(rows, radius_m=100.0):
    return SiteIndex.from_stations(rows, PLANE, radius_m)


def test_location_codes_of_one_station_are_one_site():
    index = sites_of([station("KBG", "00", 0), station("KBG", "10", 0), station("KBG", "", 0.5)])
    assert len(index.sites) == 1
    assert {index.site(f"NC.KBG.{loc}").name for loc in ("00", "10", "")} == {"NC.KBG"}


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


def test_neighbours_of_neighbours_are_one_site():
    rows = [station(f"S{i}", "", 0.09 * i) for i in range(6)]
    assert len(sites_of(rows).sites) == 1
    assert len(sites_of(rows, 80).sites) == 6


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
