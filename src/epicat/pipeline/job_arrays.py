"""A plan as arrays of jobs for a cloud or a cluster.

Each window of days is one array of picking jobs, or several if it has more units than an array
may have, and one association job.  That job depends on the arrays whose picks it reads: those of
its own window and of the windows within the reach of its blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

from epicat._util.lists import batched
from epicat.campaign.campaign import Campaign
from epicat.campaign.options import Partition
from epicat.errors import InputError
from epicat.model import Span, Stage, StationDay
from epicat.pipeline.ledger_view import LedgerView
from epicat.pipeline.plan import Unit, block_needs, block_unit, block_windows, pick_units
from epicat.time import DAY_NS, day_of, day_start, named_day, parse_time

__all__ = ["MOST_JOBS", "MOST_NEEDS", "JobArray", "plan_job_arrays"]

MOST_JOBS = 10_000
"""Jobs in one array (AWS Batch, "Service quotas")."""
MOST_NEEDS = 20
"""Jobs or arrays that a job may depend on (AWS Batch, "Job dependencies")."""


@dataclass(frozen=True, slots=True)
class JobArray:
    """Units that are submitted together; a single one is a plain job."""

    name: str
    """Identifies the array and its manifest in a submission, for example ``pick-0002``."""
    units: tuple[Unit, ...] = field(repr=False)
    """One per job."""
    needs: tuple[str, ...] = ()
    """Names of the arrays that it depends on."""
    days: frozenset[date] = frozenset()
    """Days of its station-days, or on which its blocks start."""

    @property
    def stage(self) -> Stage:
        """The stage of its jobs."""
        return self.units[0].stage


def plan_job_arrays(
    campaign: Campaign,
    partition: Partition,
    ledger: LedgerView,
    *,
    recheck: bool = False,
    most_jobs: int | None = None,
) -> Iterator[JobArray]:
    """Yield the arrays, each association job right after the last array that it needs.

    Queues start jobs in the order of submission, so that windows complete one after the other.
    One array is in memory at a time.  ``partition.days_per_unit`` is ignored: a unit of picking
    has the days of one window.  ``most_jobs`` is the size of an array; default `MOST_JOBS`.
    Raises `InputError` if a job would depend on too many arrays.
    """
    partition = partition.model_copy(update={"days_per_unit": partition.window_days})
    units = pick_units(campaign, partition, ledger, recheck=recheck)
    picking = _Picking(campaign, partition, units, most_jobs or MOST_JOBS)
    number = 0
    for blocks in block_windows(campaign, partition, ledger):
        yield from picking.until(block_needs(campaign, blocks))
        unit = block_unit(campaign, ledger, blocks, picking.pending)
        if unit is not None:
            needs = _needs(unit, picking.days_of)
            days = frozenset(day_of(parse_time(key)) for key in unit.keys)
            yield JobArray(f"{Stage.ASSOCIATE.value}-{number:04d}", (unit,), needs, days)
            number += 1
    yield from picking.until(None)


class _Picking:
    """The arrays of picking, in the order of windows, as far as they are asked for."""

    def __init__(
        self, campaign: Campaign, partition: Partition, units: Iterator[Unit], most_jobs: int
    ) -> None:
        self._campaign = campaign
        self._most_jobs = most_jobs
        self._partition = partition
        self._windows = groupby(units, lambda unit: _window(campaign, partition, _day(unit)))
        self._next = next(self._windows, None)
        self.days_of: dict[str, frozenset[date]] = {}
        """Days of each array so far."""
        self.pending: set[date] = set()
        """Days of all arrays so far."""

    def until(self, needs: Span | None) -> Iterator[JobArray]:
        """Yield the next arrays, up to the last window with a day of ``needs``; None: all."""
        last = None if needs is None else max(needs.days())
        while self._next is not None:
            window, units = self._next
            if last is not None and window > _window(self._campaign, self._partition, last):
                return
            for part, chunk in enumerate(batched(units, self._most_jobs)):
                name = f"{Stage.PICK.value}-{window:04d}" + (f".{part}" if part else "")
                self.days_of[name] = days = _days(chunk)
                self.pending |= days
                yield JobArray(name, tuple(chunk), days=days)
            self._next = next(self._windows, None)


def _day(unit: Unit) -> date:
    return StationDay.parse(unit.keys[0]).day


def _window(campaign: Campaign, partition: Partition, day: date) -> int:
    return (day_start(day) - campaign.span.start_ns) // DAY_NS // partition.window_days


def _days(units: Iterable[Unit]) -> frozenset[date]:
    """Return the days of the units' keys, each parsed once."""
    names = {key.rpartition("/")[2] for unit in units for key in unit.keys}
    return frozenset(map(named_day, names))


def _needs(unit: Unit, days_of: Mapping[str, frozenset[date]]) -> tuple[str, ...]:
    days = set(unit.needs.days()) if unit.needs else set()
    needs = tuple(name for name, own in days_of.items() if own & days)
    if len(needs) > MOST_NEEDS:
        raise InputError(
            f"{unit.name} would depend on {len(needs)} job arrays, at most {MOST_NEEDS} are "
            "allowed: increase --stations-per-unit"
        )
    return needs
