"""A machine's clock is set back, or forward: what was done last still counts."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from epicat.campaign.options import Partition
from epicat.catalog.selection import select_results
from epicat.ledger import Stage, Status
from epicat.pipeline.executors import Serial
from epicat.pipeline.runner import make_plan, run, write_records
from epicat.store.base import Where
from epicat.store.parquet import ParquetStore
from epicat.table_rows import stations_table
from epicat.tables import TABLES
from support.tiny_network import settled, stations, truths, write_network
from support.undisturbed import Silent, run_undisturbed

HOUR_NS, YEAR_NS = 3600 * 10**9, 365 * 86_400 * 10**9
EVENTS = truths([-300, 60.5])


@pytest.fixture
def clock(monkeypatch):
    """Give a function that sets the clock off by some nanoseconds."""
    real = time.time_ns

    def set_off(by_ns):
        monkeypatch.setattr(time, "time_ns", lambda: real() + by_ns)

    return set_off


def done(folder, store, *, recheck=False):
    return run_undisturbed(settled(folder, Path(store.location)), store, recheck=recheck)


@pytest.mark.parametrize(("first", "second"), [(0, -HOUR_NS), (YEAR_NS, 0), (0, YEAR_NS)])
def test_what_is_done_again_counts_whatever_the_clock_says(tmp_path, clock, first, second):
    """Days that could not be read, blocks that were made without them, objects that changed."""
    write_network(tmp_path, EVENTS)
    bodies = {path: path.read_bytes() for path in (tmp_path / "sds").rglob("XX.ST0[0-4]*HHZ*")}
    for path in bodies:
        path.write_bytes(b"no waveforms")
    for path in (tmp_path / "sds").rglob("XX.ST0[0-4]*HH[NE]*"):
        bodies[path] = path.read_bytes()
        path.unlink()
    store = ParquetStore(tmp_path / "store", create=True)
    clock(first)
    done(tmp_path, store)
    assert Status.READ_ERROR in {e.status for e in store.ledger(Stage.PICK)}
    assert store.read("events", Where()).num_rows == 0
    for path, body in bodies.items():
        path.write_bytes(body)
    clock(second)
    done(tmp_path, store)
    assert {e.status for e in store.ledger(Stage.PICK)} == {Status.DONE}
    assert store.read("events", Where()).num_rows == len(EVENTS)
    assert make_plan(
        settled(tmp_path, tmp_path / "store"), Partition(), store, recheck=False
    ).is_empty

    fresh = ParquetStore(tmp_path / "fresh", create=True)
    done(tmp_path, fresh)
    for table in TABLES:
        assert store.read(table, Where()).equals(fresh.read(table, Where()))


def test_a_unit_that_fails_again_is_told_with_its_last_reason(tmp_path, clock):
    """A worker of the first run died; that of the second cannot open the model."""
    write_network(tmp_path, EVENTS)
    store = ParquetStore(tmp_path / "store", create=True)
    campaign = settled(tmp_path, tmp_path / "store")
    reasons = []
    for offset in (0, -HOUR_NS):
        clock(offset)
        broken = campaign.model_copy(update={"bundle": tmp_path / f"none{offset}"})
        plan = make_plan(campaign, Partition(), store, recheck=False)
        run(campaign, plan, store, lambda bad=broken: Serial(bad), Silent())
        reasons.append({e.reason for e in store.ledger(Stage.PICK)})
    assert len(reasons[0]) == len(reasons[1]) == 1
    assert reasons[0] != reasons[1]


def test_the_last_list_of_stations_counts(tmp_path, clock):
    store = ParquetStore(tmp_path, create=True)
    here, there = stations(places=2), stations(locations=("10",), places=2)
    store.put_stations(stations_table(here))
    clock(-HOUR_NS)
    moved = [type(s)(**{f: getattr(s, f) for f in s.__slots__} | {"latitude": 1.0}) for s in here]
    store.put_stations(stations_table(moved))
    assert set(store.stations()["latitude"].to_pylist()) == {1.0}
    store.put_stations(stations_table(there))
    assert store.stations().num_rows == 4


def test_the_last_invocation_is_the_newest(tmp_path):
    """Without --run, commands are about the run that was made last."""
    write_network(tmp_path, EVENTS)
    store = ParquetStore(tmp_path / "store", create=True)
    campaign = settled(tmp_path, tmp_path / "store")
    for _ in range(2):
        write_records(campaign, store)
    record, other = store.records("invocation").values()
    assert {record["number"], other["number"]} == {1, 2}
    later = {**record, "run": "other", "number": 3, "time": "2001-01-01T00:00:00+00:00"}
    store.put_record("invocation", "20010101T000000Z-0", later)
    assert select_results(store, None).run == "other"
    del later["number"]  # as earlier versions wrote it
    store.files.delete(["records/invocation/20010101T000000Z-0.json"])
    store.put_record("invocation", "20010101T000000Z-0", later)
    assert select_results(store, None).run == campaign.run.digest
