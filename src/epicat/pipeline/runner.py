"""Run a plan: submit units when their dependencies are done, and report to a listener."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Protocol, runtime_checkable

from epicat._util.processes import sigterm_as_interrupt
from epicat.archive.fdsn import is_fdsn
from epicat.archive.registry import locate
from epicat.archive.s3 import is_bucket
from epicat.campaign.campaign import Campaign
from epicat.campaign.options import Partition
from epicat.ledger import ObjectEntry, Stage, Status
from epicat.pipeline.executors import Executor, ReportsKeys
from epicat.pipeline.ledger_view import LedgerView
from epicat.pipeline.outcome import FinishedKey, Outcome, failed_entries
from epicat.pipeline.plan import Unit, block_units, n_planned, pick_units
from epicat.pipeline.schedule import PlanSchedule, Schedule, days_of
from epicat.pipeline.stages.measure_day import response_rows
from epicat.pipeline.stream import StreamedPlan
from epicat.store.base import ReadableStore, Store, mark_time, new_generation
from epicat.store.catalogs import name_catalog
from epicat.store.invocations import Invocation, record_invocation
from epicat.store.journal import Journaled
from epicat.store.responses import put_responses
from epicat.table_rows import stations_table

__all__ = [
    "KeyListener",
    "Listener",
    "Plan",
    "Summary",
    "is_without_data",
    "make_plan",
    "mark_failed",
    "run",
    "write_records",
]


_WITHOUT_DATA = {Status.NO_DATA.value, Status.READ_ERROR.value}


@dataclass(frozen=True, slots=True)
class Plan:
    """What an invocation has to do."""

    picking: tuple[Unit, ...]
    """Units of picking that are due."""
    associating: tuple[Unit, ...]
    """Units of association that are due, or may become due."""
    station_days: int
    """Station-days of the campaign, including finished ones, without days of closed stations."""
    done_before: int
    """Station-days that need no work."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.picking and not self.associating

    def n_keys(self, stage: Stage) -> int:
        """Return the number of keys of a stage that are due."""
        units = self.picking if stage == Stage.PICK else self.associating
        return sum(len(unit.keys) for unit in units)

    def schedule(self) -> PlanSchedule:
        """Return the units in the order in which they can start."""
        return PlanSchedule(self.picking, self.associating)


@dataclass(slots=True)
class Summary:
    """What an invocation has done."""

    station_days: Counter[str] = field(default_factory=Counter)
    """Station-days by status."""
    blocks: Counter[str] = field(default_factory=Counter)
    """Blocks by status."""
    unchanged: int = 0
    """Keys that needed no work."""
    picks: int = 0
    """Picks that were made."""
    events: int = 0
    """Events that were found, including rejected ones."""
    rejected: int = 0
    """Events among them that quality control rejected."""
    flags: Counter[str] = field(default_factory=Counter)
    """What quality control excluded or rejected, by criterion."""
    n_incomplete: int = 0
    """Station-days of which some object could not be obtained."""
    n_unlocated: int = 0
    """Blocks whose events could not be located."""
    failures: list[str] = field(default_factory=list)
    """Units that failed as a whole, with reasons."""

    @property
    def has_failures(self) -> bool:
        """Whether a unit or a key failed or is incomplete; the next invocation retries it."""
        failed_keys = self.station_days[Status.FAILED.value] + self.blocks[Status.FAILED.value]
        left = self.n_incomplete + self.n_unlocated
        return bool(self.failures) or failed_keys + left > 0

    @property
    def is_without_data(self) -> bool:
        """Whether station-days were processed, and all of them were empty or unreadable."""
        return is_without_data(self.station_days)

    def add(self, outcome: Outcome) -> None:
        """Add an outcome."""
        picking = outcome.unit.stage == Stage.PICK
        (self.station_days if picking else self.blocks).update(outcome.statuses)
        self.unchanged += outcome.unchanged
        self.n_incomplete += outcome.n_incomplete
        self.n_unlocated += outcome.located.get(Status.FAILED.value, 0)
        if picking:
            self.picks += outcome.n_rows
        else:
            self.events += outcome.n_rows
            self.rejected += outcome.n_rejected
        self.flags.update(outcome.flags)
        if outcome.failure:
            self.failures.append(f"{outcome.unit.name}: {outcome.failure}")


def is_without_data(statuses: Mapping[str, int]) -> bool:
    """Whether there are station-days, and all of them are empty or unreadable."""
    return bool(statuses) and statuses.keys() <= _WITHOUT_DATA


@runtime_checkable
class KeyListener(Protocol):
    """A `Listener` that also receives each key when it is finished, before its unit is."""

    def key_finished(self, finished: FinishedKey) -> None:
        """Receive a finished station-day or block; again if its unit is run again."""
        ...


class Listener(Protocol):
    """Receives progress: for bars, logs and histories.

    Examples
    --------
    >>> import epicat as ec
    >>> class Count:
    ...     units = 0
    ...     def planned(self, planned):
    ...         self.units = len(planned.picking) + len(planned.associating)
    ...     def finished(self, outcome):
    ...         self.units -= 1
    >>> listener = Count()
    >>> campaign = ec.resolve(ec.CampaignOptions.from_toml("campaign.toml"))
    >>> catalog = ec.run(campaign, workers=1, listener=listener)
    >>> listener.units
    0

    """

    def planned(self, plan: Plan | StreamedPlan) -> None:
        """Receive the plan, once, before the first unit."""
        ...

    def finished(self, outcome: Outcome) -> None:
        """Receive the outcome of a unit."""
        ...


