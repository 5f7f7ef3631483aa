from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from epicat.errors import InputError
from epicat.geo import Extent, Plane, distance_azimuth

LATITUDES = st.floats(-89, 89)
LONGITUDES = st.floats(-180, 180)


@pytest.mark.parametrize(
    ("text", "extent"),
    [
        ("39,41,-125,-123", Extent(39, 41, -125, -123)),
        ("-41,-39,174,176", Extent(-41, -39, 174, 176)),
        (" 39 , 41 , -125 , -123 ", Extent(39, 41, -125, -123)),
        ("-90,90,-180,180", Extent(-90, 90, -180, 180)),
        ("-20,-15,175,-175", Extent(-20, -15, 175, -175)),
        ("1e1,2e1,0.5,.75", Extent(10, 20, 0.5, 0.75)),
    ],
)
def test_an_extent_is_read(text: str, extent: Extent) -> None:
    assert Extent.parse(text) == extent
    assert Extent.parse(str(extent)) == extent


@pytest.mark.parametrize(
    "text",
    ["", "39,41,-125", "39,41,-125,-123,0", "39;41;-125;-123", "a,b,c,d", "41,39,-125,-123",
     "39,39,-125,-123", "39,91,-125,-123", "-91,41,-125,-123", "39,41,-181,-123", "39,41,235,237",
     "39,41,-125,-125", "39,41,180,-180", "nan,41,-125,-123", "39,41,nan,-123", "39,inf,-125,-123",
     "-125,-123,39,41"],
)  # fmt: skip
def test_a_bad_extent_is_told_with_the_order_that_is_wanted(text: str) -> None:
    with pytest.raises(InputError) as caught:
        Extent.parse(text)
    assert text.strip() in str(caught.value)
    assert "minlat,maxlat,minlon,maxlon" in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_an_extent_or_an_input_error(text: str) -> None:
    with suppress(InputError):
        assert isinstance(Extent.parse(text), Extent)


def test_the_edges_belong_to_an_extent() -> None:
    extent = Extent(39, 41, -125, -123)
    inside = extent.contains(
        [39, 41, 40, 40, 38.999, 40, 40], [-124, -124, -125, -123, -124, 0, 236]
    )
    assert inside.tolist() == [True, True, True, True, False, False, True]


def test_an_extent_may_cross_the_date_line() -> None:
    extent = Extent.parse("-20,-15,175,-175")
    assert extent.width_deg == 10
    assert extent.center == (-17.5, -180)
    inside = extent.contains(-17, [175, 179.9, 180, -180, -175, 174.9, -174.9, 0])
    assert inside.tolist() == [True, True, True, True, True, False, False, False]


@given(LATITUDES, LONGITUDES)
def test_the_whole_earth_holds_every_point(latitude: float, longitude: float) -> None:
    earth = Extent.parse("-90,90,-180,180")
    assert earth.contains(latitude, longitude)
    assert earth.width_deg == 360
    assert earth.center == (0, 0)


@given(LONGITUDES, LONGITUDES, LONGITUDES)
@example(-125.0, -123.0, -123.0)
def test_an_ordinary_extent_holds_what_lies_between_its_edges(
    west: float, east: float, longitude: float
) -> None:
    assume(west < east)
    assume(min(abs(longitude - edge) % 360 for edge in (west, east)) > 1e-9 or longitude == east)
    assert Extent(-10, 10, west, east).contains(0, longitude) == (west <= longitude <= east)


@given(LATITUDES, LONGITUDES, st.floats(-500, 500), st.floats(-500, 500))
def test_a_plane_goes_there_and_back(latitude: float, longitude: float, x: float, y: float) -> None:
    plane = Plane(latitude, longitude)
    back = plane.to_xy(*plane.to_lat_lon([x], [y]))
    np.testing.assert_allclose(np.ravel(back), [x, y], atol=1e-6)
    np.testing.assert_allclose(np.ravel(plane.to_xy([latitude], [longitude])), 0, atol=1e-6)


@given(
    st.floats(-80, 80),
    LONGITUDES,
    *[st.floats(-350, 350)] * 4,
)
def test_a_plane_keeps_distances_to_a_thousandth(
    latitude: float, longitude: float, x1: float, y1: float, x2: float, y2: float
) -> None:
    plane = Plane(latitude, longitude)
    lats, lons = plane.to_lat_lon([x1, x2], [y1, y2])
    true, _ = distance_azimuth(lats[0], lons[0], lats[1], lons[1])
    assert np.hypot(x2 - x1, y2 - y1) == pytest.approx(float(true), rel=1e-3, abs=1e-6)
    from_centre, azimuth = distance_azimuth(latitude, longitude, lats[0], lons[0])
    assert np.hypot(x1, y1) == pytest.approx(float(from_centre), abs=1e-5)
    if np.hypot(x1, y1) > 1:
        turn = (np.degrees(np.arctan2(x1, y1)) - float(azimuth) + 180) % 360 - 180
        assert abs(turn) < 1e-4


@pytest.mark.parametrize(
    ("points", "km", "azimuth"),
    [
        # GeographicLib's own examples: New York to London, Wellington to Salamanca.
        ((40.6, -73.8, 51.6, -0.5), 5551.759400, 51.198882845579),
        ((-41.32, 174.81, 40.96, -5.50), 19959.679267, 161.067669986160),
        # A degree of the equator and of the meridian on WGS84.
        ((0, 0, 0, 1), 111.319491, 90),
        ((0, 0, 1, 0), 110.574389, 0),
        ((0, 179.5, 0, -179.5), 111.319491, 90),
        ((0, 0, 0, -1), 111.319491, 270),
    ],
)
def test_distances_and_azimuths_are_those_of_the_ellipsoid(
    points: tuple[float, float, float, float], km: float, azimuth: float
) -> None:
    distance, angle = distance_azimuth(*points)
    assert float(distance) == pytest.approx(km, abs=2e-6)
    assert float(angle) == pytest.approx(azimuth, abs=1e-9)


def test_distances_broadcast() -> None:
    distance, azimuth = distance_azimuth([[0], [1]], [[0], [0]], [0, 1, 2], [0, 0, 0])
    assert distance.shape == azimuth.shape == (2, 3)
    assert distance[0, 0] == distance[1, 1] == 0
    assert ((azimuth >= 0) & (azimuth < 360)).all()


def test_a_plane_keeps_the_shape_of_what_it_is_given() -> None:
    plane = Plane(40, -124)
    assert plane.to_xy(40, -124)[0].shape == ()
    assert plane.to_xy([40], [-124])[0].shape == (1,)
    assert plane.to_lat_lon([[0, 1], [2, 3]], 5)[1].shape == (2, 2)
    assert plane.to_xy([], [])[0].shape == (0,)
