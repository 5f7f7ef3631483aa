"""Files in a folder of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow.fs as pafs

from epicat.errors import StoreError
from epicat.fs.base import FileInfo, leads_out, temporary_name

__all__ = ["LocalFiles"]


class LocalFiles:
    """Files in a folder: written under a temporary name, flushed to the disk and renamed."""

    def __init__(self, root: Path, noun: str = "store") -> None:
        self._root = root.absolute()
        self._noun = noun
        self.location = str(root)
        self.arrow = pafs.SubTreeFileSystem(str(self._root), pafs.LocalFileSystem())

    def native(self) -> Any:
        """Return the folder as an Arrow file system that runs no Python."""
        return self.arrow

    def _path(self, name: str) -> Path:
        """Return the path of a file; raise `StoreError` for a name that leads out of the folder."""
        if leads_out(name):
            raise StoreError(f"{self._noun} {self.location!r}: {name!r} is not a valid file name")
        return self._root / name

    def prepare(self) -> None:
        """Create the folder; raise `StoreError` if it cannot be written."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            probe = self._root / temporary_name()
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise StoreError(
                f"{self._noun} {self.location!r} cannot be written: {error.strerror}; "
                "give a folder that you may write to"
            ) from error

    def top(self, folder: str = "") -> list[str]:
        """Return the names of the files and folders directly in a folder, by default the root."""
        place = self._root / folder
        items = place.iterdir() if place.is_dir() else ()
        return sorted(item.name for item in items if not item.name.startswith("."))

    def list(self, folder: str) -> list[str]:
        """Return the names of all files below a folder, in alphabetical order."""
        return sorted(
            Path(parent, name).relative_to(self._root).as_posix()
            for parent, _, names in os.walk(self._path(folder))
            for name in names
            if not name.startswith(".")
        )

    def found(self) -> Iterator[FileInfo]:
        """Yield all files, in no order, including hidden and temporary ones."""
        for parent, _, names in os.walk(self._root):
            for path in (Path(parent, name) for name in names):
                with suppress(FileNotFoundError):  # temporary files are renamed meanwhile
                    about = path.lstat()
                    name = path.relative_to(self._root).as_posix()
                    yield FileInfo(name, about.st_size, about.st_mtime_ns)

    def now_ns(self) -> int:
        """Return the time by the clock that dates the files, measured by writing one."""
        probe = self._root / temporary_name()
        try:
            probe.touch()
            return probe.stat().st_mtime_ns
        except OSError as error:
            raise self._unwritable(error) from error
        finally:
            with suppress(OSError):
                probe.unlink(missing_ok=True)

    def exists(self, name: str) -> bool:
        """Whether a file exists."""
        return self._path(name).is_file()

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return self._path(name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        """Write a file atomically: readers see all of it or nothing, also after a kill."""
        path = self._path(name)
        partial = path.with_name(temporary_name())
        try:
            self._make_parents(name)
            with partial.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except OSError as error:
            with suppress(OSError):
                partial.unlink()
            raise self._unwritable(error) from error

    def _make_parents(self, name: str) -> None:
        """Create the parent folders of a file, but not the root.

        A root that is deleted during a write must not be recreated with a part of the files.
        """
        parents = PurePosixPath(name).parents
        if not (self._root / parents[0]).is_dir():
            for folder in reversed(parents[:-1]):
                (self._root / folder).mkdir(exist_ok=True)

    def _unwritable(self, error: OSError) -> StoreError:
        if isinstance(error, FileNotFoundError):  # `prepare` has created the folder
            return StoreError(f"the {self._noun} at {self.location!r} was deleted while in use")
        return StoreError(
            f"{self._noun} {self.location!r} cannot be written: {error.strerror or error}"
        )

    def part(self, name: str, start: int, end: int) -> bytes:
        """Return the bytes of a file from ``start`` until before ``end``, or to its end."""
        with self._path(name).open("rb") as file:
            file.seek(start)
            return file.read(end - start)

    def delete(self, names: Sequence[str]) -> None:
        """Delete files; missing ones are ignored."""
        try:
            for name in names:
                self._path(name).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                f"{self._noun} {self.location!r}: {error.filename!r} cannot be deleted: "
                f"{error.strerror}"
            ) from error
