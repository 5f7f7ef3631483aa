"""A plan as arrays of jobs: what a cloud or a cluster is handed at once.

Each window of days is one array of picking jobs, or several if it has more units than an array
may have, and one job of association.  That job names the arrays whose picks it reads: those of
its own window and of the windows within the reach of its blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby, islice

from epicat.campaign.campaign import Campaign
from epicat.campaign.options import Partition
from epicat.errors import InputError
from epicat.model import Stage, StationDay
from epicat.pipeline.ledger_view import LedgerView
from epicat.pipeline.plan import Unit, block_units, pick_units
from epicat.time import DAY_NS, day_start, named_day

__all__ = ["MOST_JOBS", "MOST_NEEDS", "JobArray", "arrays_of"]

MOST_JOBS = 10_000
"""Jobs in one array (AWS Batch, "Service quotas")."""
MOST_NEEDS = 20
"""Jobs or arrays that a job may depend on (AWS Batch, "Job dependencies")."""


@dataclass(frozen=True, slots=True)
class JobArray:
    """Units that are handed over together; a single one is a plain job."""

    name: str
    """Names the array and its manifest within a submission, for example ``pick-0002``."""
    units: tuple[Unit, ...] = field(repr=False)
    """One for each job."""
    needs: tuple[str, ...] = ()
    """Names of the arrays that come first."""

    @property
    def stage(self) -> Stage:
        """What its jobs do."""
        return self.units[0].stage


def arrays_of(
    campaign: Campaign, partition: Partition, known: LedgerView, *, recheck: bool = False
) -> Iterator[JobArray]:
    """Return the arrays of picking as they are planned, then the jobs of association.

    One array is in memory at a time.  ``partition.days_per_unit`` does not count: a unit of picking
    has the days of one window.  Raises `InputError` if a job would need more arrays than it may.
    """
    partition = partition.model_copy(update={"days_per_unit": partition.window_days})
    days_of: dict[str, set[date]] = {}
    units = pick_units(campaign, partition, known, recheck=recheck)
    for window, members in groupby(units, lambda unit: _window(campaign, partition, unit)):
        for part, chunk in enumerate(_chunks(members)):
            name = f"{Stage.PICK.value}-{window:04d}" + (f".{part}" if part else "")
            days_of[name] = _days(chunk)
            yield JobArray(name, chunk)
    pending = set().union(*days_of.values())
    for number, unit in enumerate(block_units(campaign, partition, known, pending)):
        yield JobArray(f"{Stage.ASSOCIATE.value}-{number:04d}", (unit,), _needs(unit, days_of))


def _window(campaign: Campaign, partition: Partition, unit: Unit) -> int:
    day = StationDay.parse(unit.keys[0]).day
    return (day_start(day) - campaign.span.start_ns) // DAY_NS // partition.window_days


def _days(units: Iterable[Unit]) -> set[date]:
    """Return the days of station-days; few days have many keys, so each is read once."""
    names = {key.rpartition("/")[2] for unit in units for key in unit.keys}
    return {named_day(name) for name in names}


def _chunks(units: Iterable[Unit]) -> Iterator[tuple[Unit, ...]]:
    rest = iter(units)
    while chunk := tuple(islice(rest, MOST_JOBS)):
        yield chunk


def _needs(unit: Unit, days_of: Mapping[str, set[date]]) -> tuple[str, ...]:
    days = set(unit.needs.days()) if unit.needs else set()
    needs = tuple(name for name, own in days_of.items() if own & days)
    if len(needs) > MOST_NEEDS:
        raise InputError(
            f"{unit.name} would wait for {len(needs)} arrays of jobs, and may for {MOST_NEEDS}; "
            "put more stations into a unit (--stations-per-unit)"
        )
    return needs
