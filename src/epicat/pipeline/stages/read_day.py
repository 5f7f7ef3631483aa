"""Read the objects of a station-day: records by channel, and what is wrong with objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from epicat._util.threads import ahead
from epicat.archive.archive import Archive, LayoutArchive
from epicat.archive.header_index import IndexedArchive
from epicat.archive.objects import StoredObject
from epicat.campaign.campaign import Campaign
from epicat.errors import NoDataError, ObjectError
from epicat.ledger import ObjectRead
from epicat.model import Place, Span
from epicat.waveforms.records import Channel, Decoded, Records, decode
from epicat.waveforms.traces import Trace, merge

__all__ = ["DayRecords", "read_day", "where_looked"]


@dataclass(slots=True)
class DayRecords:
    """The content of the objects of a station-day."""

    channels: dict[Channel, list[Records]] = field(default_factory=lambda: defaultdict(list))
    """Records by channel."""
    objects: list[ObjectRead] = field(default_factory=list)
    """The objects, with what is wrong with each."""
    remarks: set[str] = field(default_factory=set)
    """What was ignored by design."""
    unread: bool = False
    """Whether data of the station exist, or may exist, that could not be read."""

    @property
    def errors(self) -> str:
        """Every object that could not be used in full."""
        return "; ".join(f"{o.key}: {o.reason}" for o in self.objects if o.reason)

    def take_traces(self, bridged_s: float) -> dict[Channel, list[Trace]]:
        """Return the traces of each channel; the records are freed one channel at a time."""
        return {
            channel: merge(self.channels.pop(channel), channel.rate, bridged_s)
            for channel in tuple(self.channels)
        }


def read_day(
    archive: Archive,
    items: Sequence[StoredObject],
    place: Place,
    span: Span,
    blank_network: str = "",
    threads: int = 1,
) -> DayRecords:
    """Read objects and decode the records of a place that overlap a span.

    Bad objects are reported in the result, never raised.  With several ``threads`` an object is
    decoded while the next ones are read.  Raises `AwayError` if the archive is unavailable.
    """
    read = DayRecords()
    archive.prefetch(items)
    decode_own = partial(
        decode,
        network=place.network,
        station=place.code,
        span=span,
        blank_network=blank_network,
        is_shared=isinstance(archive, IndexedArchive),
    )
    decoding = threads if threads == 1 else threads + 1  # so that no core waits for the last object
    for (item, etag), found in ahead(_tasks(archive, items, decode_own), decoding):
        read.objects.append(ObjectRead(item.key, etag, "; ".join(found.reasons)))
        read.remarks.update(found.remarks)
        read.unread |= found.is_undecodable or (bool(found.reasons) and not found.holds_station)
        for channel, records in found.channels.items():
            if place.has_location(channel.location):
                read.channels[channel].extend(records)
    return read


def where_looked(campaign: Campaign) -> str:
    """Describe where the first station-day of a campaign is looked for, if names say it."""
    from epicat.archive.header_index import IndexedArchive

    archive = campaign.open_archive()
    place = next(iter(campaign.places.values()), None)
    if place is None or not isinstance(archive, (LayoutArchive, IndexedArchive)):
        return ""
    return archive.where(place.network, place.code, next(iter(campaign.span.days())))


def _tasks(
    archive: Archive, items: Iterable[StoredObject], decode_own: Callable[[bytes], Decoded]
) -> Iterator[tuple[tuple[StoredObject, str], Callable[[], Decoded]]]:
    """Read objects in turn; return each with its ETag, empty if unread, and how to decode it."""
    for item in items:
        try:
            body = archive.read(item)
        except NoDataError:
            continue
        except ObjectError as error:
            yield (item, ""), partial(Decoded, reasons=[error.reason])
        else:
            yield (item, item.etag), partial(decode_own, body)
