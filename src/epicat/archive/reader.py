"""Archives: which objects may hold a station's waveforms of a span, and their bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from epicat.archive.layouts import Layout, choose_layout
from epicat.archive.source import LocalFolder, Source, StoredObject
from epicat.model import Span

__all__ = ["Archive", "LayoutArchive", "open_archive"]

_KEPT_LISTINGS = 16
_KEPT_BYTES = 256 * 2**20


class Archive(Protocol):
    """What the pipeline asks of an archive."""

    location: str

    def objects(self, network: str, station: str, span: Span) -> list[StoredObject]:
        """Objects that may hold waveforms of the station in the span, in the order of names."""
        ...

    def read(self, item: StoredObject) -> bytes:
        """Read the bytes of an object; raise `ObjectError` if it cannot be read."""
        ...

    def unreadable(self) -> dict[str, str]:
        """Objects that belong to no station because they cannot be read, with the reason."""
        ...


class _Recent:
    """The objects read last, so that neighbouring days do not read them again."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._kept: OrderedDict[StoredObject, bytes] = OrderedDict()
        self._size = 0

    def read(self, item: StoredObject) -> bytes:
        if item in self._kept:
            self._kept.move_to_end(item)
            return self._kept[item]
        body = self._source.read(item.key)
        self._kept[item] = body
        self._size += len(body)
        while self._size > _KEPT_BYTES:
            self._size -= len(self._kept.popitem(last=False)[1])
        return body


class LayoutArchive:
    """An archive whose names tell the station, the channel and the day."""

    def __init__(self, source: Source, layout: Layout) -> None:
        self._source = source
        self._layout = layout
        self._listings: OrderedDict[str, list[StoredObject]] = OrderedDict()
        self._recent = _Recent(source)
        self.location = source.location

    def objects(self, network: str, station: str, span: Span) -> list[StoredObject]:
        """Objects filed under the station and a day of the span, in the order of names."""
        days = set(span.days())
        prefixes = {self._layout.prefix(network, station, day) for day in days}
        found = []
        for item in self._listed(sorted(prefixes)):
            entry = self._layout.parse(item.key)
            if entry and (entry.network, entry.station) == (network, station) and entry.day in days:
                found.append(item)
        return sorted(found)

    def _listed(self, prefixes: Iterable[str]) -> Iterable[StoredObject]:
        for prefix in prefixes:
            if prefix not in self._listings:
                self._listings[prefix] = list(self._source.list(prefix))
                if len(self._listings) > _KEPT_LISTINGS:
                    self._listings.popitem(last=False)
            yield from self._listings[prefix]

    def read(self, item: StoredObject) -> bytes:
        """Read the bytes of an object; raise `ObjectError` if it cannot be read."""
        return self._recent.read(item)

    def unreadable(self) -> dict[str, str]:
        """Nothing: every object has a station by its name."""
        return {}


def open_archive(location: str, layout_name: str) -> Archive:
    """Open an archive; raise `ArchiveError` or `InputError` if that cannot be done.

    For layout ``files`` every object's headers are read once; later opens read the new ones only.
    """
    layout = choose_layout(layout_name)
    source = LocalFolder(Path(location))
    if layout is not None:
        return LayoutArchive(source, layout)
    from epicat.archive.files import FilesArchive  # noqa: PLC0415 - reads miniSEED, others do not

    return FilesArchive(source)
