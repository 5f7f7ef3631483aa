"""Executors: where units are worked on."""

from __future__ import annotations

from typing import Protocol

from epicat.campaign.campaign import Campaign
from epicat.errors import AwayError, unforeseen
from epicat.pipeline.plan import Unit
from epicat.pipeline.worker import Outcome, Worker

__all__ = ["Executor", "Serial"]


class Executor(Protocol):
    """Takes units and gives their outcomes back, in whatever order they come."""

    capacity: int
    """How many units it is worth handing over at once."""

    def submit(self, unit: Unit) -> None:
        """Hand over a unit."""
        ...

    def next_outcome(self) -> Outcome:
        """Wait for the next outcome.  A unit that could not be done has one too.

        Raises `AwayError` if the archive is gone, so that no other unit can be done either.
        """
        ...

    def close(self, *, now: bool) -> None:
        """Let the workers go; ``now`` does not wait for what they are doing."""
        ...


class Serial:
    """One unit after the other in this process: for tests, and for looking with a debugger."""

    capacity = 1

    def __init__(self, campaign: Campaign) -> None:
        self._worker = Worker(campaign)
        self._units: list[Unit] = []

    def submit(self, unit: Unit) -> None:
        """Keep a unit until its outcome is asked for."""
        self._units.append(unit)

    def next_outcome(self) -> Outcome:
        """Do the unit that has waited longest."""
        unit = self._units.pop(0)
        try:
            return self._worker.work(unit)
        except AwayError:
            raise
        except Exception as error:
            return Outcome(unit, 0.0, failure=unforeseen(error))

    def close(self, *, now: bool) -> None:
        """Nothing to let go."""
        del now
