from __future__ import annotations

import random

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epicat.campaign.options import Partition
from epicat.ledger import Stage, Status
from epicat.model import Span, StationDay
from epicat.pipeline.executors import Serial
from epicat.pipeline.ledger_view import LedgerView
from epicat.pipeline.plan import Unit, block_key, block_span, block_units
from epicat.pipeline.runner import make_plan, run
from epicat.pipeline.worker import Worker
from epicat.store.base import Where
from epicat.store.parquet import ParquetStore
from epicat.time import DAY_NS, SECOND_NS, day_of
from support.exact_picks import associating, one_each, origins, put_picks
from support.network_fixtures import written_network
from support.tiny_bundle import INFO, write_bundle
from support.tiny_network import (
    EXTENT,
    MIDNIGHT,
    bare_campaign,
    keyed_picks,
    settled,
    stations,
    truths,
    write_network,
)
from support.undisturbed import Silent

HOUR = 3600 * SECOND_NS
TWO_DAYS = Span(MIDNIGHT - DAY_NS, MIDNIGHT + DAY_NS)


def blocks_of(campaign, cut=Partition(window_days=9)):  # noqa: B008 - frozen
    (unit,) = block_units(campaign, cut, LedgerView({}, {}), ())
    return list(unit.keys)


def table_of(store, table="events"):
    rows = store.read(table, Where())
    return rows.drop_columns(["key"]).to_pydict()


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(offsets=st.lists(st.floats(-1, 1), min_size=7, max_size=7), seed=st.integers(0, 99))
def test_events_at_the_edges_of_blocks_are_found_once_however_blocks_are_done(
    offsets, seed, tmp_path_factory
):
    """Three hours on both sides of midnight, an event within a second of every full hour."""
    tmp_path = tmp_path_factory.mktemp("edges")
    seconds = [3600 * n + offset for n, offset in zip(range(-3, 4), offsets, strict=True)]
    truth = truths(seconds)
    span = Span(MIDNIGHT - 4 * HOUR, MIDNIGHT + 4 * HOUR)
    campaign, store = associating(tmp_path, truth, span=span, block_hours=1.0)
    keys = blocks_of(campaign)
    Worker(campaign).work(Unit(Stage.ASSOCIATE, tuple(keys)))
    assert one_each(origins(store), truth)
    together = {name: table_of(store, name) for name in ("events", "arrivals")}

    alone, other = associating(tmp_path / "alone", truth, span=span, block_hours=1.0)
    assert alone.design.digest == campaign.design.digest
    random.Random(seed).shuffle(keys)
    for key in keys:
        Worker(alone).work(Unit(Stage.ASSOCIATE, (key,)))
    assert {name: table_of(other, name) for name in ("events", "arrivals")} == together


def test_a_block_owns_the_events_whose_origin_lies_in_it(tmp_path):
    truth = truths([-3600 + 0.5, -0.5, 0.5 + 5, 3600 - 0.5, 3600 + 5])
    span = Span(MIDNIGHT - 2 * HOUR, MIDNIGHT + 2 * HOUR)
    campaign, store = associating(tmp_path, truth, span=span, block_hours=1.0)
    Worker(campaign).work(Unit(Stage.ASSOCIATE, tuple(blocks_of(campaign))))
    rows = store.read("events", Where())
    assert rows.num_rows == len(truth)
    for origin_ns, key in zip(origins(store), rows["key"].to_pylist(), strict=True):
        block = block_span(key, campaign.design.block_ns)
        assert block.start_ns <= origin_ns < block.end_ns


def test_no_pick_is_in_two_events(tmp_path):
    truth = truths([-5.0, -1.5, 2.0, 6.0])
    campaign, store = associating(tmp_path, truth)
    Worker(campaign).work(Unit(Stage.ASSOCIATE, tuple(blocks_of(campaign))))
    used = store.read("arrivals", Where())["pick_id"].to_pylist()
    assert len(used) == len(set(used)) > 0
    known = store.read("picks", Where())["pick_id"].to_pylist()
    assert set(used) <= set(known)


def test_every_event_has_its_arrivals_and_counts(tmp_path):
    campaign, store = associating(tmp_path, truths([-100, 100]))
    Worker(campaign).work(Unit(Stage.ASSOCIATE, tuple(blocks_of(campaign))))
    arrivals = store.read("arrivals", Where()).to_pylist()
    for event in store.read("events", Where()).to_pylist():
        own = [a for a in arrivals if a["event_id"] == event["event_id"]]
        assert (event["n_p"], event["n_s"], event["n_stations"]) == (8, 8, 8)
        assert {a["trace_id"] for a in own} == {s.id for s in stations()}
        assert event["dmin_km"] == min(a["distance_km"] for a in own)
        assert EXTENT.contains(event["latitude"], event["longitude"])


