"""What became of every station-day, those that were never run among them."""

from __future__ import annotations

import csv
import io
import json

import pyarrow.parquet as pq
import pytest

from epicat.cli.app import main
from epicat.ledger import Stage, Status
from epicat.store.parquet import ParquetStore
from support.tiny_network import EXTENT, arguments, truths, write_network


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Two days at eight stations: one has no data, one an object that is damaged."""
    folder = tmp_path_factory.mktemp("network")
    write_network(folder, truths([-300, 60.5]))
    for path in (folder / "sds").rglob("XX.ST06*"):
        path.unlink()
    for path in (folder / "sds").rglob("XX.ST07*2020.001"):
        path.write_bytes(b"no waveforms")
    return folder


@pytest.fixture(scope="module")
def location(network):
    given = arguments(network, network / "store", "--workers", "1")
    with pytest.raises(SystemExit):
        main(["run", "2020-01-01", "2020-01-02", *given[2:]])
    return str(network / "store")


@pytest.fixture
def told(capsys, location):
    def call(command, *given):
        with pytest.raises(SystemExit) as left:
            main([command, *map(str, given), "--store", location])
        found = capsys.readouterr()
        assert left.value.code == 0, found.err
        return found.out

    return call


DAYS = ("2020-01-01", "2020-01-03", EXTENT)


def picking(text):
    (found,) = (d for d in json.loads(text)["designs"] if d["stage"] == "pick")
    return found


def test_what_was_asked_for_and_done_is_told_with_the_reason(told):
    found = picking(told("status", "--json"))
    assert found["statuses"] == {"done": 6, "no data": 1, "read error": 1}
    assert found["reasons"]["no data"] == {"no object in the archive": 1}
    assert "missing" not in found["reasons"]


def test_days_that_were_never_run_are_missing(told):
    found = picking(told("status", *DAYS, "--json"))
    assert found["statuses"] == {"done": 6, "missing": 8, "no data": 1, "read error": 1}
    assert found["reasons"]["missing"] == {"not run": 8}
    assert found["keys"] == 16
    assert not [t for t in found["problems"] if t["status"] == "missing"]
    text = told("status", *DAYS)
    assert "16 station-days: 6 done, 8 missing, 1 no data, 1 read error" in text
    assert "missing, 8: not run" in text
    assert "no data, 1: no object in the archive" in text


def test_stations_may_be_chosen(told):
    found = picking(told("status", *DAYS, "--select", "XX.ST0[0-2]", "--json"))
    assert found["statuses"]["missing"] == 3
    found = picking(told("status", *DAYS, "--exclude", "XX.ST00", "--exclude", "ZZ.*", "--json"))
    assert found["statuses"]["missing"] == 7


def test_an_interrupted_run_has_missing_days(network, location, told, tmp_path, capsys):
    """An invocation says what it was asked for before it does anything."""
    store = ParquetStore(network / "store")
    store_record = next(iter(store.records("invocation").values()))
    again = ParquetStore(tmp_path / "store", create=True)
    again.put_stations(store.stations())
    again.put_record("invocation", "first", store_record)
    for given in ((), ("--json",)):
        with pytest.raises(SystemExit):
            main(["status", "--store", str(tmp_path / "store"), *given])
    text, made = capsys.readouterr().out.split("\n{", 1)
    assert "8 station-days: 8 missing" in text
    assert picking("{" + made)["statuses"] == {"missing": 8}


def test_invocations_of_earlier_versions_named_no_stations(network, tmp_path, capsys):
    store = ParquetStore(network / "store")
    record = dict(next(iter(store.records("invocation").values())))
    del record["stations"]
    again = ParquetStore(tmp_path / "store", create=True)
    again.put_stations(store.stations())
    again.put_record("invocation", "first", record)
    with pytest.raises(SystemExit):
        main(["status", "--store", str(tmp_path / "store")])
    assert "8 station-days: 8 missing" in capsys.readouterr().out


def test_the_ledger_is_exported_with_what_is_missing(network, told, tmp_path):
    file = tmp_path / "c.toml"
    file.write_text('start = "2020-01-01"\nend = "2020-01-03"\nselect = ["XX.*"]\n')
    rows = list(csv.DictReader(io.StringIO(told("export", file, "--table", "ledger"))))
    days = [row for row in rows if row["stage"] == "pick"]
    assert len(days) == len({row["key"] for row in days}) == 16
    missing = [row for row in days if row["status"] == "missing"]
    assert {row["key"].partition("/")[2] for row in missing} == {"2020.002"}
    assert {row["reason"] for row in missing} == {"not run"}
    lines = [
        json.loads(line)
        for line in told("export", file, "--table", "ledger", "--format", "json").splitlines()
    ]
    assert [(line["key"], line["status"]) for line in lines] == [
        (row["key"], row["status"]) for row in rows
    ]
    told("export", file, "--table", "ledger", "--format", "parquet", "-o", tmp_path / "l.parquet")
    assert pq.read_table(tmp_path / "l.parquet")["status"].to_pylist() == [
        row["status"] for row in rows
    ]


def test_tables_come_as_json_lines(told, location):
    lines = told("export", "--table", "picks", "--format", "json").splitlines()
    rows = list(csv.DictReader(io.StringIO(told("export", "--table", "picks"))))
    assert len(lines) == len(rows) > 0
    for line, row in zip(map(json.loads, lines), rows, strict=True):
        assert (line["pick_id"], line["time"]) == (row["pick_id"], row["time"])
        assert line["confidence"] == pytest.approx(float(row["confidence"]), abs=5e-5)


def test_no_store_keeps_a_mark_that_says_missing(network):
    statuses = {entry.status for entry in ParquetStore(network / "store").ledger(Stage.PICK)}
    assert Status.MISSING not in statuses


def test_one_end_of_a_span_alone_is_refused(location, capsys):
    with pytest.raises(SystemExit) as left:
        main(["status", "--start", "2020-01-01", "--store", location])
    assert left.value.code == 2
    assert "START and END belong together" in capsys.readouterr().err
