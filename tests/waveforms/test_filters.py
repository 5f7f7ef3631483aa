from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from epicat.model import Filter, Span
from epicat.waveforms.filters import Filtered, filtered, reach_s
from epicat.waveforms.grid import Grid
from epicat.waveforms.segments import segments
from epicat.waveforms.traces import Clock, Trace

EQT = Filter("bandpass", 1.0, 45.0, 2, True)
FILTERS = {
    "EQTransformer original": (EQT, ("bandpass", {"freqmin": 1, "freqmax": 45, "corners": 2})),
    "narrow": (
        Filter("bandpass", 1.0, 2.0, 4, True),
        ("bandpass", {"freqmin": 1, "freqmax": 2, "corners": 4}),
    ),
    "PickBlue's hydrophone": (
        Filter("highpass", 0.5, None, 2, True),
        ("highpass", {"freq": 0.5, "corners": 2}),
    ),
    "causal": (Filter("highpass", 1.0, None, 4, False), ("highpass", {"freq": 1, "corners": 4})),
    "lowpass": (Filter("lowpass", None, 10.0, 4, True), ("lowpass", {"freq": 10, "corners": 4})),
}
FIRST = 156_113_920_017


def counts(n: int, offset: float = 0, seed: int = 0) -> NDArray[np.int32]:
    noise = np.random.default_rng(seed).normal(size=n).cumsum() * 30
    return (noise + offset).astype(np.int32)


def trace_of(samples: NDArray[np.generic], first: int = FIRST, rate: int = 100) -> Trace:
    clock = Clock(np.array([first], np.int64), np.array([0], np.int64))
    return Trace(Fraction(rate), first, samples, clock)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("rate", [20, 40, 100, 250])
@pytest.mark.parametrize("offset", [0, 8e6])
def test_it_is_obspys_filter(name: str, rate: int, offset: float) -> None:
    """Of traces that begin and end at rest, from a single sample to many blocks."""
    import warnings

    from obspy import Trace

    ours, (kind, options) = FILTERS[name]
    for length in (1, 7, 500, 60_000):
        samples = counts(length, offset)
        trace = Trace(samples.copy(), {"sampling_rate": rate})
        found = filtered(trace_of(samples, rate=rate), ours)
        if kind == "lowpass" and rate == 20:  # at half the rate ObsPy has no lowpass
            np.testing.assert_array_equal(found.samples, samples)
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # corners above half the rate
            trace.filter(kind, zerophase=ours.zerophase, **options)
        assert (found.first, found.rate, found.stop) == (FIRST, rate, FIRST + length)
        # Measured: 1e-14 of the largest count.
        largest = float(np.abs(samples).max()) + 1
        assert np.abs(found.samples - trace.data).max() < 1e-12 * largest
        assert samples.dtype == np.int32


@pytest.mark.parametrize("name", FILTERS)
@given(
    begin=st.integers(0, 30_000),
    end=st.integers(0, 30_000),
    shift=st.integers(-(10**6), 10**6),
)
def test_what_lies_further_away_does_not_change_a_bit(
    name: str, begin: int, end: int, shift: int
) -> None:
    how, _ = FILTERS[name]
    samples = counts(80_000, 3e6)
    first = FIRST + shift
    whole = filtered(trace_of(samples, first), how).samples
    part = filtered(trace_of(samples[begin : len(samples) - end], first + begin), how).samples
    reach = round(reach_s(how) * 100)
    low = begin + reach if begin else 0
    high = len(samples) - (end + reach if end else 0)
    if low < high:
        np.testing.assert_array_equal(part[low - begin : high - begin], whole[low:high])


@pytest.mark.parametrize("offset", [0, 1, 12_345_678, -(2**31)])
@pytest.mark.parametrize("name", ["EQTransformer original", "PickBlue's hydrophone"])
def test_a_dead_channel_is_dead_but_for_the_jump_at_its_ends(name: str, offset: int) -> None:
    """ObsPy leaves rounding behind, and pickers, which normalise, would see waves in it."""
    how, _ = FILTERS[name]
    found = filtered(trace_of(np.full(100_000, offset, np.int32)), how).samples
    assert not found[6000:-6000].any()


def test_how_far_it_reaches() -> None:
    """What a day reads of its neighbours grows by this."""
    assert reach_s(EQT) == 60
    assert reach_s(FILTERS["PickBlue's hydrophone"][0]) == 110
    assert reach_s(FILTERS["narrow"][0]) > 60


def test_segments_are_filtered_by_component_before_they_are_resampled() -> None:
    samples = counts(20_000)
    ever = Span(0, 2**62)
    components = {
        "Z": [trace_of(samples, 2 * FIRST, 200)],
        "N": [trace_of(samples, 2 * FIRST, 200)],
    }
    plain, other = (
        segments(components, "ZNE", Fraction(100), ever, filters)[0]
        for filters in (None, {"Z": EQT})
    )
    np.testing.assert_array_equal(plain.data[1:], other.data[1:])
    passed = filtered(components["Z"][0], EQT)
    (wanted,) = segments({"Z": [passed]}, "Z", Fraction(100), ever)
    np.testing.assert_array_equal(other.data[0], wanted.data[0])
    assert np.abs(other.data[0] - plain.data[0]).max() > 100


@given(
    spans=st.lists(st.tuples(st.integers(0, 40_000), st.integers(0, 40_000)), max_size=8),
    shift=st.integers(-(10**6), 10**6),
)
def test_samples_are_the_same_in_whatever_parts_they_are_read(
    spans: list[tuple[int, int]], shift: int
) -> None:
    trace = trace_of(counts(40_000), FIRST + shift)
    whole, passed = filtered(trace, EQT).samples, Filtered.from_filter(trace, EQT)
    assert passed is not None
    for low, high in map(sorted, spans):
        np.testing.assert_array_equal(
            passed.read(trace.first + low, trace.first + high), whole[low:high]
        )


def test_segments_at_the_rate_are_in_32_bits_whatever_the_filter() -> None:
    samples = counts(9000)
    grid = Grid(Fraction(100))
    read = Span(grid.time_ns(FIRST), grid.time_ns(FIRST + 9000))
    (found,) = segments({"Z": [trace_of(samples)]}, "Z", Fraction(100), read, {"Z": EQT})
    wanted = filtered(trace_of(samples), EQT).samples.astype(np.float32)
    np.testing.assert_array_equal(found.data[0], wanted)
    assert found.traces[0][0].samples.dtype == np.float32
