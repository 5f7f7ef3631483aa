"""Faults and results on every executor that there is."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from concurrent.futures import wait
from dataclasses import replace
from pathlib import Path

import pytest

from epicat.campaign.options import Partition
from epicat.ledger import Stage, Status
from epicat.model import StationDay
from epicat.pipeline.executors import Serial
from epicat.pipeline.plan import Unit
from epicat.pipeline.process_pool import Pool
from epicat.pipeline.runner import make_plan, run
from epicat.store.base import Where
from epicat.store.parquet import ParquetStore
from epicat.tables import TABLES
from support.network_fixtures import written_network
from support.tiny_network import settled, truths

SECONDS = [-600, -240, -1.0, 60.5, 300, 620]
EXECUTORS = {"serial": Serial, "pool": lambda campaign: Pool(campaign, 2)}
KEYS = 16


network = written_network(truths(SECONDS))


@pytest.fixture(scope="module")
def expected(network, tmp_path_factory):
    """Give the tables that one process makes, undisturbed."""
    store = ParquetStore(tmp_path_factory.mktemp("expected") / "store", create=True)
    done(settled(network, store.location), store)
    assert store.read("events", Where()).num_rows == len(SECONDS)
    return tables(store)


@pytest.fixture
def store(tmp_path):
    return ParquetStore(tmp_path / "store", create=True)


def tables(store):
    return {name: store.read(name, Where()) for name in TABLES}


class Listening:
    """Calls a function after the first unit."""

    def __init__(self, then=lambda: None):
        self.then = then
        self.outcomes = []

    def planned(self, planned):
        assert not self.outcomes

    def finished(self, outcome):
        self.outcomes.append(outcome)
        if len(self.outcomes) == 1:
            self.then()


def done(campaign, store, *, executor="serial", then=lambda: None, cut=Partition()):  # noqa: B008
    plan = make_plan(campaign, cut, store, recheck=False)
    listener = Listening(then)
    summary = run(campaign, plan, store, lambda: EXECUTORS[executor](campaign), listener)
    assert len(listener.outcomes) == len(plan.picking) + len(plan.associating)
    return summary


def kill_a_worker():
    os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)


def kill_all_workers():
    for child in multiprocessing.active_children():
        os.kill(child.pid, signal.SIGKILL)
        child.join()


@pytest.mark.parametrize("then", [lambda: None, kill_a_worker], ids=["undisturbed", "killed"])
def test_a_pool_makes_what_one_process_makes(network, expected, store, then):
    summary = done(settled(network, store.location), store, executor="pool", then=then)
    assert tables(store) == expected
    assert summary.failures == []
    assert sum(summary.station_days.values()) == KEYS
    assert summary.events == len(SECONDS)
    assert multiprocessing.active_children() == []


def test_a_unit_handed_to_a_broken_pool_is_done_and_so_are_the_others(network, store):
    campaign = settled(network, store.location)
    units = make_plan(campaign, Partition(), store, recheck=False).picking
    pool = Pool(campaign, 1)
    for unit in units[:3]:
        pool.submit(unit)
    found = [pool.next_outcome()]
    kill_all_workers()
    wait(pool._futures)  # now the pool knows that it is broken
    pool.submit(units[3])
    found += [pool.next_outcome() for _ in range(3)]
    pool.close(now=False)
    assert {outcome.unit for outcome in found} == set(units[:4])
    assert [outcome.failure for outcome in found] == [""] * 4


class Deadly(str):
    """A key that ends the process that is handed it."""

    __slots__ = ()

    def __reduce__(self):
        return os._exit, (9,)


def test_a_unit_that_kills_its_worker_fails_alone(network, expected, store):
    campaign = settled(network, store.location)
    plan = make_plan(campaign, Partition(), store, recheck=False)
    units = list(plan.picking)
    units[3] = replace(units[3], keys=tuple(map(Deadly, units[3].keys)))
    plan = replace(plan, picking=tuple(units))
    summary = run(campaign, plan, store, lambda: Pool(campaign, 2), Listening())
    (failure,) = summary.failures
    assert failure.startswith("pick XX.ST03/2020.001 and 1 more: its worker died 3 times")
    failed = {e.key for e in store.ledger(Stage.PICK) if e.status == Status.FAILED}
    assert failed == {"XX.ST03/2020.001", "XX.ST03/2020.002"}
    assert summary.station_days == {"done": KEYS - 2}

    done(campaign, store)
    assert tables(store) == expected


@pytest.mark.parametrize("executor", EXECUTORS)
def test_units_that_raise_are_failed_and_due_again(network, expected, store, tmp_path, executor):
    right = settled(network, store.location)
    wrong = right.model_copy(update={"store": str(tmp_path / "no store")})
    summary = done(wrong, store, executor=executor)
    assert len(summary.failures) == 9
    assert all("StoreError: there is no store at" in reason for reason in summary.failures)
    entries = store.ledger()
    assert {e.status for e in entries} == {Status.FAILED}
    assert {e.key for e in entries if e.stage == Stage.PICK} == {
        str(StationDay(n, d)) for n in right.names for d in right.span.days()
    }
    assert summary.has_failures

    done(right, store)
    assert tables(store) == expected
    assert not [e for e in store.ledger() if e.status == Status.FAILED]


def test_keys_that_raise_are_failed_one_by_one_and_due_again(network, expected, store, tmp_path):
    right = settled(network, store.location)
    wrong = right.model_copy(update={"bundle": tmp_path / "gone"})
    summary = done(wrong, store)
    assert summary.failures == []
    assert summary.station_days == {"failed": KEYS}
    assert summary.has_failures
    assert {e.reason for e in store.ledger(Stage.PICK)} == {
        f"compiled model '{tmp_path / 'gone'}' cannot be read (No such file or directory); "
        "delete it and run `epicat models compile` again"
    }
    done(right, store)
    assert tables(store) == expected


def test_trouble_while_looking_again_leaves_what_is_there(network, expected, store, tmp_path):
    right = settled(network, store.location)
    done(right, store)
    wrong = right.model_copy(update={"store": str(tmp_path / "no store")})
    plan = make_plan(wrong, Partition(), store, recheck=True)
    summary = run(wrong, plan, store, lambda: Serial(wrong), Listening())
    assert summary.failures
    assert tables(store)["picks"] == expected["picks"]
    assert {e.status for e in store.ledger(Stage.PICK)} == {Status.DONE}


def test_running_again_does_nothing(network, store):
    campaign = settled(network, store.location)
    done(campaign, store)
    root = Path(store.location)
    before = {p: p.stat().st_mtime_ns for p in root.rglob("*") if p.is_file()}
    for cut in (Partition(), Partition(stations_per_unit=5, days_per_unit=1, window_days=1)):
        plan = make_plan(campaign, cut, store, recheck=False)
        assert plan.is_empty
        assert (plan.station_days, plan.done_before) == (KEYS, KEYS)
    summary = done(campaign, store)
    assert (summary.picks, summary.events, summary.station_days) == (0, 0, {})
    after = {p: p.stat().st_mtime_ns for p in root.rglob("*") if p.is_file()}
    assert before.items() <= after.items()
    (new,) = set(after) - set(before)
    assert new.parent.relative_to(root).as_posix() == "records/invocation"


def test_records_say_where_everything_came_from(network, store):
    campaign = settled(network, store.location)
    done(campaign, store)
    (name,) = store.records("run")
    assert name == campaign.run.digest
    assert store.records("run")[name]["picker"]["weights_sha256"]
    assert list(store.records("associator")) == [campaign.design.digest]
    (invocation,) = store.records("invocation").values()
    assert invocation["archive"] == str(network / "sds")
    assert (invocation["run"], invocation["associator"]) == (name, campaign.design.digest)
    assert {"epicat", "openvino", "pyocto"} <= set(invocation["versions"])
    assert store.stations().num_rows == 8
    assert {e.archive for e in store.ledger(Stage.PICK)} == {str(network / "sds")}


def test_an_object_that_belongs_to_no_station_is_told(network, store, tmp_path):
    archive = tmp_path / "archive"
    shutil.copytree(network / "sds", archive)
    (archive / "foreign.txt").write_text("hello")
    campaign = settled(network, store.location, layout="files", archive=archive)
    done(campaign, store)
    (entry,) = store.ledger(Stage.ARCHIVE)
    assert (entry.key, entry.status) == ("foreign.txt", Status.READ_ERROR)
    assert entry.reason
    done(campaign, store)
    assert store.ledger(Stage.ARCHIVE) == [entry]


def test_units_are_plain_data():
    unit = Unit(Stage.PICK, ("a", "b"))
    assert unit == Unit(Stage.PICK, ("a", "b"))
    assert hash(unit) == hash(Unit(Stage.PICK, ("a", "b")))


def test_a_pool_that_starts_before_its_campaign_is_known_gives_the_same(network, expected, store):
    with Pool.started_early(2) as pool:
        campaign = settled(network, store.location)
        pool.assign(campaign)
        plan = make_plan(campaign, Partition(), store, recheck=False)
        run(campaign, plan, store, lambda: pool, Listening())
    assert tables(store) == expected
    assert multiprocessing.active_children() == []


def test_one_unit_is_picked_by_the_process_that_was_started_early(network, store):
    """Another one would have to import all that is there already."""
    numbers = []
    with Pool.started_early(2) as pool:
        campaign = settled(network, store.location)
        pool.assign(campaign)
        plan = make_plan(campaign, Partition(stations_per_unit=99), store, recheck=False)
        assert len(plan.picking) == 1
        pool.submit(plan.picking[0])
        assert not pool.next_outcome().failure
        numbers.append(len(multiprocessing.active_children()))
    assert numbers == [1]


def test_a_pool_that_starts_early_ends_with_an_error_before_its_campaign():
    with pytest.raises(ValueError, match="no such station"), Pool.started_early(2):
        raise ValueError("no such station")
    assert multiprocessing.active_children() == []


def test_idle_cores_go_to_the_units_that_are_left(network, store):
    """And the tables are those of one process with one thread, whatever it computed with."""
    pool = Pool(settled(network, store.location), 5)
    shares = []
    try:
        plan = make_plan(
            settled(network, store.location), Partition(stations_per_unit=9), store, recheck=False
        )
        for unit in plan.picking:
            pool.submit(unit)
            shares.append(pool._threads.get())
        for _ in plan.picking:
            assert not pool.next_outcome().failure
            shares.append(pool._threads.get())
    finally:
        pool.close(now=True)
    count = len(plan.picking)
    left = [*range(1, count + 1), *range(count - 1, -1, -1)]
    assert shares == [5 // max(units, 1) or 1 for units in left]
