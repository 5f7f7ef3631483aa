"""Atomic file writes, and the cache folder: compiled models, travel-time tables, indexes."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from epicat.errors import InputError

__all__ = ["atomic_file", "atomic_folder", "cache_folder"]


@contextmanager
def atomic_file(path: Path, mode: str) -> Iterator[IO[Any]]:
    """Write a temporary file and rename it; raise `InputError` if it cannot be written.

    An existing special file, such as a pipe or ``/dev/null``, is written to and never replaced.
    """
    target = path.resolve()
    is_special = target.exists() and not target.is_file()
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.partial")
    written = target if is_special else partial
    text = None if "b" in mode else "utf-8"
    try:
        with written.open(mode, encoding=text, newline=None if text is None else "") as file:
            yield file
        if not is_special:
            partial.replace(target)
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder to fill, and rename it.

    If the folder exists by then, because another process was faster or its files are to be
    replaced, they are replaced one by one: readers never miss a file.
    """
    # Not `tempfile.mkdtemp`: other users, such as a container's, may have to read it.
    partial = folder.with_name(f".{folder.name[:40]}.{uuid.uuid4().hex[:8]}.partial")
    partial.mkdir()
    try:
        yield partial
        try:
            partial.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
            for file in partial.iterdir():
                file.replace(folder / file.name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def cache_folder(kind: str) -> Path:
    """Return the folder for one kind of cached files, created if needed.

    ``$EPICAT_CACHE`` if that is set, else ``epicat`` below ``$XDG_CACHE_HOME`` or ``~/.cache``.
    Raises `InputError` if it cannot be created.
    """
    chosen = os.environ.get("EPICAT_CACHE")
    general = os.environ.get("XDG_CACHE_HOME")
    try:
        base = Path(chosen) if chosen else Path(general or Path.home() / ".cache") / "epicat"
        folder = base / kind
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: no home directory
        place = repr(chosen or general) if chosen or general else "in the home directory"
        raise InputError(
            f"the cache {place} cannot be created: {getattr(error, 'strerror', None) or error}; "
            "set EPICAT_CACHE to a writable folder"
        ) from error
    return folder
