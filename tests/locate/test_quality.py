from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from epicat.locate.quality import Evidence, azimuthal_gaps, quality_class
from epicat.locate.uncertainty import Ellipses, region_factor

GOOD = Evidence(0.4, 0.8, 0.9, 20.0, 120.0, is_depth_fixed=False, is_at_edge=False)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "A"),
        ({"major_km": 1.0}, "B"),
        ({"depth_error_km": 2.5}, "B"),
        ({"secondary_gap_deg": 200.0}, "B"),
        ({"inlier_share": 0.55}, "B"),
        ({"effective_picks": 7.0}, "B"),
        ({"is_depth_fixed": True}, "C"),
        ({"is_at_edge": True}, "C"),
        ({"major_km": 6.0}, "D"),
        ({"effective_picks": 3.0}, "D"),
    ],
)
def test_a_class_is_the_first_whose_limits_are_kept(change, expected):
    assert quality_class(replace(GOOD, **change)) == expected


@pytest.mark.parametrize(
    ("azimuths", "expected"),
    [([], (360, 360)), ([10], (360, 360)), ([0, 90], (270, 360)), ([0, 120, 240], (120, 240)),
     ([350, 10, 100, 200], (150, 250)), ([0, 0, 180], (180, 360))],
)  # fmt: skip
def test_gaps(azimuths, expected):
    assert azimuthal_gaps(azimuths) == expected


def test_an_ellipse_has_the_axes_and_azimuth_of_its_covariance():
    angle = np.radians(30.0)  # clockwise from north
    along = np.array([np.sin(angle), np.cos(angle)])
    across = np.array([along[1], -along[0]])
    covariance = np.zeros((1, 3, 3))
    covariance[0, :2, :2] = 4.0 * np.outer(along, along) + np.outer(across, across)
    ellipse = Ellipses.from_covariance(covariance)
    scale = np.sqrt(2.2957)
    np.testing.assert_allclose(ellipse.major_km, 2 * scale, rtol=1e-3)
    np.testing.assert_allclose(ellipse.minor_km, scale, rtol=1e-3)
    np.testing.assert_allclose(ellipse.azimuth_deg, 30.0)


def test_regions_of_few_picks_are_those_of_the_f_distribution():
    from scipy.stats import chi2, f

    for freedom in (3.0, 10.0, 200.0):
        expected = 2 * f.ppf(0.6827, 2, freedom) / chi2.ppf(0.6827, 2)
        assert region_factor(np.array(freedom)) == pytest.approx(expected)
