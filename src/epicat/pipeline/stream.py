"""The plan of a campaign as a stream, for campaigns whose keys do not fit into memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Self

from epicat.campaign.campaign import Campaign
from epicat.campaign.options import Partition
from epicat.ledger import Stage
from epicat.model import StationDay
from epicat.pipeline.ledger_view import LedgerView
from epicat.pipeline.plan import (
    Unit,
    block_needs,
    block_unit,
    blocks_of_units,
    n_planned,
    pick_units,
)
from epicat.pipeline.schedule import StreamSchedule, days_of
from epicat.store.base import ReadableStore
from epicat.time import DAY_NS, day_start

__all__ = ["StreamedPlan", "unit_stream"]


@dataclass(frozen=True, slots=True)
class StreamedPlan:
    """What an invocation has to do; the units are made as they are needed."""

    campaign: Campaign
    """The campaign."""
    partition: Partition
    """How the work is partitioned."""
    ledger: LedgerView
    """What is done already."""
    recheck: bool
    """Whether finished days are checked for changed objects."""
    due: Counter[Stage]
    """Number of keys by stage, counted beforehand."""
    station_days: int
    """Station-days of the campaign, including finished ones, without days of closed stations."""
    done_before: int
    """Station-days that need no work."""

    @classmethod
    def from_store(
        cls, campaign: Campaign, partition: Partition, store: ReadableStore, *, recheck: bool
    ) -> Self:
        """Plan against the ledger of a store; the units are counted and forgotten."""
        ledger = LedgerView.from_store(store, campaign)
        due: Counter[Stage] = Counter()
        again = 0
        for unit in unit_stream(campaign, partition, ledger, recheck=recheck):
            due[unit.stage] += len(unit.keys)
            again += len(unit.keys) if unit.recheck or unit.measure_only else 0
        total = n_planned(campaign)
        done_before = total - due[Stage.PICK] + again
        return cls(campaign, partition, ledger, recheck, due, total, done_before)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.due.total()

    def n_keys(self, stage: Stage) -> int:
        """Return the number of keys of a stage that are due."""
        return self.due[stage]

    def schedule(self) -> StreamSchedule:
        """Return the units in the order in which they can start."""
        units = unit_stream(self.campaign, self.partition, self.ledger, recheck=self.recheck)
        return StreamSchedule(units)


def unit_stream(
    campaign: Campaign, partition: Partition, ledger: LedgerView, *, recheck: bool = False
) -> Iterator[Unit]:
    """Yield all units, each association right after the last picking that it needs."""

    def chunk(day: date) -> int:
        return (day_start(day) - campaign.span.start_ns) // DAY_NS // partition.days_per_unit

    picking = pick_units(campaign, partition, ledger, recheck=recheck)
    upcoming = next(picking, None)
    pending: set[date] = set()
    for blocks in blocks_of_units(campaign, partition, ledger):
        last = chunk(max(block_needs(campaign, blocks).days()))
        while upcoming is not None and chunk(StationDay.parse(upcoming.keys[0]).day) <= last:
            pending |= days_of(upcoming)
            yield upcoming
            upcoming = next(picking, None)
        unit = block_unit(campaign, ledger, blocks, pending)
        if unit is not None:
            yield unit
    if upcoming is not None:
        yield upcoming
        yield from picking
