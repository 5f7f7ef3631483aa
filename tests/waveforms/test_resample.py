from __future__ import annotations

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from epicat.time import DAY_NS, SECOND_NS
from epicat.waveforms.resample import _one_by_one, _own, _tiles, resample, support_s
from epicat.waveforms.traces import Clock, Trace
from support.waves import counts, index_of, trace_of

TARGET = Fraction(100)
RATES = [Fraction(200), Fraction(40), Fraction(50), Fraction(125), Fraction(250), Fraction(20),
         Fraction(100, 3), Fraction(500), Fraction(125, 2), Fraction(15029, 60)]  # fmt: skip
BY_RATE = pytest.mark.parametrize("rate", RATES, ids=str)
ORIGIN = 1_561_075_200 * SECOND_NS


def times(trace: Trace, origin_s: int = ORIGIN // SECOND_NS) -> NDArray[np.float64]:
    """Seconds of each sample after the origin, exact to a nanosecond."""
    return np.array(
        [float(Fraction(index) / trace.rate - origin_s) for index in range(trace.first, trace.stop)]
    )


def wave(rate: Fraction, hz: float, seconds: float = 20, late: int = 0) -> Trace:
    first = index_of(ORIGIN, rate) + late
    empty = trace_of(np.zeros(int(seconds * rate)), first, rate)
    return trace_of(1e4 * np.sin(2 * np.pi * hz * times(empty) + 0.3), first, rate)


@BY_RATE
@pytest.mark.parametrize("late", [0, 1, 2, 7])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.8])
def test_a_sine_stays_the_sine_it_was(rate: Fraction, late: int, share: float) -> None:
    hz = share * float(min(rate, TARGET)) / 2
    found = resample(wave(rate, hz, late=late), TARGET)
    assert found is not None
    expected = 1e4 * np.sin(2 * np.pi * hz * times(found) + 0.3)
    edge = int(support_s(rate, TARGET) * 100) + 1
    np.testing.assert_allclose(found.samples[edge:-edge], expected[edge:-edge], atol=3)  # 70 dB


@pytest.mark.parametrize("rate", [Fraction(200), Fraction(125), Fraction(250), Fraction(500)])
def test_what_would_alias_is_attenuated(rate: Fraction) -> None:
    for hz in np.linspace(50, float(rate) / 2, 23):
        found = resample(wave(rate, hz), TARGET)
        assert found is not None
        edge = int(support_s(rate, TARGET) * 100) + 1
        left = np.abs(found.samples[edge:-edge]).max()
        assert left < 1e4 * 10 ** (-70 / 20)


@pytest.mark.parametrize("rate", [Fraction(20), Fraction(40), Fraction(50), Fraction(100, 3)])
def test_no_image_appears_above_the_old_nyquist_frequency(rate: Fraction) -> None:
    found = resample(wave(rate, 0.35 * float(rate), seconds=60), TARGET)
    assert found is not None
    inner = found.samples[500:5500] * np.blackman(5000)
    spectrum = np.abs(np.fft.rfft(inner))
    above = np.fft.rfftfreq(5000, 0.01) > 0.55 * float(rate)
    assert spectrum[above].max() < spectrum.max() * 10 ** (-70 / 20)


@BY_RATE
def test_a_constant_stays_constant_to_the_edges(rate: Fraction) -> None:
    # Counts of a real digitiser: a large offset must make neither a step nor a hum.
    trace = trace_of(np.full(500, 1_234_567, np.int32), index_of(ORIGIN, rate) + 3, rate)
    found = resample(trace, TARGET)
    assert found is not None
    np.testing.assert_array_equal(found.samples, np.float32(1_234_567))


@BY_RATE
@given(first=st.integers(0, 1000), length=st.integers(1, 400))
@example(first=0, length=1)
@example(first=1, length=1)
@example(first=1, length=2)
def test_the_new_samples_are_all_those_inside_the_old(
    rate: Fraction, first: int, length: int
) -> None:
    begin = index_of(ORIGIN, rate) + first
    found = resample(trace_of(counts(length), begin, rate), TARGET)
    low, high = begin / rate, (begin + length - 1) / rate
    if found is None:
        assert int(high * TARGET) - -(-low * TARGET).__floor__() < 1
        assert (low * TARGET).__ceil__() > (high * TARGET).__floor__()
    else:
        assert found.first == (low * TARGET).__ceil__()
        assert found.stop - 1 == (high * TARGET).__floor__()
        assert len(found.samples) == found.stop - found.first
        assert found.samples.dtype == np.float32
        assert np.isfinite(found.samples).all()


@BY_RATE
@given(cut=st.tuples(st.integers(0, 1000), st.integers(0, 1000)))
@example(cut=(1, 1000))
@example(cut=(7, 993))
def test_any_cut_gives_the_same_beyond_the_support(rate: Fraction, cut: tuple[int, int]) -> None:
    samples, begin = counts(1000, step=500), index_of(ORIGIN, rate) - 317
    low, high = min(cut), max(cut)
    everything = resample(trace_of(samples, begin, rate), TARGET)
    part = resample(trace_of(samples[low:high], begin + low, rate), TARGET) if low < high else None
    if part is None:
        return
    assert everything is not None
    reach = support_s(rate, TARGET)
    start_s, end_s = float((begin + low) / rate), float((begin + high - 1) / rate)
    at = np.arange(part.first, part.stop)
    settled = np.ones(len(at), bool)
    if low > 0:
        settled &= at / 100 - start_s > reach
    if high < 1000:
        settled &= end_s - at / 100 > reach
    same = everything.samples[part.first - everything.first :][: len(at)]
    np.testing.assert_array_equal(part.samples[settled], same[settled])


@BY_RATE
def test_the_support_is_short_beside_the_halo(rate: Fraction) -> None:
    assert 0 < support_s(rate, TARGET) < 3


@BY_RATE
def test_tiles_and_sums_one_by_one_are_the_same_filter(rate: Fraction) -> None:
    trace = trace_of(counts(3000, step=500), index_of(ORIGIN, rate) - 17, rate)
    found, tiles = resample(trace, TARGET), _tiles(*(TARGET / rate).as_integer_ratio())
    assert found is not None
    assert (tiles is None) == (rate == Fraction(15029, 60))
    read = partial(_own, trace)
    expected = _one_by_one(trace, read, TARGET / rate, found.first, found.stop)
    np.testing.assert_allclose(found.samples, expected, rtol=1e-6, atol=1e-3)


def test_the_same_rate_is_left_alone() -> None:
    trace = trace_of(counts(10), 5)
    assert resample(trace, TARGET) is trace
    assert support_s(TARGET, TARGET) == 0


@BY_RATE
def test_true_times_go_along(rate: Fraction) -> None:
    begin = index_of(ORIGIN, rate)
    clock = Clock(np.array([begin, begin + 40, begin + 80]), np.array([11, 22, 33]))
    found = resample(Trace(rate, begin, counts(120), clock), TARGET)
    assert found is not None
    for index in range(found.first, found.stop):
        # The record that held the last old sample at or before the new one.
        old = (Fraction(index) / TARGET * rate).__floor__()
        assert found.clock.offset_ns(index) == clock.offset_ns(old)


def test_a_whole_day_is_brought_to_the_rate_of_the_picker() -> None:
    rate = Fraction(40)
    trace = trace_of(counts(40 * 86_400), ORIGIN * 40 // SECOND_NS, rate)
    found = resample(trace, TARGET)
    assert found is not None
    assert found.first * SECOND_NS // 100 == ORIGIN
    assert found.stop * SECOND_NS // 100 > ORIGIN + DAY_NS - SECOND_NS // 20
