"""The same campaign, started by two processes at the same time: the work is done once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import epicat as ec
from epicat.errors import BusyError
from epicat.store.base import Where
from epicat.store.lease import held
from epicat.store.open import open_store
from support.tiny_network import arguments, settled, truths, write_network

EVENTS = truths([60])
BUSY = 75


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("network")
    write_network(folder, EVENTS, around_s=200)
    return folder


def started(network: Path, store: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "epicat", "run", *arguments(network, store, "--workers", "1")]
    return subprocess.Popen(
        [*command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_station_days_are_picked_once_whoever_begins_first(network: Path, tmp_path: Path) -> None:
    both = [started(network, tmp_path / "store") for _ in range(2)]
    told = [process.communicate() for process in both]
    codes = [process.returncode for process in both]
    made = [json.loads(out) for code, (out, _) in zip(codes, told, strict=True) if code == 0]
    assert set(codes) <= {0, BUSY}, told
    picks = open_store(str(tmp_path / "store")).read("picks", Where())
    assert sum(one["picks"] for one in made) == picks.num_rows > 0
    assert sum(one["events"] for one in made) == len(EVENTS)
    for code, (_, err) in zip(codes, told, strict=True):
        assert ("already being run by process" in err) == (code == BUSY)


def test_a_second_one_is_refused_before_it_does_anything(network: Path, tmp_path: Path) -> None:
    given = settled(network, tmp_path / "store")
    with held(open_store(given.store, create=True), given.identity):
        with pytest.raises(BusyError, match="already being run by process"):
            ec.run(given, workers=1)
        assert not open_store(given.store).ledger()
    assert len(ec.run(given, workers=1).events()) == len(EVENTS)
