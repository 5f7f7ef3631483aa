"""Confidence ellipsoids of covariances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.export.origin import Ellipsoid

TO_NED = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])


def rotation(axis: int, degrees: float) -> np.ndarray:
    """Return the right-handed rotation about an axis of north, east and down."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    square = np.eye(3)
    square[i, i], square[i, j], square[j, i], square[j, j] = c, -s, s, c
    return square


def covariance_of(solid: Ellipsoid) -> np.ndarray:
    """Return the covariance of east, north and depth that has this ellipsoid.

    The axes are turned by the azimuth about the vertical, the plunge downwards and the rotation
    about the major axis (Tait and Bryan, z-y-x): the first is the major axis, the second the
    minor axis, as the description of QuakeML says.
    """
    axes = (
        rotation(2, solid.azimuth_deg)
        @ rotation(1, -solid.plunge_deg)
        @ rotation(0, solid.rotation_deg)
    )
    lengths = np.array([solid.major_km, solid.minor_km, solid.intermediate_km])
    square = axes @ np.diag(lengths**2 / 3.526741) @ axes.T
    return TO_NED @ square @ TO_NED


factors = st.lists(st.floats(-3, 3), min_size=9, max_size=9)


@given(factors)
def test_the_angles_give_the_covariance_back(values: list[float]) -> None:
    root = np.array(values).reshape(3, 3) + 0.01 * np.eye(3)
    square = root @ root.T
    solid = Ellipsoid.from_covariance(square)
    np.testing.assert_allclose(covariance_of(solid), square, atol=1e-6 * max(1, np.trace(square)))
    assert solid.major_km >= solid.intermediate_km >= solid.minor_km >= 0
    assert 0 <= solid.plunge_deg <= 90
    assert 0 <= solid.azimuth_deg <= 360
    assert 0 <= solid.rotation_deg <= 180


def test_simple_ellipsoids() -> None:
    flat = Ellipsoid.from_covariance(np.diag([9.0, 4.0, 1.0]))  # longest to the east
    assert (flat.plunge_deg, flat.azimuth_deg % 180) == (0, pytest.approx(90))
    assert flat.rotation_deg == pytest.approx(90)  # minor axis vertical
    assert flat.major_km / flat.minor_km == pytest.approx(3)
    deep = Ellipsoid.from_covariance(np.diag([1.0, 4.0, 9.0]))
    assert deep.plunge_deg == pytest.approx(90)
    on_its_side = Ellipsoid.from_covariance(np.diag([1.0, 9.0, 4.0]))  # minor axis horizontal
    assert on_its_side.rotation_deg % 180 == pytest.approx(0)


def test_the_rotation_is_that_of_the_us_geological_survey() -> None:
    """An example of its libcomcat: the axes as printed, in whole degrees, and their angles."""
    axes = []
    for azimuth, plunge, length in ((139.0, 6.0, 16.0), (310.0, 83.0, 6.1), (49.0, 1.0, 10.9)):
        a, p = math.radians(azimuth), math.radians(plunge)
        axis = np.array([math.sin(a) * math.cos(p), math.cos(a) * math.cos(p), math.sin(p)])
        axes.append(axis * length / math.sqrt(3.526741))
    solid = Ellipsoid.from_covariance(sum(np.outer(axis, axis) for axis in axes))
    found = (solid.major_km, solid.minor_km, solid.intermediate_km, solid.azimuth_deg,
             solid.plunge_deg, solid.rotation_deg)  # fmt: skip
    assert found == pytest.approx((16.0, 6.1, 10.9, 139.0, 6.0, 88.9075), abs=1.0)


def test_the_level_is_that_of_one_standard_error() -> None:
    scipy_stats = pytest.importorskip("scipy.stats")
    solid = Ellipsoid.from_covariance(np.eye(3))
    assert solid.major_km**2 == pytest.approx(scipy_stats.chi2.ppf(0.6827, 3), rel=2e-4)
