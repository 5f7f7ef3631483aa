"""Where a record section is read from: parts of objects, or one request to a data center."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from epicat.archive.access import Access
from epicat.archive.dataselect import Dataselect, TooLargeError
from epicat.archive.fdsn import dataselect_address
from epicat.archive.objects import LocalFolder
from epicat.archive.registry import locate
from epicat.archive.s3 import Bucket, is_bucket
from epicat.campaign.recorded_access import access_of
from epicat.errors import EpicatError
from epicat.fs.retry import Patience
from epicat.ledger import StationDayEntry
from epicat.model import Span, StationDay
from epicat.time import iso
from epicat.viewer.server.record_ranges import Ranges

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Sources"]

_LIMIT_S: Final = 15.0
"""Longest wait for a free place among requests to a data center, and then for its answer."""
_STALL_S: Final = 10.0
_LARGEST_ANSWER: Final = 20_000_000
"""Most bytes that a data center may send for an event."""
_PICKED = re.compile(r"\.(\w\w)\[(\w+)")
_VERTICALS: Final = tuple(f"{band}HZ" for band in "HEBSC")


class Sources:
    """Archives by location, opened once; they are accessed as on record.

    Buckets without a record are accessed as the environment says.
    """

    def __init__(self, access: Mapping[str, Access] | None = None) -> None:
        self._access = dict(access or {})
        self._opened: dict[str, Ranges] = {}

    def of(self, location: str) -> Ranges:
        """Return an archive of objects, a folder or a bucket."""
        if location not in self._opened:
            self._opened[location] = self.opened(location)
        return self._opened[location]

    def opened(self, location: str) -> Ranges:
        """Open an archive of objects."""
        place = locate(location)
        if not is_bucket(place):
            return LocalFolder(Path(place))
        return Bucket(place, access_of(self._access, location), 1)

    def fetch(self, location: str, entries: Iterable[StationDayEntry], span: Span) -> bytes:
        """Request a span of one component of all stations from a data center.

        Raises `EpicatError` if it does not answer within 15 seconds or refuses.
        """
        usual = Patience.from_environment(0)
        patience = replace(usual, total_s=_LIMIT_S, stall_s=min(usual.stall_s, _STALL_S))
        service = Dataselect(
            dataselect_address(location),
            patience,
            signed=self._access.get(location, Access()).signed,
            limit_s=_LIMIT_S,
            largest=_LARGEST_ANSWER,
        )
        try:
            return service.fetch(location, _query(entries, span))
        except TooLargeError as error:
            raise EpicatError(
                f"{location}: the event is too large for a request: {error}"
            ) from error


def _query(entries: Iterable[StationDayEntry], span: Span) -> dict[str, str]:
    """Return the parameters of a request for the components that were picked at stations."""
    networks, stations, channels = set(), set(), set()
    for entry in entries:
        network, station = StationDay.parse(entry.key).station.split(".")[:2]
        networks.add(network)
        stations.add(station)
        picked = _PICKED.findall(entry.channels)
        channels |= {band + ("Z" if "Z" in codes else codes[0]) for band, codes in picked}
    return {
        "net": ",".join(sorted(networks)),
        "sta": ",".join(sorted(stations)),
        "loc": "*",
        "cha": ",".join(sorted(channels) or _VERTICALS),
        "start": iso(span.start_ns).removesuffix("Z"),
        "end": iso(span.end_ns).removesuffix("Z"),
    }
