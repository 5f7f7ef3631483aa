"""The coastline: land and sea at known places, clipping, and the antimeridian."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epicat.plot.coastline import land_in
from epicat.plot.data import View

PLACES = {
    "Berkeley": (37.87, -122.27, True),
    "Pacific off Mendocino": (40.4, -125.5, False),
    "Reykjahlid": (65.64, -16.91, True),
    "Tavua, Fiji": (-17.45, 177.87, True),
    "Koro Sea": (-18.2, 179.9, False),
    "Taveuni, beyond the antimeridian": (-16.85, 180.03, True),
    "Caspian Sea": (42.0, 50.5, False),
    "Null Island": (0.0, 0.0, False),
    "South Pole": (-89.9, 10.0, True),
    "Wellington": (-41.3, 174.75, True),
}


def view_of(latitude: float, longitude: float, half: float = 1.0) -> View:
    return View(latitude - half, latitude + half, longitude - half, longitude + half)


def is_land(view: View, latitude: float, longitude: float) -> bool:
    """Count the edges of all rings that a ray to the north crosses."""
    crossings = 0
    for ring in land_in(view, 1e-4).polygons:
        (x, y), (u, v) = ring[:-1].T, ring[1:].T
        is_across = (x <= longitude) != (u <= longitude)
        share = np.divide(longitude - x, u - x, out=np.zeros_like(x), where=is_across)
        crossings += int((is_across & (y + share * (v - y) > latitude)).sum())
    return crossings % 2 == 1


@pytest.mark.parametrize("name", PLACES)
def test_land_and_sea_are_where_they_are(name: str) -> None:
    latitude, longitude, expected = PLACES[name]
    assert is_land(view_of(latitude, longitude), latitude, longitude) == expected


def test_inland_maps_are_all_land_without_a_coast() -> None:
    view = view_of(35.8, -117.6)
    land = land_in(view, 1e-3)
    assert land.coasts == ()
    (ring,) = land.polygons
    assert np.ptp(ring, axis=0) == pytest.approx([2.0, 2.0])


def test_a_map_on_the_open_sea_has_no_land() -> None:
    assert land_in(view_of(30.0, -140.0), 1e-3) == land_in(view_of(30.0, 220.0), 1e-3)
    assert land_in(view_of(30.0, -140.0), 1e-3).polygons == ()


@settings(max_examples=40, deadline=None)
@given(st.floats(-85, 85), st.floats(-180, 180), st.floats(0.05, 20))
def test_polygons_stay_in_the_view_and_turns_do_not_matter(
    latitude: float, longitude: float, half: float
) -> None:
    view, turned = view_of(latitude, longitude, half), view_of(latitude, longitude + 360, half)
    land, same = land_in(view, half / 500), land_in(turned, half / 500)
    for ring in land.polygons:
        assert ring[:, 0].min() >= view.west - 1e-9
        assert ring[:, 0].max() <= view.east + 1e-9
        assert ring[:, 1].min() >= view.south - 1e-9
        assert ring[:, 1].max() <= view.north + 1e-9
    assert len(land.polygons) == len(same.polygons)
