from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epicat.errors import StoreError
from epicat.ledger import BlockEntry, Stage, StationDayEntry, Status
from epicat.model import Pick, Station, digest_of
from epicat.store.base import Compaction, Where, begun_ns, new_generation
from epicat.store.findings import Kind
from epicat.store.mongo.address import Address, secured
from epicat.store.mongo.documents import SHAPES
from epicat.store.mongo.ledger import Ledger
from epicat.store.mongo.schema import INDEXES, make_store
from epicat.store.mongo.server import Server
from epicat.store.mongo.store import LONGEST_NS, MongoStore
from epicat.store.open import find_store, open_store
from epicat.store.verify.verify import verify_store
from epicat.table_rows import (
    arrivals_table,
    events_table,
    ledger_table,
    picks_table,
    stations_table,
)
from epicat.tables import SCHEMA_VERSION
from epicat.testing.store_contract import entry_of, event_at, pick_at
from epicat.time import DAY_NS, SECOND_NS, parse_time
from support.version_1 import old_rows

NOON = parse_time("2019-06-21T12:00:00Z")
RUN = "r" * 16


@pytest.fixture
def store(connect: Callable[[], Server]) -> MongoStore:
    return MongoStore(connect(), create=True)


@pytest.fixture
def raw(mongo, url):
    """Give the database as whoever looks into it sees it."""
    with mongo.client() as client:
        yield client[urlsplit(url).path.strip("/")]


def put(store: MongoStore, generation: str, key: str, picks: list[Pick], design: str = RUN) -> None:
    store.replace("picks", picks_table(picks, design, key), generation)


def done(store: MongoStore, generation: str, key: str, picks: list[Pick], marked_ns: int) -> None:
    put(store, generation, key, picks)
    store.mark([entry_of(key, generation, marked_ns, design=RUN)])


def test_collections_and_fields_are_the_tutorials(store, raw):
    time_ns = NOON + 123_456_789
    event = event_at(time_ns)
    place = Station("NC", "KBG", "00", ("HHZ", "HHN"), 40.0, -124.0, 100.0, "NC.KBG")
    store.put_stations(stations_table([place]))
    put(store, "g1", "NC.KBG/2019.172", [pick_at(time_ns)])
    store.replace("events", events_table([event], "assoc", "block"), "g1")
    store.replace("arrivals", arrivals_table([event], "assoc", "block"), "g1")
    picker = {"model": "PhaseNet", "weight": "instance", "version": "2", "weights_sha256": "ab",
              "made_with": {"seisbench": "0.12.6"}}  # fmt: skip
    store.put_record("run", RUN, {"picker": picker, "p_threshold": 0.25, "s_threshold": 0.125})

    pick = raw.picks.find_one()
    assert pick.pop("time") == datetime(2019, 6, 21, 12, 0, 0, 123_000)
    assert pick == {
        "_id": pick_at(time_ns).id(RUN), "trace_id": "NC.KBG.00", "band": "HH", "phase": "P",
        "confidence": 0.5, "run_id": RUN, "key": "NC.KBG/2019.172", "time_ns": time_ns,
        "onset_ns": time_ns - 7, "end_ns": time_ns + 11, "generations": ["g1"],
    }  # fmt: skip
    found = raw.events.find_one()
    assert found["_id"] == event.id("assoc")
    place = {"latitude": 40.25, "longitude": -124.5, "depth": 7.5, "x": 1.5, "y": -2.5, "z": 7.5}
    assert {**found, **place, "picks": 1} == found
    assert found["location"] == {"type": "Point", "coordinates": [-124.5, 40.25]}
    assigned = raw.assignments.find_one()
    assert assigned["event_id"] == found["_id"]
    assert assigned["pick_id"] == event.arrivals[0].pick_id
    assert assigned["residual"] == -0.125
    station = raw.stations.find_one()
    assert station["id"] == "NC.KBG.00"
    assert station["channels"] == "HHZ,HHN"
    assert station["location"]["coordinates"] == [-124.0, 40.0]
    run = raw.sb_runs.find_one()
    assert run["_id"] == RUN == pick["run_id"]
    assert (run["model"], run["weight"], run["weight_version"]) == ("PhaseNet", "instance", "2")
    assert (run["p_threshold"], run["s_threshold"]) == (0.25, 0.125)
    assert run["seisbench_version"] == "0.12.6"
    age = datetime.now(UTC).replace(tzinfo=None) - run["timestamp"]
    assert abs(age.total_seconds()) < 60


