from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from epicat.time import SECOND_NS
from epicat.waveforms.grid import Grid, nominal_rate

RATES = st.builds(Fraction, st.integers(10, 20_000), st.sampled_from([1, 2, 3, 7, 59, 60])).filter(
    lambda rate: rate >= 10
)
TIMES = st.integers(-(10**18), 4 * 10**18)
HALF = Fraction(1, 2)
YEAR = 365 * 86_400 * SECOND_NS


def exact(time_ns: int, rate: Fraction) -> Fraction:
    return time_ns * rate / SECOND_NS


@given(TIMES, RATES)
def test_the_nearest_sample_is_exact(time_ns: int, rate: Fraction) -> None:
    assert Grid(rate).index(time_ns) == math.floor(exact(time_ns, rate) + HALF)
    assert Grid(rate).first_at_or_after(time_ns) == math.ceil(exact(time_ns, rate))


@given(st.integers(-(10**13), 4 * 10**13), RATES)
def test_the_time_of_a_sample_is_exact_and_leads_back(index: int, rate: Fraction) -> None:
    time_ns = Grid(rate).time_ns(index)
    assert time_ns == math.floor(index * SECOND_NS / rate + HALF)
    assert Grid(rate).index(time_ns) == index


@given(st.integers(0, 4 * 10**18), st.lists(st.integers(0, YEAR), max_size=20), RATES)
@example(1_600_000_000_000_000_000, [0, YEAR, 5_000_000, 4_999_999], Fraction(100))
@example(3_999_999_999_999_999_999, [YEAR, 0, 1], Fraction(20_000))
@example(1, [0, 15_000_000, 14_999_999], Fraction(100, 3))
def test_many_times_are_placed_as_exactly_as_one(
    start: int, ahead: list[int], rate: Fraction
) -> None:
    times = [start + a for a in ahead]
    indices, offsets = Grid(rate).place(np.array(times, np.int64))
    assert indices.tolist() == [Grid(rate).index(t) for t in times]
    assert offsets.tolist() == [
        math.floor(t - index * SECOND_NS / rate + HALF)
        for t, index in zip(times, indices.tolist(), strict=True)
    ]


@given(TIMES, TIMES, RATES)
def test_where_a_record_lies_does_not_depend_on_the_others(
    one: int, other: int, rate: Fraction
) -> None:
    other = one + (other - one) % YEAR
    alone, _ = Grid(rate).place(np.array([other]))
    together, _ = Grid(rate).place(np.array([other, one]))
    assert together[0] == alone[0]


@pytest.mark.parametrize(
    ("given_hz", "meant"),
    [
        (100, 100), (99.9998, 100), (100.0997, 100), (40.0001, 40), (33.333332, Fraction(100, 3)),
        (62.5, Fraction(125, 2)), (31.25, Fraction(125, 4)), (16.6666667, Fraction(50, 3)),
        (10.4, Fraction(52, 5)), (12.5, Fraction(25, 2)), (500, 500), (18.2, Fraction(91, 5)),
    ],
)  # fmt: skip
def test_nominal_rates(given_hz: float, meant: Fraction) -> None:
    assert nominal_rate(given_hz) == meant


@given(st.floats(10, 20_000))
def test_a_nominal_rate_is_near_and_simple(rate: float) -> None:
    nominal = nominal_rate(rate)
    assert nominal.denominator <= 60
    assert abs(float(nominal) - rate) <= max(1e-3 * rate, 1 / 60)
