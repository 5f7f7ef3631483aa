from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from epicat.errors import InputError
from epicat.time import (
    DAY_NS,
    SECOND_NS,
    day_name,
    day_number,
    day_of,
    day_start,
    iso,
    month_of,
    month_span,
    parse_time,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROS = st.integers(
    (datetime(1, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1),
    (datetime(9999, 12, 31, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1),
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970.001", 0),
        ("2019.172", 1_561_075_200),
        ("2019-172", 1_561_075_200),
        ("2019-06-21", 1_561_075_200),
        (" 2019-06-21 ", 1_561_075_200),
        ("2019-06-21T00:00:00Z", 1_561_075_200),
        ("2019-06-21T12:30:00", 1_561_120_200),
        ("2019-06-21 12:30", 1_561_120_200),
        ("2019-06-21T14:30:00+02:00", 1_561_120_200),
        ("2020.366", 1_609_372_800),
        ("2000-02-29", 951_782_400),
        ("1969-12-31", -86_400),
    ],
)
def test_every_form_of_a_time_is_understood(text: str, seconds: int) -> None:
    assert parse_time(text) == seconds * SECOND_NS


def test_microseconds_are_exact() -> None:
    assert parse_time("2019-06-21T00:00:00.000001Z") == 1_561_075_200_000_001_000


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2019.366", "2019.000", "2019.400", "1900.366", "2019.17", "2019-02-29",
     "2019-13-01", "0000.001", "0001.000", "9999.366", "2019-06-21T25:00", "20190621x", "nan",
     "\N{ARABIC-INDIC DIGIT TWO}019.172"],
)  # fmt: skip
def test_a_bad_time_is_told_with_what_is_allowed(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_time(text)
    assert repr(text) in str(caught.value)
    for form in ("2019.172", "2019-06-21", "2019-06-21T12:30:00Z"):
        assert form in str(caught.value)


def test_a_day_that_the_year_has_not_is_named() -> None:
    with pytest.raises(InputError, match="2019 has no day 366"):
        parse_time("2019.366")


@given(st.text(max_size=30))
@example("2019-06-21T00:00:00-23:59")
@example("0001-01-01T00:00:00+23:59")
@example("9999-12-31T23:59:59.999999-23:59")
def test_any_text_is_a_time_or_an_input_error(text: str) -> None:
    with suppress(InputError):
        assert isinstance(parse_time(text), int)


@given(MICROS)
@example(-1)
@example(0)
@example((datetime(7, 3, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1))
def test_iso_writes_what_parse_time_reads(micros: int) -> None:
    assert parse_time(iso(micros * 1000)) == micros * 1000


@given(st.integers(0, 2 * 10**18))
def test_iso_rounds_to_the_nearest_microsecond(time_ns: int) -> None:
    assert abs(parse_time(iso(time_ns)) - time_ns) <= 500
    assert len(iso(time_ns)) == 27


@given(st.dates())
def test_a_day_goes_there_and_back(day: date) -> None:
    start = day_start(day)
    assert day_of(start) == day_of(start + DAY_NS - 1) == day
    assert day_number(start) * DAY_NS == start
    assert parse_time(day_name(day)) == parse_time(day.isoformat()) == start
    assert month_of(start) == f"{day.year:04d}-{day.month:02d}"


@given(st.dates(date(1678, 1, 1), date(2261, 12, 31)))
def test_a_month_is_between_its_first_moment_and_the_next_ones(day: date) -> None:
    begin, end = month_span(month_of(day_start(day)))
    assert begin <= day_start(day) < end
    assert (day_of(begin).day, day_of(end).day) == (1, 1)
    assert month_of(begin) == month_of(end - 1) == month_of(day_start(day)) != month_of(end)


@pytest.mark.parametrize("name", ["2019-13", "2019", "", "foo"])
def test_what_is_no_month_is_told(name: str) -> None:
    with pytest.raises(ValueError, match=r"does not match format|unconverted"):
        month_span(name)


@given(st.integers(-(10**18), 2 * 10**18))
def test_every_moment_lies_in_its_day(time_ns: int) -> None:
    start = day_start(day_of(time_ns))
    assert start <= time_ns < start + DAY_NS


def test_the_last_day_of_a_leap_year_is_the_366th() -> None:
    assert day_name(date(2020, 12, 31)) == "2020.366"
    assert day_name(date(2019, 12, 31)) == "2019.365"
    assert day_of(parse_time("2000.366")) == date(2000, 12, 31)