def test_the_tutorials_questions_are_answered(store, raw):
    event = event_at(NOON)
    mine = replace(pick_at(NOON + 2_000_000_000), trace_id="NC.KBG.00")
    put(store, "g1", "NC.KBG/2019.172", [mine, pick_at(NOON)])
    arrival = replace(event.arrivals[0], pick_id=mine.id(RUN))
    event = replace(event, arrivals=(arrival,))
    store.replace("events", events_table([event], "assoc", "block"), "g1")
    store.replace("arrivals", arrivals_table([event], "assoc", "block"), "g1")
    near = {"type": "Point", "coordinates": [-124.4, 40.2]}
    sphere = {"$nearSphere": {"$geometry": near, "$maxDistance": 20_000}}
    assert raw.events.count_documents({"time": {"$gte": datetime(2019, 6, 21)}}) == 1
    assert [e["_id"] for e in raw.events.find({"location": sphere})] == [event.id("assoc")]
    joined = raw.assignments.aggregate([
        {"$match": {"event_id": event.id("assoc")}},
        {"$lookup": {"from": "picks", "localField": "pick_id", "foreignField": "_id", "as": "p"}},
    ])  # fmt: skip
    assert [row["p"][0]["trace_id"] for row in joined] == ["NC.KBG.00"]


def test_indexes_are_made_once(connect, raw):
    MongoStore(connect(), create=True)
    first = {name: raw[name].index_information() for name in INDEXES}
    MongoStore(connect(), create=True)
    assert {name: raw[name].index_information() for name in INDEXES} == first
    kinds = {name: [i["key"] for i in found.values()] for name, found in first.items()}
    assert [("time", 1)] in kinds["picks"]
    assert [("trace_id", 1), ("time", 1)] in kinds["picks"]
    assert [("key", 1)] in kinds["picks"]
    assert [("location", "2dsphere")] in kinds["events"]
    assert [("location", "2dsphere")] in kinds["stations"]
    assert all(len(kinds[name]) == len(wanted) + 1 for name, wanted in INDEXES.items())


@pytest.mark.parametrize("name", ["schema_version", "layout_version"])
def test_a_newer_schema_is_refused(store, raw, url, name):
    assert raw.epicat.find_one({"_id": "schema"})["schema_version"] == SCHEMA_VERSION
    raw.epicat.update_one({"_id": "schema"}, {"$set": {name: 99}})
    for look in (open_store, find_store, lambda u: open_store(u, create=True)):
        with pytest.raises(StoreError, match=rf"newer epicat \({name} 99.*update epicat"):
            look(url)


