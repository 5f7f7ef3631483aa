"""A file layer that fails, or calls a function, between any two of its changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from epicat.fs.base import Files


class Killed(BaseException):
    """The process was killed here."""


class FaultyFiles:
    """Files that call a function before each change."""

    def __init__(self, files: Files, before: Callable[[], object]) -> None:
        self._files = files
        self._before = before
        self.location = files.location
        self.arrow = files.arrow
        self.native = files.native
        self.prepare = files.prepare
        self.top = files.top
        self.list = files.list
        self.exists = files.exists
        self.read = files.read

    def write(self, name: str, data: bytes) -> None:
        self._before()
        self._files.write(name, data)

    def delete(self, names: Sequence[str]) -> None:
        for name in names:
            self._before()
            self._files.delete([name])


def dying_after(files: Files, changes: int) -> FaultyFiles:
    """Return files that are killed after a number of changes."""
    left = [changes]

    def count() -> None:
        if not left[0]:
            raise Killed
        left[0] -= 1

    return FaultyFiles(files, count)
