"""Archives: find and read the objects that may hold a station's waveforms of a span."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Protocol

from epicat.archive.access import Access
from epicat.archive.fdsn import FdsnArchive, FdsnOptions, is_fdsn
from epicat.archive.layouts import LAYOUTS, Layout, choose_layout, newest
from epicat.archive.objects import LocalFolder, Source, StoredObject
from epicat.archive.prefetch import Prefetcher, Recent
from epicat.archive.registry import locate
from epicat.archive.s3 import AHEAD, Bucket, is_bucket
from epicat.errors import AccessError
from epicat.fs.retry import PATIENT
from epicat.model import Span

__all__ = ["Archive", "LayoutArchive", "check_access", "open_archive"]

_KEPT_LISTINGS = 16


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


class LayoutArchive:
    """An archive whose object names contain the station, the channel and the day."""

    def __init__(self, source: Source, layout: Layout, ahead: int = 0) -> None:
        self._source = source
        self._layout = layout
        self._listings: OrderedDict[str, list[StoredObject]] = OrderedDict()
        self._recent = Recent(Prefetcher(source, ahead))
        self.location = source.location

    def objects(self, network: str, station: str, span: Span) -> list[StoredObject]:
        """Objects named after the station and a day of the span, in the order of names.

        Of several versions of one object, the newest.
        """
        days = set(span.days())
        prefixes = {self._layout.prefix(network, station, day) for day in days}
        found = []
        for item in self._listed(sorted(prefixes)):
            entry = self._layout.parse(item.key.removesuffix(".gz"))
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

    def where(self, network: str, station: str, day: date) -> str:
        """Describe where a station-day is looked for, and give a name that the archive has."""
        example = self._source.example()
        holds = f"whose first object is {example!r}" if example else "which is empty"
        named = [name for name, layout in LAYOUTS.items() if example and layout.parse(example)]
        if named and self._layout not in (LAYOUTS[name] for name in named):
            holds += f", as layout {' or '.join(named)} names it"
        folder = self._layout.prefix(network, station, day)
        return f"{network}.{station} was looked for in {folder!r} of {self.location}, {holds}"


def open_archive(
    location: str,
    layout_name: str,
    access: Access | None = None,
    retries: int = PATIENT,
    *,
    fdsn: FdsnOptions | None = None,
    blank_network: str = "",
) -> Archive:
    """Open an archive; raise `ArchiveError` or `InputError` if that cannot be done.

    ``location`` is a folder, ``s3://BUCKET/PREFIX``, the name of a public archive, or that or the
    address of a data center as ``fdsn:NCEDC``; ``access`` and ``retries`` apply to buckets and data
    centers, ``fdsn`` to the latter.  With layout ``files`` the headers of all objects are read the
    first time, later those of new objects only; records with a blank network code belong to
    ``blank_network``.
    """
    if is_fdsn(location):
        return FdsnArchive(location, fdsn or FdsnOptions(), access or Access(), retries)
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

    return IndexedArchive(source, ahead, blank_network)


def check_access(archive: Archive, stations: Iterable[tuple[str, str]], span: Span) -> None:
    """List the objects of one station of each network; raise `ArchiveError` if all are refused.

    ``stations`` are network and station codes.  Archives may restrict some networks: if one folder
    can be listed, the run goes on and the ledger reports the others.
    """
    if isinstance(archive, FdsnArchive):
        archive.check()
        return
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
