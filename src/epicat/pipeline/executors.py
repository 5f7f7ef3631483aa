"""Executors: where units of work run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from epicat.campaign.campaign import Campaign
from epicat.errors import AwayError, unforeseen
from epicat.pipeline.outcome import FinishedKey, Outcome
from epicat.pipeline.plan import Unit

__all__ = ["Executor", "ReportsKeys", "Serial"]


class Executor(Protocol):
    """Accepts units and returns their outcomes, in any order."""

    @property
    def capacity(self) -> int:
        """How many units to submit at once; it may change."""
        ...

    def submit(self, unit: Unit) -> None:
        """Submit a unit."""
        ...

    def next_outcome(self) -> Outcome:
        """Wait for the next outcome; failed units have one, too.

        Raises `AwayError` if the archive is unreachable as a whole.
        """
        ...

    def close(self, *, now: bool) -> None:
        """Stop the workers; ``now`` does not wait for the units that are running."""
        ...


@runtime_checkable
class ReportsKeys(Protocol):
    """An executor that also reports the keys of units that are running."""

    def report_keys(self, on_key: Callable[[FinishedKey], None]) -> None:
        """Report each finished key to ``on_key``, from `Executor.next_outcome`.

        A key may be reported again if its unit is run again, and a few may not be reported.
        """
        ...


class Serial:
    """One unit after another in this process: for tests and debugging."""

    capacity = 1

    def __init__(self, campaign: Campaign) -> None:
        from epicat.pipeline.worker import Worker

        self._on_key: Callable[[FinishedKey], None] | None = None
        self._worker = Worker(campaign, on_key=self._report)
        self._units: list[Unit] = []

    def submit(self, unit: Unit) -> None:
        """Queue a unit until its outcome is requested."""
        self._units.append(unit)

    def report_keys(self, on_key: Callable[[FinishedKey], None]) -> None:
        """Report each finished key."""
        self._on_key = on_key

    def _report(self, finished: FinishedKey) -> None:
        if self._on_key is not None:
            self._on_key(finished)

    def next_outcome(self) -> Outcome:
        """Run the unit that was submitted first."""
        unit = self._units.pop(0)
        try:
            return self._worker.work(unit)
        except AwayError:
            raise
        except Exception as error:
            return Outcome(unit, 0.0, failure=unforeseen(error))

    def close(self, *, now: bool) -> None:
        """Nothing to stop."""
        del now
