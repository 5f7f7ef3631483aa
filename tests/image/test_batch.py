"""A submission to AWS Batch whose jobs are containers of the image; AWS is on this machine.

As `tests/aws/test_end_to_end.py`, which has processes in their place and is faster.
"""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

import awsbed
from epicat.cli.app import main
from epicat.store.base import Where
from epicat.store.open import open_store
from epicat.tables import TABLES
from support import s3
from support.tiny_network import arguments, truths, write_network

NAME = ("--name", "containers")
URI = "mongodb+srv://epicat:hunter2@cluster0.example.net/epicat"
ENGINES = (
    "PATH", "HOME", "XDG_RUNTIME_DIR", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "DOCKER_HOST",
)  # fmt: skip
"""Variables by which an engine finds its own; none of a container's business."""


@dataclass(frozen=True)
class Containers(awsbed.Image):
    """An image whose jobs are containers: ``entrypoint`` runs it with all doors shut.

    They share the network of this machine, on whose loopback AWS is.
    """

    name: str = ""
    started: list[Sequence[str]] = field(default_factory=list)
    """The command line of each attempt."""

    def arguments(self, command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
        """Return what to start; values of variables are inherited and not on the command line."""
        record = [f"--env={name}" for name in environment if name not in ENGINES]
        self.started.append([*self.entrypoint, "--network=host", *record, self.name, *command])
        return list(self.started[-1])


@pytest.fixture
def jobs(bed, worker, monkeypatch):
    """Let the jobs of ``epicat:containers`` be containers of the worker's image."""
    # An engine takes longer to end a container than the twentieth part of 30 s
    monkeypatch.setattr(bed.batch, "hurry", 1.0)
    label = f"epicat-test={uuid.uuid4().hex}"
    own = {name: os.environ[name] for name in ENGINES if name in os.environ}
    image = Containers(
        worker.hardened(f"--label={label}"), {**own, **bed.variables()}, name=worker.name
    )
    bed.batch.images["epicat:containers"] = image
    yield image
    listed = [worker.engine, "ps", "--quiet", f"--filter=label={label}"]
    left = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
    if left:
        subprocess.run([worker.engine, "kill", *left], capture_output=True, check=True)


def tables_of(store):
    opened = open_store(store)
    return {table: opened.read(table, Where()) for table in TABLES}


def publish(bed, folder):
    """Put an archive into somebody else's public bucket."""
    files = {
        f"sds/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in folder.rglob("*") if path.is_file()
    }  # fmt: skip
    s3.Server(bed.endpoint, bed.client("s3", "us-east-1")).make("public-containers", files)


def submission(network):
    """Return what ``epicat submit`` takes: one window, and an array of several."""
    words = arguments(network, network / "store")
    words[words.index("--archive") + 1] = "s3://public-containers/sds"
    at = words.index("--store")
    return [*words[:at], *words[at + 2 :], *NAME, "--stations-per-unit", "2", "--json"]


def test_jobs_in_hardened_containers_make_the_catalog_of_one_run(
    bed, epicat, role, jobs, tmp_path, monkeypatch
):
    """With one of them interrupted: in its container it is process 1, which no default ends."""
    write_network(tmp_path, truths([-300, -1.0, 60.5]))
    with pytest.raises(SystemExit) as left:
        main(["run", *arguments(tmp_path, tmp_path / "store"), "--workers", "1"])
    assert left.value.code == 0
    publish(bed, tmp_path / "sds")
    monkeypatch.setenv("MY_STORE", URI)
    up = epicat(
        "cloud", "up", *NAME, "--image", "epicat:containers", "--service-role", role, "--store",
        "env:MY_STORE", "--json",
    )  # fmt: skip
    assert up.code == 0, up.err

    submitted = epicat("submit", *submission(tmp_path))
    assert submitted.code == 0, submitted.err
    told = submitted.json
    assert [(job["name"], job["units"], job["keys"]) for job in told["jobs"]] == [
        ("pick-0000", 4, 16), ("associate-0000", 1, 8),
    ]  # fmt: skip
    pick, associate = (job["id"] for job in told["jobs"])
    bed.batch.until(lambda: "attempt 1 of 3" in epicat("logs", "pick-0000:1", *NAME).out)
    bed.batch.interrupt(f"{pick}:1")
    watched = epicat("status", *NAME, "--watch", "--interval", 0.5)
    assert watched.code == 0, watched.err

    ended = {
        job_id: [attempt["container"]["exitCode"] for attempt in bed.batch.jobs[job_id].attempts]
        for job_id in (*(f"{pick}:{index}" for index in range(4)), associate)
    }
    assert list(ended.values()) == [[0], [75, 0], [0], [0], [0]]
    assert tables_of(told["store"]) == tables_of(str(tmp_path / "store"))
    assert len(jobs.started) == 6
    assert not any("hunter2" in word for words in jobs.started for word in words)
    assert all("--env=EPICAT_STORE" in words for words in jobs.started)
    down = epicat("cloud", "down", *NAME, "--yes", "--delete-data")
    assert down.code == 0, down.err
