"""Batches of items, and lists of items in messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

__all__ = ["batched", "first_and_more", "list_some"]

T = TypeVar("T")

_SHOWN = 10


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield items in lists of ``size``, the last one shorter; nothing is read ahead.

    Like `itertools.batched`, which Python 3.11 lacks.

    >>> list(batched("ABCDEFG", 3))
    [['A', 'B', 'C'], ['D', 'E', 'F'], ['G']]
    """
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch


def first_and_more(items: Sequence[str], most: int = _SHOWN) -> list[str]:
    """Return the first items, and the number of further ones as a last one.

    >>> first_and_more(["a", "b", "c"], most=2), first_and_more(["a"], most=2)
    (['a', 'b', 'and 1 more'], ['a'])
    """
    more = len(items) - most
    return list(items) if more <= 0 else [*items[:most], f"and {more:,} more"]


def list_some(items: Sequence[str], separator: str = ", ", most: int = _SHOWN) -> str:
    """Return the first items in one line, and how many more there are.

    >>> list_some([str(n) for n in range(12)])
    '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more'
    """
    more = first_and_more(items, most)[most:]
    return " ".join([separator.join(items[:most]), *more])
