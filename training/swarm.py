"""The Holuhraun swarm processed by `epicat run`, compared with the reference."""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from epicat.time import parse_time
from training.measure import Score, matched

__all__ = ["Swarm", "run_swarm"]

_EXTENT = "64.4,65.3,-17.6,-15.9"
_PICK_S, _EVENT_S = 0.3, 2.0
"""How near a pick and an event are to one of the reference."""


@dataclass(frozen=True, slots=True)
class Swarm:
    """Results of `epicat run`."""

    picks: dict[str, Score]
    """Score of each phase; the reference is automatic and not complete."""
    events: Score
    """Score of the events by origin time."""


def run_swarm(data: Path, *picker: str) -> Swarm:
    """Run `epicat run` with the options of a picker, and compare its results."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        _epicat(
            "run", "2014-08-24", "2014-08-25", _EXTENT, "--layout", "files",
            "--archive", data / "holuhraun" / "waveforms",
            "--stations", data / "holuhraun" / "stations.csv",
            "--velocity", data / "holuhraun" / "velocity_model.txt", "--store", store, *picker,
        )  # fmt: skip
        picks, events = (_table(store, name) for name in ("picks", "events"))
    origins = [_seconds(row["time"]) for row in events]
    known = [_seconds(row["DT"]) for row in _rows(data, "reference_events.csv")]
    return Swarm(_scores(data, picks), matched(origins, known, _EVENT_S))


def _scores(data: Path, picks: Sequence[dict[str, str]]) -> dict[str, Score]:
    ours, theirs = defaultdict(list), defaultdict(list)
    for row in picks:
        ours[row["trace_id"].split(".")[1], row["phase"]].append(_seconds(row["time"]))
    for row in _rows(data, "reference_picks.csv"):
        theirs[row["Station"], row["Phase"]].append(_seconds(row["PickTime"]))
    total = {"P": Score(), "S": Score()}
    for station, phase in sorted(ours.keys() | theirs.keys()):
        key = station, phase
        total[phase] += matched(ours[key], theirs[key], _PICK_S)
    return total


def _rows(data: Path, name: str) -> list[dict[str, str]]:
    with (data / "holuhraun" / name).open() as file:
        return list(csv.DictReader(file))


def _table(store: Path, name: str) -> list[dict[str, str]]:
    text = _epicat("export", "--store", store, "--table", name)
    return list(csv.DictReader(text.splitlines()))


def _seconds(text: str) -> float:
    """Return seconds after the first minute of the data, which floats represent accurately."""
    return float(np.int64(parse_time(text)) - np.int64(parse_time("2014-08-24T00:01:00Z"))) / 1e9


def _epicat(*arguments: object) -> str:
    command = [sys.executable, "-c", "from epicat.cli.app import main; main()"]
    command += [str(argument) for argument in arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # nosec B603
    return done.stdout
