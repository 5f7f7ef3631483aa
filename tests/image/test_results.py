"""The image does what epicat does outside of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.tiny_network import arguments, truths, write_network

TABLES = ["picks", "events", "arrivals"]


@pytest.fixture
def writable(tmp_path, monkeypatch):
    """Give a folder for stores, with epicat's cache in it, where anybody may write."""
    folder = tmp_path / "made"
    monkeypatch.setenv("EPICAT_CACHE", str(folder / "cache"))
    (folder / "cache").mkdir(parents=True)
    return folder


def outside(*words: object) -> str:
    """Run epicat as it is installed here, in a process of its own; return its stdout."""
    main = "import sys; from epicat.cli.app import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", main, *map(str, words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def tables(store: Path) -> dict[str, list[str]]:
    """Return the rows of a store's tables, all columns, in a fixed order."""
    words = ["export", "--store", store, "--format", "csv", "--columns", "all", "--table"]
    return {table: sorted(outside(*words, table).splitlines()) for table in TABLES}


def open_to_all(*folders: Path) -> None:
    for folder in folders:
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o777 if path.is_dir() else 0o666)


def test_a_run_in_a_hardened_container_equals_one_outside(worker, tmp_path, writable):
    network = tmp_path / "network"
    write_network(network, truths([-300, -1.0, 60.5]))
    given = [arguments(network, writable / name, "--workers", "2") for name in ("in", "out")]
    open_to_all(network, writable)

    worker.run("run", *given[0], readonly=[network], writable=[writable])
    outside("run", *given[1])

    made = tables(writable / "in")
    assert len(made["events"]) == 1 + 3
    assert made == tables(writable / "out")


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("EPICAT_SLOW") != "1", reason="minutes; EPICAT_SLOW=1 runs it")
def test_a_worker_builds_a_picker_without_a_network_and_picks_with_it(
    worker, realdata, seisbench_cache, writable
):
    data = realdata / "holuhraun"
    given = [
        "2014-08-24", "2014-08-25", "64.4,65.3,-17.6,-15.9", "--archive", str(data / "waveforms"),
        "--layout", "files", "--stations", str(data / "stations.csv"), "--select", "*.DY*",
        "--workers", "2", "--store",
    ]  # fmt: skip
    open_to_all(seisbench_cache, writable)

    compiling = ["models", "compile", "PhaseNet", "original", "--to", str(writable / "kept")]
    worker.run(*compiling, readonly=[seisbench_cache], writable=[writable])
    assert (writable / "kept" / "SHA256SUMS").is_file()
    places = {"readonly": [data, seisbench_cache], "writable": [writable]}
    worker.run("run", *given, str(writable / "in"), **places)
    outside("run", *given, str(writable / "out"))

    made = tables(writable / "in")
    assert len(made["picks"]) > 100
    assert made == tables(writable / "out")
