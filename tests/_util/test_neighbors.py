"""Distances computed directly are those of a k-d tree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat._util import neighbors
from epicat._util.neighbors import count_within, distance_to_nth, pairs_within


@pytest.fixture
def trees(monkeypatch):
    """Compute with trees, whatever the number of points."""

    def use():
        monkeypatch.setattr(neighbors, "_FEW", -1)

    return use


@pytest.mark.parametrize("count", [1, 2, 40])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_both_ways_agree(count, dimensions, trees):
    points = np.random.default_rng(count).normal(size=(count, dimensions))
    direct = (pairs_within(points, 0.8), distance_to_nth(points, count), count_within(points, 0.8))
    trees()
    pairs, distances, counts = (
        pairs_within(points, 0.8), distance_to_nth(points, count), count_within(points, 0.8)
    )  # fmt: skip
    assert sorted(map(tuple, direct[0])) == sorted(map(tuple, pairs))
    np.testing.assert_allclose(direct[1], distances, rtol=1e-14)
    np.testing.assert_array_equal(direct[2], counts)


def test_no_points():
    none = np.empty((0, 2))
    assert pairs_within(none, 1.0).shape == (0, 2)
    assert count_within(none, 1.0).shape == (0,)


@given(st.integers(0, 30), st.integers(1, 5))
def test_points_exactly_at_the_limit_are_within_it(place, spacing):
    points = np.array([[place, 0.0], [place + spacing, 0.0]])
    assert pairs_within(points, float(spacing)).tolist() == [[0, 1]]
    assert count_within(points, float(spacing)).tolist() == [2, 2]
