"""Servers that a campaign needs, with faults before them, and the campaign itself."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from epicat.store.open import find_store, open_store
from faults.campaigns import CUTS, asked, prepare
from faults.proxy import reset
from faults.rows import rows_of
from support import s3

__all__ = ["Campaign", "Cutter", "make_campaign"]

_LONGEST_S = 300.0


@dataclass
class Campaign:
    """A campaign of many small units on an archive in a bucket, done by the command line."""

    folder: Path
    server: s3.Server
    archive: str
    right: list[str] = field(default_factory=list)

    def start(
        self, store: str, endpoint: str = "", *, more: Sequence[str] = (), workers: int = 2,
        **environment: str,
    ) -> subprocess.Popen[str]:  # fmt: skip
        """Start ``epicat run`` with bucket and archive behind an endpoint."""
        options = (*CUTS[0], "--workers", str(workers), *more)
        given = asked(self.folder, *options, archive=self.archive, store=store)
        return subprocess.Popen(
            [sys.executable, "-m", "epicat", *given],
            env={**os.environ, **self.keys(endpoint), **environment},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def run(self, store: str, endpoint: str = "", **given: object) -> tuple[int, str]:
        """Do a campaign; return the exit code and what it told."""
        return ended(self.start(store, endpoint, **given))  # type: ignore[arg-type]

    def keys(self, endpoint: str = "") -> dict[str, str]:
        """Return the variables with which the server can be asked."""
        return {
            "AWS_ACCESS_KEY_ID": "owner",
            "AWS_SECRET_ACCESS_KEY": "owner",
            "AWS_ENDPOINT_URL": endpoint or self.server.endpoint,
        }

    def rows(self, store: str) -> list[str]:
        """Return everything that a store says; nothing if there is no store."""
        with mock.patch.dict(os.environ, self.keys()):
            opened = find_store(store)
            return list(rows_of(opened)) if opened else []

    def statuses(self, store: str) -> dict[str, str]:
        """Return what became of each key."""
        with mock.patch.dict(os.environ, self.keys()):
            return {e.key: e.status.value for e in open_store(store).ledger()}


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a campaign; one that takes for ever is ended, with the exit code of a signal."""
    try:
        _, told = process.communicate(timeout=_LONGEST_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        _, told = process.communicate()
    return process.returncode, told


@contextmanager
def make_campaign(folder: Path) -> Iterator[Campaign]:
    """Write a network into a bucket, and do it once undisturbed."""
    prepare(folder)
    with s3.serving() as server:
        objects = {
            path.relative_to(folder / "sds").as_posix(): path.read_bytes()
            for path in sorted((folder / "sds").rglob("*.D.*"))
            if path.is_file()
        }
        archive = server.make("waveforms", objects)
        server.make(s3.CATALOGS, {}, public=False)
        campaign = Campaign(folder, server, archive)
        code, told = campaign.run(str(folder / "right"))
        assert code == 0, told
        campaign.right = campaign.rows(str(folder / "right"))
        yield campaign


@dataclass
class Cutter:
    """What stands before a server of any protocol, and cuts its connections after some bytes."""

    upstream: tuple[str, int]
    mean: float
    """Bytes that a connection carries on average."""
    seed: int
    cut: int = 0
    """Connections that were cut."""

    @contextmanager
    def serving(self) -> Iterator[int]:
        """Serve on the loopback; give the port."""
        rng = random.Random(self.seed)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=self._accept, args=(listener, rng), daemon=True).start()
            yield int(listener.getsockname()[1])

    def _accept(self, listener: socket.socket, rng: random.Random) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # nobody listens any more
                return
            try:
                server = socket.create_connection(self.upstream)
            except OSError:  # the server is away: the next one may find it
                reset(client)
                continue
            left = [rng.expovariate(1 / self.mean)]
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(*pair, left), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, left: list[float]) -> None:
        try:
            while data := source.recv(1 << 14):
                left[0] -= len(data)
                if left[0] < 0:
                    self.cut += 1
                    reset(source)
                    reset(target)
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            target.close()
