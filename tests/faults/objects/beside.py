"""What may lie in a folder of an archive in the place of a file, or beside one."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from faults.objects.mutations import Want

__all__ = ["PLACES", "Place"]

Make = Callable[[Path, bytes], object]


@dataclass(frozen=True, slots=True)
class Place:
    """One thing that is no plain file, or that comes with one."""

    make: Make
    """Makes it at a path, whose folder is there, of a sound object."""
    want: Want = Want.TOLD
    """What must become of it."""


def _socket(path: Path, body: bytes) -> None:
    del body
    here = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:  # the names of sockets are short
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"/proc/self/fd/{here}/{path.name}"[:107])
    finally:
        os.close(here)


def _sparse(path: Path, body: bytes) -> None:
    with path.open("wb") as file:
        file.write(body)
        file.truncate(10 * 10**9)


def _forbidden(path: Path, body: bytes) -> None:
    path.write_bytes(body)
    path.chmod(0)


def _ring(path: Path, body: bytes) -> None:
    """Two folders, each with a link to the other."""
    del body
    for one, other in (("here", "there"), ("there", "here")):
        (path.parent / one).mkdir()
        (path.parent / one / other).symlink_to(path.parent / other)


def _beside(name: bytes) -> Make:
    def make(path: Path, body: bytes) -> None:
        path.write_bytes(body)
        Path(os.fsdecode(os.fsencode(path.parent) + b"/" + name)).write_bytes(body[:700])

    return make


def _crowd(path: Path, body: bytes) -> None:
    path.write_bytes(body)
    for number in range(2000):
        (path.parent / f"{path.name}.{number}").touch()


PLACES: Final[Mapping[str, Place]] = {
    "folder": Place(lambda path, _: path.mkdir(), Want.ANY),
    "folder with a file": Place(
        lambda path, body: (path.mkdir(), (path / "x").write_bytes(body)), Want.ANY
    ),
    "link to nothing": Place(lambda path, _: path.symlink_to("nothing")),
    "link to itself": Place(lambda path, _: path.symlink_to(path.name)),
    "link to its folder": Place(lambda path, _: path.symlink_to(path.parent), Want.ANY),
    "link to the root": Place(lambda path, _: path.symlink_to("/"), Want.ANY),
    "ring of links": Place(_ring, Want.ANY),
    "pipe": Place(lambda path, _: os.mkfifo(path)),
    "socket": Place(_socket),
    "endless device": Place(lambda path, _: path.symlink_to("/dev/zero")),
    "empty device": Place(lambda path, _: path.symlink_to("/dev/null")),
    "file that fails": Place(lambda path, _: path.symlink_to("/proc/self/mem")),
    "10 GB": Place(_sparse),
    "no permission": Place(_forbidden, Want.TOLD if os.geteuid() else Want.SAME),
    "unicode beside": Place(_beside("Ünïcödé 地震 🌋".encode()), Want.SAME),
    "no UTF-8 beside": Place(_beside(b"\xff\xfe.D.2020.001"), Want.SAME),
    "line break beside": Place(_beside(b"a\nb\x1b[2J"), Want.SAME),
    "half an upload beside": Place(_beside(b".XX.part"), Want.SAME),
    "crowd beside": Place(_crowd, Want.SAME),
}
"""Everything, by name.  A folder is no object: in its place there is none.  The link to the root
would lead through the whole machine."""
