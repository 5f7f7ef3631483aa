"""A Dask cluster of separate processes on this machine, as a user would start it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.slurm_cluster import wait_until

_STOP_S = 20.0


@dataclass
class DaskProcesses:
    """A scheduler and its workers."""

    file: Path
    """The scheduler file."""
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_worker(self, environment: Mapping[str, str] | None = None) -> None:
        """Start a worker with one thread, under a nanny."""
        words = ["--scheduler-file", str(self.file), "--nthreads", "1", "--no-dashboard",
                 "--local-directory", str(self.file.parent)]  # fmt: skip
        self.workers.append(_started("dask_worker", words, self.file.parent, environment))


@contextmanager
def serving(
    folder: Path, workers: int = 1, host: str = "127.0.0.1",
    environment: Mapping[str, str] | None = None,
) -> Iterator[DaskProcesses]:  # fmt: skip
    """Start a scheduler without TLS and workers, and stop them at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "scheduler.json"
    words = ["--host", host, "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    cluster = DaskProcesses(file, _started("dask_scheduler", words, folder))
    try:
        wait_until(file.exists)
        for _ in range(workers):
            cluster.start_worker(environment)
        yield cluster
    finally:
        for process in (*cluster.workers, cluster.scheduler):
            _stop(process)


def _started(
    module: str, words: list[str], folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    with (folder / f"{module}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", *words],
            env={**os.environ, **(environment or {})}, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and those that it started, also one that is stopped."""
    for number in (signal.SIGCONT, signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            if number != signal.SIGCONT:
                process.wait(_STOP_S)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
