"""Divide picks into time slices that are the same whatever span of them was read.

PyOcto cuts its input into slices, counted from the first pick that it is given, and looks for
events in one after the other.  What it finds in a slice depends on the picks of that slice alone,
but also on where the slice begins: so two runs over overlapping spans differ where they overlap.
Slices that are counted from 1970 make it the same in both.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from epicat.time import SECOND_NS

__all__ = ["Slice", "Slicing"]


class _Timed(Protocol):
    @property
    def time_ns(self) -> int: ...


T = TypeVar("T", bound=_Timed)


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """The picks of a slice."""

    start_ns: int
    """Where it begins, without what it reaches back."""
    picks: Sequence[T]
    """In the order of time; never none."""


@dataclass(frozen=True, slots=True)
class Slicing:
    """Slices begin at every multiple of their length since 1970 and reach back before it."""

    length_ns: int
    """From the start of one to the start of the next."""
    before_ns: int
    """How far each reaches back: the longest travel time, so that each event is whole in one."""

    @classmethod
    def from_seconds(cls, length_s: float, before_s: float) -> Slicing:
        """Read both in seconds."""
        return cls(round(length_s * SECOND_NS), round(before_s * SECOND_NS))

    @property
    def span_ns(self) -> int:
        """The time that a slice covers: around any moment, this much is read to have its slices."""
        return self.length_ns + self.before_ns

    def cut(self, picks: Sequence[T]) -> Iterator[Slice[T]]:
        """Give each slice that has picks.

        ``picks`` are in the order of time.  A slice is the same wherever all of its picks are
        given.
        """
        if not picks:
            return
        times = [pick.time_ns for pick in picks]
        first = times[0] // self.length_ns
        last = (times[-1] + self.before_ns) // self.length_ns
        for number in range(first, last + 1):
            start = number * self.length_ns
            low = bisect_left(times, start - self.before_ns)
            high = bisect_left(times, start + self.length_ns)
            if low < high:
                yield Slice(start, picks[low:high])
