"""The commands that bring stations and picks into a store, and associate what it holds."""

from __future__ import annotations

import json

import pytest

from epicat.cli.app import main
from epicat.store.parquet import ParquetStore
from support.tiny_network import EXTENT, MIDNIGHT, arguments, truths, write_network


def run(*given: object) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in given])
    return int(left.value.code or 0)


PICKS = "station,phase,time,prob\n" + "".join(
    f"XX.ST00,P,2020-01-01T12:00:00,{confidence}\n" for confidence in (0.5, 0.4)
)


def test_a_run_is_associated_again_without_its_waveforms(tmp_path, capsys):
    write_network(tmp_path, truths((-300, -3, 400), MIDNIGHT))
    store = tmp_path / "store"
    assert run("run", *arguments(tmp_path, store, "--workers", "1", "--json")) == 0
    first = json.loads(capsys.readouterr().out)
    options = ["2020-01-01", "2020-01-03", EXTENT, "--store", store, "--s-velocity", 3.4,
               "--pyocto", "n_picks=8", "--workers", 1]  # fmt: skip
    assert run("associate", *options, "--p-velocity", 6.0) == 0
    assert "nothing to do: all blocks are done" in capsys.readouterr().err
    explain = ("--pyocto", "association_cutoff_distance=5", "--explain", "2020-01-02")
    assert run("associate", *options, "--p-velocity", 6.0, *explain) == 0
    printed = capsys.readouterr()
    assert "warning: association_cutoff_distance 5 km is less than the depth" in printed.err
    assert printed.out.startswith("2020-01-02T00:00:00")
    assert run("associate", *options, "--p-velocity", 5.9, "--json") == 0
    second = json.loads(capsys.readouterr().out)
    assert second["run"] == first["run"]
    assert second["associator"] != first["associator"]
    assert (second["station_days"], second["picks"]) == ({}, 0)
    assert second["events"] == first["events"] == 3
    for made in (first, second):
        assert (
            run("export", "--store", store, "--table", "events", "--run", made["associator"]) == 0
        )
        assert len(capsys.readouterr().out.splitlines()) == 4


def test_imports_tell_what_they_did(tmp_path, capsys):
    write_network(tmp_path, [])
    store = tmp_path / "store"
    stations = tmp_path / "stations.csv"
    assert run("stations", "import", stations, "--store", store, "--select", "XX.ST0[0-3]") == 0
    assert "4 stations at 4 places imported into" in capsys.readouterr().err
    far = ("--extent", "1,2,3,4")
    assert run("stations", "import", stations, "--store", store, *far) == 2
    assert "no station of 8 lies inside 1,2,3,4" in capsys.readouterr().err
    (tmp_path / "picks.csv").write_text(PICKS)
    assert run("picks", "import", tmp_path / "picks.csv", "--store", store, "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert made.pop("run")
    assert made == {"picks": 1, "duplicates": 1, "station_days": 1, "is_new": True,
                    "notes": []}  # fmt: skip
    assert run("picks", "import", tmp_path / "picks.csv", "--store", store) == 0
    said = capsys.readouterr().err
    assert "1 repeated rows dropped; the store already had all of them" in said


def test_imported_picks_are_seen_before_they_are_associated(tmp_path, capsys):
    (tmp_path / "picks.csv").write_text(PICKS)
    store = tmp_path / "store"
    assert run("picks", "import", tmp_path / "picks.csv", "--store", store) == 0
    assert run("status", "--store", store) == 0
    assert ", imported from picks.csv)" in capsys.readouterr().out
    assert run("export", "--store", store, "--table", "picks") == 0
    assert "XX.ST00.*,,P,2020-01-01T12:00:00.000000Z,0.5000" in capsys.readouterr().out
    assert run("export", "--store", store, "--table", "events") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_bad_rows_are_left_out_and_a_file_of_them_is_refused(tmp_path, capsys):
    (tmp_path / "picks.csv").write_text(f"{PICKS}ST01,P,2020-01-01,0.5\n")
    assert run("picks", "import", tmp_path / "picks.csv", "--store", tmp_path / "store") == 0
    assert "1 rows left out: line 4: station 'ST01' is not NET.STA" in capsys.readouterr().err
    (tmp_path / "bad.csv").write_text("station,phase,time\nST01,P,2020-01-01\n")
    assert run("picks", "import", tmp_path / "bad.csv", "--store", tmp_path / "other") == 2
    assert ParquetStore(tmp_path / "other", create=True).ledger() == []
    assert run("associate", "2020-01-01", "2020-01-02", EXTENT, "--store", tmp_path / "none") == 2
    assert "there is no store at" in capsys.readouterr().err


def test_patterns_of_a_run(tmp_path, capsys):
    write_network(tmp_path, [])
    given = arguments(
        tmp_path, tmp_path / "store", "--select", "XX.ST0[0-3]", "--exclude", "*.ST02"
    )
    assert run("plan", *given) == 0
    said = capsys.readouterr()
    assert "8 stations, 8 of them inside the extent, 3 kept by --select and --exclude" in said.err
    assert "6 station-days" in said.err
    assert run("plan", *given, "--exclude", "XX.ST0A") == 2
    assert (
        "'XX.ST0A' matches none of the 8 stations: did you mean XX.ST0" in capsys.readouterr().err
    )
