from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.model import Span
from epicat.waveforms.grid import Grid
from epicat.waveforms.segments import Segment, segments
from epicat.waveforms.traces import Clock, Trace
from support.waves import MIDNIGHT, SECOND, counts, index_of, trace_of

RATE = Fraction(100)
BASE = index_of(MIDNIGHT)
READ = Span(MIDNIGHT, MIDNIGHT + 10 * SECOND)
"""Samples 0 to 1000."""


def trace(first: int, stop: int, value: float = 1, offset_ns: int = 0) -> Trace:
    return trace_of(np.full(stop - first, value), BASE + first, offset_ns=offset_ns)


def laid(
    components: dict[str, list[Trace]], order: str = "ZNE", read: Span = READ
) -> list[Segment]:
    return segments(components, order, RATE, read)


def spans(found: list[Segment]) -> list[tuple[int, int]]:
    return [(s.first - BASE, s.stop - BASE) for s in found]


def test_a_missing_component_is_zero_inside_a_segment() -> None:
    (found,) = laid({"Z": [trace(100, 300, 5)], "N": [trace(200, 400, 6)]})
    assert found.data.shape == (3, 300)
    assert found.data.dtype == np.float32
    z, n, e = found.data
    assert (z[:200] == 5).all() and not z[200:].any()  # noqa: PT018
    assert (n[100:] == 6).all() and not n[:100].any()  # noqa: PT018
    assert not e.any()


@pytest.mark.parametrize("order", ["ZNE", "ENZ", "NZE"])
def test_the_picker_decides_the_order_of_the_components(order: str) -> None:
    values = {"Z": 1, "N": 2, "E": 3}
    (found,) = laid({name: [trace(0, 10, value)] for name, value in values.items()}, order)
    assert found.data[:, 0].tolist() == [values[name] for name in order]
    assert [len(traces) for traces in found.traces] == [1, 1, 1]


def test_a_break_in_all_components_ends_a_segment() -> None:
    found = laid({"Z": [trace(10, 100), trace(200, 300)], "N": [trace(10, 150), trace(250, 280)]})
    assert spans(found) == [(10, 150), (200, 300)]


def test_what_touches_is_one_segment_and_what_does_not_is_two() -> None:
    assert spans(laid({"Z": [trace(10, 100)], "E": [trace(100, 200)]})) == [(10, 200)]
    assert spans(laid({"Z": [trace(10, 100)], "E": [trace(101, 200)]})) == [(10, 100), (101, 200)]


@pytest.mark.parametrize(
    ("edges", "real"),
    [
        ((10, 900), (True, True)),
        ((0, 900), (False, True)),
        ((-50, 900), (False, True)),
        ((10, 1000), (True, False)),
        ((10, 1200), (True, False)),
        ((-50, 1200), (False, False)),
        ((1, 999), (True, True)),
    ],
)
def test_a_border_at_the_edge_of_what_was_read_is_not_real(
    edges: tuple[int, int], real: tuple[bool, bool]
) -> None:
    (found,) = laid({"Z": [trace(*edges)]})
    assert (found.has_real_start, found.has_real_end) == real
    assert spans([found]) == [(max(edges[0], 0), min(edges[1], 1000))]


def test_what_lies_outside_of_what_was_read_is_left_out() -> None:
    assert laid({}) == []
    assert laid({"Z": []}) == []
    assert laid({"Z": [trace(-100, 0), trace(1000, 1100)]}) == []


def test_where_runs_overlap_the_earlier_is_kept() -> None:
    slow = trace_of([7.0] * 100, index_of(MIDNIGHT, Fraction(50)), Fraction(50))  # 0 to 198
    (found,) = laid({"Z": [trace(100, 300, 1), slow]})
    assert found.data[0, :199].tolist() == [7.0] * 199
    assert found.data[0, 199:].tolist() == [1.0] * 101


