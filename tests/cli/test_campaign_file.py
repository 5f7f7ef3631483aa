"""Commands that are told by a campaign file, by flags, and by the environment."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from epicat.campaign.file import read_campaign
from epicat.campaign.options import CampaignOptions
from epicat.campaign.parse import make_options
from epicat.cli.app import main
from epicat.store.parquet import ParquetStore
from support.tiny_bundle import install
from support.tiny_network import EXTENT, VP, VS, arguments, truths, write_network

CAMPAIGN = """
start = 2020.001
end = 2020-01-03
extent = [{extent}]
archive = "sds"
layout = "sds"
stations = "stations.csv"
store = "store"

[pick]
weight = {weight}

[associate]
p_velocity = {vp}
s_velocity = {vs}
block_hours = 12

[associate.pyocto]
n_picks = 8

[partition]
workers = 1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A network, and the campaign of `tiny_network.arguments` as a file beside it."""
    root = tmp_path_factory.mktemp("network")
    write_network(root, truths([-300, -1.0, 60.5]))
    weight = json.dumps(str(install(root)))
    text = CAMPAIGN.format(extent=EXTENT, weight=weight, vp=VP, vs=VS)
    (root / "campaign.toml").write_text(text)
    return root


@pytest.fixture
def call(capsys):
    """Give a function that runs a command and returns its code, stdout and stderr."""

    def called(*given):
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in given])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return left.value.code, told.out, told.err

    return called


def digests(told):
    """Return the digests of the run and the associator that a command told."""
    return re.findall(r"run (\w+), associator (\w+)", told)


def test_a_file_and_flags_are_the_same_run(folder, call, tmp_path):
    code, out, by_file = call("run", folder / "campaign.toml", "--json")
    assert code == 0, by_file
    assert json.loads(out)["events"] == 3
    flags = arguments(folder, tmp_path / "store", "--block-hours", "12", "--workers", "1", "--json")
    code, other, by_flags = call("run", *flags)
    assert code == 0, by_flags
    assert digests(by_file) == digests(by_flags) != []
    assert json.loads(other)["picks"] == json.loads(out)["picks"]
    ids = [
        sorted(p["pick_id"] for p in json_rows(call, "picks", store))
        for store in (folder / "store", tmp_path / "store")
    ]
    assert ids[0] == ids[1] != []
    code, _, again = call("run", *arguments(folder, folder / "store", "--block-hours", "12"))
    assert (code, "nothing to do" in again) == (0, True)


def json_rows(call, view, store):
    _, out, _ = call("query", f"select pick_id from {view}", "--store", store, "--json")
    return [json.loads(line) for line in out.splitlines()]


def test_flags_override_a_file(folder, call):
    file = folder / "campaign.toml"
    _, out, err = call("plan", file, "--store", folder / "none", "--end", "2020-01-02", "--json")
    keys = [key for line in out.splitlines() for key in json.loads(line)["keys"]]
    assert sum(key.startswith("XX") for key in keys) == 8
    _, _, err = call("plan", file, "--store", folder / "none", "--select", "XX.ST0[0-2]")
    assert "3 kept by --select" in err
    _, _, err = call("plan", file, "--store", folder / "none", "--pyocto", "tolerance=2.5")
    assert "n_picks 8, tolerance 2.5 s" in err
    assert not (folder / "none").exists()


def test_a_store_is_associated_again_by_the_file(folder, call, tmp_path):
    file, store = folder / "campaign.toml", tmp_path / "store"
    ((run, associator),) = digests(call("run", file)[2])
    shutil.copytree(folder / "store", store)
    code, _, same = call("associate", file, "--store", store)
    assert (code, digests(same)) == (0, [(run, associator)])
    assert "nothing to do: all blocks are done" in same
    code, _, other = call("associate", file, "--store", store, "--pyocto", "n_picks=9")
    ((again, another),) = digests(other)
    assert (code, again) == (0, run)
    assert another != associator


def test_commands_on_a_store_take_the_file(folder, call, tmp_path):
    pytest.importorskip("matplotlib")
    call("run", folder / "campaign.toml")
    file, store = folder / "campaign.toml", folder / "store"
    assert call("status", file) == call("status", "--store", store)
    assert call("export", file) == call("export", "--store", store)
    code, _, err = call("plot", file, "-o", tmp_path / "x.png")
    assert (code, "3 events" in err) == (0, True)
    assert call("compact", file)[0] == 0


def test_the_environment_counts_more_than_a_file_and_less_than_a_flag(folder, call, monkeypatch):
    call("run", folder / "campaign.toml")
    empty = ParquetStore(folder / "empty", create=True)
    monkeypatch.setenv("EPICAT_STORE", empty.location)
    assert call("status")[1] == "the store is empty\n"
    code, out, err = call("status", folder / "campaign.toml")
    assert (code, out) == (0, "the store is empty\n")
    assert f"using store {empty.location} from EPICAT_STORE; {folder}/campaign.toml: store" in err
    code, out, err = call("status", folder / "campaign.toml", "--store", folder / "store")
    assert "16 station-days" in out
    assert "EPICAT_STORE" not in err
    assert call("query", "select count(*) as n from picks", "--csv")[1] == "n\n0\n"


def test_a_password_is_not_told(folder, call, monkeypatch):
    monkeypatch.setenv("EPICAT_STORE", "mongodb://me:hush@host/db")
    code, _, err = call("status", folder / "campaign.toml")
    assert "using store mongodb://...@host/db from EPICAT_STORE" in err
    assert (code, "hush" in err) == (2, False)


MIXED = {
    "nothing": ([], ["missing START END EXTENT, for example 2019.172 2019.182", "`epicat init`"]),
    "a file and a day": (["{file}", "2020-01-01"], ["must be the only argument", "--start"]),
    "days and a file": (
        ["2020-01-01", "2020-01-02", "{file}"],
        ["must be the only argument", "--extent"],
    ),
    "two files": (["{file}", "{file}"], ["must be the only argument"]),
    "a file of another ending": (["stations.csv"], ["'stations.csv'", "(*.toml)"]),
    "a day": (["2020-01-01"], ["'2020-01-01'", "START END EXTENT are three"]),
    "no extent": (["2020-01-01", "2020-01-02"], ["got 2 arguments"]),
    "too much": (["a", "b", "c", "d"], ["got 4 arguments (a b c d)"]),
    "a southern extent alone": (["-41,-39,174,176"], ["'-41,-39,174,176' is not a campaign file"]),
    "a day twice": (
        ["2020-01-01", "2020-01-02", "1,2,3,4", "--start", "2020-02-01"],
        ["start is given twice, by START 2020-01-01 and --start 2020-02-01"],
    ),
    "no such file": (["none.toml"], ["campaign file 'none.toml' does not exist", "epicat init"]),
    "an unknown key": (["{bad}"], ["bad.toml: unknown key 'archiv': did you mean archive"]),
    "a wrong value": (["{wrong}"], ["wrong.toml: pick.p_threshold is 2: it must be less than 1"]),
    "a wrong flag": (["{file}", "--p-threshold", "2"], ["--p-threshold (pick.p_threshold) is 2.0"]),
    "a missing key": (["{few}"], ["--stations is missing, here or in a campaign file: A .csv"]),
}


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("case", MIXED)
def test_what_is_mixed_up_is_told(folder, call, tmp_path, case, command):
    text = (folder / "campaign.toml").read_text()
    places = {
        "bad": ("bad.toml", text.replace("archive =", "archiv =")),
        "wrong": ("wrong.toml", text.replace("[pick]", "[pick]\np_threshold = 2")),
        "few": ("few.toml", text.replace('stations = "stations.csv"', "")),
    }
    for name, content in places.values():
        (tmp_path / name).write_text(content)
    paths = {name: tmp_path / file for name, (file, _) in places.items()}
    given, told = MIXED[case]
    code, out, err = call(
        command, *(g.format(file=folder / "campaign.toml", **paths) for g in given)
    )
    assert (code, out) == (2, "")
    for part in told:
        assert part in err


def test_a_store_is_no_campaign_file(call, tmp_path):
    code, _, err = call("status", tmp_path)
    assert code == 2
    assert f"to name a store use --store {tmp_path}" in err


def test_init_writes_what_run_takes(folder, call, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    file = tmp_path / "sub" / "mine.toml"
    file.parent.mkdir()
    given = arguments(Path(), Path("made"), "--block-hours", "12")
    assert given[given.index("--archive") + 1] == "sds"
    code, out, err = call("init", file, *given)
    assert (code, out) == (0, "")
    assert f"`epicat run {file}`" in err
    assert call("plan", file) == call("plan", *given)
    written = make_options(CampaignOptions, read_campaign(file))
    assert (written.start, str(written.extent)) == ("2020-01-01", str(EXTENT))
    assert (written.associate.block_hours, written.associate.pyocto.n_picks) == (12.0, 8)
    assert Path(written.store).resolve() == folder / "made"


def test_init_asks_nothing_and_overwrites_nothing(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("init")[0] == 0
    text = Path("campaign.toml").read_text()
    code, _, err = call("init", "--store", "x")
    assert (code, err) == (2, "epicat: campaign.toml already exists; use --force to overwrite it\n")
    assert Path("campaign.toml").read_text() == text
    assert call("init", "--force", "--store", "x")[0] == 0
    assert '\nstore = "x"\n' in Path("campaign.toml").read_text()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["campaign"], "'campaign' is not a campaign file (*.toml)"),
        (["c.toml", "2019.172"], "'2019.172' is not a campaign file"),
        (["c.toml", "2019.172", "2019.182"], "got 2 arguments"),
        (["c.toml", "2019.182", "2019.172", "1,2,3,4"], "not after START"),
        (["c.toml", "--p-threshold", "2"], "--p-threshold (pick.p_threshold) is 2.0"),
        (["c.toml", "--store", "mongodb://me:hush@host/d"], "c.toml: store contains a password"),
        (["no/such/folder/c.toml"], "no/such/folder/c.toml cannot be written: No such file"),
    ],
)
def test_init_refuses(call, tmp_path, monkeypatch, given, told):
    monkeypatch.chdir(tmp_path)
    code, _, err = call("init", *given)
    assert code == 2
    assert told in err
    assert "hush" not in err
    assert list(tmp_path.iterdir()) == []


def test_init_leaves_out_what_only_the_environment_says(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EPICAT_STORE", "mongodb://me:hush@host/db")
    assert call("init")[0] == 0
    assert "hush" not in Path("campaign.toml").read_text()
