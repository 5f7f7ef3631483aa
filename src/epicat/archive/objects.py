"""Where objects lie: list a folder, read an object.  The simplest is a local folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from epicat.errors import ArchiveError, ObjectError
from epicat.fs.names import leads_out

__all__ = ["LocalFolder", "Source", "StoredObject", "without_secrets"]


@dataclass(frozen=True, slots=True, order=True)
class StoredObject:
    """One object as a listing shows it."""

    key: str
    """Name below the root of the archive, with ``/`` between folders."""
    size: int
    """Bytes."""
    etag: str
    """Changes when the content does."""


class Source(Protocol):
    """The few things that epicat asks of storage."""

    location: str

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every object below a folder, in no order; nothing if there is no such folder."""
        ...

    def read(self, key: str, size: int | None = None) -> bytes:
        """Read a whole object; raise `ObjectError` if it cannot be read.

        ``size`` is what a listing says, so that half of an object is not taken for the whole.
        """
        ...


class LocalFolder:
    """An archive in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise ArchiveError(
                f"archive {str(root)!r} is not a folder on this machine; "
                "--archive takes the folder that the layout's names start in, s3://BUCKET/PREFIX, "
                "or the name of a known archive such as ncedc"
            )
        if not os.access(root, os.R_OK | os.X_OK):
            raise ArchiveError(f"archive {str(root)!r} cannot be read: permission denied")
        self._root = root.resolve()
        self.location = str(self._root)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every file below a folder; links are followed, a broken one is listed with size 0.

        A link to a folder that it lies in is not followed: it leads in circles.
        """
        if leads_out(prefix):
            raise ArchiveError(f"archive {self.location!r} has no folder {prefix!r}")
        folder = self._root / prefix
        try:
            for parent, folders, names in os.walk(folder, followlinks=True, onerror=_refuse):
                folders[:] = sorted(f for f in folders if not _leads_back(Path(parent, f)))
                for name in sorted(names):
                    yield self._stored(Path(parent) / name)
        except OSError as error:
            raise ArchiveError(
                f"archive folder {str(folder)!r} cannot be listed: {error.strerror}"
            ) from error

    def _stored(self, path: Path) -> StoredObject:
        name = path.relative_to(self._root).as_posix()
        # A name that is no UTF-8 can be told, but not kept in a table.
        key = name.encode(errors="backslashreplace").decode()
        try:
            state = path.stat()
        except OSError:
            state = None
        if state is None or key != name:
            return StoredObject(key, 0, "unreadable")
        return StoredObject(key, state.st_size, f"{state.st_mtime_ns:x}-{state.st_size:x}")

    def read(self, key: str, size: int | None = None) -> bytes:
        """Read a whole file; raise `ObjectError` if it cannot be read."""
        del size  # a file that has grown since is whole
        if leads_out(key):
            raise ObjectError(key, "cannot be read: no name of an archive's object")
        path = self._root / key
        try:
            if path.exists() and not path.is_file():
                raise ObjectError(key, "cannot be read: no file, but a folder or a device")
            return path.read_bytes()
        except OSError as error:
            raise ObjectError(key, f"cannot be read: {error.strerror}") from error


def without_secrets(location: str) -> str:
    """Leave out what may be credentials, as in ``s3://key:secret@bucket`` or after a ``?``."""
    scheme, mark, rest = location.partition("://")
    if not mark:
        return location
    place, query, _ = rest.rpartition("@")[2].partition("?")
    return f"{scheme}://{'...@' if '@' in rest else ''}{place}{query and '?...'}"


def _leads_back(path: Path) -> bool:
    return path.is_symlink() and path.resolve() in {parent.resolve() for parent in path.parents}


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