def test_other_rates_are_brought_to_the_pickers() -> None:
    rate = Fraction(40)
    slow = trace_of(np.full(200, 3, np.int32), index_of(MIDNIGHT + SECOND, rate), rate)
    (found,) = laid({"Z": [slow], "N": [trace(100, 600, 4)]})
    assert spans([found]) == [(100, 600)]
    assert (found.data[0, :-2] == 3).all()


def test_a_samples_time_is_the_mean_of_the_components_that_have_it() -> None:
    (found,) = laid({"Z": [trace(0, 300, offset_ns=900)], "N": [trace(100, 200, offset_ns=300)]})
    grid = [Grid(RATE).time_ns(BASE + at) for at in (50, 150, 250)]
    true = [found.time_ns(BASE + at, RATE) for at in (50, 150, 250)]
    assert [t - g for t, g in zip(true, grid, strict=True)] == [900, 600, 900]


def test_a_samples_time_follows_the_clock_record_by_record() -> None:
    clock = Clock(np.array([BASE, BASE + 100]), np.array([10, -20]))
    (found,) = laid({"Z": [Trace(RATE, BASE, np.ones(200), clock)]})
    assert found.time_ns(BASE + 99, RATE) == MIDNIGHT + 99 * SECOND // 100 + 10
    assert found.time_ns(BASE + 100, RATE) == MIDNIGHT + SECOND - 20


EDGES = st.lists(
    st.tuples(st.sampled_from("ZNE"), st.integers(-50, 1050), st.integers(1, 300)), max_size=8
)


@given(EDGES)
def test_segments_hold_every_sample_of_what_was_read_and_nothing_else(
    pieces: list[tuple[str, int, int]],
) -> None:
    components: dict[str, list[Trace]] = {}
    expected = np.zeros((3, 1000), np.float32)
    has = np.zeros((3, 1000), bool)
    for name in "ZNE":
        # Runs of one channel do not overlap, and rise: as `merge` gives them.
        stop = -100
        for _, first, length in sorted(p for p in pieces if p[0] == name):
            if first > stop:
                samples = counts(length, seed=first + 100)
                components.setdefault(name, []).append(trace_of(samples, BASE + first))
                inside = slice(max(first, 0), max(min(first + length, 1000), 0))
                row = "ZNE".index(name)
                expected[row, inside] = samples[inside.start - first :][
                    : max(inside.stop - inside.start, 0)
                ]
                has[row, inside] = True
                stop = first + length
    found = laid(components)
    covered = np.zeros(1000, bool)
    for one in found:
        low, high = one.first - BASE, one.stop - BASE
        assert low < high
        np.testing.assert_array_equal(one.data, expected[:, low:high])
        covered[low:high] = True
        assert one.has_real_start == (low > 0)
        assert one.has_real_end == (high < 1000)
    np.testing.assert_array_equal(covered, has.any(axis=0))
    edges = [edge for one in spans(found) for edge in one]
    assert edges == sorted(set(edges))  # a real break between any two


@given(EDGES, st.integers(0, 400), st.integers(500, 1000))
def test_what_was_read_around_a_span_does_not_change_what_lies_in_it(
    pieces: list[tuple[str, int, int]], low: int, high: int
) -> None:
    components: dict[str, list[Trace]] = {}
    for name, first, length in sorted(pieces, key=lambda p: p[1]):
        held = components.setdefault(name, [])
        if not held or held[-1].stop < BASE + first:
            held.append(trace_of(counts(length, seed=first + 100), BASE + first))
    wide = laid(components)
    narrow = laid(
        components, read=Span(MIDNIGHT + low * SECOND // 100, MIDNIGHT + high * SECOND // 100)
    )

    def columns(found: list[Segment]) -> dict[int, list[float]]:
        return {
            s.first + at: s.data[:, at].tolist()
            for s in found
            for at in range(s.data.shape[1])
            if low <= s.first - BASE + at < high
        }

    assert columns(wide) == columns(narrow)
