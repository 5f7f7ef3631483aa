"""The whole way on an archive whose earthquakes are known, with the picker that comes along."""

from __future__ import annotations

import json

import pytest

from epicat.cli.app import main


def epicat(*given):
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in given])
    return left.value.code


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo") / "new"


@pytest.fixture(scope="module")
def told(folder, tmp_path_factory):
    """Run the demo once; give what it said."""
    file = tmp_path_factory.mktemp("said") / "out"
    with pytest.MonkeyPatch.context() as patch, file.open("w") as out:
        patch.setattr("sys.stdout", out)
        assert epicat("demo", folder, "--json") == 0
    return json.loads(file.read_text())


def test_the_catalog_is_close_to_the_truth(told):
    assert (told["true"], told["detectable"]) == (50, 34)
    assert told["recall"] >= 0.95
    assert told["false_share"] <= 0.02
    assert told["time_error_s"] < 0.1
    assert told["epicenter_error_km"] < 1.0
    assert told["depth_error_km"] < 2.0


def test_everything_is_in_its_folder(told, folder):
    assert sorted(path.name for path in folder.iterdir()) == [
        "archive", "campaign.toml", "catalog", "events.csv", "events.png",
    ]  # fmt: skip
    events = (folder / "events.csv").read_text().splitlines()
    assert len(events) - 1 == told["found"] + told["extra"] + told["false"]
    assert (folder / "events.png").stat().st_size > 50_000


def test_what_cannot_be_read_is_in_the_ledger(told, folder, capsys):
    assert epicat("export", folder / "campaign.toml", "--table", "ledger") == 0
    ledger = capsys.readouterr().out
    assert "cannot be" in ledger or "no miniSEED" in ledger


def test_the_campaign_file_is_the_demos(told, folder, capsys):
    assert epicat("run", folder / "campaign.toml") == 0
    assert "nothing to do" in capsys.readouterr().err


def test_a_folder_with_other_things_is_left_alone(tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("important")
    assert epicat("demo", tmp_path) == 2
    assert "contains other files (thesis.tex)" in " ".join(capsys.readouterr().err.split())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_folders_of_the_same_names_that_are_no_demos_are_left_alone(tmp_path, capsys):
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "ten.years").write_text("of waveforms")
    (tmp_path / "campaign.toml").write_text("# The campaign of my thesis.\n")
    assert epicat("demo", tmp_path) == 2
    assert "contains other files (archive)" in " ".join(capsys.readouterr().err.split())
    assert (tmp_path / "archive" / "ten.years").read_text() == "of waveforms"


def test_a_picker_that_cannot_be_had_is_told_before_the_archive_is_written(tmp_path, capsys):
    for _ in range(2):  # what an interrupted demo left is replaced
        assert epicat("demo", tmp_path, "--model", "PhaseNte") == 2
        assert "did you mean PhaseNet" in " ".join(capsys.readouterr().err.split())
        assert [path.name for path in tmp_path.iterdir()] == ["campaign.toml"]