def test_a_store_of_version_1_is_read_examined_and_added_to(store, raw, url):
    """There, the band of picks was ``channel`` and the ledger had columns for all stages."""
    day, empty, block = "NC.KBG/2019.172", "NC.KBG/2019.173", "2019-06-21T12:00:00.000000Z"
    put(store, "g1", day, [pick_at(NOON)])
    picked = StationDayEntry(RUN, day, Status.DONE, "g1", 1, channels="--.HH[Z]", n_picks=1,
                             result=digest_of(pick_at(NOON).id(RUN)))  # fmt: skip
    entries = [
        BlockEntry("assoc", block, Status.NO_EVENTS, "g1", 1, n_picks_used=7, n_sites=3),
        picked,
        StationDayEntry(RUN, empty, Status.NO_DATA, "g1", 1, archive="a", layout="sds"),
    ]
    store.mark(entries)
    raw.picks.update_many({}, {"$rename": {"band": "channel"}})
    for row in old_rows(ledger_table(entries)):
        name = {"stage": row["stage"], "key": row["key"]}
        there = raw.ledger.find_one(name)
        kept = {n: there[n] for n in ("_id", "day", "marked", "revision")}
        raw.ledger.replace_one(name, {**row, **kept})
    raw.epicat.update_one({"_id": "schema"}, {"$set": {"schema_version": 1}})

    old = open_store(url)
    assert old.read("picks", Where())["band"].to_pylist() == ["HH"]
    assert old.ledger() == entries
    assert {found.kind for found in verify_store(old, repair=True).findings.all()} == {
        Kind.NO_RECORD
    }
    new = open_store(url, create=True)
    assert raw.epicat.find_one({"_id": "schema"})["schema_version"] == SCHEMA_VERSION
    put(new, "g2", day, [pick_at(NOON), pick_at(NOON + 1)])  # one of them is there
    again = replace(picked, generation="g2", marked_ns=2, n_picks=2, channels="--.HH[ZN]")
    new.mark([again])
    assert new.read("picks", Where())["band"].to_pylist() == ["HH"] * 2
    assert new.ledger(Stage.PICK) == [again, entries[2]]


def test_a_database_with_other_things_is_refused_and_left_alone(raw, url):
    raw.thesis.insert_one({"important": True})
    with pytest.raises(StoreError, match=r"other collections \(thesis\).*--collection"):
        open_store(url, create=True)
    assert raw.list_collection_names() == ["thesis"]


def test_opening_does_not_make_a_store(raw, url):
    with pytest.raises(StoreError, match=r"there is no store at 'mongodb://ana@.*epicat run"):
        open_store(url)
    assert find_store(url) is None
    assert raw.list_collection_names() == []


def test_whoever_looks_sees_the_rows_that_count_and_no_others(store, raw):
    first = [pick_at(NOON + i) for i in range(4)]
    done(store, "g1", "A", first, 1)
    done(store, "g2", "A", [*first[1:3], pick_at(NOON + 9)], 2)
    assert sorted(d["time_ns"] - NOON for d in raw.picks.find()) == [1, 2, 9]
    assert all(d["generations"] == ["g2"] and "variants" not in d for d in raw.picks.find())
    assert raw.ledger.find_one()["superseded"] == []


def test_a_late_mark_takes_its_rows_away(store, raw):
    put(store, "slow", "A", [pick_at(NOON), pick_at(NOON + 1)])
    done(store, "fast", "A", [pick_at(NOON + 1)], 9)
    store.mark([entry_of("A", "slow", 5, design=RUN)])
    assert [d["time_ns"] - NOON for d in raw.picks.find()] == [1]
    assert [d["generations"] for d in raw.picks.find()] == [["fast"]]


def test_the_same_row_with_other_numbers(store, raw):
    """Another processor may give another last bit: the new rows count, once they are marked."""
    old, new = pick_at(NOON, confidence=0.5), pick_at(NOON, confidence=0.75)
    done(store, "g1", "A", [old], 1)
    put(store, "g2", "A", [new])
    assert store.read("picks", Where())["confidence"].to_pylist() == [0.5]
    store.mark([entry_of("A", "g2", 2, design=RUN)])
    assert store.read("picks", Where())["confidence"].to_pylist() == [0.75]
    (document,) = raw.picks.find()
    assert document["confidence"] == 0.75
    assert "variants" not in document


def test_the_same_row_of_two_keys(store):
    """A pick belongs to two keys where two lists of stations name its place differently."""
    for key, marked in (("NC.KBG/2019.172", 1), ("NC.KBG.00/2019.172", 2)):
        done(store, f"g{marked}", key, [pick_at(NOON)], marked)
    found = store.read("picks", Where()).to_pydict()
    assert found["key"] == ["NC.KBG/2019.172", "NC.KBG.00/2019.172"]
    assert len(set(found["pick_id"])) == 1
    done(store, "g3", "NC.KBG.00/2019.172", [pick_at(NOON), pick_at(NOON + 1)], 3)
    assert store.read("picks", Where()).num_rows == 3


