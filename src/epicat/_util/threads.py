"""Compute in threads ahead of the reader, in order and with a bound."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["ahead", "held"]

Key = TypeVar("Key")
Result = TypeVar("Result")


def held(threads: int) -> int:
    """Return how many tasks `ahead` has begun at most when it takes another.

    One waits, so that no thread is idle while the caller uses a result.
    """
    return 0 if threads == 1 else threads + 1


def ahead(
    tasks: Iterable[tuple[Key, Callable[[], Result]]], threads: int
) -> Iterator[tuple[Key, Result]]:
    """Return the result of each task with its key, in order.

    With one thread a task runs when its result is asked for.  With more, so many tasks run while
    the next ones are taken from ``tasks`` in this thread; see `held`.
    """
    if threads == 1:
        for key, task in tasks:
            yield key, task()
        return
    with ThreadPoolExecutor(threads) as pool:
        running: deque[tuple[Key, Future[Result]]] = deque()
        for key, task in tasks:
            running.append((key, pool.submit(task)))
            if len(running) > held(threads):
                done, future = running.popleft()
                yield done, future.result()
        for done, future in running:
            yield done, future.result()
