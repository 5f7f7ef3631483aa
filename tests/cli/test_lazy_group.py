from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
import typer

import epicat
from epicat.catalog.catalog import open_catalog
from epicat.cli.app import app, main
from epicat.cli.lazy_group import COMMANDS
from epicat.store.base import Where
from epicat.store.parquet import ParquetStore
from support.network_fixtures import written_network
from support.tiny_network import arguments, truths

SECONDS = [-300, -1.0, 60.5]
COLUMNS = {
    "events": "event_id,time,latitude,longitude,depth_km,n_p,n_s,n_stations,rms_s,gap_deg,dmin_km,"
    "magnitude,magnitude_type,magnitude_error,time_error_s,major_km,minor_km,azimuth_deg,"
    "depth_error_km,quality,depth_fixed,unmet",
    "picks": "pick_id,trace_id,band,phase,time,confidence",
    "arrivals": "event_id,pick_id,trace_id,phase,time,residual_s,distance_km,azimuth_deg,"
    "term_s,sigma_s,inlier_probability,added,takeoff_deg",
    "stations": "id,network_code,station_code,location_code,channels,latitude,longitude,elevation",
    "ledger": "stage,key,status,reason,archive,layout,objects,samples,gaps,channels,n_picks,"
    "n_picks_used,n_sites,n_events,n_rejected,n_origins,n_instruments,n_amplitudes,"
    "n_magnitudes,seconds,design",
}


network = written_network(truths(SECONDS))


@pytest.fixture(scope="module")
def store(network):
    """Make a store with the command line: the extent is a southern one, as it stands."""
    given = arguments(network, network / "store", "--workers", "1")
    assert given[2].startswith("-40.3,-39.7,174.6,")
    with pytest.raises(SystemExit) as left:
        main(["run", *given])
    assert left.value.code == 0
    return ParquetStore(network / "store")


@pytest.fixture
def told(capsys):
    """Give a function that runs a command and returns its stdout; stderr is in ``told.err``."""

    def call(*given, code=0):
        with pytest.raises(SystemExit) as left:
            main([str(a) for a in given])
        found = capsys.readouterr()
        assert left.value.code == code, found.err
        call.err = found.err
        return found.out

    return call


def commands():
    """Return every command and group with its name."""
    waiting = [("epicat", typer.main.get_command(app))]
    for name, command in waiting:
        yield name, command
        waiting += [(f"{name} {n}", c) for n, c in getattr(command, "commands", {}).items()]


def test_every_command_and_every_option_is_documented():
    for name, command in commands():
        assert command.help, name
        assert not command.hidden
        for parameter in command.params:
            assert parameter.help, f"{name} {parameter.name}"


def test_the_list_of_commands_says_what_their_own_help_begins_with():
    called = typer.main.get_command(app).commands
    for name, entry in COMMANDS.items():
        said = " ".join(called[name].help.split("\n\n")[0].split())
        assert said.startswith(" ".join(entry.line.split())), name


