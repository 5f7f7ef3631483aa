"""Archives: find and read the objects that may hold a station's waveforms of a span."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from epicat.archive.access import Access
from epicat.archive.layouts import Layout, choose_layout, newest
from epicat.archive.objects import LocalFolder, Source, StoredObject
from epicat.archive.prefetch import Prefetcher
from epicat.archive.registry import locate
from epicat.archive.s3 import AHEAD, Bucket, is_bucket
from epicat.errors import AccessError
from epicat.fs.retry import PATIENT
from epicat.model import Span

__all__ = ["Archive", "LayoutArchive", "check_access", "open_archive"]

_KEPT_LISTINGS = 16
_KEPT_BYTES = 128 * 2**20


class Archive(Protocol):
    """What the pipeline needs of an archive.

    Examples
    --------
    >>> import epicat as ec
    >>> archive = ec.open_archive("waveforms", "sds")
    >>> archive.location.endswith("waveforms")
    True

    """

    location: str

    def objects(self, network: str, station: str, span: Span) -> list[StoredObject]:
        """Objects that may hold waveforms of the station in the span, in the order of names."""
        ...

    def prefetch(self, items: Iterable[StoredObject]) -> None:
        """Announce what will be read next, in this order, so that it can be fetched early."""
        ...

    def read(self, item: StoredObject) -> bytes:
        """Read the bytes of an object; raise `ObjectError` if it cannot be read."""
        ...

    def unreadable(self) -> dict[str, str]:
        """Objects that belong to no station because they cannot be read, with the reason."""
        ...


class _Recent:
    """Cache of recently read objects: adjacent days share some."""

    def __init__(self, source: Prefetcher) -> None:
        self._source = source
        self._kept: OrderedDict[StoredObject, bytes] = OrderedDict()
        self._size = 0

    def prefetch(self, items: Iterable[StoredObject]) -> None:
        items = list(items)
        for item in self._kept.keys() - items:
            self._size -= len(self._kept.pop(item))
        self._source.prefetch(item for item in items if item not in self._kept)

    def read(self, item: StoredObject) -> bytes:
        if item in self._kept:
            self._kept.move_to_end(item)
            return self._kept[item]
        body = self._source.read(item)
        self._kept[item] = body
        self._size += len(body)
        while self._size > _KEPT_BYTES:
            self._size -= len(self._kept.popitem(last=False)[1])
        return body


class LayoutArchive:
    """An archive whose object names contain the station, the channel and the day."""

    def __init__(self, source: Source, layout: Layout, ahead: int = 0) -> None:
        self._source = source
        self._layout = layout
        self._listings: OrderedDict[str, list[StoredObject]] = OrderedDict()
        self._recent = _Recent(Prefetcher(source, ahead))
        self.location = source.location

    def objects(self, network: str, station: str, span: Span) -> list[StoredObject]:
        """Objects named after the station and a day of the span, in the order of names.

        Of several versions of one object, the newest.
        """
        days = set(span.days())
        prefixes = {self._layout.prefix(network, station, day) for day in days}
        found = []
        for item in self._listed(sorted(prefixes)):
            entry = self._layout.parse(item.key)
            if entry and (entry.network, entry.station) == (network, station) and entry.day in days:
                found.append((entry, item))
        return sorted(newest(found))

    def _listed(self, prefixes: Iterable[str]) -> Iterable[StoredObject]:
        for prefix in prefixes:
            if prefix not in self._listings:
                self._listings[prefix] = list(self._source.list(prefix))
                if len(self._listings) > _KEPT_LISTINGS:
                    self._listings.popitem(last=False)
            yield from self._listings[prefix]

    def prefetch(self, items: Iterable[StoredObject]) -> None:
        """Announce what will be read next, in this order."""
        self._recent.prefetch(items)

    def read(self, item: StoredObject) -> bytes:
        """Read the bytes of an object; raise `ObjectError` if it cannot be read."""
        return self._recent.read(item)

    def unreadable(self) -> dict[str, str]:
        """Nothing: every object name contains a station."""
        return {}


def open_archive(
    location: str, layout_name: str, access: Access | None = None, retries: int = PATIENT
) -> Archive:
    """Open an archive; raise `ArchiveError` or `InputError` if that cannot be done.

    ``location`` is a folder, ``s3://BUCKET/PREFIX`` or the name of a public archive; ``access``
    and ``retries`` apply to buckets.  With layout ``files`` the headers of all objects are read
    the first time, later those of new objects only.
    """
    layout = choose_layout(layout_name)
    location = locate(location)
    source: Source
    if is_bucket(location):
        source, ahead = Bucket(location, access or Access(), retries), AHEAD
    else:
        source, ahead = LocalFolder(Path(location)), 0
    if layout is not None:
        return LayoutArchive(source, layout, ahead)
    from epicat.archive.header_index import IndexedArchive

    return IndexedArchive(source, ahead)


def check_access(archive: Archive, stations: Iterable[tuple[str, str]], span: Span) -> None:
    """List the objects of one station of each network; raise `ArchiveError` if all are refused.

    ``stations`` are network and station codes.  Archives may restrict some networks: if one folder
    can be listed, the run goes on and the ledger reports the others.
    """
    refused = None
    for network, station in dict(sorted(stations, reverse=True)).items():
        try:
            archive.objects(network, station, span)
        except AccessError as error:
            refused = refused or error
        else:
            return
    if refused:
        raise refused
