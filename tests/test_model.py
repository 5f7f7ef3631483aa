from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.errors import InputError
from epicat.model import (
    EVER,
    Arrival,
    Event,
    Pick,
    Placement,
    Span,
    Station,
    StationDay,
    digest_of,
)
from epicat.time import DAY_NS, day_start, parse_time

TIMES = st.integers(-(10**18), 2 * 10**18)
PICK = Pick(10**18, "NC.KBG.", "HH", "P", 0.9, 10**18 - 5, 10**18 + 5)


def test_the_end_of_a_span_is_not_included() -> None:
    span = Span.parse("2019.172", "2019.173")
    assert list(span.days()) == [date(2019, 6, 21)]
    assert span.seconds == 86_400


@pytest.mark.parametrize(("start", "end"), [("2019.172", "2019.172"), ("2019.173", "2019.172")])
def test_a_span_that_does_not_advance_is_refused(start: str, end: str) -> None:
    with pytest.raises(InputError, match=f"END '{end}' is not after START '{start}'.*2019.173"):
        Span.parse(start, end)


def test_the_days_of_a_span_run_over_a_leap_year() -> None:
    days = list(Span.parse("2020.365", "2021.002").days())
    assert days == [date(2020, 12, 30), date(2020, 12, 31), date(2021, 1, 1)]


@given(TIMES, st.integers(1, 5 * DAY_NS))
def test_the_days_of_a_span_are_those_it_shares_a_moment_with(start: int, length: int) -> None:
    span = Span(start, start + length)
    days = list(span.days())
    assert all(StationDay("X", day).span.overlaps(span) for day in days)
    for outside in (days[0] - timedelta(days=1), days[-1] + timedelta(days=1)):
        assert not StationDay("X", outside).span.overlaps(span)


@given(TIMES, TIMES, st.integers(0, DAY_NS))
def test_a_widened_span_holds_the_span(one: int, other: int, margin: int) -> None:
    span = Span(min(one, other), max(one, other) + 1)
    wide = span.widened(margin)
    assert wide.overlaps(span)
    assert (span.start_ns - wide.start_ns, wide.end_ns - span.end_ns) == (margin, margin)


@given(
    st.from_regex(r"[A-Z0-9]{1,2}\.[A-Z0-9]{1,8}(\.[A-Z0-9]{0,8})?", fullmatch=True),
    st.dates(min_value=date(1000, 1, 1)),
)
def test_a_station_day_reads_what_it_wrote(station: str, day: date) -> None:
    key = StationDay(station, day)
    assert StationDay.parse(str(key)) == key
    assert key.span == Span(day_start(day), day_start(day) + DAY_NS)


def test_station_days_are_written_as_archives_write_days() -> None:
    assert str(StationDay("NC.KBG", date(2019, 6, 21))) == "NC.KBG/2019.172"


def test_digests_depend_on_the_parts_and_on_nothing_else() -> None:
    # A fixed answer: ids that are kept in a store must not change with a version.
    assert digest_of("a", 1) == digest_of("a", "1") == "qopbdjbb2nyl4kg3"
    assert digest_of("a", "1") != digest_of("a1") != digest_of("1", "a")
    assert len(digest_of()) == 16


@given(st.lists(st.text(alphabet="ab\n"), min_size=1, max_size=4), st.integers(0, 3))
def test_digests_tell_apart_where_parts_end(parts: list[str], at: int) -> None:
    joined = [*parts[:at], "".join(parts[at : at + 2]), *parts[at + 2 :]]
    assert (digest_of(*parts) == digest_of(*joined)) == (parts == joined)


def test_a_pick_is_known_by_channel_phase_time_and_run() -> None:
    same = replace(PICK, confidence=0.5, onset_ns=0, end_ns=1)
    assert same.id("run") == PICK.id("run") != PICK.id("other run")
    for change in ({"time_ns": 1}, {"phase": "S"}, {"trace_id": "NC.KBG.00"}, {"band": "EH"}):
        assert replace(PICK, **change).id("run") != PICK.id("run")


def test_an_event_is_known_by_its_time_and_its_picks_in_any_order() -> None:
    arrivals = tuple(Arrival(name, "NC.KBG.", "P", 5, 0.1, 3.0, 90.0) for name in "abc")
    event = Event(parse_time("2019.172"), 40, -124, 5, 0, 0, 0.1, 90, 3, 1, False, arrivals)
    assert replace(event, arrivals=arrivals[::-1], depth_km=6).id("d") == event.id("d")
    assert replace(event, arrivals=arrivals[:2]).id("d") != event.id("d") != event.id("e")


def test_values_are_frozen() -> None:
    station = Station("NC", "KBG", "", ("HHZ",), 40, -124, 100)
    assert station.id == "NC.KBG."
    with pytest.raises(FrozenInstanceError):
        station.code = "X"  # type: ignore[misc]


def test_a_position_holds_until_the_next_one_begins() -> None:
    old = Placement(Span(100, 200), 40.0, -124.0, 10.0)
    new = Placement(Span(300, 400), 40.5, -124.0, 10.0)
    station = Station("NC", "KBG", "", (), 40.5, -124.0, 10.0, placements=(old, new))
    assert [station.position_at(t) for t in (0, 100, 250, 299)] == [old] * 4
    assert [station.position_at(t) for t in (300, 999)] == [new] * 2


def test_a_station_that_never_moved_has_one_position() -> None:
    station = Station("NC", "KBG", "", (), 40.5, -124.0, 10.0, depth_m=5.0)
    assert station.positions == (Placement(EVER, 40.5, -124.0, 10.0, 5.0),)
    assert station.position_at(0) == station.positions[0]
