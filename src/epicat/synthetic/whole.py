"""Files of an archive that are whole or not there, and damaged if that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO

from epicat._util.atomic import atomic_file
from epicat.errors import InputError
from epicat.synthetic.faults import damage

__all__ = ["whole"]


@contextmanager
def whole(path: Path, bad: str = "") -> Iterator[IO[bytes]]:
    """Write a file as `atomic_file` does, and its folder; ``bad`` damages what is written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written: {error.strerror or error}") from error
    with atomic_file(path, "wb") as file:
        if not bad:
            yield file
            return
        sound = BytesIO()
        yield sound
        if bad != "empty":
            file.write(damage(sound.getvalue(), len(path.name)))
