"""The interface of file storage: a folder or a bucket.

Files have names with slashes, are written atomically and never change; a few are deleted.  Names
that start with a dot are ignored.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["FileInfo", "Files", "leads_out", "temporary_name"]

_PARTIAL = re.compile(r"\.[0-9a-f]{32}\.partial")


def temporary_name() -> str:
    """Return a unique name for a file that is being written."""
    return f".{uuid.uuid4().hex}.partial"


def leads_out(name: str) -> bool:
    """Whether a name with slashes may lead out of its folder (path traversal).

    Symbolic links inside the folder are not checked.

    Examples
    --------
    >>> leads_out("2020/XX/ST00"), leads_out("2020/../../etc"), leads_out("/etc")
    (False, True, True)

    """
    return name.startswith("/") or ".." in name.split("/") or "\0" in name


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file in a listing."""

    name: str
    """Name, with slashes."""
    size: int
    """Size in bytes."""
    modified_ns: int
    """Time of the last write by the clock of the server or file system, ns since 1970."""

    @property
    def is_unfinished(self) -> bool:
        """Whether it is the temporary file of a writer."""
        return _PARTIAL.fullmatch(self.name.rpartition("/")[2]) is not None


class Files(Protocol):
    """Files by name, written atomically.

    A missing file raises `FileNotFoundError`; everything else that fails raises `StoreError`.
    """

    location: str
    """Folder or URL, without any secret."""
    arrow: Any
    """The same as an Arrow file system, to read parts of files."""

    def native(self) -> Any:
        """Return an Arrow file system that runs no Python.

        DuckDB scans while it holds Python's lock.  Arrow's threads would wait for that lock, and
        the scan for them: a deadlock.
        """
        ...

    def prepare(self) -> None:
        """Create the location if needed; raise `StoreError` if it cannot be written.

        Nothing else creates it: once it is deleted, all writes fail.
        """
        ...

    def top(self, folder: str = "") -> list[str]:
        """Return the names of the files and folders directly in a folder, by default the root."""
        ...

    def list(self, folder: str) -> list[str]:
        """Return the names of all files below a folder, in alphabetical order."""
        ...

    def found(self) -> Iterator[FileInfo]:
        """Yield all files, in no order, including hidden and temporary ones."""
        ...

    def now_ns(self) -> int:
        """Return the time by the clock that dates the files, measured by writing one."""
        ...

    def exists(self, name: str) -> bool:
        """Whether a file exists."""
        ...

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Write a file atomically: readers see all of it or nothing, also after a kill."""
        ...

    def part(self, name: str, start: int, end: int) -> bytes:
        """Return the bytes of a file from ``start`` until before ``end``, or to its end."""
        ...

    def delete(self, names: Sequence[str]) -> None:
        """Delete files; missing ones are ignored."""
        ...
