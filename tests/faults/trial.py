"""What one trial of a fault is, and how its rows are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Form", "Trial", "difference"]


class Form(StrEnum):
    """How long to try."""

    SHORT = "short"
    """Seconds for each trial: what runs with the tests."""
    LONG = "long"
    """All of them together within an hour."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One kind of fault: how often it was tried, and what became of the rows."""

    what: str
    """The fault and where it struck, such as "workers killed, Parquet folder"."""
    tried: int
    """Times that it struck."""
    survived: int
    """Times after which everything was as it should be."""
    lost: int
    """Rows that should be there and were not."""
    doubled: int
    """Rows that were there and should not be, or more than once."""
    seconds: float
    """How long the trial took."""
    remark: str = ""
    """What else there is to say, in one short clause."""


def difference(right: Iterable[Hashable], found: Iterable[Hashable]) -> tuple[int, int]:
    """Return how many rows are missing and how many are too many, of two bags of rows."""
    want, have = Counter(right), Counter(found)
    return (want - have).total(), (have - want).total()
