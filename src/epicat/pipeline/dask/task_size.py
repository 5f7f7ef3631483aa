"""How many units a task of Dask has: one, or more while units take milliseconds.

A task costs Dask some milliseconds of processor time.  Next to a station-day with data that is
nothing; thousands of station-days without data would take longer in Dask than in the workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from epicat.pipeline.plan import Unit

__all__ = ["LONG_S", "TaskSize"]

LONG_S: Final = 0.1
"""A task begins no further unit after this time in seconds, and leaves the rest to others.

So a kill loses no more than this in addition to a unit, and workers with short units never wait
longer for one that has taken the long ones.
"""
_MOST: Final = 32


class TaskSize:
    """The number of units in a task, from the time that the last tasks took."""

    def __init__(self) -> None:
        self.units = 1
        """Units of the next task."""

    def add(self, sent: int, done: int, seconds: float) -> None:
        """Take account of a task: of its ``sent`` units ``done`` were run in ``seconds``."""
        if done < sent or seconds > LONG_S:
            self.units = max(1, done // 2)
        elif sent == self.units and seconds < LONG_S / 4:
            self.units = min(2 * self.units, _MOST)

    def split(self, units: Sequence[Unit], free: int) -> list[list[Unit]]:
        """Return units, at least one, by task: at least ``free`` tasks if there are enough."""
        tasks = min(len(units), max(free, -(-len(units) // self.units)))
        ends = [len(units) * i // tasks for i in range(tasks + 1)]
        return [list(units[begin:end]) for begin, end in pairwise(ends)]
