from __future__ import annotations

import time
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from epicat.model import Span
from epicat.waveforms.channel_selection import covered_s
from epicat.waveforms.grid import Grid
from epicat.waveforms.records import Records, decode
from epicat.waveforms.segments import segments
from epicat.waveforms.traces import Trace, join
from epicat.waveforms.traces import merge as merge_and_bridge
from support.waves import MIDNIGHT, SECOND, counts, mseed, records

RATE = Fraction(100)
STEP = 10_000_000
"""Nanoseconds between samples."""
BASE = MIDNIGHT // STEP


def merge(records: Sequence[Records], rate: Fraction) -> list[Trace]:
    """Merge without bridging gaps of more than a sample."""
    return merge_and_bridge(records, rate, 0)


Piece = tuple[int, int, int]
"""First sample after midnight, number of samples, nanoseconds that it is late."""


def record_of(pieces: Sequence[Piece], values: Sequence[int] | None = None) -> Records:
    """Records whose samples are their own index, or told apart by the number of the piece."""
    kinds = [0] * len(pieces) if values is None else values
    samples = [
        np.arange(first, first + n, dtype=np.int64) + 10_000 * kind
        for (first, n, _), kind in zip(pieces, kinds, strict=True)
    ]
    return Records(
        np.array([MIDNIGHT + first * STEP + late for first, _, late in pieces], np.int64),
        np.array([n for _, n, _ in pieces], np.int64),
        np.concatenate([*samples, np.empty(0, np.int64)]),
    )


def laid(traces: Sequence[Trace]) -> dict[int, tuple[float, int]]:
    """Each sample after midnight, with its value and how late it is."""
    return {
        index - BASE: (float(value), trace.clock.offset_ns(index))
        for trace in traces
        for index, value in enumerate(trace.samples, trace.first)
    }


def spans(traces: Sequence[Trace]) -> list[tuple[int, int]]:
    return [(trace.first - BASE, trace.stop - BASE) for trace in traces]


def test_records_that_follow_on_each_other_are_one_run() -> None:
    traces = merge([record_of([(0, 100, 0), (100, 50, 0), (150, 70, 0)])], RATE)
    assert spans(traces) == [(0, 220)]
    assert traces[0].samples.tolist() == list(range(220))
    assert traces[0].samples.dtype == np.int64


def test_nothing_is_no_run() -> None:
    assert merge([], RATE) == []
    assert merge([record_of([])], RATE) == []
    assert merge([record_of([(0, 0, 0)])], RATE) == []
    nothing = Records(np.array([MIDNIGHT]), np.array([3]), np.full(3, np.nan, np.float32))
    assert merge([nothing], RATE) == []


