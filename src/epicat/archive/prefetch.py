"""Read objects before they are asked for, a few at a time, while others are decoded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property

from epicat.archive.objects import Source, StoredObject
from epicat.errors import ObjectError

__all__ = ["LARGEST_BYTES", "ReadAhead"]

LARGEST_BYTES = 2 * 10**9
"""Objects above this are not read: days of all channels of a station have a tenth of it."""


class ReadAhead:
    """Reads from a source in the order that was announced; at most ``width`` objects ahead.

    That bounds memory too: an object that was read and not asked for yet counts.  Objects that
    were not announced are read when they are asked for.  Not safe for concurrent callers.
    """

    def __init__(self, source: Source, width: int) -> None:
        self._source = source
        self._width = width
        self._waiting: deque[StoredObject] = deque()
        self._coming: dict[StoredObject, Future[bytes]] = {}

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._width, thread_name_prefix="epicat-read")

    def expect(self, items: Iterable[StoredObject]) -> None:
        """Announce what will be asked for, in this order; forget what else was announced before."""
        wanted = list(items) if self._width else []
        for item in self._coming.keys() - wanted:
            self._coming.pop(item).cancel()
        self._waiting = deque(item for item in wanted if item not in self._coming)
        self._fill()

    def _fill(self) -> None:
        while self._waiting and len(self._coming) < self._width:
            item = self._waiting.popleft()
            self._coming[item] = self._pool.submit(self._whole, item)

    def read(self, item: StoredObject) -> bytes:
        """Read the bytes of an object; raise `ObjectError` if it cannot be read."""
        future = self._coming.pop(item, None)
        if future is None:
            if item in self._waiting:
                self._waiting.remove(item)
            return self._whole(item)
        self._fill()
        return future.result()

    def _whole(self, item: StoredObject) -> bytes:
        if item.size > LARGEST_BYTES:
            told = (
                f"{item.size / 1e9:.1f} GB, and no more than {LARGEST_BYTES / 1e9:.0f} GB are read"
            )
            raise ObjectError(item.key, f"too large: {told}")
        return self._source.read(item.key, item.size)
