"""How far a run is: counts by stage, and the time left at the recent pace."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Pace", "StageCount", "format_duration"]

_RECENT_S = 300.0
"""What counts as recent: long enough for several station-days on a slow machine."""
_LEAST_KEYS = 8
"""Finished keys before a pace means something."""
_LEAST_S = 10.0
"""Seconds between them, likewise."""


class Pace:
    """Keys per second in the last minutes."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, now_s: float, count: int) -> None:
        """Note how many keys are finished at a time of the monotonic clock."""
        self._seen.append((now_s, count))
        while len(self._seen) > 2 and self._is_old(now_s):
            self._seen.popleft()

    def _is_old(self, now_s: float) -> bool:
        """Whether the oldest sight can be forgotten: those that remain span enough keys."""
        (_, last), (second_s, second) = self._seen[-1], self._seen[1]
        return now_s - second_s >= _RECENT_S and last - second >= _LEAST_KEYS

    def left_s(self, now_s: float, left: int) -> float | None:
        """Return the seconds that ``left`` keys take; None if the pace means nothing yet.

        Time without any finished key counts, too.
        """
        if not self._seen or left <= 0:
            return None
        (first_s, first), (_, last) = self._seen[0], self._seen[-1]
        keys, seconds = last - first, now_s - first_s
        if keys < _LEAST_KEYS or seconds < _LEAST_S:
            return None
        return left * seconds / keys


@dataclass(slots=True)
class StageCount:
    """The finished keys of a stage, and what they gave."""

    total: int
    """Keys that are due."""
    pace: Pace = field(default_factory=Pace)
    """How fast they are finished."""
    _finished: int = 0
    _rows: int = 0
    _partial: dict[str, int] = field(default_factory=dict)  # keys of units that are running

    @property
    def done(self) -> int:
        """Keys that are finished."""
        return self._finished + len(self._partial)

    @property
    def rows(self) -> int:
        """Picks or events of them."""
        return self._rows + sum(self._partial.values())

    def add_key(self, now_s: float, key: str, rows: int) -> None:
        """Count a finished key of a unit that is running; once, if the unit is run again."""
        self._partial[key] = rows
        self.pace.add(now_s, self.done)

    def add_unit(self, now_s: float, keys: Iterable[str], rows: int) -> None:
        """Count a finished unit in place of its keys."""
        before = self.done
        for key in keys:
            self._partial.pop(key, None)
            self._finished += 1
        self._rows += rows
        if self.done > before:
            self.pace.add(now_s, self.done)

    def left_s(self, now_s: float) -> float | None:
        """Return how long the rest takes, in seconds; None if that cannot be told."""
        return self.pace.left_s(now_s, self.total - self.done)


def format_duration(seconds: float) -> str:
    """Return a duration with the digits that an estimate deserves.

    >>> [format_duration(s) for s in (4, 47, 100, 800, 5000, 40000, 400000)]
    ['less than 10 s', '50 s', '2 min', '13 min', '1 h 25 min', '11 h', '5 days']
    """
    if seconds < 10:
        return "less than 10 s"
    if seconds < 55:
        return f"{10 * round(seconds / 10)} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 300:
        hours, rest = divmod(5 * round(minutes / 5), 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    hours = round(minutes / 60)
    return f"{hours} h" if hours < 48 else f"{round(hours / 24)} days"
