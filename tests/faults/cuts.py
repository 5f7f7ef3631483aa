"""Cuts: campaigns divided into units in many ways, in any order, in one invocation or several.

Each archive (`faults.midnights`) is done once as two units.  Then picks, events and arrivals of
every other division must be the same rows, and a further invocation must find nothing to do.
"""

from __future__ import annotations

import random
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from epicat.campaign.campaign import Campaign
from epicat.campaign.options import Partition
from epicat.model import Pick, Span, StationDay
from epicat.pipeline.runner import make_plan
from epicat.pipeline.worker import Worker
from epicat.store.base import Store, Where
from epicat.store.parquet import ParquetStore
from epicat.table_rows import picks_table
from epicat.tables import TABLES, TableName
from epicat.time import DAY_NS, SECOND_NS, day_of
from faults.midnights import DAYS, World, campaign_of, world, write
from faults.rows import lines_of, table_rows
from faults.trial import Form, Trial, difference
from faults.uncut import uncut_picks

__all__ = ["WHOLE", "Cutting", "cutting", "done", "rows", "trials"]

Rows = dict[TableName, list[str]]

_SIZES = {Form.SHORT: (2, 3), Form.LONG: (20, 12)}
"""Archives, and cuts of each."""
_SAME_EVENT_NS = SECOND_NS // 2


@dataclass(frozen=True, slots=True)
class Cutting:
    """One way to do a campaign."""

    cut: Partition
    """How large the units are."""
    invocations: tuple[tuple[int, int], ...]
    """First day of each invocation, and the day after its last; together they have all days."""
    workers: int
    """Among so many workers units are dealt."""
    order: int
    """Decides the order of the units and who gets which."""
    again: Partition
    """How large the units are of the invocation that must find nothing to do."""


_ALL = Partition(stations_per_unit=99, days_per_unit=99, window_days=99)
WHOLE = Cutting(_ALL, ((0, DAYS),), 1, 0, _ALL)
"""Everything at once."""


def trials(form: Form, folder: Path) -> Iterator[Trial]:
    """Partition campaigns in many ways; compare the results with those of one whole run."""
    archives, cuts = _SIZES[form]
    cut, midnights = _Tally(), _Tally()
    for seed in range(archives):
        root = folder / str(seed)
        of = world(seed)
        write(root, of)
        campaign = campaign_of(root)
        right = midnights.add(partial(_beside_the_truth, campaign, of, root / "whole"))
        for number in range(cuts):
            how = cutting(random.Random(f"{seed} {number}"))
            cut.add(partial(_beside, campaign, how, root / "cut", right))
        shutil.rmtree(root)
    yield cut.trial("cuts of a campaign", f"{archives} archives, each beside one uncut run")
    yield midnights.trial("archives with awkward midnights", "beside one run without days")


def cutting(draw: random.Random) -> Cutting:
    """Draw a way to do a campaign."""
    cuts = [
        Partition(
            stations_per_unit=draw.randint(1, 8),
            days_per_unit=draw.randint(1, DAYS),
            window_days=draw.randint(1, DAYS),
        )
        for _ in range(2)
    ]
    days = [(day, day + 1) for day in range(DAYS)]
    invocations = draw.choice(
        [
            [(0, DAYS)],
            draw.sample(days, DAYS),  # a day at a time, in any order
            [(0, 1), (0, DAYS)],
            [(0, DAYS - 1), (1, DAYS)],  # they overlap
            [(1, DAYS), (0, 1)],
        ]
    )
    return Cutting(cuts[0], tuple(invocations), draw.randint(1, 3), draw.randrange(10**6), cuts[1])


def done(campaign: Campaign, how: Cutting, folder: Path) -> ParquetStore:
    """Do a campaign in a new store."""
    store = ParquetStore(folder, create=True)
    shuffler = random.Random(how.order)
    for first, stop in how.invocations:
        begin_ns = campaign.span.start_ns
        span = Span(begin_ns + first * DAY_NS, begin_ns + stop * DAY_NS)
        part = campaign.model_copy(update={"span": span, "store": store.location})
        workers = [Worker(part) for _ in range(how.workers)]
        plan = make_plan(part, how.cut, store, recheck=False)
        for units in (plan.picking, plan.associating):
            for unit in shuffler.sample(units, len(units)):
                shuffler.choice(workers).work(unit)
    return store


def rows(store: Store) -> Rows:
    """Return the rows of each table, every column."""
    return {name: list(table_rows(store, [name])) for name in TABLES}


def _beside(
    campaign: Campaign, how: Cutting, folder: Path, right: Rows
) -> tuple[Rows, int, int, bool]:
    """Return rows, how many lost and doubled, and whether another invocation has nothing to do."""
    store = done(campaign, how, folder)
    found = rows(store)
    counts = [difference(right[name], found[name]) for name in TABLES]
    whole = campaign.model_copy(update={"store": store.location})
    idle = make_plan(whole, how.again, store, recheck=False).is_empty
    shutil.rmtree(folder)
    return found, sum(c[0] for c in counts), sum(c[1] for c in counts), idle


def _beside_the_truth(campaign: Campaign, of: World, folder: Path) -> tuple[Rows, int, int, bool]:
    """Do a campaign as a whole; return its rows, and picks and events lost and doubled."""
    store = done(campaign, WHOLE, folder)
    found = rows(store)
    picks = difference(_uncut_rows(campaign), found["picks"])
    times = store.read("events", Where())["time"].cast(pa.int64()).to_pylist()
    near = [sum(abs(t - e.time_ns) < _SAME_EVENT_NS for t in times) for e in of.events]
    lost = near.count(0)
    return found, picks[0] + lost, picks[1] + len(times) - len(near) + lost, True


def _uncut_rows(campaign: Campaign) -> list[str]:
    names = {row.id: row.name for row in campaign.stations}
    by_key: dict[StationDay, list[Pick]] = defaultdict(list)
    for pick in uncut_picks(campaign):
        by_key[StationDay(names[pick.trace_id], day_of(pick.time_ns))].append(pick)
    digest = campaign.run.digest
    tables = [picks_table(picks, digest, str(key)) for key, picks in by_key.items()]
    return list(lines_of("picks", pa.concat_tables(tables)))


class _Tally:
    """What the tries of a trial cost, one after the other."""

    def __init__(self) -> None:
        self._tried = self._survived = self._lost = self._doubled = 0
        self._seconds = 0.0

    def add(self, attempt: Callable[[], tuple[Rows, int, int, bool]]) -> Rows:
        """Try once, for rows, how many are lost and doubled, and success; return the rows."""
        begin = time.monotonic()
        found, lost, doubled, good = attempt()
        self._seconds += time.monotonic() - begin
        self._tried += 1
        self._survived += good and lost == doubled == 0
        self._lost += lost
        self._doubled += doubled
        return found

    def trial(self, what: str, remark: str) -> Trial:
        """Return the sum."""
        counts = self._tried, self._survived, self._lost, self._doubled
        return Trial(what, *counts, self._seconds, remark)
