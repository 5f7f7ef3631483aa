"""A whole campaign's store, damaged, verified and mended on the command line, and run again."""

from __future__ import annotations

import json
import shutil

import pytest

from epicat.cli.app import main
from epicat.store.parquet import ParquetStore
from support.tiny_network import settled, truths, write_network
from support.undisturbed import run_undisturbed, tables_at

EVENTS = truths([-300, -1.0, 60.5])


def done(folder, location):
    store = ParquetStore(location, create=True)
    assert not run_undisturbed(settled(folder, location), store).has_failures


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("network")
    write_network(made, EVENTS)
    done(made, made / "store")
    return made


@pytest.fixture
def location(folder, tmp_path):
    """Give a copy of the store, to be damaged."""
    return shutil.copytree(folder / "store", tmp_path / "store")


@pytest.fixture
def doctor(capsys, location):
    """Give a function that looks at the store; it returns the exit code and stdout."""

    def call(*given):
        with pytest.raises(SystemExit) as left:
            main(["doctor", "--store", str(location), *given])
        found = capsys.readouterr()
        assert "Traceback" not in found.err
        return left.value.code, found.out

    return call


def test_a_run_leaves_a_healthy_store(doctor):
    code, out = doctor()
    assert (code, out.splitlines()[-1]) == (0, "healthy")
    assert "32 keys, 3 events, 48 arrivals, " in out
    assert ", 48 picks; SHA-256 " in out
    code, out = doctor("--json")
    made = json.loads(out)
    assert (code, made["healthy"], made["findings"]) == (0, True, [])
    rows = {"picks": 48, "events": 3, "arrivals": 48, "origins": 3, "origin_arrivals": 48}
    assert made["rows"] == rows
    assert made["keys"] == {"pick": 16, "associate": 8, "locate": 8}


def cut_off(path):
    path.write_bytes(path.read_bytes()[:200])


DAMAGE = {
    "picks cut off": ("picks/*/*/*.parquet", cut_off, "damaged rows"),
    "picks deleted": ("picks/*/*/*.parquet", lambda path: path.unlink(), "lost rows"),
    "events cut off": ("events/*/*/*.parquet", cut_off, "damaged rows"),
    "arrivals deleted": (
        "arrivals/*/*/*.parquet",
        lambda path: path.unlink(),
        "events and arrivals that differ",
    ),
    "marks cut off": ("ledger/**/*.parquet", cut_off, "damaged commit records"),
    "all marks deleted": ("ledger", shutil.rmtree, "rows being written"),
    "a record cut off": ("records/run/*.json", cut_off, "damaged records"),
    "stations cut off": ("stations/*.parquet", cut_off, "damaged records"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_what_is_damaged_is_found_and_repaired_and_made_again(folder, location, doctor, what):
    pattern, damage, kind = DAMAGE[what]
    damage(sorted(location.glob(pattern))[0])
    is_note = kind == "rows being written"
    code, out = doctor()
    assert code == int(not is_note)
    assert f"\n{kind}: " in out
    assert "\n  means: " in out
    assert "\n  remedy: " in out
    code, out = doctor("--repair", "--json")
    made = json.loads(out)
    first = next(f for f in made["findings"] if f["kind"] == kind)
    assert (code, first["repaired"]) == (int(not is_note), 0 if is_note else first["count"])
    done(folder, location)
    assert doctor()[0] == 0
    assert tables_at(location) == tables_at(folder / "store")


def test_a_store_that_is_not_there_is_no_healthy_one(capsys, tmp_path):
    with pytest.raises(SystemExit) as left:
        main(["doctor", "--store", str(tmp_path / "none")])
    assert left.value.code == 2
    assert "there is no store" in capsys.readouterr().err
