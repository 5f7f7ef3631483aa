from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from epicat.catalog.compare import EventList, compare, match_events, read_event_list
from epicat.errors import InputError, StoreError
from epicat.geo import Extent, distance_azimuth
from epicat.model import Span
from epicat.time import SECOND_NS, parse_time

KM = 1 / 111.2


def events(rows, label="a"):
    """Return events from (seconds, degrees north) and possibly depth and magnitude."""
    full = sorted((*row, *(np.nan,) * (4 - len(row))) for row in rows)
    time, north, depth, magnitude = np.array(full, float).reshape(-1, 4).T
    return EventList(label, tuple(f"{label}{i}" for i in range(len(time))),
                     (time * SECOND_NS).astype(np.int64), north, np.zeros(len(time)), depth,
                     magnitude)  # fmt: skip


def test_events_are_matched_one_to_one_and_the_rest_is_missed_or_extra():
    first = events([(0, 0), (0.5, 0), (100, 0), (200, 0)])
    second = events([(0.1, 0), (100, 20 * KM), (200.5, 5 * KM), (300, 0)], "b")
    found = compare(first, second)
    assert [list(rows) for rows in found.pairs] == [[0, 3], [0, 2]]
    assert found.missed.names == ("b1", "b3")
    assert found.extra.names == ("a1", "a2")
    assert found.shift_s == 30
    assert found.chance == (0, 0)


def test_the_largest_number_of_pairs_counts_more_than_their_nearness():
    first, second = events([(0, 0), (1.5, 0)]), events([(1.4, 0), (3.0, 0)], "b")
    rows, columns = match_events(first, second, 2.0, 10.0)
    assert list(zip(rows, columns, strict=True)) == [(0, 0), (1, 1)]


def test_differences_are_first_minus_second_and_nan_where_a_value_is_unknown():
    first = events([(10.5, 3 * KM, 5, 2.0), (50, 0, 7, np.nan)])
    second = events([(10, 0, 3, 1.5), (50, 0, np.nan, 1.0)], "b")
    found = compare(first, second)
    values = found.differences()
    assert values["time_s"].tolist() == [0.5, 0]
    assert values["distance_km"] == pytest.approx([3, 0], abs=0.05)
    summary = found.summary()["differences"]
    assert summary["depth_km"] == {"median": 2.0, "mad": 0.0, "count": 1}
    assert summary["magnitude"]["count"] == 1
    assert summary["time_s"] == {"median": 0.25, "mad": 0.25, "count": 2}


def test_the_chance_level_is_the_number_of_pairs_with_a_shifted_clock():
    first = events([(10 * n, 0) for n in range(20)])
    found = compare(first, first, shift_s=30)
    assert (found.n_matched, found.chance) == (20, (17, 17))


def test_events_outside_a_span_or_an_extent_take_no_part():
    found = events([(0, 0), (10, 0), (20, 5)])
    assert len(found.within(Span(5 * SECOND_NS, 30 * SECOND_NS))) == 2
    assert len(found.within(None, Extent(-1, 1, -1, 1))) == 2


def test_nothing_and_limits():
    nothing = events([])
    found = compare(nothing, events([(0, 0)]))
    assert (found.n_matched, len(found.missed), len(found.extra)) == (0, 1, 0)
    assert found.summary()["differences"]["time_s"]["median"] is None
    with pytest.raises(InputError, match="max_km: 0 is not a number above 0"):
        compare(nothing, nothing, max_km=0)


times = st.lists(
    st.tuples(st.integers(0, 300).map(lambda n: n / 10), st.integers(0, 12).map(lambda n: n * KM)),
    max_size=14,
)


@settings(deadline=None, max_examples=150)
@given(times, times)
def test_it_is_the_best_assignment_of_all_events_at_once(ours, theirs):
    first, second = events(ours), events(theirs, "b")
    rows, columns = match_events(first, second, 2.0, 10.0)
    assert len(set(rows)) == len(rows)
    assert len(set(columns)) == len(columns)
    if not len(first) or not len(second):
        assert len(rows) == 0
        return
    late = np.abs(first.time_ns[:, None] - second.time_ns[None, :]) / SECOND_NS
    km, _ = distance_azimuth(first.latitude[:, None], first.longitude[:, None],
                             second.latitude[None, :], second.longitude[None, :])  # fmt: skip
    cost = np.where((late <= 2.0) & (km <= 10.0), late / 2.0 + km / 10.0, 1e6)
    a, b = linear_sum_assignment(cost)
    good = cost[a, b] < 1e6
    assert len(rows) == good.sum()
    assert cost[rows, columns].sum() == pytest.approx(cost[a, b][good].sum())


def test_files_and_stores(tmp_path):
    with pytest.raises(StoreError, match="there is no store at"):
        read_event_list(tmp_path / "nothing")
    with pytest.raises(InputError, match="there is no such file or store"):
        read_event_list(tmp_path / "nothing.xml")
    (tmp_path / "x.csv").write_text("time,latitude,longitude\n")
    with pytest.raises(InputError, match="no event with an origin"):
        read_event_list(tmp_path / "x.csv")


def test_numbers_of_the_tests_own_matching_at_ridgecrest(realdata):
    """ComCat's events against themselves, disturbed: as many pairs as a maximum matching has."""
    path = realdata / "ridgecrest" / "comcat_reviewed.csv"
    theirs = read_event_list(path)
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert len(theirs) == len(rows) == 170
    assert theirs.time_ns[0] == min(parse_time(row["time"]) for row in rows)
    generator = np.random.default_rng(3)
    n = len(theirs)
    times = np.sort(theirs.time_ns + (generator.normal(0, 1.5, n) * SECOND_NS).astype(np.int64))
    ours = EventList("x", theirs.names, times, theirs.latitude + generator.normal(0, 0.04, n),
                     theirs.longitude, theirs.depth_km, theirs.magnitude)  # fmt: skip
    found = compare(ours, theirs)
    assert found.n_matched == _maximum(ours.time_ns, ours, theirs)
    assert found.chance == tuple(
        _maximum(ours.time_ns + shift * 30 * SECOND_NS, ours, theirs) for shift in (1, -1)
    )


def _maximum(times, ours, theirs):
    """Return the size of the largest one-to-one matching, as tests/test_ridgecrest.py has it."""
    late = np.abs(times[:, None] - theirs.time_ns[None, :]) <= 2 * SECOND_NS
    a, b = np.nonzero(late)
    km, _ = distance_azimuth(ours.latitude[a], ours.longitude[a],
                             theirs.latitude[b], theirs.longitude[b])  # fmt: skip
    near = km <= 10
    pairs = csr_array((np.ones(near.sum()), (a[near], b[near])), shape=late.shape)
    return int((maximum_bipartite_matching(pairs) >= 0).sum())
