"""Select events by the quality class of their location."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from epicat.errors import InputError
from epicat.export.quakes import Part

__all__ = ["check_classes", "of_quality", "parts_of_quality"]

_CLASSES = "ABCD"


def check_classes(classes: str) -> str:
    """Return classes such as ``AB``; raise `InputError` for others than A to D."""
    if not classes or not set(classes) <= set(_CLASSES):
        raise InputError(
            f"{classes!r} are no quality classes: write some of A, B, C, D, such as AB"
        )
    return classes


def of_quality(rows: pa.Table, classes: str) -> pa.Table:
    """Return the rows with a ``quality`` among the classes; none that was not located."""
    return rows.filter(pc.is_in(rows["quality"], value_set=pa.array(list(classes))))


def parts_of_quality(parts: Iterable[Part], classes: str) -> Iterator[Part]:
    """Give the parts with the events whose location is of one of the classes."""
    for part in parts:
        good = of_quality(part.origins, classes)["event_id"].combine_chunks()
        kept = pc.is_in(part.events["event_id"], value_set=good)
        yield replace(part, events=part.events.filter(kept))
