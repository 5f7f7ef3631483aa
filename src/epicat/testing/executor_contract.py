"""The contract of executors: whatever happens to the workers, the tables are the same.

A subclass says how to make an executor and which processes work for it, and gives a campaign with
at least four units of picking::

    class TestPool(ExecutorContract):
        @contextmanager
        def running(self, campaign):
            yield lambda: Pool(campaign, 2)

Tables are compared row by row, ids included.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

import pyarrow as pa
import pytest

from epicat.campaign.campaign import Campaign
from epicat.campaign.options import Partition
from epicat.errors import EpicatError
from epicat.ledger import Stage, Status
from epicat.pipeline.executors import Executor
from epicat.pipeline.outcome import Outcome
from epicat.pipeline.runner import Plan, Summary, make_plan, run
from epicat.pipeline.stream import StreamedPlan
from epicat.store.base import Where
from epicat.store.parquet import ParquetStore
from epicat.tables import TABLES

__all__ = ["Deadly", "ExecutorContract", "tables_of"]

MakeCampaign = Callable[[Path], Campaign]
"""Makes the same campaign for a store in any folder."""


class Deadly(str):
    """A key that ends every process that works on it, except the one that made it."""

    __slots__ = ("maker",)
    maker: int

    def __new__(cls, text: str, maker: int = 0) -> Self:
        """Make a key that spares the process ``maker``; by default this one."""
        key = super().__new__(cls, text)
        key.maker = maker or os.getpid()
        return key

    def __reduce__(self) -> tuple[type[Deadly], tuple[str, int]]:
        return Deadly, (str.__str__(self), self.maker)

    def rpartition(self, sep: str) -> tuple[str, str, str]:
        """Split the key, which is the first thing that a worker does with it."""
        if os.getpid() != self.maker:
            os._exit(9)
        return super().rpartition(sep)

    partition = rpartition


def tables_of(store: ParquetStore) -> dict[str, pa.Table]:
    """Return the tables of a store."""
    return {name: store.read(name, Where()) for name in TABLES}


class _Listener:
    """Collects outcomes and calls a function after the first."""

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        self._then = then
        self.outcomes: list[Outcome] = []

    def planned(self, plan: Plan | StreamedPlan) -> None:
        """Expect to be called once, before the first unit."""
        assert not plan.is_empty
        assert not self.outcomes

    def finished(self, outcome: Outcome) -> None:
        """Keep the outcome."""
        self.outcomes.append(outcome)
        if len(self.outcomes) == 1:
            self._then()


class ExecutorContract:
    """What every executor does.  See the module."""

    can_kill = True
    """Whether it has processes that can be killed."""
    kills = 6
    """Random kills of one campaign."""
    kill_every_s = 0.5
    """Mean time between two kills in seconds."""
    close_s = 2.0
    """Seconds within which an executor is closed."""

    @pytest.fixture
    def make_campaign(self) -> MakeCampaign:
        """Give a function that makes the campaign."""
        raise NotImplementedError

    @pytest.fixture
    def expected(self) -> dict[str, pa.Table]:
        """Give the tables that one process makes, undisturbed."""
        raise NotImplementedError

    def running(self, campaign: Campaign) -> AbstractContextManager[Callable[[], Executor]]:
        """Return a context with a function that makes an executor; it is called once."""
        raise NotImplementedError

    def processes(self) -> list[int]:
        """Return the processes that work for it now; none if they cannot be killed."""
        return []

    @pytest.fixture
    def store(self, tmp_path: Path) -> ParquetStore:
        """Give an empty store."""
        return ParquetStore(tmp_path / "store", create=True)

    def done(
        self,
        campaign: Campaign,
        store: ParquetStore,
        then: Callable[[], object] = lambda: None,
        plan: Plan | StreamedPlan | None = None,
    ) -> Summary:
        """Run a campaign in units of one station and one day."""
        plan = plan or make_plan(campaign, Partition(days_per_unit=1), store, recheck=False)
        with self.running(campaign) as make_executor:
            return run(campaign, plan, store, make_executor, _Listener(then))

    def test_rows_are_those_of_one_process(
        self, make_campaign: MakeCampaign, expected: dict[str, pa.Table], store: ParquetStore
    ) -> None:
        """Every row and every id."""
        summary = self.done(make_campaign(Path(store.location)), store)
        assert summary.failures == []
        assert tables_of(store) == expected

    def test_the_order_of_units_does_not_matter(
        self, make_campaign: MakeCampaign, expected: dict[str, pa.Table], store: ParquetStore
    ) -> None:
        """Units of picking in random order."""
        campaign = make_campaign(Path(store.location))
        plan = make_plan(campaign, Partition(days_per_unit=1), store, recheck=False)
        picking = list(plan.picking)
        random.Random(20).shuffle(picking)  # noqa: S311 - no secret
        assert self.done(campaign, store, plan=replace(plan, picking=tuple(picking))).failures == []
        assert tables_of(store) == expected

    def test_a_streamed_plan_has_the_same_rows(
        self, make_campaign: MakeCampaign, expected: dict[str, pa.Table], store: ParquetStore
    ) -> None:
        """Units that are made while others run."""
        campaign = make_campaign(Path(store.location))
        plan = StreamedPlan.from_store(
            campaign, Partition(days_per_unit=1, window_days=1), store, recheck=False
        )
        assert self.done(campaign, store, plan=plan).failures == []
        assert tables_of(store) == expected

    def test_killed_workers_cost_nothing(
        self, make_campaign: MakeCampaign, expected: dict[str, pa.Table], store: ParquetStore
    ) -> None:
        """All at once after the first unit, then one by one at random moments."""
        if not self.can_kill:
            pytest.skip("its workers cannot be killed")
        over = threading.Event()
        killed: list[int] = []

        def kill_some() -> None:
            generator = random.Random(7)  # noqa: S311 - no secret
            while len(killed) < self.kills and not over.wait(
                generator.expovariate(1 / self.kill_every_s)
            ):
                processes = self.processes()
                if processes:
                    killed.append(_kill(generator.choice(processes)))

        def kill_all() -> None:
            for process in self.processes():
                _kill(process)
            killer.start()

        killer = threading.Thread(target=kill_some, daemon=True)
        try:
            summary = self.done(make_campaign(Path(store.location)), store, kill_all)
        finally:
            over.set()
            if killer.ident is not None:
                killer.join()
        self.finish(make_campaign, store, summary)
        assert tables_of(store) == expected

    def finish(self, make_campaign: MakeCampaign, store: ParquetStore, summary: Summary) -> None:
        """Run again what was lost too often; an executor may give up after several kills."""
        if summary.failures:
            assert all("died" in failure for failure in summary.failures), summary.failures
            assert self.done(make_campaign(Path(store.location)), store).failures == []

    def test_a_unit_that_kills_its_workers_fails_alone(
        self, make_campaign: MakeCampaign, expected: dict[str, pa.Table], store: ParquetStore
    ) -> None:
        """Units that ran next to it are done, not failed with it."""
        campaign = make_campaign(Path(store.location))
        plan = make_plan(campaign, Partition(days_per_unit=1), store, recheck=False)
        poison = plan.picking[1]
        deadly = replace(poison, keys=tuple(map(Deadly, poison.keys)))
        units = tuple(deadly if unit is poison else unit for unit in plan.picking)

        if not self.can_kill:
            pytest.skip("its workers cannot be killed")
        (failure,) = self.done(campaign, store, plan=replace(plan, picking=units)).failures
        assert failure.startswith(poison.name)
        assert "died" in failure
        failed = {e.key for e in store.ledger(Stage.PICK) if e.status == Status.FAILED}
        assert failed == set(poison.keys)
        assert self.done(campaign, store).failures == []
        assert tables_of(store) == expected

    def test_units_that_raise_fail_and_are_due_again(
        self,
        make_campaign: MakeCampaign,
        expected: dict[str, pa.Table],
        store: ParquetStore,
        tmp_path: Path,
    ) -> None:
        """Or the workers are refused beforehand: never is a result missing without a word."""
        right = make_campaign(Path(store.location))
        wrong = right.model_copy(update={"store": str(tmp_path / "no store")})
        reasons = []
        try:
            reasons = self.done(wrong, store).failures
        except EpicatError as error:
            reasons = [str(error)]
        assert reasons
        assert all("there is no store at" in reason for reason in reasons)
        assert self.done(right, store).failures == []
        assert tables_of(store) == expected

    def test_an_interrupted_run_stops_at_once_and_resumes(
        self, make_campaign: MakeCampaign, expected: dict[str, pa.Table], store: ParquetStore
    ) -> None:
        """Ctrl-C after the first unit; what was committed is kept."""
        campaign = make_campaign(Path(store.location))
        begun: list[float] = []

        def interrupt() -> None:
            begun.append(time.monotonic())
            raise KeyboardInterrupt

        plan = make_plan(campaign, Partition(days_per_unit=1), store, recheck=False)
        with self.running(campaign) as make_executor:
            with pytest.raises(KeyboardInterrupt):
                run(campaign, plan, store, make_executor, _Listener(interrupt))
            assert time.monotonic() - begun[0] < self.close_s
        assert any(e.status == Status.DONE for e in store.ledger(Stage.PICK))
        assert self.done(campaign, store).failures == []
        assert tables_of(store) == expected


def _kill(process: int) -> int:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    return process
