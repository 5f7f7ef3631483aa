"""Time: integer nanoseconds UTC since 1970 internally; ISO 8601 or year and day of year as text.

Nanoseconds are exact where floats are not, and they are what miniSEED 3 and Arrow keep.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from epicat.errors import InputError

__all__ = [
    "DAY_NS",
    "SECOND_NS",
    "day_name",
    "day_number",
    "day_of",
    "day_start",
    "iso",
    "month_of",
    "month_span",
    "named_day",
    "parse_time",
]

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS

_EPOCH = date(1970, 1, 1)
_LAST_NS = (1 << 63) - 2
_MANY_DAYS = 1 << 16
_ORDINAL = re.compile(r"([0-9]{4})[.-]([0-9]{3})")
_FORMS = "2019.172, 2019-06-21 or 2019-06-21T12:30:00Z"


def parse_time(text: str) -> int:
    """Return nanoseconds since 1970 of a day (``2019.172``, ``2019-06-21``) or a UTC time.

    A time without an offset is UTC.  Raises `InputError` for anything else.

    Examples
    --------
    >>> parse_time("2019.172") == parse_time("2019-06-21") == parse_time("2019-06-21T00:00:00Z")
    True

    """
    cleaned = text.strip()
    ordinal = _ORDINAL.fullmatch(cleaned)
    try:
        moment = _from_ordinal(*ordinal.groups()) if ordinal else datetime.fromisoformat(cleaned)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{text!r} is not a time ({error}); write it as {_FORMS}") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1000


def _from_ordinal(year: str, ordinal: str) -> datetime:
    first = datetime(int(year), 1, 1, tzinfo=UTC)
    moment = first + timedelta(days=int(ordinal) - 1)
    if moment.year != first.year:
        raise ValueError(f"{year} has no day {ordinal}")
    return moment


def day_number(time_ns: int) -> int:
    """Days since 1970-01-01 of the UTC day that holds ``time_ns``."""
    return time_ns // DAY_NS


def day_start(day: date) -> int:
    """Nanoseconds since 1970 of the first moment of a UTC day."""
    return (day - _EPOCH).days * DAY_NS


def day_of(time_ns: int) -> date:
    """Return the UTC day that holds ``time_ns``."""
    return _EPOCH + timedelta(days=day_number(time_ns))


@lru_cache(_MANY_DAYS)
def day_name(day: date) -> str:
    """Year and day of year, the way archives write a day.

    >>> day_name(date(2019, 6, 21))
    '2019.172'
    """
    return f"{day.year:04d}.{day.timetuple().tm_yday:03d}"


@lru_cache(_MANY_DAYS)
def named_day(name: str) -> date:
    """Return the day that `day_name` named; raise ValueError if it is not a day."""
    return datetime.strptime(name, "%Y.%j").date()


def month_of(time_ns: int) -> str:
    """Year and month, ``2019-06``, of a time: the partition of the tables in a store."""
    return day_of(time_ns).isoformat()[:7]


def month_span(name: str) -> tuple[int, int]:
    """Return the first moment of the month that `month_of` named, and that of the next one.

    Both are clipped to the times that 64 bits hold in addition to two infinities.  Raises
    ValueError if it is not a month.
    """
    first = datetime.strptime(name, "%Y-%m").date()
    after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return max(day_start(first), -_LAST_NS), min(day_start(after), _LAST_NS)


def iso(time_ns: int) -> str:
    """ISO 8601 with microseconds and ``Z``, rounded to the nearest microsecond.

    >>> iso(1_561_075_200_012_345_678)
    '2019-06-21T00:00:00.012346Z'
    """
    micros = (time_ns + 500) // 1000
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
