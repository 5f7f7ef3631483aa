"""Stores of schema version 1 are read, added to and compacted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from epicat.ledger import BlockEntry, Flag, LedgerEntry, Stage, StationDayEntry, Status
from epicat.model import digest_of
from epicat.store.base import Store, Where
from epicat.store.compact import compact
from epicat.store.findings import Kind
from epicat.store.parquet import ParquetStore
from epicat.store.sql import Designs, query
from epicat.store.verify.verify import verify_store
from epicat.table_rows import accepted, arrivals_table, events_table, picks_table
from epicat.tables import SCHEMA_VERSION
from epicat.testing.store_contract import entry_of, event_at, pick_at
from epicat.time import SECOND_NS, parse_time
from support.version_1 import make_version_1

NOON = parse_time("2019-06-21T12:00:00Z")
DAY, NEXT, NO_DAY = "NC.KBG/2019.172", "NC.KBG/2019.173", "NC.KBG/2019.174"
BLOCK = "2019-06-21T12:00:00.000000Z"
ENTRIES = [
    BlockEntry("assoc", BLOCK, Status.DONE, "g1", 1, reason="r", flags=(Flag("gap", 1),),
               inputs="i", n_picks_used=12, n_sites=5, n_events=1, n_rejected=1),
    StationDayEntry("run", DAY, Status.DONE, "g1", 1, seconds=1.5, archive="a",
                    samples=10, gaps=2, channels="--.HH[ZNE]", n_picks=3),
    StationDayEntry("run", NO_DAY, Status.NO_DATA, "g1", 1, archive="a", layout="sds"),
]  # fmt: skip


def picks_of(key: str, generation: str, store: Store, *, first: int = 0) -> pa.Table:
    picks = [pick_at(NOON + (first + n) * SECOND_NS) for n in range(3)]
    rows = picks_table(picks, "run", key)
    store.replace("picks", rows, generation)
    return rows


def contents(entries: list[LedgerEntry]) -> list[LedgerEntry]:
    """Return entries by key, without what a compaction changes."""
    same = [replace(entry, generation="", marked_ns=0) for entry in entries]
    return sorted(same, key=lambda entry: entry.key)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a store as version 1 left it."""
    store = ParquetStore(tmp_path, create=True)
    picks_of(DAY, "g1", store)
    event = replace(event_at(NOON), rejected="gap 271.0 > 200 deg")
    store.replace("events", events_table([event], "assoc", BLOCK), "g1")
    store.replace("arrivals", arrivals_table([event], "assoc", BLOCK), "g1")
    store.mark(ENTRIES)
    make_version_1(tmp_path)
    return tmp_path


def test_rows_and_entries_are_those_of_today(folder):
    store = ParquetStore(folder)
    found = store.read("picks", Where())
    assert found["band"].to_pylist() == ["HH"] * 3
    wanted = [pick_at(NOON + n * SECOND_NS).id("run") for n in range(3)]
    assert found["pick_id"].to_pylist() == wanted
    assert store.ledger() == ENTRIES
    assert json.loads((folder / "store.json").read_text())["schema_version"] == 1


def test_what_is_written_later_is_of_version_2_and_both_are_read_as_one(folder):
    store = ParquetStore(folder)
    rows = picks_of(NEXT, "g2", store, first=86_400)
    entry = StationDayEntry("run", NEXT, Status.DONE, "g2", 2, n_picks=3,
                            result=digest_of(*sorted(rows["pick_id"].to_pylist())))  # fmt: skip
    store.mark([entry])
    assert json.loads((folder / "store.json").read_text())["schema_version"] == SCHEMA_VERSION
    for is_compacted in (False, True):
        store = ParquetStore(folder)
        if is_compacted:
            compact(store)
        assert store.read("picks", Where())["band"].to_pylist() == ["HH"] * 6
        assert contents(store.ledger()) == contents([*ENTRIES, entry])
        designs = Designs("run", "assoc")
        counted = query(store, "SELECT band, count(*) n FROM picks GROUP BY band", designs)
        assert counted.to_pylist() == [{"band": "HH", "n": 6}]
        counted = query(store, "SELECT sum(n_picks) p, sum(n_events) e FROM ledger", designs)
        assert counted.to_pylist() == [{"p": 6, "e": 1}]
        assert {found.kind for found in verify_store(store).findings.all()} == {Kind.NO_RECORD}


def test_files_of_before_quality_control_are_read(tmp_path):
    store = ParquetStore(tmp_path, create=True)
    store.replace("events", events_table([event_at(NOON)], "d", "A"), "g1")
    store.mark([entry_of("A", "g1", 1, design="d", stage=Stage.ASSOCIATE)])
    make_version_1(tmp_path, with_quality=False)
    store = ParquetStore(tmp_path)
    newer = replace(event_at(NOON + 1), rejected="gap 271.0 > 200 deg")
    store.replace("events", events_table([newer], "d", "B"), "g2")
    entry = BlockEntry("d", "B", Status.DONE, "g2", 1, flags=(Flag("gap", 1),), n_events=1,
                       n_rejected=1)  # fmt: skip
    store.mark([entry])
    for again in range(2):
        opened = ParquetStore(tmp_path)
        found = opened.read("events", Where())
        assert found["rejected"].to_pylist() == [None, newer.rejected]
        assert accepted(found)["time"].cast(pa.int64()).to_pylist() == [NOON]
        assert [e.n_rejected for e in opened.ledger()] == [0, 1]
        assert [e.flags for e in opened.ledger()] == [(), (Flag("gap", 1),)]
        if not again:
            compact(opened)