def test_the_help_imports_no_command():
    code = (
        "import sys\nfrom epicat.cli.app import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "found = {m for m in sys.modules if m.startswith(('epicat.cli.', 'pydantic'))}\n"
        "light = {f'epicat.cli.{n}' for n in ('app', 'early_pool', 'lazy_group', 'short_help')}\n"
        "assert found == light, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_commands_are_those_of_the_documentation():
    assert {name for name, _ in commands()} == {
        "epicat", "epicat velocity", "epicat velocity list", "epicat velocity fit",
        "epicat init", "epicat run", "epicat plan", "epicat status", "epicat export",
        "epicat plot", "epicat cloud", "epicat cloud up", "epicat cloud status",
        "epicat cloud down", "epicat cloud template", "epicat cloud policy", "epicat cloud exec",
        "epicat magnitudes", "epicat magnitudes laws", "epicat magnitudes corrections",
        "epicat models", "epicat models list", "epicat models known", "epicat models compile",
        "epicat associate", "epicat compact", "epicat copy", "epicat query", "epicat synth",
        "epicat demo", "epicat example", "epicat doctor", "epicat work", "epicat submit",
        "epicat retry", "epicat cancel", "epicat logs", "epicat cost",
        "epicat stations", "epicat stations import", "epicat picks", "epicat picks import",
        "epicat events", "epicat events import", "epicat compare", "epicat locate", "epicat terms",
        "epicat report", "epicat view", "epicat runs",
    }  # fmt: skip


@pytest.mark.parametrize("given", [["--help"], ["-h"], ["run", "--help"], ["--version"], []])
def test_help_and_version_start_without_anything_heavy(given):
    code = (
        "import sys\nfrom epicat.cli.app import main\n"
        f"try:\n    main({given!r})\nexcept SystemExit as left:\n    code = left.code\n"
        "heavy = {'numpy', 'pyarrow', 'openvino', 'torch', 'scipy', 'pandas',"
        " 'matplotlib', 'boto3', 'pymseed', 'pyocto', 'seisbench', 'pymongo'} & set(sys.modules)\n"
        "assert not heavy, heavy\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == (0 if given else 2), done.stderr
    assert "Traceback" not in done.stderr
    if given == ["--version"]:
        assert done.stdout == f"epicat {epicat.__version__}\n"


@pytest.mark.parametrize("table", COLUMNS)
def test_exports_to_stdout_are_csv_with_the_documented_columns(store, told, table):
    rows = list(
        csv.reader(io.StringIO(told("export", "--store", store.location, "--table", table)))
    )
    assert ",".join(rows[0]) == COLUMNS[table]
    counts = {"events": 3, "picks": 48, "arrivals": 48, "stations": 8, "ledger": 32}
    assert len(rows) - 1 == counts[table]
    assert {len(row) for row in rows} == {len(rows[0])}


def test_exported_picks_are_those_of_the_store(store, told):
    rows = csv.DictReader(
        io.StringIO(told("export", "--store", store.location, "--table", "picks"))
    )
    for row, pick in zip(rows, store.read("picks", Where()).to_pylist(), strict=True):
        assert row["pick_id"] == pick["pick_id"]
        assert float(row["confidence"]) == pytest.approx(pick["confidence"], abs=5e-5)
        assert len(row["confidence"].partition(".")[2]) == 4


def test_exports_to_files(store, told, tmp_path):
    told("export", "--store", store.location, "--table", "events", "-o", tmp_path / "e.csv")
    assert "3 rows of events" in told.err
    assert (tmp_path / "e.csv").read_text().count("\n") == 4
    told("export", "--store", store.location, "--table", "events", "--format", "parquet",
         "-o", tmp_path / "e.parquet")  # fmt: skip
    assert pq.read_table(tmp_path / "e.parquet").equals(open_catalog(store.location).events())
    assert {p.name for p in tmp_path.iterdir()} == {"e.csv", "e.parquet"}


def test_all_columns(store, told):
    text = told("export", "--store", store.location, "--table", "events", "--columns", "all")
    assert {"edge", "design", "key"} < set(text.splitlines()[0].split(","))


def test_an_export_can_be_cut_short_by_its_reader(store):
    code = "from epicat.cli.app import main; main()"
    given = ["export", "--store", store.location, "--table", "picks"]
    first = subprocess.Popen(
        [sys.executable, "-c", code, *given], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    first.stdout.close()
    _, err = first.communicate(timeout=60)
    assert b"Traceback" not in err
    assert b"Exception" not in err


def test_a_design_is_chosen_by_the_beginning_of_its_digest(store, told):
    (run,) = store.records("run")
    (associator,) = store.records("associator")
    plain = told("export", "--store", store.location, "--table", "picks")
    for digest in (run[:5], associator[:5]):
        given = ("export", "--store", store.location, "--table", "picks", "--run", digest)
        assert told(*given) == plain


def test_status(store, told):
    text = told("status", "--store", store.location)
    assert "16 station-days: 16 done" in text
    assert "8 blocks: 2 done, 6 no picks" in text
    made = json.loads(told("status", "--store", store.location, "--json"))
    assert {d["stage"]: (d["keys"], d["found"]) for d in made["designs"]} == {
        "pick": (16, 48), "associate": (8, 3), "locate": (8, 3),
    }  # fmt: skip


def test_run_again_says_that_there_is_nothing_to_do(network, store, told):
    out = told("run", *arguments(network, store.location), "--json")
    assert "nothing to do: all 16 station-days" in told.err
    made = json.loads(out)
    assert (made["picks"], made["events"], made["done_before"]) == (0, 0, 16)
    assert told("run", *arguments(network, store.location)) == ""


def test_plan_shows_what_is_due_and_writes_nothing(network, store, told, tmp_path):
    given = arguments(
        network, tmp_path / "none", "--stations-per-unit", "3", "--days-per-unit", "1"
    )
    units = [json.loads(line) for line in told("plan", *given, "--json").splitlines()]
    keys = [key for unit in units if unit["stage"] == "pick" for key in unit["keys"]]
    assert len(keys) == len(set(keys)) == 16
    assert [u["needs"] for u in units if u["stage"] == "pick"] == [None] * 6
    assert not (tmp_path / "none").exists()
    assert told("plan", *arguments(network, store.location)) == ""
    assert "16 already done; 0 units of picking" in told.err


def test_an_extent_may_be_four_numbers(network, store, told, tmp_path):
    start, end, extent, *others = arguments(network, store.location)
    assert told("run", start, end, *extent.split(","), *others) == ""
    assert "nothing to do: all 16 station-days" in told.err


def test_a_campaign_without_events_can_be_exported(network, told, tmp_path):
    given = arguments(network, tmp_path / "store", "--workers", "1")
    told("run", "2019-06-01", "2019-06-02", *given[2:], code=1)
    assert "none of 8 station-days has data: " in told.err
    assert "was looked for in" in told.err
    assert "check --archive" in told.err
    text = told("export", "--store", tmp_path / "store", "--table", "events")
    assert text == COLUMNS["events"] + "\n"
    ledger = told("export", "--store", tmp_path / "store", "--table", "ledger")
    assert ledger.count("no data") == 8


def test_models_list(network, store, told):
    rows = json.loads(told("models", "list", "--json"))
    assert [r["weight"] for r in rows if r["compiled"] and r["weight"] == "tiny"] == ["tiny"]
    assert "PhaseNet tiny version 1: compiled" in told("models", "list")


def test_plot(store, told, tmp_path):
    pytest.importorskip("matplotlib")
    assert told("plot", "--store", store.location, "-o", tmp_path / "events.png") == ""
    assert (tmp_path / "events.png").read_bytes().startswith(b"\x89PNG")
    assert "3 events" in told.err
