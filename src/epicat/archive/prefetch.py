"""Prefetch objects while others are being decoded."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property

from epicat.archive.objects import Source, StoredObject
from epicat.errors import ObjectError

__all__ = ["LARGEST_BYTES", "Prefetcher", "Recent"]

_KEPT_BYTES = 128 * 2**20

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


class Recent:
    """Cache of recently read objects: adjacent days share some."""

    def __init__(self, source: Prefetcher) -> None:
        self._source = source
        self._kept: OrderedDict[StoredObject, bytes] = OrderedDict()
        self._size = 0

    def prefetch(self, items: Iterable[StoredObject]) -> None:
        """Announce what will be read next; anything else is dropped from the cache."""
        items = list(items)
        for item in self._kept.keys() - items:
            self._size -= len(self._kept.pop(item))
        self._source.prefetch(item for item in items if item not in self._kept)

    def read(self, item: StoredObject) -> bytes:
        """Read the bytes of an object; raise `ObjectError` if it cannot be read."""
        if item in self._kept:
            self._kept.move_to_end(item)
            return self._kept[item]
        body = self._source.read(item)
        self._kept[item] = body
        self._size += len(body)
        while self._size > _KEPT_BYTES:
            self._size -= len(self._kept.popitem(last=False)[1])
        return body
