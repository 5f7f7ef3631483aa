from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.model import Span
from epicat.waveforms.flat import clipped_share, dead_share
from support.waves import MIDNIGHT, SECOND, counts, index_of, trace_of

DAY = Span(MIDNIGHT, MIDNIGHT + 86_400 * SECOND)
HOUR = 3600 * 20
RATE = Fraction(20)
START = index_of(MIDNIGHT, RATE)


def noise(n: int, loud: float = 3000.0) -> np.ndarray:
    """Waves of a few seconds over ground noise, in counts."""
    rng = np.random.default_rng(3)
    return np.rint(loud * np.sin(np.arange(n) / 17) + rng.normal(0, 30, n)).astype(np.int32)


def trace(samples: object, first: int = START, rate: Fraction = RATE):  # type: ignore[no-untyped-def]
    return trace_of(samples, first, rate)


def test_dead_minutes_are_counted_and_others_are_not() -> None:
    samples = noise(10 * 1200)
    samples[2 * 1200 : 5 * 1200] = 7
    assert dead_share([trace(samples)], DAY, 0) == pytest.approx(0.3)
    assert dead_share([trace(np.zeros(5000))], DAY, 0) == 1
    assert dead_share([trace(counts(5000))], DAY, 0) == 0


def test_a_minute_is_dead_within_a_range_of_counts() -> None:
    restless = np.tile([0, 1, 2], 2000)
    assert dead_share([trace(restless)], DAY, 1) == 0
    assert dead_share([trace(restless)], DAY, 2) == 1


def test_minutes_are_those_of_the_clock() -> None:
    samples = noise(3 * 1200)
    samples[600:1800] = 7
    assert dead_share([trace(samples)], DAY, 0) == 0
    assert dead_share([trace(samples, START + 600)], DAY, 0) == pytest.approx(1 / 3)


def test_the_largest_range_of_counts_is_no_overflow() -> None:
    samples = np.tile(np.array([-(2**31), 2**31 - 1], np.int32), 600)
    assert dead_share([trace(samples)], DAY, 10) == 0


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_only_the_day_counts(before: int, after: int) -> None:
    """Whatever a channel does before and after a day, and however its traces are cut there."""
    inside = noise(4 * HOUR // 20)
    inside[:2400] = 5
    inside = np.minimum(inside, 2500)
    wide = np.concatenate([np.full(before, 9), inside]).astype(np.int32)
    short = Span(MIDNIGHT, MIDNIGHT + len(inside) * SECOND // 20)
    wide = np.concatenate([wide, np.full(after, 2**20)]).astype(np.int32)
    traces = [trace(wide, START - before)]
    assert (
        dead_share(traces, short, 0)
        == dead_share([trace(inside)], short, 0)
        == pytest.approx(1 / 6)
    )
    assert clipped_share(traces, short) == clipped_share([trace(inside)], short) > 0.1


def test_runs_of_two_rates_count_by_their_time() -> None:
    both = [
        trace(np.zeros(1200)),
        trace(counts(6000), index_of(MIDNIGHT + 3600 * SECOND), Fraction(100)),
    ]
    assert dead_share(both, DAY, 0) == pytest.approx(0.5)


def test_nothing_is_neither_dead_nor_clipped() -> None:
    away = [trace(np.zeros(100), START - 1000)]
    for traces in ([], away):
        assert dead_share(traces, DAY, 0) == 0
        assert clipped_share(traces, DAY) == 0


@pytest.mark.parametrize("level", [300, 1500, 2500, 2900])
def test_flat_tops_at_both_ends_are_clipped(level: int) -> None:
    samples = noise(HOUR)
    clipped = np.clip(samples, -level, level)
    expected = float(np.mean(np.abs(samples) >= level))
    assert clipped_share([trace(clipped)], DAY) == pytest.approx(expected, rel=0.1)
    assert clipped_share([trace(np.minimum(samples, level))], DAY) == pytest.approx(
        expected / 2, rel=0.1
    )


def test_a_spike_beyond_the_tops_changes_nothing() -> None:
    clipped = np.clip(noise(HOUR), -2500, 2500)
    before = clipped_share([trace(clipped)], DAY)
    clipped[[100, 5000]] = 2**23, -(2**23)
    assert clipped_share([trace(clipped)], DAY) == pytest.approx(before, rel=1e-3)


def test_what_is_not_clipped() -> None:
    assert clipped_share([trace(noise(HOUR))], DAY) < 1e-3
    assert clipped_share([trace(np.zeros(HOUR))], DAY) == 0
    padded = noise(HOUR) + 9000
    padded[:20000] = 0
    assert clipped_share([trace(padded)], DAY) < 1e-3
    quiet = np.rint(3 * np.sin(np.arange(HOUR) / 300))
    assert clipped_share([trace(quiet)], DAY) == 0
    slow = np.rint(1e5 * np.sin(np.arange(HOUR) / 3000)).astype(np.int32)
    assert clipped_share([trace(slow)], DAY) < 1e-2


def test_units_do_not_matter_to_clipping() -> None:
    clipped = np.clip(noise(HOUR), -2500, 2500)
    metres = (clipped * 1e-9).astype(np.float64)
    assert clipped_share([trace(metres)], DAY) == pytest.approx(
        clipped_share([trace(clipped)], DAY)
    )