def test_writing_twice_changes_nothing(store, raw):
    for _ in range(2):
        put(store, "g1", "A", [pick_at(NOON + i) for i in range(3)])
    store.mark([entry_of("A", "g1", 1, design=RUN)])
    before = list(raw.picks.find())
    for _ in range(2):
        put(store, "g1", "A", [pick_at(NOON + i) for i in range(3)])
        store.mark([entry_of("A", "g1", 1, design=RUN)])
    assert list(raw.picks.find()) == before
    assert store.read("picks", Where()).num_rows == 3


def test_what_a_killed_writer_leaves_is_taken_over(store, raw):
    put(store, "killed", "A", [pick_at(NOON), pick_at(NOON + 1)])
    done(store, "next", "A", [pick_at(NOON), pick_at(NOON + 1)], 1)
    assert store.read("picks", Where()).num_rows == raw.picks.count_documents({}) == 2


def test_clearing_leaves_what_counts_and_what_is_being_written(store, raw):
    now = time.time_ns()
    old, young = (f"t{ns:016x}{'0' * 15}" for ns in (now - LONGEST_NS - 2 * DAY_NS, now))
    assert begun_ns(old) == now - LONGEST_NS - 2 * DAY_NS
    put(store, old, "A", [pick_at(NOON), pick_at(NOON + 1)])
    put(store, young, "B", [pick_at(NOON + 2)])
    live = new_generation()
    done(store, live, "A", [pick_at(NOON)], 1)
    raw.ledger.update_one({}, {"$addToSet": {"superseded": "gone"}})
    assert store.compact() == Compaction(keys=1, deleted=1)
    assert {d["time_ns"] - NOON: d["generations"] for d in raw.picks.find()} == {
        0: [live],
        2: [young],
    }
    assert store.compact() == Compaction()
    assert store.read("picks", Where()).num_rows == 1


def test_a_writing_of_more_than_a_week_is_not_marked(store):
    # A second more, since a server tells the time in whole milliseconds.
    old = f"t{time.time_ns() - LONGEST_NS - SECOND_NS:016x}{'0' * 15}"
    with pytest.raises(StoreError, match=r"more than a week ago.*run again"):
        store.mark([entry_of("A", old, 1, design=RUN)])


def test_writers_that_mark_their_first_keys_at_once_take_different_revisions(mongo, url):
    """An upsert of the counter gave some of them nothing: a TypeError in one run of twenty."""
    base = Address.parse(secured(url))
    with ThreadPoolExecutor(3) as threads:
        for turn in range(20):
            address = replace(base, database=f"{base.database}r{turn}")
            servers = [Server(address) for _ in range(3)]
            make_store(servers[0])
            start = threading.Barrier(len(servers))

            def mark(number: int, servers=servers, start=start) -> int:
                start.wait(timeout=60)
                ledger = Ledger(servers[number])
                ledger.mark([entry_of(f"K{number}", "g1", 1)])
                return ledger.revision()

            list(threads.map(mark, range(len(servers))))
            marked = servers[0].find("ledger", {}, ["revision"])
            assert sorted(document["revision"] for document in marked) == [1, 2, 3]
            with mongo.client() as client:
                client.drop_database(address.database)


def test_a_counter_that_disappears_is_reported(store, monkeypatch):
    monkeypatch.setattr(Server, "keep_first", lambda *_: None)
    with pytest.raises(StoreError, match=r"document epicat\.revision disappeared"):
        store.mark([entry_of("A", "g1", 1)])


