from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from epicat.cli.app import main
from epicat.synthetic.scoring import read_truth
from support.children import awaited_children

SHORT = ["--hours", "0.05", "--station-count", "2", "--events", "1", "--workers", "1"]


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        main(["synth", *map(str, arguments)])
    return int(left.value.code or 0)


def test_an_archive_is_written_and_told(tmp_path: Path, capsys) -> None:
    assert run(tmp_path / "a", *SHORT, "--layout", "ncedc", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["stations"], told["station_days"], told["objects"]) == (2, 2, 6)
    assert told["samples"] == 2 * 3 * 180 * 100
    assert (tmp_path / "a" / "waveforms" / "continuous_waveforms").is_dir()
    assert read_truth(tmp_path / "a").events.num_rows == told["events"] == 1
    assert json.loads((tmp_path / "a" / "synthetic.json").read_text())["seed"] == 0


def test_real_stations_and_velocities_are_taken(tmp_path: Path, capsys) -> None:
    (tmp_path / "s.csv").write_text(
        "id,channels,latitude,longitude,elevation\n"
        'NZ.ONE.10,"HHZ,HHN,HHE,HNZ,HNN,HNE",-40.0,179.9,100\nNZ.TWO.,EHZ,-40.1,-179.9,\n'
    )
    (tmp_path / "v.txt").write_text("0 5.0 2.9\n20 6.5 3.7\n")
    given = ["2019.172", "2019-06-21T00:02:00Z", "--events", "1", "--workers", "1"]
    options = ["--stations", tmp_path / "s.csv", "--velocity", tmp_path / "v.txt"]
    kind = ["--velocity-layers", "gradient"]
    assert run(tmp_path / "a", *given, *options, *kind) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "warning: " in said.err
    names = sorted(p.name for p in (tmp_path / "a" / "waveforms").rglob("*.2019.172"))
    assert len(names) == 7
    assert names[-1] == "NZ.TWO..EHZ.D.2019.172"
    [event] = read_truth(tmp_path / "a").events.to_pylist()
    assert abs(event["longitude"]) > 179


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--layout", "sda"], "did you mean sds"),
        (["--faults", "gaps,dea"], "did you mean dead"),
        (["--center", "40"], "not a pair of numbers"),
        (["--velocity-layers", "steps"], "kind of layers"),
        (["--separation", "500", "--events", "5"], "do not fit"),
        (["--record-length", "100"], "512 or 4096"),
        (["--min-magnitude", "9"], "below the largest"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_message(tmp_path, capsys, options, message) -> None:
    assert run(tmp_path / "a", *SHORT, *options) == 2
    assert message in capsys.readouterr().err


def test_ctrl_c_does_not_wait_for_the_station_days_under_way(tmp_path) -> None:
    """Each would take minutes."""
    given = ["--hours", "24", "--station-count", "4", "--rate", "5000", "--workers", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "epicat", "synth", tmp_path / "a", *given],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as running:  # fmt: skip
        awaited_children(running.pid)
        os.killpg(running.pid, signal.SIGINT)
        _, told = running.communicate(timeout=60)  # the last process has ended, too
    assert running.returncode == 130
    assert "Traceback" not in told