@given(st.lists(st.integers(-STEP // 2, STEP // 2 - 1), min_size=1, max_size=30))
def test_jitter_below_half_a_sample_gives_no_gap(jitter: list[int]) -> None:
    pieces = [(40 * n, 40, late) for n, late in enumerate(jitter)]
    (trace,) = merge([record_of(pieces)], RATE)
    assert trace.samples.tolist() == list(range(40 * len(pieces)))
    assert [trace.clock.offset_ns(trace.first + 40 * n + 39) for n in range(len(pieces))] == jitter


@given(st.lists(st.integers(-STEP * 49 // 100, STEP * 149 // 100), min_size=1, max_size=30))
def test_jitter_around_half_a_sample_gives_no_gap(jitter: list[int]) -> None:
    # Records late by up to a sample and a half: some jump over one sample, some double one.
    pieces = [(40 * n, 40, late) for n, late in enumerate(jitter)]
    (trace,) = merge([record_of(pieces)], RATE)
    assert abs(len(trace.samples) - 40 * len(pieces)) <= 1
    assert np.abs(trace.samples - (np.arange(trace.first, trace.stop) - BASE)).max() <= 1


def test_one_missing_sample_is_the_mean_of_its_neighbours() -> None:
    (trace,) = merge([record_of([(0, 10, 0), (11, 10, 0)])], RATE)
    assert trace.samples.tolist() == list(range(21))
    (trace,) = merge([record_of([(0, 10, 0), (11, 10, 0)], [0, 1])], RATE)
    assert trace.samples[10] == (9 + 10_011) / 2


def test_one_doubled_sample_is_dropped_from_the_later_record() -> None:
    (trace,) = merge([record_of([(0, 10, 0), (9, 10, 0)], [0, 1])], RATE)
    assert trace.samples.tolist() == [*range(10), *range(10_010, 10_019)]


@pytest.mark.parametrize("gap", [2, 3, 100])
def test_a_real_gap_is_kept(gap: int) -> None:
    traces = merge([record_of([(0, 10, 0), (10 + gap, 10, 0)])], RATE)
    assert spans(traces) == [(0, 10), (10 + gap, 20 + gap)]


def test_samples_that_are_no_numbers_are_gaps() -> None:
    values = np.arange(100, dtype=np.float32)
    values[[0, 20, 50, 51, 99]] = [np.nan, np.nan, np.inf, -np.inf, np.nan]
    starts = np.array([MIDNIGHT, MIDNIGHT + 50 * STEP], np.int64)
    traces = merge([Records(starts, np.array([50, 50]), values)], RATE)
    assert spans(traces) == [(1, 50), (52, 99)]
    assert traces[0].samples.tolist() == list(range(1, 50))  # one alone is repaired
    assert all(np.isfinite(trace.samples).all() for trace in traces)


def test_where_records_overlap_the_earlier_is_kept() -> None:
    pieces = [(0, 100, 0), (50, 100, 1000), (120, 10, 2000)]
    (trace,) = merge([record_of(pieces, [0, 1, 2])], RATE)
    assert trace.samples.tolist() == [*range(100), *range(10_100, 10_150)]
    offsets = [trace.clock.offset_ns(trace.first + at) for at in (0, 99, 100, 125, 149)]
    assert offsets == [0, 0, 1000, 1000, 1000]


def test_integers_stay_integers_and_kinds_may_mix() -> None:
    whole = Records(np.array([MIDNIGHT]), np.array([3]), np.array([1, 2, 3], np.int32))
    (trace,) = merge([whole], RATE)
    assert trace.samples.dtype == np.int32
    parts = Records(np.array([MIDNIGHT + 3 * STEP]), np.array([1]), np.array([0.5], np.float32))
    (trace,) = merge([whole, parts], RATE)
    assert trace.samples.tolist() == [1, 2, 3, 0.5]


PIECES = st.lists(
    st.tuples(st.integers(0, 120), st.integers(1, 40), st.integers(-STEP // 2, STEP // 2 - 1)),
    min_size=1,
    max_size=12,
    unique_by=lambda piece: piece[:2],
)


def by_hand(pieces: Sequence[Piece]) -> dict[int, tuple[float, int]]:
    """What `merge` promises, sample by sample: of those that hold it, the first, the longest."""
    order = sorted(range(len(pieces)), key=lambda n: (pieces[n][0], -pieces[n][1]))
    found: dict[int, tuple[float, int]] = {}
    for n in order:
        first, length, late = pieces[n]
        for at in range(first, first + length):
            found.setdefault(at, (at + 10_000.0 * n, late))
    for at in sorted(found):
        if at + 1 not in found and at + 2 in found:
            mean = (found[at][0] + found[at + 2][0]) / 2
            found[at + 1] = (mean, found[at][1])
    return found


@given(PIECES)
@example([(0, 40, 0), (5, 10, 7), (5, 50, 8), (60, 5, 0), (67, 1, 0)])
def test_every_sample_comes_from_the_first_record_that_holds_it(pieces: list[Piece]) -> None:
    traces = merge([record_of(pieces, range(len(pieces)))], RATE)
    assert laid(traces) == by_hand(pieces)
    edges = spans(traces)
    assert edges == sorted(edges)
    assert all(one[1] + 1 < other[0] for one, other in pairwise(edges))


@given(PIECES, st.data())
def test_records_in_any_order_and_in_any_parts_give_the_same(
    pieces: list[Piece], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(pieces))))
    cut = data.draw(st.integers(0, len(order)))
    parts = [record_of([pieces[n] for n in part], part) for part in (order[:cut], order[cut:])]
    assert laid(merge(parts, RATE)) == by_hand(pieces)


@given(PIECES, st.integers(0, 150), st.integers(1, 60))
def test_a_window_of_the_records_gives_the_same_samples_and_offsets(
    pieces: list[Piece], low: int, length: int
) -> None:
    """What is read around a day changes nothing in it, also where records contradict."""
    high = low + length
    everything = laid(merge([record_of(pieces, range(len(pieces)))], RATE))
    # As decoding does: whole records that overlap the window, by a margin of one sample.
    inside = [
        n for n, (first, n_samples, _) in enumerate(pieces)
        if first <= high and first + n_samples >= low
    ]  # fmt: skip
    window = laid(merge([record_of([pieces[n] for n in inside], inside)], RATE))
    for at in range(low, high):
        assert window.get(at) == everything.get(at)


def test_thousands_of_pieces_in_a_day_are_merged_in_seconds() -> None:
    day = 86_400 * 100
    pieces = [
        mseed(counts(1200, n), MIDNIGHT + n * day // 5000 * STEP, reclen=512) for n in range(5000)
    ]
    body = b"".join(pieces)
    span = Span(MIDNIGHT, MIDNIGHT + 86_400 * SECOND)
    began = time.perf_counter()
    ((_, parts),) = decode(body, "XX", "AAA", span).channels.items()
    traces = merge(parts, RATE)
    found = segments({"Z": traces}, "ZNE", RATE, span)
    assert time.perf_counter() - began < 6
    assert len(traces) == len(found) == 5000
    assert covered_s(traces, span) == pytest.approx(60_000)


# Midnight.

SAMPLES = counts(12_000)
"""A minute before midnight and a minute after it."""
START = MIDNIGHT - 60 * SECOND


def day_objects(kind: str) -> list[bytes]:
    if kind == "cut at midnight":
        return [mseed(SAMPLES[:6000], START), mseed(SAMPLES[6000:], MIDNIGHT)]
    parts = records(SAMPLES, START)
    counted = np.cumsum([len(SAMPLES) // len(parts)] * len(parts))
    at = int(np.searchsorted(counted, 6000))
    if kind == "a record straddles midnight":
        return [b"".join(parts[:at]), b"".join(parts[at:])]
    return [b"".join(parts[: at + 3]), b"".join(parts[at - 3 :])]


@pytest.mark.parametrize("late", [0, 4_000_000, 9_999_000])
@pytest.mark.parametrize(
    "kind", ["cut at midnight", "a record straddles midnight", "the days' objects overlap"]
)
def test_midnight_is_no_gap(kind: str, late: int) -> None:
    shifted = [
        part for body in day_objects(kind)
        for part in decode(body, "XX", "AAA", Span(START, MIDNIGHT + 60 * SECOND)).channels.values()
    ]  # fmt: skip
    parts = [Records(r.starts_ns + late, r.counts, r.samples) for rs in shifted for r in rs]
    (trace,) = merge(parts, RATE)
    np.testing.assert_array_equal(trace.samples, SAMPLES)
    assert Grid(RATE).time_ns(trace.first) + trace.clock.offset_ns(trace.first) == START + late


def test_a_clock_without_records_is_right() -> None:
    trace = Trace(RATE, 5, np.arange(3), merge([record_of([(0, 1, 3)])], RATE)[0].clock)
    assert trace.clock.offset_ns(-(10**12)) == trace.clock.offset_ns(10**12) == 3
    empty = type(trace.clock)(np.empty(0, np.int64), np.empty(0, np.int64))
    assert empty.offset_ns(0) == 0


def test_each_run_knows_its_own_clock_only() -> None:
    """A day of many gaps must not hold the clock of the whole day for each of its traces."""
    pieces = [(at * 10, 3, at % 7) for at in range(5000)]
    traces = merge([record_of(pieces)], RATE)
    assert len(traces) == len(pieces)
    assert sum(len(trace.clock.firsts) for trace in traces) == len(pieces)
    found = laid(traces)
    assert all(found[first][1] == late for first, _, late in pieces)


@pytest.mark.parametrize("size", [3e38, 1e300, -1e16])
def test_samples_that_nothing_measures_are_gaps(size: float) -> None:
    """A double of 1e300 is a number, and infinite for a picker; 3e38 is when it is squared."""
    values = np.arange(100, dtype=np.float64)
    values[[30, 31, 32]] = size
    traces = merge([Records(np.array([MIDNIGHT]), np.array([100]), values)], RATE)
    assert spans(traces) == [(0, 30), (33, 100)]
    (kept,) = merge([Records(np.array([MIDNIGHT]), np.array([2]), np.array([1e15, -1e15]))], RATE)
    assert kept.samples.tolist() == [1e15, -1e15]


@pytest.mark.parametrize(("rate", "bridged_s"), [(100, 0.1), (40, 0.1), (200, 0.05), (100, 0.03)])
def test_gaps_up_to_a_limit_are_bridged_by_straight_lines(rate: int, bridged_s: float) -> None:
    limit = round(rate * bridged_s)
    for hole in range(1, limit + 3):
        first, second = np.arange(50) * 2, (np.arange(50) + 50 + hole) * 2
        parts = [
            Records(
                np.array([MIDNIGHT + at * SECOND // rate]), np.array([50]), samples.astype(np.int32)
            )
            for at, samples in ((0, first), (50 + hole, second))
        ]
        traces = merge_and_bridge(parts, Fraction(rate), bridged_s)
        if hole > limit:
            assert len(traces) == 2
            continue
        (trace,) = traces
        np.testing.assert_allclose(trace.samples, np.arange(100 + hole) * 2)
        expected = [[trace.first + 50, hole]] if hole > 1 else []
        assert trace.bridged.tolist() == expected


def test_a_part_of_a_trace_keeps_its_times_and_joins_again() -> None:
    pieces = [(0, 30, 1), (30, 30, 2), (65, 30, 3), (95, 30, 4)]
    (whole,) = merge_and_bridge([record_of(pieces)], RATE)
    for cut in range(whole.first + 1, whole.stop):
        parts = [whole.part(whole.first, cut), whole.part(cut, whole.stop)]
        (again,) = join(parts)
        np.testing.assert_array_equal(again.samples, whole.samples)
        for index in range(whole.first, whole.stop):
            assert again.clock.offset_ns(index) == whole.clock.offset_ns(index)
            part = parts[index >= cut]
            assert part.clock.offset_ns(index) == whole.clock.offset_ns(index)
    assert whole.bridged.tolist() == [[whole.first + 60, 5]]
