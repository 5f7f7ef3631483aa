from __future__ import annotations

import pyarrow as pa

from epicat.ledger import ObjectRead, Stage, Status
from epicat.model import Span
from epicat.pipeline.store_tasks.import_picks import import_picks
from epicat.store.base import Where
from epicat.store.parquet import ParquetStore
from epicat.time import parse_time

LINES = (
    "station,channel,phase,time,prob",
    "XX.A,HH,P,2019-07-06T23:59:59.5,0.5",
    "XX.A,HH,S,2019-07-07T00:00:01,0.5",
    "XX.B,HH,P,2019-07-06T23:59:58,0.25",
    "XX.B,HH,P,2019-07-06T23:59:58,0.75",
)


def put(folder, lines=LINES, name="picks.csv"):
    path = folder / name
    path.write_text("\n".join((*lines, "")))
    store = ParquetStore(folder / "store", create=True)
    return import_picks(path, store), store


def test_picks_are_kept_by_the_days_they_are_on(tmp_path):
    made, store = put(tmp_path)
    assert (made.picks, made.duplicates, made.station_days, made.is_new) == (3, 1, 3, True)
    entries = store.ledger(Stage.PICK, made.run.digest)
    assert {e.key: (e.status, e.n_picks) for e in entries} == {
        "XX.A/2019.187": (Status.DONE, 1), "XX.A/2019.188": (Status.DONE, 1),
        "XX.B/2019.187": (Status.DONE, 1),
    }  # fmt: skip
    assert {e.archive for e in entries} == {str(tmp_path / "picks.csv")}
    assert {e.objects for e in entries} == {(ObjectRead("picks.csv", made.run.sha256),)}
    rows = store.read("picks", Where(design=made.run.digest))
    assert rows["trace_id"].to_pylist() == ["XX.B.*", "XX.A.*", "XX.A.*"]
    assert rows["confidence"].to_pylist() == [0.75, 0.5, 0.5]
    span = Span(parse_time("2019-07-07"), parse_time("2019-07-08"))
    assert store.read("picks", Where(span=span))["key"].to_pylist() == ["XX.A/2019.188"]


def test_the_same_file_again_changes_nothing(tmp_path):
    made, store = put(tmp_path)
    before = sorted(str(p) for p in (tmp_path / "store").rglob("*"))
    again, _ = put(tmp_path)
    assert not again.is_new
    assert again.run == made.run
    assert sorted(str(p) for p in (tmp_path / "store").rglob("*")) == before
    assert len(store.records("invocation")) == 1


def test_an_interrupted_import_is_completed(tmp_path, monkeypatch):
    monkeypatch.setattr(ParquetStore, "mark", lambda *_: None)
    _, store = put(tmp_path)
    monkeypatch.undo()
    assert store.read("picks", Where()).num_rows == 0
    made, _ = put(tmp_path)
    assert made.is_new
    assert store.read("picks", Where()).num_rows == 3


def test_a_run_is_its_files_content_and_columns(tmp_path):
    one, _ = put(tmp_path)
    assert put(tmp_path, name="other.csv")[0].run.digest == one.run.digest
    other, store = put(tmp_path, (*LINES, "XX.B,HH,P,2019-07-06T23:00:00,0.1"))
    renamed = [LINES[0].replace("prob", "other"), *LINES[1:]]
    assert len({r.run.digest for r in (one, other, put(tmp_path, renamed)[0])}) == 3
    assert len(store.records("run")) == 3
    assert isinstance(store.read("picks", Where(design=other.run.digest)), pa.Table)
    assert store.read("picks", Where(design=one.run.digest)).num_rows == 3
