"""What a writer of a catalog takes and tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, Protocol

import pyarrow as pa

from epicat.export.quakes import Part

__all__ = ["Writer", "Written"]


@dataclass(frozen=True, slots=True)
class Written:
    """What is in the file."""

    events: int
    """Events."""
    arrivals: int = 0
    """Arrivals, where the format has them."""
    notes: tuple[str, ...] = ()
    """What was left out or may surprise, in sentences for a person."""


class Writer(Protocol):
    """Writes a catalog to text files, event by event: memory does not grow with the catalog."""

    def __call__(
        self, parts: Iterable[Part], stations: pa.Table, file: IO[str], *beside: IO[str]
    ) -> Written:
        """Write the parts, in their order; ``beside`` are the files that `Format` names."""
        ...
