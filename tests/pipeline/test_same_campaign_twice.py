"""The same campaign, started by two processes at once: one is told, the catalog is right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import epicat as ec
from epicat.store.base import Where
from epicat.store.lease import held
from epicat.store.open import open_store
from support.network_fixtures import written_network
from support.tiny_network import arguments, settled, truths

EVENTS = truths([60])


network = written_network(EVENTS, around_s=200)


def started(network: Path, store: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "epicat", "run", *arguments(network, store, "--workers", "1")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_both_end_well_and_nothing_is_doubled(network: Path, tmp_path: Path) -> None:
    alone = ec.run(settled(network, tmp_path / "alone"), workers=1)
    both = [started(network, tmp_path / "store") for _ in range(2)]
    told = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    stores = [open_store(str(tmp_path / name)) for name in ("alone", "store")]
    ids = [store.read("picks", Where())["pick_id"].to_pylist() for store in stores]
    assert ids[0] == ids[1]
    assert len(set(ids[1])) == len(ids[1]) > 0
    events = [store.read("events", Where())["event_id"].to_pylist() for store in stores]
    assert events[0] == events[1]
    assert len(events[0]) == len(alone.events()) == len(EVENTS)


def test_the_second_is_told_at_once(network: Path, tmp_path: Path) -> None:
    given = settled(network, tmp_path / "store")
    with held(open_store(given.store, create=True), given.identity):
        process = started(network, tmp_path / "store")
        _, words = process.communicate()
        assert process.returncode == 0, words
        assert words.index("already being run by process") < words.index("station-day")
        with pytest.warns(UserWarning, match="already being run by process"):
            ec.run(given, workers=1)