def make_plan(
    campaign: Campaign, partition: Partition, store: ReadableStore | None, *, recheck: bool
) -> Plan:
    """Make the plan of a campaign against the ledger of a store; without one, all is due."""
    ledger = LedgerView.from_store(store, campaign)
    picking = tuple(pick_units(campaign, partition, ledger, recheck=recheck))
    units = (unit for unit in picking if not (unit.recheck or unit.measure_only))
    due = [key for unit in units for key in unit.keys]
    pending = {day for unit in picking for day in days_of(unit)}
    if recheck:
        pending.update(campaign.span.days())
    total = n_planned(campaign)
    return Plan(
        picking=picking,
        associating=tuple(block_units(campaign, partition, ledger, pending)),
        station_days=total,
        done_before=total - len(due),
    )


def run(
    campaign: Campaign,
    plan: Plan | StreamedPlan,
    store: Store,
    make_executor: Callable[[], Executor],
    listener: Listener,
) -> Summary:
    """Run a plan; raise KeyboardInterrupt if it is interrupted (Ctrl-C, SIGTERM).

    Everything committed before an interrupt is kept; running again does the rest.
    """
    summary = Summary()
    write_records(campaign, store)
    listener.planned(plan)
    if plan.is_empty:
        return summary
    with sigterm_as_interrupt():
        executor = make_executor()
        now = True
        if isinstance(listener, KeyListener) and isinstance(executor, ReportsKeys):
            executor.report_keys(listener.key_finished)
        try:
            for outcome in _outcomes(plan.schedule(), executor):
                if outcome.failure:
                    mark_failed(store, campaign, outcome)
                summary.add(outcome)
                listener.finished(outcome)
            now = False
        finally:
            executor.close(now=now)
    return summary


def _outcomes(schedule: Schedule, executor: Executor) -> Iterator[Outcome]:
    """Submit units as they become ready, and yield their outcomes."""
    running = 0
    while True:
        while running < executor.capacity and (unit := schedule.next_ready()) is not None:
            executor.submit(unit)
            running += 1
        if not running:
            return
        outcome = executor.next_outcome()
        running -= 1
        schedule.finished(outcome.unit)
        yield outcome


def mark_failed(store: Store, campaign: Campaign, outcome: Outcome) -> None:
    """Record the keys of a unit that failed as a whole, for the next invocation to retry."""
    unit = outcome.unit
    if unit.recheck or unit.measure_only:  # a failed recheck never replaces a result
        return
    design = campaign.run.digest if unit.stage == Stage.PICK else campaign.design.digest
    store.mark(failed_entries(unit, design, outcome.failure))


def write_records(campaign: Campaign, store: Store) -> None:
    """Record what the digests stand for, this invocation, and objects without a station.

    Raises `InputError` if another catalog of the store has the name of this one.
    """
    if campaign.name:
        name_catalog(store, campaign.name, campaign.design.digest)
    store.put_stations(stations_table(campaign.stations))
    store.put_record("run", campaign.run.digest, campaign.run.model_dump(mode="json"))
    store.put_record("associator", campaign.design.digest, campaign.design.model_dump(mode="json"))
    if campaign.location is not None:
        location = campaign.location
        store.put_record("location", location.digest, location.model_dump(mode="json"))
    if campaign.amplitudes is not None:
        amplitudes = campaign.amplitudes
        store.put_record("amplitude", amplitudes.digest, amplitudes.model_dump(mode="json"))
        put_responses(store, response_rows(campaign.responses))
    if campaign.magnitude is not None:
        magnitude = campaign.magnitude
        store.put_record("magnitude", magnitude.digest, magnitude.model_dump(mode="json"))
    record_invocation(store, _invocation(campaign))
    if isinstance(store, Journaled):
        store.clear_journal()
    _mark_unreadable(campaign, store)


def _invocation(campaign: Campaign) -> Invocation:
    names = ("epicat", "openvino", "pyocto", "pymseed", "numpy", "scipy", "pyarrow")
    is_remote = is_fdsn(campaign.archive) or is_bucket(locate(campaign.archive))
    return Invocation(
        run=campaign.run.digest,
        associator=campaign.design.digest,
        location=campaign.location.digest if campaign.location else "",
        archive=campaign.archive,
        layout=campaign.layout,
        access=asdict(campaign.access) if is_remote else {},
        extent=str(campaign.extent),
        span=campaign.span,
        stations=tuple(campaign.names),
        versions={name: version(name) for name in names},
        python=platform.python_version(),
        machine=platform.machine(),
    )


def _mark_unreadable(campaign: Campaign, store: Store) -> None:
    """Record objects whose station is unknown because nothing in them can be read."""
    if not campaign.archive:
        return
    known = {entry.key: entry for entry in store.ledger(Stage.ARCHIVE)}
    for key, reason in campaign.open_archive().unreadable().items():
        before = known.get(key)
        if before is None or before.reason != reason:
            entry = ObjectEntry(
                design=campaign.run.digest,
                key=key,
                status=Status.READ_ERROR,
                generation=new_generation(),
                marked_ns=mark_time(before),
                reason=reason,
                archive=campaign.archive,
            )
            store.mark([entry])
