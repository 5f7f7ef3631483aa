"""Compute in threads ahead of the reader, in order and with a bound."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["ahead"]

Key = TypeVar("Key")
Result = TypeVar("Result")


def ahead(
    tasks: Iterable[tuple[Key, Callable[[], Result]]], threads: int
) -> Iterator[tuple[Key, Result]]:
    """Return the result of each task with its key, in order.

    With one thread a task runs when its result is asked for.  With more, so many tasks run while
    the next ones are taken from ``tasks`` in this thread; no more results are held.
    """
    if threads == 1:
        for key, task in tasks:
            yield key, task()
        return
    with ThreadPoolExecutor(threads) as pool:
        running: deque[tuple[Key, Future[Result]]] = deque()
        for key, task in tasks:
            running.append((key, pool.submit(task)))
            if len(running) > threads:
                done, future = running.popleft()
                yield done, future.result()
        for done, future in running:
            yield done, future.result()
