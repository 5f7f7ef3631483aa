"""The worker: runs a unit and returns its outcome, on this machine or another.

For each key it reads, computes, writes the rows as a new generation, and commits that last.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

from epicat.association.sites import SiteIndex
from epicat.campaign.campaign import Campaign
from epicat.ledger import BlockEntry, Stage, Status, flag_counts
from epicat.pipeline.outcome import FinishedKey, Outcome
from epicat.pipeline.plan import Unit
from epicat.pipeline.stages.associate_stage import AssociateStage
from epicat.pipeline.stages.key_commits import commits_of
from epicat.pipeline.stages.key_result import KeyResult, save
from epicat.pipeline.stages.locate_stage import LocateStage
from epicat.pipeline.stages.magnitude_stage import MagnitudeStage
from epicat.pipeline.stages.pick_stage import PickStage
from epicat.store.base import Store, new_generation
from epicat.store.open import open_store

__all__ = ["Worker"]


class Worker:
    """Runs the units of a campaign, one at a time; opens store, archive and picker lazily."""

    def __init__(
        self,
        campaign: Campaign,
        threads: Callable[[], int] = lambda: 1,
        on_key: Callable[[FinishedKey], None] = lambda _: None,
    ) -> None:
        """Take what to compute; ``threads`` says how many to use, before each station-day.

        ``on_key`` receives each station-day and block when it is finished.
        """
        self._campaign = campaign
        self._threads = threads
        self._on_key = on_key

    def get_ready(self) -> None:
        """Start to load the picker before the first unit; raise `ModelError` if it is missing."""
        if self._campaign.bundle is not None:
            self._pick.load_picker()

    def work(self, unit: Unit) -> Outcome:
        """Run a unit: compute its keys, write their rows and commit them.

        Raises `StoreError` or `AwayError` if the store or the archive is unreachable.
        """
        begin = time.monotonic()
        results = self._picked(unit) if unit.stage == Stage.PICK else self._associated(unit)
        located: dict[str, Status] = {}
        if unit.stage == Stage.ASSOCIATE:
            located = self._locate.run(unit) if self._locate else {}
            if self._magnitudes:
                self._magnitudes.run(unit, sorted({*unit.keys, *located}))
        return _outcome(unit, results, located, time.monotonic() - begin)

    def _picked(self, unit: Unit) -> list[KeyResult]:
        generation = new_generation()
        commits = commits_of(self._store, unit, self._campaign.run.digest)
        results = self._reported(unit, self._pick.results(unit, generation, commits))
        commits.complete(results, generation)
        return results

    def _associated(self, unit: Unit) -> list[KeyResult]:
        generation = new_generation()
        results = self._reported(unit, self._associate.results(unit, generation))
        save(self._store, results, generation)
        return results

    def _reported(self, unit: Unit, results: Iterable[KeyResult]) -> list[KeyResult]:
        """Return results as a list; report each key once."""
        found: list[KeyResult] = []
        for result in results:
            entry = result.entry
            if not found or found[-1].entry.key != entry.key:
                key = FinishedKey(unit.stage, entry.key, entry.status.value, entry.n_rows)
                self._on_key(key)
            found.append(result)
        return found

    @cached_property
    def _store(self) -> Store:
        return open_store(self._campaign.store, patient=True)

    @cached_property
    def _index(self) -> SiteIndex:
        plane, radius_m = self._campaign.design.plane, self._campaign.site_radius_m
        return SiteIndex.from_stations(self._campaign.stations, plane, radius_m)

    @cached_property
    def _pick(self) -> PickStage:
        return PickStage(self._campaign, self._store, self._threads)

    @cached_property
    def _associate(self) -> AssociateStage:
        return AssociateStage(self._campaign, self._store, self._index)

    @cached_property
    def _locate(self) -> LocateStage | None:
        if self._campaign.location is None:
            return None
        return LocateStage(self._campaign.location, self._campaign, self._store, self._index)

    @cached_property
    def _magnitudes(self) -> MagnitudeStage | None:
        if self._campaign.magnitude is None:
            return None
        return MagnitudeStage(self._campaign.magnitude, self._campaign, self._store, self._index)


def _outcome(
    unit: Unit, results: Sequence[KeyResult], located: dict[str, Status], seconds: float
) -> Outcome:
    """Return the outcome of a unit, counted."""
    every = [result.entry for result in results if result.is_kept]
    entries = [entry for entry in every if entry.stage == unit.stage]
    unmeasured = sum(e.stage == Stage.MEASURE and e.status == Status.FAILED for e in every)
    return Outcome(
        unit=unit,
        seconds=seconds,
        statuses=Counter(entry.status.value for entry in entries),
        unchanged=len(unit.keys) - len(entries),
        n_rows=sum(entry.n_rows for entry in entries),
        n_rejected=sum(e.n_rejected for e in entries if isinstance(e, BlockEntry)),
        flags=flag_counts(every),
        n_incomplete=sum(result.entry.is_incomplete for result in results) + unmeasured,
        located=Counter(status.value for status in located.values()),
    )