def test_readers_see_whole_generations_while_keys_are_replaced(connect, store):
    """The rows of a generation are many, share some with the last one, and say which it is."""
    rows, turns = 30, 6

    def picks(turn: int) -> list[Pick]:
        times = [NOON + i * (1 + turn % 2) for i in range(rows)]
        return [pick_at(t, confidence=turn / 64) for t in times]

    def write(key: str) -> None:
        own = MongoStore(connect())
        for turn in range(1, turns):
            done(own, f"g{key}{turn}", key, [replace(p, trace_id=key) for p in picks(turn)], turn)

    for key in ("A", "B"):
        done(store, f"g{key}0", key, [replace(p, trace_id=key) for p in picks(0)], 0)
    with ThreadPoolExecutor(2) as threads:
        writers = [threads.submit(write, key) for key in ("A", "B")]
        looks = 0
        while not all(writer.done() for writer in writers) or not looks:
            found = store.read("picks", Where(design=RUN)).to_pydict()
            looks += 1
            for key in ("A", "B"):
                seen = [
                    c for c, k in zip(found["confidence"], found["key"], strict=True) if k == key
                ]
                assert len(seen) == rows
                assert len(set(seen)) == 1
        for writer in writers:
            writer.result()
    assert looks > 3


def test_batches_are_bounded(store, monkeypatch):
    monkeypatch.setattr("epicat.store.mongo.rows._INSERTED", 7)
    monkeypatch.setattr("epicat.store.mongo.rows._READ", 5)
    monkeypatch.setattr("epicat.store.mongo.server.BATCH", 3)
    keys = [f"K{i:02d}" for i in range(10)]
    for turn in (1, 2):
        parts = [
            picks_table([pick_at(NOON + i, trace_id=k) for i in range(3)], RUN, k) for k in keys
        ]
        store.replace("picks", pa.concat_tables(parts), f"g{turn}")
        store.mark([entry_of(key, f"g{turn}", turn, design=RUN) for key in keys])
    assert store.read("picks", Where()).num_rows == 30
    assert store.read("picks", Where(keys=frozenset(keys[:4]))).num_rows == 12


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    time_ns=st.integers(parse_time("1900-01-02"), parse_time("2199-12-31")),
    confidence=st.floats(0, 1, width=32),
    after_ns=st.integers(0, DAY_NS),
)
def test_rows_become_documents_and_come_back(time_ns, confidence, after_ns):
    pick = Pick(time_ns, "XX.ABCDEFGH.", "HH", "S", confidence, time_ns - after_ns, time_ns)
    for table, rows in (
        ("picks", picks_table([pick], RUN, "K")),
        ("events", events_table([event_at(time_ns)], RUN, "K")),
        ("arrivals", arrivals_table([event_at(time_ns)], RUN, "K")),
    ):
        shape = SHAPES[table]
        documents = list(shape.documents(rows, "g"))
        assert int(documents[0]["time"]) == documents[0]["time_ns"] // 1_000_000
        assert shape.rows(documents).select(rows.column_names).equals(rows)


@pytest.mark.parametrize(
    ("longitude", "expected"), [(180.0, 180.0), (181.5, -178.5), (-179.9, -179.9)]
)
def test_places_lie_on_the_sphere(store, raw, longitude, expected):
    event = replace(event_at(NOON), longitude=longitude)
    store.replace("events", events_table([event], "assoc", "block"), "g1")
    found = raw.events.find_one()
    assert found["location"]["coordinates"][0] == expected
    assert found["longitude"] == longitude


def test_two_runs_do_not_mix(store, raw):
    for run in ("one", "two"):
        put(store, f"g{run}", "A", [pick_at(NOON)], run)
        store.mark([entry_of("A", f"g{run}", 1, design=run)])
    assert raw.picks.count_documents({}) == 2
    assert store.read("picks", Where(design="one")).num_rows == 1
    assert [e.design for e in store.ledger(Stage.PICK, "two")] == ["two"]


def test_a_document_of_others_is_told(store, raw):
    done(store, "g1", "A", [pick_at(NOON)], 1)
    raw.picks.update_one({}, {"$set": {"confidence": "high"}})
    with pytest.raises(StoreError, match="a document of picks is not one that epicat wrote"):
        store.read("picks", Where())
