from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from epicat.errors import StoreError
from epicat.ledger import Stage, Status
from epicat.model import Station
from epicat.store.base import Store, Where
from epicat.store.batches import content_digest
from epicat.store.copy import copy_store
from epicat.store.parquet import ParquetStore
from epicat.table_rows import arrivals_table, events_table, picks_table, stations_table
from epicat.tables import TABLES
from epicat.testing.store_contract import entry_of, event_at, pick_at
from epicat.time import parse_time

NOON = parse_time("2019-06-21T12:00:00Z")
RUN = "run"


def fill(store: Store, keys: int = 5) -> None:
    names = [f"NC.S{at}/2019.172" for at in range(keys)]
    parts = [picks_table([pick_at(NOON + at)], RUN, name) for at, name in enumerate(names)]
    store.replace("picks", pa.concat_tables(parts), "g1")
    store.mark([entry_of(name, "g1", 1, design=RUN) for name in names])
    store.mark([entry_of("NC.NO/2019.172", "g2", 1, design=RUN, status=Status.NO_DATA)])
    events = [replace(event_at(NOON), rms_s=math.nan)]
    store.replace("events", events_table(events, "assoc", "block"), "g3")
    store.replace("arrivals", arrivals_table(events, "assoc", "block"), "g3")
    store.mark([entry_of("block", "g3", 1, design="assoc", stage=Stage.ASSOCIATE)])
    place = Station("NC", "KBG", "00", ("HHZ",), 40.0, -124.0, 100.0, "NC.KBG")
    store.put_stations(stations_table([place]))
    store.put_record("run", RUN, {"picker": {"model": "PhaseNet"}})


@pytest.fixture
def stores(tmp_path: Path) -> tuple[ParquetStore, ParquetStore]:
    source, target = (ParquetStore(tmp_path / name, create=True) for name in ("one", "two"))
    fill(source)
    return source, target


def test_all_of_a_store_is_copied(stores):
    source, target = stores
    done = copy_store(source, target)
    assert (done.keys, dict(done.rows)) == (7, {"picks": 5, "events": 1, "arrivals": 1})
    assert done.compared == done.rows
    assert done.newer == done.changed == done.different == []
    for table in TABLES:
        ours, theirs = (store.read(table, Where()) for store in stores)
        assert content_digest(ours) == content_digest(theirs)
    assert [replace(e, generation="") for e in target.ledger()] == [
        replace(e, generation="") for e in source.ledger()
    ]
    assert target.records("run") == source.records("run")
    assert target.stations().equals(source.stations())


def test_copying_again_does_what_is_missing(stores):
    source, target = stores
    first = copy_store(source, target)
    again = copy_store(source, target)
    assert again.keys == 0
    assert again.compared == first.compared
    assert again.digest == first.digest
    source.replace("picks", picks_table([pick_at(NOON + 99)], RUN, "NC.S1/2019.172"), "g9")
    source.mark([entry_of("NC.S1/2019.172", "g9", 9, design=RUN)])
    later = copy_store(source, target)
    assert (later.keys, later.rows["picks"]) == (1, 1)
    assert later.digest != first.digest
    assert target.read("picks", Where()).equals(source.read("picks", Where()))


def test_a_copy_goes_on_where_it_was_stopped(stores, monkeypatch):
    source, target = stores
    monkeypatch.setattr("epicat.store.batches._KEYS", 2)
    marks = []

    def stop(entries):
        if len(marks) == 2:
            raise KeyboardInterrupt
        marks.append(entries)
        ParquetStore.mark(target, entries)

    monkeypatch.setattr(target, "mark", stop)
    with pytest.raises(KeyboardInterrupt):
        copy_store(source, target)
    monkeypatch.undo()
    assert len(target.ledger()) < len(source.ledger())
    done = copy_store(source, target)
    assert done.keys == len(source.ledger()) - sum(map(len, marks))
    assert not done.different
    assert target.read("picks", Where()).equals(source.read("picks", Where()))


def test_a_later_result_of_the_other_store_is_left(stores):
    source, target = stores
    target.replace("picks", picks_table([], RUN, "NC.S1/2019.172"), "mine")
    target.mark([entry_of("NC.S1/2019.172", "mine", 7, design=RUN)])
    done = copy_store(source, target)
    assert done.newer == ["pick run NC.S1/2019.172"]
    assert done.compared["picks"] == 4
    assert not done.different
    assert target.read("picks", Where()).num_rows == 4


def test_what_differs_is_named(stores):
    source, target = stores
    copy_store(source, target)
    target.replace("picks", picks_table([pick_at(NOON + 77)], RUN, "NC.S2/2019.172"), "z")
    target.mark([entry_of("NC.S2/2019.172", "z", 1, design=RUN)])  # says the same of other rows
    target.put_record("run", "other", {"a": 1})
    source.put_record("run", "other", {"a": 2})
    done = copy_store(source, target)
    assert done.different == ["pick run NC.S2/2019.172", "run other"]


def test_content_does_not_depend_on_chunks_and_does_on_the_last_bit():
    rows = picks_table([pick_at(NOON + at, confidence=0.5) for at in range(4)], RUN, "A")
    pieces = pa.concat_tables([rows.slice(0, 1), rows.slice(1, 0), rows.slice(1)])
    assert content_digest(rows) == content_digest(pieces)
    other = picks_table(
        [pick_at(NOON + at, confidence=0.5 if at else 0.5000001) for at in range(4)], RUN, "A"
    )
    assert content_digest(rows) != content_digest(other)
    assert content_digest(rows) != content_digest(rows.slice(1))


def test_nothing_is_not_an_empty_text():
    columns = [pa.table({"a": pa.array(["x", given, "y"])}) for given in (None, "")]
    first, second = map(content_digest, columns)
    assert first != second


class Hostile(ParquetStore):
    """A store whose records somebody else has named, as those of a database can be."""

    def records(self, kind: str) -> dict[str, dict[str, object]]:
        return {"../../../escaped": {}} if kind == "run" else {}


class HostileDesign(ParquetStore):
    """A store whose rows claim a design that leads elsewhere."""

    def ledger(self, stage=None, design=None, span=None):
        return [replace(e, design="../../../escaped") for e in super().ledger(stage, None, span)]

    def read(self, table, where):
        rows = super().read(table, replace(where, design=RUN))
        at = rows.schema.get_field_index("design")
        return rows.set_column(at, "design", pa.array(["../../../escaped"] * rows.num_rows))


@pytest.mark.parametrize("kind", [Hostile, HostileDesign])
def test_names_in_a_store_lead_out_of_no_other(kind: type[ParquetStore], tmp_path: Path) -> None:
    fill(ParquetStore(tmp_path / "one", create=True))
    target = ParquetStore(tmp_path / "two", create=True)
    with pytest.raises(StoreError, match=r"escaped.* is not a valid file name"):
        copy_store(kind(tmp_path / "one"), target)
    assert not list(tmp_path.rglob("*escaped*"))
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two"}
