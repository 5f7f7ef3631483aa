"""A plan as arrays of jobs for a cloud or a cluster.

Each window of days is one array of picking jobs, or several if it has more units than an array
may have.  An association job depends on the arrays whose picks it reads: those of its own window
and of the windows within the reach of its blocks.  Consecutive jobs that depend on the same arrays
are one array: those of a window, or of many windows if their days are picked already.

An association job also locates its blocks and computes their magnitudes.  These stages need the
events of blocks nearby rather than other stages of the same block, so that arrays of their own
would only wait for all of these, and start as many processes again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

from epicat._util.lists import batched
from epicat.campaign.campaign import Campaign
from epicat.campaign.options import Partition
from epicat.errors import InputError
from epicat.ledger import Stage
from epicat.model import Span, StationDay
from epicat.pipeline.ledger_view import LedgerView
from epicat.pipeline.plan import Unit, block_needs, block_unit, blocks_of_units, pick_units
from epicat.time import DAY_NS, day_name, day_of, day_start, parse_time

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
    """Yield the arrays, each association right after the last array that it needs.

    Queues start jobs in the order of submission, so that windows complete one after the other.
    Two arrays are in memory at a time.  ``partition.days_per_unit`` is ignored: a unit of picking
    has the days of one window.  ``most_jobs`` is the size of an array; default `MOST_JOBS`.
    Raises `InputError` if a job would depend on too many arrays.
    """
    partition = partition.model_copy(update={"days_per_unit": partition.window_days})
    most_jobs = most_jobs or MOST_JOBS
    units = pick_units(campaign, partition, ledger, recheck=recheck)
    picking = _Picking(campaign, partition, units, most_jobs)
    associating = _Associating(most_jobs)
    for blocks in blocks_of_units(campaign, partition, ledger):
        for array in picking.until(block_needs(campaign, blocks)):
            yield from associating.complete()
            yield array
        unit = block_unit(campaign, ledger, blocks, picking.pending)
        if unit is not None:
            yield from associating.add(unit, picking.needed_by(unit))
    yield from associating.complete()
    yield from picking.until(None)


class _Picking:
    """The arrays of picking, in the order of windows, as far as they are asked for."""

    def __init__(
        self, campaign: Campaign, partition: Partition, units: Iterator[Unit], most_jobs: int
    ) -> None:
        self._start_ns = day_start(day_of(campaign.span.start_ns))
        self._window_ns = partition.window_days * DAY_NS
        self._most_jobs = most_jobs
        self._windows = groupby(units, self._window_of_unit)
        self._next = next(self._windows, None)
        self._days_of: dict[str, frozenset[date]] = {}
        self.pending: set[date] = set()
        """Days of all arrays so far."""

    def until(self, needs: Span | None) -> Iterator[JobArray]:
        """Yield the next arrays, up to the last window with a day of ``needs``; None: all."""
        last = None if needs is None else self._window(needs.end_ns - 1)
        while self._next is not None:
            window, units = self._next
            if last is not None and window > last:
                return
            for part, chunk in enumerate(batched(units, self._most_jobs)):
                name = f"{Stage.PICK.value}-{window:04d}" + (f".{part}" if part else "")
                self._days_of[name] = days = self._days(window, chunk)
                self.pending |= days
                yield JobArray(name, tuple(chunk), days=days)
            self._next = next(self._windows, None)

    def needed_by(self, unit: Unit) -> tuple[str, ...]:
        """Return the names of the arrays whose picks a unit of association reads.

        Units are given in the order of time: arrays before the first day of one are forgotten.
        Raises `InputError` if there are too many.
        """
        days = set(unit.needs.days()) if unit.needs else set()
        if days:
            first = min(days)
            self._days_of = {n: own for n, own in self._days_of.items() if max(own) >= first}
        needs = tuple(name for name, own in self._days_of.items() if own & days)
        if len(needs) > MOST_NEEDS:
            raise InputError(
                f"{unit.name} would depend on {len(needs)} job arrays, at most {MOST_NEEDS} are "
                "allowed: increase --stations-per-unit"
            )
        return needs

    def _window(self, time_ns: int) -> int:
        return (time_ns - self._start_ns) // self._window_ns

    def _window_of_unit(self, unit: Unit) -> int:
        return self._window(day_start(StationDay.parse(unit.keys[0]).day))

    def _days(self, window: int, units: Sequence[Unit]) -> frozenset[date]:
        """Return the days of the units' keys.

        Each day of the window is looked for, which usually the first key has: to parse millions
        of keys takes longer.
        """
        start_ns = self._start_ns + window * self._window_ns
        days = Span(start_ns, start_ns + self._window_ns).days()
        keys = [unit.keys for unit in units]
        return frozenset(day for day in days if _has_day(keys, f"/{day_name(day)}"))


def _has_day(keys: Iterable[tuple[str, ...]], ending: str) -> bool:
    return any(key.endswith(ending) for some in keys for key in some)


class _Associating:
    """The arrays of association: consecutive units that depend on the same arrays."""

    def __init__(self, most_jobs: int) -> None:
        self._most_jobs = most_jobs
        self._units: list[Unit] = []
        self._needs: tuple[str, ...] = ()
        self._number = 0

    def add(self, unit: Unit, needs: tuple[str, ...]) -> Iterator[JobArray]:
        """Take the next unit; yield the array before it if that is complete."""
        if needs != self._needs or len(self._units) == self._most_jobs:
            yield from self.complete()
        self._units.append(unit)
        self._needs = needs

    def complete(self) -> Iterator[JobArray]:
        """Yield the array of the units so far, if there are any."""
        if not self._units:
            return
        name = f"{Stage.ASSOCIATE.value}-{self._number:04d}"
        starts = (parse_time(key) for unit in self._units for key in unit.keys)
        yield JobArray(name, tuple(self._units), self._needs, frozenset(map(day_of, starts)))
        self._units = []
        self._number += 1
