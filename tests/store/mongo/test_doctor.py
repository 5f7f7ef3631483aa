"""A database that somebody has had his hands in: found, named, mended."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from epicat.errors import InputError, StoreError
from epicat.ledger import Status
from epicat.model import digest_of
from epicat.store.base import Compaction, Store, Where, new_generation
from epicat.store.findings import Kind
from epicat.store.mongo.server import Server
from epicat.store.mongo.store import LONGEST_NS
from epicat.store.open import open_readable, open_store
from epicat.store.verify.verify import verify_store
from epicat.table_rows import picks_table
from epicat.testing.doctor_contract import BLOCK, DAY, RUN, DoctorContract, put_sound
from epicat.testing.store_contract import entry_of, pick_at
from epicat.time import DAY_NS
from support.mongo_server import MongoServer


class TestDoctorOfMongoDB(DoctorContract):
    @pytest.fixture(autouse=True)
    def _on_a_server(self, mongo: MongoServer) -> None:
        self._mongo = mongo

    def make_store(self, location: Path) -> Store:
        return open_store(self._mongo.url(f"d{digest_of(location)}"), create=True)


@pytest.fixture
def store(url: str) -> Store:
    made = open_store(url, create=True)
    put_sound(made)
    return made


@pytest.fixture
def server(connect: Callable[[], Server]) -> Server:
    return connect()


def kinds(store, **given):
    return [finding.kind for finding in verify_store(store, **given).findings.all()]


@pytest.mark.parametrize(
    ("name", "change", "failed"),
    [
        ("picks", {"$unset": {"time_ns": True}}, DAY),
        ("picks", {"$set": {"generations": []}}, DAY),
        ("events", {"$set": {"n_p": {"a": 1}}}, BLOCK),
        ("assignments", {"$set": {"phase": 7}}, BLOCK),
    ],
)
def test_damaged_documents(store, server, name, change, failed):
    server.collection(name).update_one({}, change)
    (finding,) = verify_store(store).findings.all()
    assert finding.kind == Kind.ROWS_DAMAGED
    assert finding.examples[0].startswith(f"{name} ")
    assert failed in finding.examples[1]
    verify_store(store, repair=True)
    assert kinds(store) == []
    assert [e.key for e in store.ledger() if e.status == Status.FAILED] == [failed]


def test_damaged_marks(store, server):
    server.collection("ledger").update_one({"key": BLOCK}, {"$unset": {"status": True}})
    assert kinds(store) == [Kind.MARKS_DAMAGED]
    (finding, *_) = verify_store(store, repair=True).findings.all()
    assert (finding.repaired, [e.key for e in store.ledger()]) == (1, [DAY])
    assert kinds(store) == [Kind.YOUNG]
    put_sound(store)
    assert verify_store(store).findings.is_healthy


def test_documents_of_others_are_told_and_left(store, server):
    server.collection("picks").insert_one({"_id": "mine", "note": "my own"})
    for repair in (False, True):
        (finding,) = verify_store(store, repair=repair).findings.all()
        assert (finding.kind, finding.examples) == (Kind.FOREIGN, ["picks mine"])
    assert server.find("picks", {"_id": "mine"})
    with pytest.raises(StoreError, match="a document of picks is not one that epicat wrote"):
        store.read("picks", Where())
    assert store.compact() == Compaction()


def old_generation():
    """Name a writing that began before any that may still be at work."""
    began = time.time_ns() - LONGEST_NS - 2 * DAY_NS
    return f"t{began:016x}{'0' * 15}"


def test_what_stopped_writers_leave_is_deleted_when_it_is_old(store, server):
    picks = picks_table([pick_at(5)], RUN, "X")
    store.replace("picks", picks, new_generation())
    assert kinds(store) == kinds(store, repair=True) == [Kind.YOUNG]
    assert verify_store(store).findings.is_healthy
    store.replace("picks", picks_table([pick_at(6)], RUN, "Y"), old_generation())
    assert kinds(store) == [Kind.UNMARKED, Kind.YOUNG]
    verify_store(store, repair=True)
    assert kinds(store) == [Kind.YOUNG]
    assert store.read("picks", Where()).num_rows == 2
    assert server.collection("picks").count_documents({}) == 3


def test_superseded_rows_that_were_not_deleted_are_found(store, server):
    before = {e.key: e.generation for e in store.ledger()}[DAY]
    rows = list(server.find("picks", {}))
    store.mark([entry_of(DAY, "t-later", time.time_ns(), design=RUN)])
    server.collection("picks").insert_many(rows)
    (ledger,) = server.find("ledger", {"key": DAY})
    change = {"superseded": [before], "marked_ns": ledger["marked_ns"] - 2 * 3600 * 10**9}
    server.collection("ledger").update_one({"key": DAY}, {"$set": change})
    found = kinds(store)
    assert Kind.SUPERSEDED in found
    verify_store(store, repair=True)
    assert Kind.SUPERSEDED not in kinds(store)
    assert not server.find("picks", {"generations": before})


def test_missing_indexes_are_found_and_made(store, server):
    server.collection("picks").drop_index("trace_id_time")
    (finding,) = verify_store(store).findings.all()
    assert (finding.kind, finding.examples) == (Kind.NO_INDEX, ["picks: trace_id, time"])
    verify_store(store, repair=True)
    assert kinds(store) == []


def test_a_database_of_the_tutorial_has_nothing_to_verify(url, server):
    server.collection("picks").insert_one({"trace_id": "NC.KBG.00", "phase": "P"})
    with pytest.raises(InputError, match="was not written by epicat"):
        verify_store(open_readable(url))


def test_the_servers_clock_is_asked(store, server):
    assert abs(server.now_ns() - time.time_ns()) < 60 * 10**9
