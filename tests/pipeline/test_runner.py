from __future__ import annotations

import random
import signal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epicat.campaign.options import Partition
from epicat.ledger import Stage
from epicat.model import Span, StationDay
from epicat.pipeline.outcome import Outcome
from epicat.pipeline.runner import make_plan, run
from epicat.store.parquet import ParquetStore
from epicat.time import DAY_NS, parse_time
from support.tiny_network import bare_campaign, stations
from support.undisturbed import Silent

FIRST = parse_time("2019-12-30")


class Shuffling:
    """An executor that does nothing, in any order, and watches what it is given."""

    def __init__(self, seed, capacity):
        self.capacity = capacity
        self.under_way = []
        self.submitted = []
        self.done = set()
        self.closed = None
        self._random = random.Random(seed)

    def submit(self, unit):
        self.under_way.append(unit)
        self.submitted.append((unit, frozenset(self.done)))
        assert len(self.under_way) <= self.capacity

    def next_outcome(self):
        unit = self.under_way.pop(self._random.randrange(len(self.under_way)))
        self.done.update(unit.keys)
        return Outcome(unit, 0.0)

    def close(self, *, now):
        self.closed = now


@pytest.fixture
def store(tmp_path):
    return ParquetStore(tmp_path / "store", create=True)


def campaign_in(folder, days, places=4):
    span = Span(FIRST, FIRST + days * DAY_NS)
    return bare_campaign(span, stations(places=places), archive=str(folder))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    days=st.integers(1, 7),
    cut=st.builds(
        Partition,
        stations_per_unit=st.integers(1, 5),
        days_per_unit=st.integers(1, 4),
        window_days=st.integers(1, 4),
    ),
    seed=st.integers(0, 10**6),
    capacity=st.integers(1, 9),
)
def test_every_unit_is_handed_over_once_and_when_what_it_needs_is_done(
    days, cut, seed, capacity, tmp_path, store
):
    campaign = campaign_in(tmp_path, days)
    plan = make_plan(campaign, cut, store, recheck=False)
    executor = Shuffling(seed, capacity)
    run(campaign, plan, store, lambda: executor, Silent())
    units = [unit for unit, _ in executor.submitted]
    assert sorted(u.keys for u in units) == sorted(
        u.keys for u in (*plan.picking, *plan.associating)
    )
    assert executor.under_way == []
    assert executor.closed is False
    for unit, done in executor.submitted:
        if unit.stage == Stage.ASSOCIATE:
            needed = {
                str(StationDay(name, day)) for name in campaign.names for day in unit.needs.days()
            }
            everything = {key for u in plan.picking for key in u.keys}
            assert needed & everything <= done


def test_association_begins_before_all_picking_is_done(tmp_path, store):
    campaign = campaign_in(tmp_path, 20)
    plan = make_plan(campaign, Partition(days_per_unit=1, window_days=1), store, recheck=False)
    executor = Shuffling(0, 2)
    run(campaign, plan, store, lambda: executor, Silent())
    stages = [unit.stage for unit, _ in executor.submitted]
    assert stages.index(Stage.ASSOCIATE) < len(stages) // 3


class Interrupted(Shuffling):
    def next_outcome(self):
        signal.raise_signal(self.signal)
        return super().next_outcome()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_interrupt_and_let_the_workers_go_at_once(tmp_path, store, number):
    campaign = campaign_in(tmp_path, 2)
    plan = make_plan(campaign, Partition(), store, recheck=False)
    executor = Interrupted(0, 2)
    executor.signal = number
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        run(campaign, plan, store, lambda: executor, Silent())
    assert executor.closed is True
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_listener_that_raises_stops_the_run_and_its_workers(tmp_path, store):
    class Broken(Silent):
        def finished(self, outcome):
            raise OSError("the terminal is gone")

    campaign = campaign_in(tmp_path, 1)
    plan = make_plan(campaign, Partition(), store, recheck=False)
    executor = Shuffling(0, 2)
    with pytest.raises(OSError, match="terminal"):
        run(campaign, plan, store, lambda: executor, Broken())
    assert executor.closed is True


def test_without_work_no_worker_is_made(tmp_path, store):
    campaign = campaign_in(tmp_path, 1)
    plan = make_plan(campaign, Partition(), store, recheck=False)
    empty = type(plan)((), (), plan.station_days, plan.station_days)
    summary = run(campaign, empty, store, lambda: pytest.fail("made"), Silent())
    assert not summary.has_failures


def test_a_plan_without_a_store_is_everything(tmp_path, store):
    campaign = campaign_in(tmp_path, 3)
    without = make_plan(campaign, Partition(), None, recheck=False)
    assert without == make_plan(campaign, Partition(), store, recheck=False)
    assert (without.station_days, without.done_before) == (12, 0)
