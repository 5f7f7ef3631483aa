"""Files that are whole or not there."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from epicat.errors import InputError
from epicat.testing.synthetic.faults import damage

__all__ = ["whole"]


@contextmanager
def whole(path: Path, bad: str = "") -> Iterator[IO[bytes]]:
    """Write a file under another name and rename it at the end; ``bad`` damages it before."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            yield file
        if bad == "empty":
            partial.write_bytes(b"")
        elif bad:
            partial.write_bytes(damage(partial.read_bytes(), len(path.name)))
        partial.replace(path)
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
