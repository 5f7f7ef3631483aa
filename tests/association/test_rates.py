from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from epicat.association.quality import CatalogQuality
from epicat.association.rates import sift, whole_bins
from epicat.model import Pick, Span
from epicat.table_rows import picks_table
from epicat.time import DAY_NS, SECOND_NS, parse_time

HOUR = 3600 * SECOND_NS
NOON = parse_time("2019-06-21T12:00:00Z")
HOURLY = CatalogQuality(max_picks_per_hour=3)


def table(times: dict[str, list[int]]) -> pa.Table:
    """Return the picks of instruments ``NET.STA.LOC BAND``, P and S in turn."""
    picks = []
    for name, moments in times.items():
        trace_id, band = name.split()
        picks += [
            Pick(time_ns, trace_id, band, "PS"[n % 2], 0.5, time_ns, time_ns)
            for n, time_ns in enumerate(moments)
        ]
    return picks_table(picks, "run", "key")


def times(picks: pa.Table) -> list[int]:
    return picks["time"].cast(pa.int64()).to_pylist()


def test_an_hour_with_too_many_picks_is_left_out_as_a_whole() -> None:
    busy = [NOON + n * SECOND_NS for n in (0, 1, 2, 3599)]
    calm = [NOON + HOUR + n for n in range(3)]
    sifted = sift(table({"XX.A.00 HH": busy + calm, "XX.B. HH": busy[:3]}), HOURLY)
    assert times(sifted.left_out) == busy
    assert sorted(times(sifted.kept)) == sorted(calm + busy[:3])
    assert [str(crowd) for crowd in sifted.crowds] == [
        "XX.A.00 HH has 4 picks in 2019-06-21T12, more than 3"
    ]


def test_instruments_of_one_site_are_counted_apart() -> None:
    moments = [NOON + n for n in range(3)]
    every = {"XX.A.00 HH": moments, "XX.A.00 HN": moments, "XX.A.10 HH": moments}
    assert sift(table(every), HOURLY).left_out.num_rows == 0


def test_days_and_hours_are_limited_apart_and_told() -> None:
    hours = [NOON + n * HOUR for n in range(6)]
    limits = CatalogQuality(max_picks_per_hour=3, max_picks_per_day=5)
    sifted = sift(table({"XX.A. HH": hours}), limits)
    assert sifted.kept.num_rows == 0
    assert [str(crowd) for crowd in sifted.crowds] == [
        "XX.A. HH has 6 picks in 2019-06-21, more than 5"
    ]
    assert sift(table({"XX.A. HH": hours[:5]}), limits).kept.num_rows == 5


def test_no_limit_and_no_picks() -> None:
    some = table({"XX.A. HH": [NOON] * 50})
    sifted = sift(some, CatalogQuality())
    assert (sifted.kept.num_rows, sifted.crowds) == (50, ())
    assert sift(table({}), HOURLY).kept.num_rows == 0


def test_imported_picks_without_a_channel_are_counted() -> None:
    picks = [Pick(NOON + n, "XX.A.*", "", "P", 1.0, NOON, NOON) for n in range(4)]
    (crowd,) = sift(picks_table(picks, "run", "key"), HOURLY).crowds
    assert str(crowd) == "XX.A.* has 4 picks in 2019-06-21T12, more than 3"


def test_before_1970_bins_are_whole_too() -> None:
    old = parse_time("1969-12-31T23:30:00Z")
    sifted = sift(table({"XX.A. HH": [old, old + 1, -old, -old + 1]}), HOURLY)
    assert sifted.left_out.num_rows == 0
    assert whole_bins(Span(old, old + 1), HOURLY) == Span(-HOUR, 0)


@given(
    st.lists(st.integers(0, 6 * HOUR), max_size=40),
    st.integers(1, 5),
    st.lists(st.integers(0, 6 * HOUR), min_size=1, max_size=4, unique=True),
)
def test_the_parts_of_a_span_are_what_it_is_as_a_whole(
    moments: list[int], limit: int, cuts: list[int]
) -> None:
    """However a span is cut, also inside an hour, the same picks are left out."""
    picks = table({"XX.A. HH": [NOON + moment for moment in moments]})
    limits = CatalogQuality(max_picks_per_hour=limit)
    whole = sift(picks, limits)
    found = []
    borders = [NOON - HOUR, *(NOON + cut for cut in sorted(cuts)), NOON + DAY_NS // 2]
    for begin, end in pairwise(borders):
        read = whole_bins(Span(begin, end), limits)
        inside = [read.start_ns <= t < read.end_ns for t in times(picks)]
        seen = picks.filter(pa.array(inside, pa.bool_()))
        found += times(sift(seen, limits).within(Span(begin, end)).left_out)
    assert found == times(whole.left_out)
