"""Times of cells: ISO 8601, typed columns, or numbers whose unit their size shows."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from epicat._util.table_file import Nanoseconds, shorten
from epicat.errors import InputError
from epicat.time import SECOND_NS, parse_time

__all__ = ["TimeParser", "TimeUnitError"]

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?")
_UNITS: Final = {
    "seconds": SECOND_NS,
    "milliseconds": 10**6,
    "microseconds": 1000,
    "nanoseconds": 1,
}
_LEAST, _MOST = 10**8 * SECOND_NS, 7_258_118_400 * SECOND_NS
"""1973 and 2200: in this range no number of one unit is a number of another one."""


class TimeUnitError(InputError):
    """A number whose unit cannot be told: of its file no number is a time."""


class TimeParser:
    """Reads the times of a file, all numbers in one unit."""

    def __init__(self) -> None:
        self.unit = ""
        """Unit of the numbers so far, counted from 1970; empty if there was none."""

    def parse(self, value: Any) -> int:
        """Return nanoseconds since 1970.

        Raises `ValueError` for what is not a time, and `TimeUnitError` (for the file) for a
        number whose unit cannot be told, or differs from that of numbers before.
        """
        if isinstance(value, Nanoseconds):
            return int(value)
        text = str(value).strip()
        if not _NUMBER.fullmatch(text):
            return self._text(text)
        number = Decimal(text)
        unit = next((u for u, ns in _UNITS.items() if _LEAST <= abs(number) * ns < _MOST), "")
        if not unit:
            raise TimeUnitError(
                f"time {shorten(text)}: the unit of this number cannot be told; write times as "
                "2019-06-21T12:30:00Z or in seconds since 1970"
            )
        if self.unit not in ("", unit):
            raise TimeUnitError(
                f"time {shorten(text)} looks like {unit} since 1970, earlier ones like {self.unit}"
            )
        self.unit = unit
        return round(number * _UNITS[unit])

    def _text(self, text: str) -> int:
        if len(text) > 40:
            raise ValueError(f"{shorten(text)} is not a time")
        nanoseconds = 0
        found = re.fullmatch(r"(.*[T ]\d\d:?\d\d:?\d\d[.,]\d{6})(\d{1,3})(.*)", text)
        if found:  # Python reads six digits
            nanoseconds = int(found[2].ljust(3, "0"))
            text = found[1] + found[3]
        return parse_time(text) + nanoseconds
