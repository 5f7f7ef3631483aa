"""Tasks of Dask with several units, and what becomes of units whose task ends early."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.ledger import Stage
from epicat.pipeline.plan import Unit
from epicat.store.parquet import ParquetStore
from epicat.testing.executor_contract import Deadly
from support.tiny_network import settled, truths, write_network

pytest.importorskip("distributed")

from epicat.pipeline.dask.cluster import connected
from epicat.pipeline.dask.executor import DaskExecutor
from epicat.pipeline.dask.task_size import LONG_S, TaskSize
from epicat.pipeline.runner import write_records


def empty_unit(number, kind=str):
    """Return a unit that takes milliseconds: amplitudes of a station-day without picks."""
    return Unit(Stage.PICK, (kind(f"XX.S{number:05d}/2020.001"),), measure_only=True)


def test_tasks_grow_while_units_are_short_and_shrink_when_they_are_not():
    size = TaskSize()
    for _ in range(12):
        size.add(size.units, size.units, 0.001 * size.units)
    assert 0.004 < 0.001 * size.units < LONG_S
    grown = size.units
    size.add(grown, 2, 60.0)
    assert size.units == 1
    size.add(1, 1, 60.0)
    assert size.units == 1


@given(
    tasks=st.lists(st.tuples(st.integers(1, 40), st.floats(0, 100)), max_size=40),
    waiting=st.integers(1, 500),
    free=st.integers(-2, 100),
)
def test_every_unit_is_in_one_task(tasks, waiting, free):
    size = TaskSize()
    for done, seconds in tasks:
        size.add(size.units, min(done, size.units), seconds)
    units = [empty_unit(number) for number in range(waiting)]
    parts = list(size.split(units, free))
    assert [unit for part in parts for unit in part] == units
    assert all(1 <= len(part) <= size.units for part in parts)
    assert len(parts) >= min(waiting, free), "no thread is idle while units wait"


@pytest.fixture(scope="module")
def cluster():
    with connected(None, 2, print) as cluster:
        yield cluster


@pytest.fixture
def executor(cluster, tmp_path):
    write_network(tmp_path / "network", truths([60.5]))
    store = ParquetStore(tmp_path / "store", create=True)
    campaign = settled(tmp_path / "network", Path(store.location))
    write_records(campaign, store)
    executor = DaskExecutor(cluster, campaign, print)
    yield executor
    executor.close(now=False)


def outcomes_of(executor, units):
    """Run units, as many at once as the executor takes."""
    upcoming, running, found, most = iter(units), 0, [], 0
    while True:
        while running < executor.capacity and (unit := next(upcoming, None)):
            executor.submit(unit)
            running += 1
        if not running:
            return found, most
        most = max(most, running)
        found.append(executor.next_outcome())
        running -= 1


def test_short_units_have_one_outcome_each_also_next_to_those_that_fail(executor):
    units = [empty_unit(number) for number in range(400)]
    units[250] = empty_unit(250, Deadly)
    units[300] = Unit(Stage.PICK, ("no station-day",), measure_only=True)
    outcomes, most = outcomes_of(executor, units)
    assert most > 8, "tasks had several units"
    assert Counter(outcome.unit.name for outcome in outcomes) == Counter(u.name for u in units)
    failures = {outcome.unit.name: outcome.failure for outcome in outcomes if outcome.failure}
    assert failures.keys() == {units[250].name, units[300].name}
    assert "died" in failures[units[250].name]
    assert "died" not in failures[units[300].name]


def test_results_are_fetched_if_no_event_has_come(executor, cluster):
    cluster.client.unsubscribe_topic(executor._name)
    outcomes, _ = outcomes_of(executor, map(empty_unit, range(40)))
    assert len(outcomes) == 40
    assert not any(outcome.failure for outcome in outcomes)