def test_outcomes_tell_events_from_quiet_blocks_and_blocks_without_picks(tmp_path):
    campaign, store = associating(tmp_path, [])
    too_few = keyed_picks(truths([9 * 3600]), campaign.stations[:2])
    put_picks(store, campaign, truths([100]), too_few)
    keys = (block_key(Span(MIDNIGHT, 0)), block_key(Span(MIDNIGHT + 6 * HOUR, 0)),
            block_key(Span(MIDNIGHT + 12 * HOUR, 0)))  # fmt: skip
    outcome = Worker(campaign).work(Unit(Stage.ASSOCIATE, keys))
    entries = store.ledger(Stage.ASSOCIATE)
    assert [e.status for e in entries] == [Status.DONE, Status.NO_EVENTS, Status.NO_PICKS]
    assert [(e.n_picks_used, e.n_sites) for e in entries] == [(16, 8), (4, 2), (0, 0)]
    assert (outcome.n_rows, sum(outcome.statuses.values()), outcome.unchanged) == (1, 3, 0)


def test_a_block_is_done_again_only_if_its_picks_have_changed(tmp_path):
    campaign, store = associating(tmp_path, truths([-100, 100]))
    unit = Unit(Stage.ASSOCIATE, tuple(blocks_of(campaign)))
    Worker(campaign).work(unit)
    before = store.ledger(Stage.ASSOCIATE)
    again = Worker(campaign).work(unit)
    assert (again.unchanged, dict(again.statuses)) == (len(unit.keys), {})
    assert store.ledger(Stage.ASSOCIATE) == before

    put_picks(store, campaign, truths([-100, 100, 200]))
    changed = Worker(campaign).work(unit)
    assert changed.unchanged < len(unit.keys)
    assert len(origins(store)) == 3


def test_picks_at_stations_that_the_campaign_does_not_have_are_left_out(tmp_path):
    campaign, store = associating(tmp_path, truths([100]))
    fewer = bare_campaign(TWO_DAYS, stations(places=6)).model_copy(update={"store": campaign.store})
    Worker(fewer).work(Unit(Stage.ASSOCIATE, tuple(blocks_of(fewer))))
    rows = store.read("events", Where(design=fewer.design.digest)).to_pylist()
    assert [row["n_stations"] for row in rows] == [6]


network = written_network(truths([-600, -240, -1.0, 60.5, 300, 620]))


def done(campaign, store, cut=Partition(), *, recheck=False):  # noqa: B008 - frozen
    plan = make_plan(campaign, cut, store, recheck=recheck)
    return run(campaign, plan, store, lambda: Serial(campaign), Silent())


DAYS = {"first": ("2020-01-01", "2020-01-02"), "second": ("2020-01-02", "2020-01-03"),
        "both": ("2020-01-01", "2020-01-03")}  # fmt: skip


@pytest.mark.parametrize("order", [["first", "second"], ["second", "first"], ["second", "both"]])
def test_day_by_day_gives_what_both_days_give(network, tmp_path, order):
    stores = {}
    for name, parts in (("whole", ["both"]), ("parts", order)):
        stores[name] = ParquetStore(tmp_path / name, create=True)
        for part in parts:
            start, end = DAYS[part]
            campaign = settled(network, tmp_path / name, start=start, end=end)
            assert not done(campaign, stores[name]).failures
    for table in ("picks", "events", "arrivals"):
        whole = stores["whole"].read(table, Where())
        assert whole.num_rows > 0
        assert stores["parts"].read(table, Where()).equals(whole)
    assert one_each(origins(stores["parts"]), truths([-600, -240, -1.0, 60.5, 300, 620]))


def test_picks_of_a_synthetic_archive_are_its_arrivals(network, tmp_path):
    store = ParquetStore(tmp_path / "store", create=True)
    campaign = settled(network, tmp_path / "store")
    done(campaign, store)
    truth = keyed_picks(truths([-600, -240, -1.0, 60.5, 300, 620]), stations())
    half_a_sample = SECOND_NS // 40 + 1
    for key, expected in truth.items():
        found = store.read("picks", Where(keys=frozenset([str(key)])))
        times = found["time"].cast(pa.int64()).to_pylist()
        assert all(key.span.start_ns <= t < key.span.end_ns for t in times)
        near = [p for p in expected if abs(p.time_ns - MIDNIGHT) > half_a_sample]
        assert len(times) >= len(near)
        for pick in near:
            assert min(abs(pick.time_ns - t) for t in times) <= half_a_sample


