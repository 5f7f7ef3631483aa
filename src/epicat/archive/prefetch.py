"""Prefetch objects while others are being decoded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property

from epicat.archive.objects import Source, StoredObject
from epicat.errors import ObjectError

__all__ = ["LARGEST_BYTES", "Prefetcher"]

LARGEST_BYTES = 2 * 10**9
"""Larger objects are not read: a day of all channels of a station has a tenth of this."""


class Prefetcher:
    """Reads objects in the announced order, at most ``width`` of them ahead.

    Objects that were fetched but not yet requested are included in ``width``, which bounds memory.
    Objects that were not announced are read on request.  Not safe for concurrent callers.
    """

    def __init__(self, source: Source, width: int) -> None:
        self._source = source
        self._width = width
        self._waiting: deque[StoredObject] = deque()
        self._coming: dict[StoredObject, Future[bytes]] = {}

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._width, thread_name_prefix="epicat-read")

    def prefetch(self, items: Iterable[StoredObject]) -> None:
        """Announce what will be read, in this order; replaces earlier announcements."""
        wanted = list(items) if self._width else []
        for item in self._coming.keys() - wanted:
            self._coming.pop(item).cancel()
        self._waiting = deque(item for item in wanted if item not in self._coming)
        self._fill()

    def _fill(self) -> None:
        while self._waiting and len(self._coming) < self._width:
            item = self._waiting.popleft()
            self._coming[item] = self._pool.submit(self._read, item)

    def read(self, item: StoredObject) -> bytes:
        """Read the bytes of an object; raise `ObjectError` if it cannot be read."""
        future = self._coming.pop(item, None)
        if future is None:
            if item in self._waiting:
                self._waiting.remove(item)
            return self._read(item)
        self._fill()
        return future.result()

    def _read(self, item: StoredObject) -> bytes:
        if item.size > LARGEST_BYTES:
            sizes = f"{item.size / 1e9:.1f} GB; the limit is {LARGEST_BYTES / 1e9:.0f} GB"
            raise ObjectError(item.key, f"too large: {sizes}")
        return self._source.read(item.key, item.size)
