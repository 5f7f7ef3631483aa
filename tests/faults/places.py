"""The kinds of places that a store can be in, each with a server of its own where it needs one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from support import mongo_server, s3

__all__ = ["KINDS", "Place"]

_UP_S = 30.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where stores of one kind are made."""

    name: str
    environment: Mapping[str, str]
    """What commands need to find it, and this process."""
    _locations: Iterator[str]

    def fresh(self) -> str:
        """Return a location where there is no store yet."""
        return next(self._locations)


@contextmanager
def _folder(folder: Path) -> Iterator[Place]:
    yield Place("Parquet folder", {}, (str(folder / f"store-{n}") for n in count()))


@contextmanager
def _bucket(folder: Path) -> Iterator[Place]:
    del folder
    import boto3

    port = _free_port()
    endpoint = f"http://127.0.0.1:{port}"
    access = {
        "AWS_ACCESS_KEY_ID": s3.ACCESS, "AWS_SECRET_ACCESS_KEY": s3.SECRET,
        "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": endpoint,
    }  # fmt: skip
    program = "from moto.server import main; import sys; main(sys.argv[1:])"
    server = subprocess.Popen(
        [sys.executable, "-c", program, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _await(port)
        with _environment(access):
            boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=s3.CATALOGS)
            yield Place("Parquet on S3", access, (f"s3://{s3.CATALOGS}/{n}" for n in count()))
    finally:
        server.kill()
        server.wait()


@contextmanager
def _database(folder: Path) -> Iterator[Place]:
    with mongo_server.serving(folder / "mongo", secure=False) as server:
        yield Place("MongoDB", {}, (server.url(f"store{n}") for n in count()))


KINDS: Mapping[str, Callable[[Path], AbstractContextManager[Place]]] = {
    "folder": _folder,
    "bucket": _bucket,
    "database": _database,
}
"""All of them; given a folder for what they keep."""


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _await(port: int) -> None:
    until = time.monotonic() + _UP_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return