def test_days_without_data_are_told(network, tmp_path):
    store = ParquetStore(tmp_path / "store", create=True)
    campaign = settled(network, tmp_path / "store", start="2019-12-30", end="2020-01-02")
    done(campaign, store)
    statuses = {e.key: (e.status, e.reason) for e in store.ledger(Stage.PICK)}
    assert statuses["XX.ST00/2019.364"] == (Status.NO_DATA, "no object in the archive")
    assert statuses["XX.ST00/2019.365"] == (Status.NO_DATA, "no sample of this day")
    assert statuses["XX.ST00/2020.001"] == (Status.DONE, "")
    entries = store.ledger(Stage.PICK)
    assert {e.layout for e in entries} == {campaign.layout}
    channels = {e.key: e.channels for e in entries}
    assert channels["XX.ST00/2019.364"] == ""
    assert channels["XX.ST00/2020.001"] == "00.HH[ZNE]"


def test_a_bad_object_is_told_with_its_key_and_the_rest_goes_on(tmp_path):
    write_network(tmp_path, truths([-300, -120]))
    (path,) = tmp_path.glob("sds/2020/XX/ST03/HHZ.D/*.2020.001")
    path.write_bytes(b"not a seismogram" * 100)
    store = ParquetStore(tmp_path / "store", create=True)
    campaign = settled(tmp_path, tmp_path / "store", end="2020-01-02")
    made = done(campaign, store)
    entry = next(e for e in store.ledger(Stage.PICK) if e.key == "XX.ST03/2020.001")
    assert path.name in entry.reason
    key = path.relative_to(tmp_path / "sds").as_posix()
    assert [o.key for o in entry.objects if o.reason] == [key]
    assert made.events == 2


def test_recheck_looks_at_changed_objects_only(tmp_path):
    events = truths([-300, -120])
    write_network(tmp_path, events)
    store = ParquetStore(tmp_path / "store", create=True)
    campaign = settled(tmp_path, tmp_path / "store", end="2020-01-02")
    done(campaign, store)
    before = {e.key: e.marked_ns for e in store.ledger()}
    nothing = done(campaign, store, recheck=True)
    assert {e.key: e.marked_ns for e in store.ledger()} == before
    assert nothing.unchanged == len(before)

    (gone,) = tmp_path.glob("sds/2020/XX/ST03/HHZ.D/*.2020.001")
    gone.unlink()
    done(campaign, store, recheck=True)
    changed = {e.key for e in store.ledger(Stage.PICK) if e.marked_ns != before[e.key]}
    assert changed == {"XX.ST03/2020.001"}
    phases = store.read("picks", Where(keys=frozenset(changed)))["phase"].to_pylist()
    assert set(phases) == {"S"}
    arrivals = store.read("arrivals", Where()).to_pylist()
    assert ("XX.ST03.00", "P") not in {(a["trace_id"], a["phase"]) for a in arrivals}


@pytest.mark.parametrize("cut", [
    Partition(stations_per_unit=3, days_per_unit=1, window_days=1),
    Partition(stations_per_unit=8, days_per_unit=2, window_days=5),
])  # fmt: skip
def test_the_cut_changes_nothing(network, tmp_path, cut):
    stores = [ParquetStore(tmp_path / name, create=True) for name in ("a", "b")]
    for store, chosen in zip(stores, (Partition(), cut), strict=True):
        done(settled(network, store.location), store, chosen)
    for table in ("picks", "events", "arrivals"):
        assert stores[0].read(table, Where()).equals(stores[1].read(table, Where()))
    again = make_plan(settled(network, stores[0].location), cut, stores[0], recheck=False)
    assert again.is_empty


def test_a_picker_that_is_not_the_runs_does_not_pick(tmp_path):
    """As where a compiled model was exchanged after the plan was made."""
    write_network(tmp_path, truths([5]))
    campaign = settled(tmp_path, tmp_path / "store")
    other = INFO.model_copy(update={"weights_sha256": "2" * 64})
    moved = campaign.model_copy(update={"bundle": write_bundle(tmp_path / "other", other).folder})
    ParquetStore(tmp_path / "store", create=True)
    key = StationDay("XX.ST00", day_of(MIDNIGHT))
    Worker(moved).work(Unit(Stage.PICK, (str(key),)))
    (entry,) = ParquetStore(tmp_path / "store").ledger()
    assert entry.status == Status.FAILED
    assert "is not the one of run" in entry.reason
    assert "run again" in entry.reason
