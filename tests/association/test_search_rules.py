"""Ranges of depth and their tolerances."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.association.search_rules import deep_tolerance, depth_ranges


@pytest.mark.parametrize(
    ("z_km", "cutoff_km", "ranges"),
    [
        ((-1, 30), 49, [(-1, 30)]),
        ((0, 200), 380, [(0, 200)]),
        ((-1, 650), 40, [(-1, 60), (60, 180), (180, 650)]),
        ((0, 80), 60, [(0, 80)]),
    ],
)
def test_depths_below_the_cutoff_are_ranges_of_their_own(z_km, cutoff_km, ranges):
    assert depth_ranges(z_km, cutoff_km) == ranges


@given(st.floats(-5, 5), st.floats(6, 800), st.floats(30, 700))
def test_ranges_cover_the_box_without_gaps(top, bottom, cutoff_km):
    ranges = depth_ranges((top, bottom), cutoff_km)
    assert ranges[0][0] == top
    assert ranges[-1][1] == bottom
    assert all(one[1] == other[0] for one, other in pairwise(ranges))
    assert all(low < high for low, high in ranges)


@given(st.floats(60, 700), st.floats(60, 700))
def test_tolerances_grow_with_depth(one, other):
    shallow, deep = (deep_tolerance(0.02, bottom) for bottom in sorted((one, other)))
    assert all(a <= b for a, b in zip(shallow, deep, strict=True))
    assert deep[0] <= 2.0
