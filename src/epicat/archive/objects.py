"""Object storage as archives need it: list a folder, read an object; local folders."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from epicat.errors import ArchiveError, ObjectError
from epicat.fs.base import leads_out

__all__ = ["LocalFolder", "Source", "StoredObject", "without_secrets"]


_LOOKED_AT = 1000
"""Files among which an example is chosen."""


@dataclass(frozen=True, slots=True, order=True)
class StoredObject:
    """One object of a listing."""

    key: str
    """Name below the root of the archive, with ``/`` between folders."""
    size: int
    """Bytes."""
    etag: str
    """Changes when the content does."""


class Source(Protocol):
    """The operations that epicat needs of object storage."""

    location: str

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every object below a folder, in no order; nothing if there is no such folder."""
        ...

    def example(self) -> str | None:
        """Key of some object, found quickly; None if there is none."""
        ...

    def read(self, key: str, size: int | None = None) -> bytes:
        """Read an object; raise `ObjectError` if it cannot be read.

        ``size`` is the size in the listing, to detect truncated responses.
        """
        ...


class LocalFolder:
    """An archive in a local folder."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise ArchiveError(
                f"archive {str(root)!r} is not a folder on this machine; "
                "--archive takes the root folder of the layout, s3://BUCKET/PREFIX, "
                "or the name of a public archive such as ncedc"
            )
        if not os.access(root, os.R_OK | os.X_OK):
            raise ArchiveError(f"archive {str(root)!r} cannot be read: permission denied")
        self._root = root.resolve()
        self.location = str(self._root)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every file below a folder; links are followed, a broken one is listed with size 0.

        A link to one of its own parent folders is not followed.
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

    def example(self) -> str | None:
        """Key of the first file in a folder, otherwise of the first one; None if there is none."""
        found = [item.key for item in islice(self.list(""), _LOOKED_AT)]
        return next((key for key in found if "/" in key), found[0] if found else None)

    def _stored(self, path: Path) -> StoredObject:
        name = path.relative_to(self._root).as_posix()
        # A name that is not UTF-8 cannot be stored in a table.
        key = name.encode(errors="backslashreplace").decode()
        try:
            state = path.stat()
        except OSError:
            state = None
        if state is None or key != name:
            return StoredObject(key, 0, "unreadable")
        return StoredObject(key, state.st_size, f"{state.st_mtime_ns:x}-{state.st_size:x}")

    def read(self, key: str, size: int | None = None) -> bytes:
        """Read a file; raise `ObjectError` if it cannot be read."""
        del size  # a local file may have grown since the listing
        if leads_out(key):
            raise ObjectError(key, "cannot be read: the name leads out of the archive")
        path = self._root / key
        try:
            if path.exists() and not path.is_file():
                raise ObjectError(key, "cannot be read: not a regular file")
            return path.read_bytes()
        except OSError as error:
            raise ObjectError(key, f"cannot be read: {error.strerror}") from error

    def size(self, key: str) -> int:
        """Return the size of a file in bytes; raise `ObjectError` if there is none."""
        if leads_out(key):
            raise ObjectError(key, "cannot be read: the name leads out of the archive")
        try:
            return (self._root / key).stat().st_size
        except OSError as error:
            raise ObjectError(key, f"cannot be read: {error.strerror}") from error

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """Read the bytes from ``start`` to ``end``; raise `ObjectError` if it cannot be read."""
        if leads_out(key):
            raise ObjectError(key, "cannot be read: the name leads out of the archive")
        try:
            with (self._root / key).open("rb") as file:
                file.seek(start)
                return file.read(end - start)
        except OSError as error:
            raise ObjectError(key, f"cannot be read: {error.strerror}") from error


def without_secrets(location: str) -> str:
    """Mask possible credentials, as in ``s3://key:secret@bucket`` or after a ``?``."""
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
