"""Damage to the files of a store, done by hand: found, named, mended."""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from epicat.ledger import Stage, Status
from epicat.store.base import Where
from epicat.store.compact import compact
from epicat.store.findings import Kind
from epicat.store.parquet import ParquetStore
from epicat.store.verify.files import OLD_NS, QUARANTINE
from epicat.store.verify.verify import verify_store
from epicat.table_rows import picks_table
from epicat.testing.doctor_contract import BLOCK, DAY, RUN, put_sound
from epicat.testing.store_contract import pick_at
from epicat.time import parse_time

NOON = parse_time(BLOCK)


def name_of(store, folder):
    return next(name for name in store.files.list("") if name.startswith(f"{folder}/"))


def opened(store):
    """Open it again: what one opening has read of marks it does not read again."""
    return ParquetStore(store.files)


def kinds(done):
    return [finding.kind for finding in done.findings.all()]


def cut(data):
    return data[: len(data) // 2]


def flipped(data):
    """Change one bit of the first page of values: what reads it does not notice."""
    return data[:40] + bytes([data[40] ^ 1]) + data[41:]


DAMAGE = {
    "cut off": cut,
    "empty": lambda data: b"",
    "a bit": flipped,
    "zeros": lambda data: bytes(len(data)),
    "no parquet": lambda data: b"something else",
}


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize(
    ("table", "failed"), [("picks", DAY), ("events", BLOCK), ("arrivals", BLOCK)]
)
def test_damaged_rows(store, table, failed, how):
    name = name_of(store, table)
    damaged = DAMAGE[how](store.files.read(name))
    store.files.write(name, damaged)
    done = verify_store(opened(store))
    (finding,) = done.findings.all()
    assert finding.kind == Kind.ROWS_DAMAGED
    assert finding.examples[0].startswith(f"{name}: ")
    assert failed in finding.examples[1]
    assert store.files.exists(name)
    verify_store(opened(store), repair=True)
    assert not store.files.exists(name)
    assert store.files.read(f"{QUARANTINE}/{name}") == damaged
    after = opened(store)
    assert verify_store(after).findings.all() == []
    assert [e.key for e in after.ledger() if e.status == Status.FAILED] == [failed]
    assert after.read(table, Where()).num_rows == 0
    compact(after)
    assert verify_store(opened(store)).findings.all() == []


@pytest.mark.parametrize("how", DAMAGE)
def test_damaged_marks(store, how):
    name = name_of(store, "ledger")
    store.files.write(name, DAMAGE[how](store.files.read(name)))
    done = verify_store(opened(store))
    (finding,) = done.findings.all()
    assert (finding.kind, finding.count) == (Kind.MARKS_DAMAGED, 1)
    assert not done.digest
    mended = verify_store(opened(store), repair=True)
    assert mended.findings.all()[0].repaired == 1
    assert store.files.exists(f"{QUARANTINE}/{name}")
    # Rows that nobody marks any more: young as yet.  Arrivals may have lost their picks.
    again = verify_store(opened(store))
    assert set(kinds(again)) <= {Kind.YOUNG, Kind.NO_PICK}
    put_sound(opened(store))
    assert verify_store(opened(store)).findings.is_healthy


@pytest.mark.parametrize("folder", ["records/run", "records/associator", "stations"])
def test_damaged_records(store, folder):
    name = name_of(store, folder)
    store.files.write(name, b"{ no such thing")
    for repair in (False, True):
        found = verify_store(opened(store), repair=repair).findings.all()[0]
        assert (found.kind, found.count, found.repaired) == (Kind.RECORD_DAMAGED, 1, int(repair))
        assert found.examples[0].startswith(f"{name}: ")
    put_sound(opened(store))
    assert verify_store(opened(store)).findings.all() == []
    assert opened(store).stations().num_rows == 1


def test_rows_of_another_month_are_found(store):
    """A file that somebody has moved: readers that ask for a span would miss its rows."""
    name = name_of(store, "picks")
    store.files.write(name.replace("2019-06", "2019-07"), store.files.read(name))
    store.files.delete([name])
    (finding,) = verify_store(store).findings.all()
    assert finding.kind == Kind.ROWS_DAMAGED
    assert "has rows of 2019-06" in finding.examples[0]
    verify_store(store, repair=True)
    assert verify_store(store).findings.all() == []


def test_columns_that_are_not_there_are_found(store):
    name = name_of(store, "picks")
    sink = io.BytesIO()
    pq.write_table(pq.read_table(pa.BufferReader(store.files.read(name))).drop(["phase"]), sink)
    store.files.write(name, sink.getvalue())
    (finding,) = verify_store(store).findings.all()
    assert finding.examples[0] == f"{name}: column phase is missing"


def test_a_lost_file_is_found(store):
    for table in ("picks", "events", "arrivals"):
        store.files.delete([name_of(store, table)])
    assert set(kinds(verify_store(store))) == {Kind.ROWS_LOST}
    verify_store(store, repair=True)
    assert verify_store(store).findings.all() == []
    assert {e.status for e in store.ledger()} == {Status.FAILED}


def test_a_lost_mark_is_seen_as_rows_of_nobody(store):
    store.files.delete(store.files.list("ledger"))
    done = verify_store(opened(store))
    assert kinds(done) == [Kind.YOUNG]
    assert done.findings.all()[0].count == 3


def aged(store, name, age_ns=OLD_NS + 1_000_000_000):
    """Make a file in a folder older."""
    moment = time.time_ns() - age_ns
    os.utime(Path(store.location) / name, ns=(moment, moment))


@pytest.mark.parametrize("store", ["folder"], indirect=True)
def test_what_stopped_writers_leave_is_deleted_when_it_is_old(store):
    store.replace("picks", picks_table([pick_at(NOON)], RUN, "X"), "unmarked")
    unmarked = next(name for name in store.files.list("picks") if "unmarked" in name)
    unfinished = f"picks/.{'0' * 32}.partial"
    (Path(store.location) / unfinished).write_bytes(b"half")
    for repair in (False, True):
        done = verify_store(store, repair=repair)
        assert kinds(done) == [Kind.YOUNG]
        assert done.findings.all()[0].count == 2
        assert done.findings.is_healthy
    aged(store, unmarked)
    aged(store, unfinished)
    assert kinds(verify_store(store)) == [Kind.UNMARKED, Kind.UNFINISHED]
    done = verify_store(store, repair=True)
    assert [f.repaired for f in done.findings.all()] == [1, 1]
    assert verify_store(store).findings.all() == []
    assert not (Path(store.location) / unfinished).exists()
    assert not store.files.exists(unmarked)
    assert store.read("picks", Where()).num_rows == 2


@pytest.mark.parametrize("store", ["folder"], indirect=True)
def test_rows_that_count_are_kept_however_old(store):
    for name in store.files.list(""):
        aged(store, name, 10 * 365 * 24 * OLD_NS)
    before = store.files.list("")
    assert verify_store(store, repair=True).findings.all() == []
    assert store.files.list("") == before


def test_superseded_rows_are_no_finding(store):
    """They are until the next compaction."""
    put_sound(store)
    assert verify_store(store).findings.all() == []
    compact(store)
    assert verify_store(store).findings.all() == []


def test_damage_to_superseded_rows_costs_no_key(store):
    put_sound(store)
    (live,) = {e.generation for e in store.ledger(Stage.PICK)}
    (superseded,) = (name for name in store.files.list("picks") if live not in name)
    store.files.write(superseded, b"")
    (finding,) = verify_store(store).findings.all()
    assert (finding.kind, finding.count) == (Kind.ROWS_DAMAGED, 1)
    verify_store(store, repair=True)
    assert not [e for e in store.ledger() if e.status == Status.FAILED]
    compact(store)
    assert verify_store(opened(store)).findings.all() == []


def test_foreign_files_are_told_and_left(store):
    store.files.write("thesis.tex", b"important")
    for repair in (False, True):
        (finding,) = verify_store(store, repair=repair).findings.all()
        assert (finding.kind, finding.examples, finding.repaired) == (
            Kind.FOREIGN, ["thesis.tex"], 0,
        )  # fmt: skip
    assert store.files.read("thesis.tex") == b"important"


def test_files_without_check_sums_are_healthy(store):
    """As earlier versions wrote them."""
    for name in store.files.list(""):
        if name.endswith(".parquet"):
            sink = io.BytesIO()
            pq.write_table(pq.read_table(pa.BufferReader(store.files.read(name))), sink)
            store.files.write(name, sink.getvalue())
    assert verify_store(opened(store)).findings.all() == []


def test_the_clock_that_dates_the_files_is_asked(store):
    assert abs(store.files.now_ns() - time.time_ns()) < 60_000_000_000
    assert not [f for f in store.files.found() if f.is_unfinished]


def test_all_files_are_found(store):
    found = {file.name: file for file in store.files.found()}
    assert sorted(found) == store.files.list("")
    for name, file in found.items():
        assert file.size == len(store.files.read(name))
        assert abs(file.modified_ns - time.time_ns()) < 3600 * 10**9


def test_a_newer_schema_is_not_judged(store):
    store.files.write("store.json", json.dumps({"schema_version": 999}).encode())
    with pytest.raises(Exception, match="newer epicat"):
        opened(store)
