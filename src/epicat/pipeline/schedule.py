"""The order of units: an association starts when the picking that it needs is done."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from datetime import date
from typing import Protocol

from epicat.ledger import Stage
from epicat.model import Span, StationDay
from epicat.pipeline.plan import Unit

__all__ = ["PlanSchedule", "Schedule", "StreamSchedule", "days_of"]


class Schedule(Protocol):
    """Says which unit may start next."""

    def next_ready(self) -> Unit | None:
        """Return the next unit; None if none is left, or none can start before another is done."""
        ...

    def finished(self, unit: Unit) -> None:
        """Record that a unit is done or has failed."""
        ...


class PlanSchedule:
    """Units of a plan that is in memory: associations first, as soon as they can start."""

    def __init__(self, picking: Iterable[Unit], associating: Iterable[Unit]) -> None:
        self._picking, self._waiting = deque(picking), deque(associating)
        self._days = Counter(day for unit in self._picking for day in days_of(unit))

    def next_ready(self) -> Unit | None:
        """Return an association whose picks are there, otherwise a unit of picking."""
        ready = next((unit for unit in self._waiting if _is_ready(unit, self._days)), None)
        if ready is not None:
            self._waiting.remove(ready)
            return ready
        return self._picking.popleft() if self._picking else None

    def finished(self, unit: Unit) -> None:
        """Take the days of a unit of picking off the pending ones."""
        if unit.stage == Stage.PICK:
            self._days.subtract(days_of(unit))


class StreamSchedule:
    """Units of a stream in which an association follows all picking that it needs.

    Only units that wait or run are in memory.
    """

    def __init__(self, units: Iterable[Unit]) -> None:
        self._units = iter(units)
        self._waiting: deque[Unit] = deque()
        self._days: Counter[date] = Counter()

    def next_ready(self) -> Unit | None:
        """Return a waiting association whose picks are there, otherwise the next of the stream."""
        ready = next((unit for unit in self._waiting if _is_ready(unit, self._days)), None)
        if ready is not None:
            self._waiting.remove(ready)
            return ready
        for unit in self._units:
            if unit.stage == Stage.PICK:
                self._days.update(days_of(unit))
                return unit
            if _is_ready(unit, self._days):
                return unit
            self._waiting.append(unit)
        return None

    def finished(self, unit: Unit) -> None:
        """Take the days of a unit of picking off the pending ones."""
        if unit.stage == Stage.PICK:
            self._days -= Counter(days_of(unit))  # drops the days at zero


def days_of(unit: Unit) -> set[date]:
    """Return the days of a unit of picking."""
    return {StationDay.parse(key).day for key in unit.keys}


def _is_ready(unit: Unit, pending: Counter[date]) -> bool:
    needs = unit.needs or Span(0, 0)
    return not any(pending[day] for day in needs.days())
