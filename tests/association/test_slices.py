from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from epicat.association.slices import Slicing
from epicat.time import SECOND_NS

SLICING = Slicing(length_ns=100, before_ns=30)


@dataclass(frozen=True, slots=True)
class At:
    time_ns: int


def cut(times, slicing=SLICING):
    picks = [At(time) for time in sorted(times)]
    return {part.start_ns: [p.time_ns for p in part.picks] for part in slicing.cut(picks)}


def test_a_slice_reaches_back_and_ends_where_the_next_one_starts():
    assert cut([69, 70, 100, 169, 170, 199, 200]) == {
        0: [69, 70],
        100: [70, 100, 169, 170, 199],
        200: [170, 199, 200],
    }


def test_slices_without_picks_are_left_out():
    assert cut([5, 1005]) == {0: [5], 1000: [1005]}
    assert cut([]) == {}


def test_before_1970_slices_are_whole_too():
    assert cut([-1]) == {-100: [-1], 0: [-1]}


def test_a_slice_may_reach_back_over_several():
    assert cut([0], Slicing(length_ns=10, before_ns=25)) == {0: [0], 10: [0], 20: [0]}


def test_lengths_are_given_in_seconds():
    assert Slicing.from_seconds(1200, 63.5) == Slicing(1200 * SECOND_NS, 127 * SECOND_NS // 2)


moments = st.lists(st.integers(-1000, 1000), max_size=30)
slicings = st.builds(Slicing, st.integers(1, 300), st.integers(1, 300))


@given(moments, slicings, st.integers(-1000, 1000), st.integers(0, 500))
def test_slices_are_the_same_however_much_was_read(times, slicing, begin, length):
    """As long as all that a slice covers was read."""
    end = begin + length
    read = [t for t in times if begin - slicing.span_ns <= t < end + slicing.span_ns]
    found, expected = cut(read, slicing), cut(times, slicing)

    def touching(slices):
        return {
            start: picks
            for start, picks in slices.items()
            if start - slicing.before_ns < end and start + slicing.length_ns > begin
        }

    assert touching(found) == touching(expected)


@given(moments, slicings, st.integers(-1000, 1000), st.data())
def test_an_event_is_whole_in_one_slice(times, slicing, origin, data):
    """All arrivals up to the longest travel time after an origin time."""
    travel = data.draw(st.lists(st.integers(0, slicing.before_ns), min_size=1, max_size=8))
    arrivals = {origin + t for t in travel}
    assert any(arrivals <= set(picks) for picks in cut({*times, *arrivals}, slicing).values())
