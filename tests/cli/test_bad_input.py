"""Bad input: one clear message with the value and what is allowed, exit code 2, no traceback."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from epicat.cli.app import main
from epicat.store.parquet import ParquetStore
from epicat.table_rows import stations_table
from support.tiny_network import arguments, stations, truths, write_network

RUN = {
    "a day that is none": ({0: "2019.366"}, ["'2019.366'", "2019.172", "2019-06-21"]),
    "a word for a day": ({0: "yesterday"}, ["'yesterday'", "2019-06-21T12:30:00Z"]),
    "the month 13": ({1: "2019-13-01"}, ["'2019-13-01'", "2019.172"]),
    "an end at the start": ({1: "2020-01-01"}, ["'2020-01-01'", "not included"]),
    "an end before the start": ({1: "2019-12-01"}, ["'2019-12-01'", "not after START"]),
    "an extent of three numbers": ({2: "39,41,-125"}, ["'39,41,-125'", "minlat,maxlat,minlon"]),
    "a southern one of three": ({2: "-41,-39,174"}, ["'-41,-39,174'", "minlat,maxlat,minlon"]),
    "an extent upside down": ({2: "41,39,-125,-123"}, ["41 and 39", "must rise"]),
    "an extent beyond the pole": ({2: "39,91,-125,-123"}, ["39,91", "-90 to 90"]),
    "an extent beyond the date line": ({2: "39,41,-185,-123"}, ["-185", "-180 to 180"]),
    "an extent in words": ({2: "California"}, ["'California'", "four numbers"]),
    "an extent of nothing": ({2: "nan,nan,nan,nan"}, ["nan", "minlat"]),
    "an extent without stations": ({2: "10,11,10,11"}, ["no station of 8", "10,11,10,11"]),
    "an unknown layout": ({"--layout": "sdss"}, ["'sdss'", "did you mean sds", "ncedc", "files"]),
    "an unknown model": ({"--model": "PhaseNte"}, ["'PhaseNte'", "did you mean PhaseNet"]),
    "a missing file of weights": ({"--weight": "my.pt"}, ["'my.pt'", "no file"]),
    "a missing list of stations": ({"--stations": "none.csv"}, ["none.csv", "No such file"]),
    "a list without columns": ({"--stations": "{columns}"}, ["no column id", "'a, b'", "latitude"]),
    "a list of nothing": ({"--stations": "{empty}"}, ["empty.csv", "no"]),
    "an archive that is none": ({"--archive": "/no/such/place"}, ["/no/such/place", "--archive"]),
    "an archive that is a file": ({"--archive": "{columns}"}, ["columns.csv", "not a folder"]),
    "a store below a file": ({"--store": "{columns}/store"}, ["columns.csv/store", "a folder"]),
    "a store in /dev/null": ({"--store": "/dev/null/x"}, ["/dev/null/x", "cannot be written"]),
    "a store of something else": ({"--store": "{archive}"}, ["other files", "new or empty"]),
    "a store of another kind": ({"--store": "mysql://u:secret@h/d"}, ["mysql", "a folder"]),
    "a database's odd address": ({"--store": "mongodb://u:se/cret@h/d"}, ["mongodb", "%2F"]),
    "a database without a password": (
        {"--store": "mongodb://u@h/d"},
        ["mongodb://u@h/d", "no password for u"],
    ),
    "a collection of a wrong form": ({"--collection": "../a"}, ["'../a'", "letters, digits"]),
    "a missing velocity file": ({"--velocity": "none.txt"}, ["none.txt", "No such file"]),
    "velocities without columns": ({"--velocity": "{columns}"}, ["columns.csv", "depth", "a, b"]),
    "velocities and a constant": ({"--velocity": "{velocity}"}, ["not both"]),
    "unknown velocity layers": ({"--velocity-layers": "gradnt"}, ["'gradnt'", "gradient"]),
    "a threshold of 2": ({"--p-threshold": "2"}, ["p_threshold", "2", "less than 1"]),
    "a threshold of 0": ({"--s-threshold": "0"}, ["s_threshold", "0", "greater than 0"]),
    "a negative velocity": ({"--p-velocity": "-6"}, ["p_velocity", "-6", "greater than 0"]),
    "S faster than P": ({"--s-velocity": "7"}, ["7", "6", "not below"]),
    "a box without depth": ({"--max-depth": "-5"}, ["no depth", "-5"]),
    "blocks of no length": ({"--block-hours": "0"}, ["block_hours", "0"]),
    "blocks of endless length": ({"--block-hours": "inf"}, ["inf"]),
    "blocks too short": ({"--block-hours": "1e-9"}, ["1e-09"]),
    "an endless halo": ({"--halo": "inf"}, ["inf"]),
    "an endless margin": ({"--margin": "inf"}, ["inf"]),
    "no number at all": ({"--halo": "long"}, ["--halo", "valid number"]),
    "PyOcto's unknown": ({"--pyocto": "n_pick=8"}, ["'n_pick'", "did you mean n_picks"]),
    "PyOcto's nothing": ({"--pyocto": "n_picks"}, ["'n_picks'", "NAME=VALUE"]),
    "PyOcto's nonsense": ({"--pyocto": "n_picks=many"}, ["'many'", "number"]),
    "PyOcto's out of range": ({"--pyocto": "n_picks=0"}, ["n_picks", "0", "greater than or equal"]),
    "PyOcto's endless": ({"--pyocto": "tolerance=Infinity"}, ["tolerance", "inf"]),
    "no workers": ({"--workers": "0"}, ["--workers", "greater than or equal to 1"]),
    "no stations in a unit": ({"--stations-per-unit": "0"}, ["--stations-per-unit"]),
    "half a day in a unit": ({"--days-per-unit": "0.5"}, ["--days-per-unit", "valid integer"]),
    "an unknown option": ({"--threshold": "0.3"}, ["--threshold"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("network")
    write_network(folder, truths([-60]))
    (folder / "columns.csv").write_text("a,b\n1,2\n")
    (folder / "empty.csv").write_text("")
    (folder / "velocity.txt").write_text("depth_km vp vs\n0 5 3\n10 6 3.5\n")
    return folder


@pytest.fixture
def refused(capsys):
    """Give a function that expects a refusal and returns the message."""

    def expect(*arguments_):
        with pytest.raises(SystemExit) as left:
            main(list(arguments_))
        told = capsys.readouterr()
        assert left.value.code == 2, told.err
        assert told.out == ""
        assert "Traceback" not in told.err
        return told.err

    return expect


def plain(text):
    """Return a message without the frame and the line breaks that a terminal needs."""
    return " ".join(text.translate(str.maketrans("│╭╮╰╯─", "      ")).split())


def changed(given, changes, places):
    given = list(given)
    for where, text in changes.items():
        value = text.format(**places) if "{" in text else text
        if isinstance(where, int):
            given[where] = value
        elif where in given:
            given[given.index(where) + 1] = value
        else:
            given += [where, value]
    return given


@pytest.mark.parametrize("case", RUN)
def test_run_refuses(network, tmp_path, refused, case):
    changes, told = RUN[case]
    places = {
        "columns": network / "columns.csv",
        "empty": network / "empty.csv", "velocity": network / "velocity.txt",
        "archive": network / "sds",
    }  # fmt: skip
    given = changed(arguments(network, tmp_path / "store"), changes, places)
    message = plain(refused("run", *given))
    for part in told:
        assert part in message
    assert "secret" not in message
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("missing", ["--archive", "--layout", "--stations", "--store"])
def test_run_names_what_is_missing(network, tmp_path, refused, missing):
    given = arguments(network, tmp_path / "store")
    at = given.index(missing)
    assert missing in plain(refused("run", *given[:at], *given[at + 2 :]))


@pytest.mark.skipif(importlib.util.find_spec("seisbench") is None, reason="needs SeisBench")
def test_weights_that_cannot_be_had(network, tmp_path, refused, monkeypatch):
    # Nothing listens there: the same as no network, at once
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    cache = tmp_path / "cache"
    folder = cache / "models" / "v3" / "phasenet"
    folder.mkdir(parents=True)
    for name in ("original.pt.v1", "original.json.v1"):
        (folder / name).write_text("{}")
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(cache))
    given = changed(arguments(network, tmp_path / "store"), {"--weight": "originl"}, {})
    message = plain(refused("run", *given))
    for part in ("'originl'", "original", "SEISBENCH_CACHE_ROOT"):
        assert part in message
    assert len(message) < 700


EXPORT = {
    "an unknown table": (["--table", "pick"], ["'pick'", "did you mean picks", "ledger"]),
    "an unknown format": (
        ["--table", "picks", "--format", "xml"],
        ["'xml'", "csv, fdsn-text", "parquet"],
    ),
    "unknown columns": (["--table", "picks", "--columns", "som"], ["'som'", "all, standard"]),
    "Parquet to a terminal": (["--table", "picks", "--format", "parquet"], ["-o FILE"]),
    "an unknown run": (["--table", "picks", "--run", "zzz"], ["'zzz'", "no run"]),
    "a folder that is not there": (
        ["--table", "picks", "-o", "/no/such/folder/x.csv"],
        ["/no/such/folder/x.csv", "cannot be written"],
    ),
}


@pytest.mark.parametrize("case", EXPORT)
def test_export_refuses(tmp_path, refused, case):
    given, told = EXPORT[case]
    store = ParquetStore(tmp_path / "store", create=True)
    message = plain(refused("export", "--store", store.location, *given))
    for part in told:
        assert part in message


@pytest.mark.parametrize(
    "command",
    [["export", "--table", "picks"], ["status"], ["plot", "-o", "x.png"]],
    ids=lambda c: c[0],
)
def test_there_must_be_a_store(tmp_path, refused, command):
    message = refused(*command, "--store", str(tmp_path / "none"))
    assert str(tmp_path / "none") in message
    assert "epicat run" in message
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "store.json").write_text("{")
    assert "damaged" in refused(*command, "--store", str(tmp_path / "store"))
    (tmp_path / "store" / "store.json").write_text(json.dumps({"schema_version": 99}))
    assert "newer epicat" in refused(*command, "--store", str(tmp_path / "store"))
    assert {p.name for p in tmp_path.iterdir()} == {"store"}


@pytest.mark.parametrize("name", ["events.gif", "events", "no/such/folder/events.png"])
def test_plot_refuses(tmp_path, refused, name):
    pytest.importorskip("matplotlib")
    store = ParquetStore(tmp_path / "store", create=True)
    message = plain(refused("plot", "--store", store.location, "-o", str(tmp_path / name)))
    assert name.rpartition("/")[2] in message
    assert not (tmp_path / name).exists()


def test_models_compile_refuses(refused, tmp_path):
    assert "did you mean PhaseNet" in refused("models", "compile", "phasenet", "original")
    assert "no file" in refused("models", "compile", "PhaseNet", str(tmp_path / "x.pt"))


def test_an_unknown_command_is_refused(refused):
    assert "'runn'" in refused("runn")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_behind_stdout_is_told(tmp_path):
    store = ParquetStore(tmp_path, create=True)
    store.put_stations(stations_table(stations()))
    with Path("/dev/full").open("w") as full:
        given = ["export", "--store", str(tmp_path), "--table", "stations"]
        done = subprocess.run(
            [sys.executable, "-m", "epicat", *given],
            check=False, stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "epicat: No space left on device\n"
