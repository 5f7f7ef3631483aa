"""What the server reads of a store and keeps: months of events as Arrow, and details."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from epicat.errors import InputError
from epicat.model import Span
from epicat.store.base import Where, block_entries, locate_entries
from epicat.store.reviews import Review, record_reviews
from epicat.time import parse_time
from epicat.viewer.columns import ARRIVALS, EVENTS
from epicat.viewer.events import (
    arrival_rows,
    associated_rows,
    pack_table,
    station_magnitude_rows,
)
from epicat.viewer.page_data import (
    PageData,
    PageOptions,
    arrow_stream,
    json_bytes,
    land_around,
    page_config,
    view_of,
)
from epicat.viewer.provenance import provenance
from epicat.viewer.server.waveforms import Reading, read_waveforms

if TYPE_CHECKING:
    from epicat.catalog.catalog import Catalog
    from epicat.plot.data import View
    from epicat.store.base import Store

__all__ = ["Session"]

_SECOND = 1_000_000_000
_MARGIN_NS = 600 * _SECOND


_LEDGER_S = 5.0


@dataclass(slots=True)
class _Month:
    """What the ledger has of a month: it changes when a block is done again."""

    events: int = 0
    entries: int = 0
    marked_ns: int = 0

    def add(self, marked_ns: int, events: int) -> None:
        self.events += events
        self.entries += 1
        self.marked_ns = max(self.marked_ns, marked_ns)


class Session:
    """The catalog that a server shows; methods may be called by several threads."""

    def __init__(self, catalog: Catalog, store: Store | None, options: PageOptions) -> None:
        self.catalog = catalog
        self.options = options
        self._store = store
        self._lock = threading.RLock()
        self._months: dict[str, tuple[str, bytes]] = {}
        self._kept: dict[str, bytes] = {}
        self._known: dict[str, _Month] = {}
        self._read_at = -math.inf

    @property
    def can_review(self) -> bool:
        """Whether reviews can be written."""
        return self._store is not None

    def config(self) -> dict[str, Any]:
        """Return what the page is about."""
        months = self.months()
        days = f"{months[0]['name']} to {months[-1]['name']}" if months else "no events"
        name = self.catalog.location.rstrip("/").rpartition("/")[2]
        return {
            **page_config(self.catalog, "server", self._view, self.options.tiles),
            "title": self.options.title or f"Earthquakes of {days}: {name}",
            "n_events": sum(month["events"] for month in months),
            "can_review": self.can_review,
        }

    @cached_property
    def _view(self) -> View:
        """The box of the map: the campaign's extent and the stations, else the events."""
        stations, extent = self.catalog.stations(), self.catalog.extent
        if extent is None and not stations.num_rows:
            return self._page.view
        return view_of(EVENTS.empty_table(), stations, extent)

    @cached_property
    def _page(self) -> PageData:
        """The page without the events, which the browser reads by month."""
        return PageData(self.catalog, self.options)

    def months(self) -> list[dict[str, Any]]:
        """Return the months with events, with their number of events, in the order of time."""
        known = self._ledger_months()
        return [{"name": name, "events": known[name].events} for name in sorted(known)]

    def _ledger_months(self) -> dict[str, _Month]:
        """Return the months with events; the ledger is read every few seconds at most."""
        with self._lock:
            now = time.monotonic()
            if now - self._read_at > _LEDGER_S:
                self._known = self._count_months()
                self._read_at = now
            return self._known

    def _count_months(self) -> dict[str, _Month]:
        store, catalog = self.catalog.store, self.catalog
        found: dict[str, _Month] = {}
        for block in block_entries(store, catalog.associator):
            if block.n_events:
                found.setdefault(block.key[:7], _Month()).add(block.marked_ns, block.n_events)
        for located in locate_entries(store, catalog.location_id) if catalog.location_id else ():
            if located.key[:7] in found:
                found[located.key[:7]].add(located.marked_ns, 0)
        return found

    def events(self, month: str) -> bytes:
        """Return the events of the blocks that begin in a month, as an Arrow stream.

        A month is read again when its part of the ledger has changed.
        """
        span = month_span(month)
        known = self._ledger_months().get(month, _Month())
        state = f"{known.entries}/{known.marked_ns}"
        with self._lock:
            kept = self._months.get(month)
            if kept is None or kept[0] != state:
                content = arrow_stream(pack_table(self._read(span), EVENTS))
                self._months[month] = kept = (state, content)
        return kept[1]

    def _read(self, span: Span) -> pa.Table:
        """Return the events whose association time lies in a span, at their best places."""
        events = self.catalog.events(span.widened(_MARGIN_NS), with_rejected=True)
        times = events["associated_time"].cast(pa.int64())
        inside = pc.and_(pc.greater_equal(times, span.start_ns), pc.less(times, span.end_ns))
        return events.filter(inside)

    def file(self, name: str) -> bytes:
        """Return a file of the page by name; raise `KeyError` if there is none."""
        make: dict[str, Callable[[], bytes]] = {
            "stations": lambda: json_bytes(self._page.stations),
            "basemap": lambda: json_bytes(land_around(self._view, self.options)),
            "station-days": lambda: arrow_stream(self._page.station_days),
            "confidence": lambda: json_bytes(self._page.confidence()),
            "travel-times": lambda: json_bytes(self._page.travel_times(self._view)),
            "provenance": lambda: json_bytes(provenance(self.catalog)),
        }
        function = make[name]
        with self._lock:
            if name not in self._kept:
                self._kept[name] = function()
            return self._kept[name]

    def event(self, event_id: str, time_ns: int) -> pa.Table:
        """Return the event, searched around a time, as a table of one row or none."""
        near = Span(time_ns - _MARGIN_NS, time_ns + _MARGIN_NS)
        events = self.catalog.events(near, with_rejected=True)
        return events.filter(pc.equal(events["event_id"], event_id))

    def arrivals(self, event_id: str, time_ns: int) -> bytes:
        """Return the arrivals of an event as an Arrow stream of `ARRIVALS`."""
        near = Span(time_ns - _MARGIN_NS, time_ns + _MARGIN_NS)
        event = self.event(event_id, time_ns)
        found = self.catalog.arrivals(near, with_rejected=True)
        found = found.filter(pc.equal(found["event_id"], event_id))
        if not found.num_rows or not event.num_rows:
            return arrow_stream(ARRIVALS.empty_table())
        times = pc.min_max(found["time"].cast(pa.int64())).as_py()
        span = Span(times["min"], times["max"] + 1)
        picks = self.catalog.store.read("picks", Where(design=self.catalog.run, span=span))
        return arrow_stream(arrival_rows(event, found, picks))

    def associated(self, event_id: str, time_ns: int) -> bytes:
        """Return the place of the association, rows of `epicat.viewer.columns.ASSOCIATED`."""
        return arrow_stream(associated_rows(self.event(event_id, time_ns)))

    def station_magnitudes(self, event_id: str, time_ns: int) -> bytes:
        """Return the station magnitudes of an event, rows of `STATION_MAGNITUDES`."""
        near = Span(time_ns - _MARGIN_NS, time_ns + _MARGIN_NS)
        found = self.catalog.station_magnitudes(span=near)
        return arrow_stream(station_magnitude_rows(self.event(event_id, time_ns), found))

    def waveforms(self, event_id: str, time_ns: int) -> bytes:
        """Return the waveforms of the record section of an event."""
        near = Span(time_ns - _MARGIN_NS, time_ns + _MARGIN_NS)
        found = self.catalog.arrivals(near, with_rejected=True)
        found = found.filter(pc.equal(found["event_id"], event_id))
        event = self.event(event_id, time_ns)
        if not found.num_rows or not event.num_rows:
            return json_bytes({"traces": [], "notes": []})
        origin = event["time"].cast(pa.int64())[0].as_py()
        last = pc.max(found["time"].cast(pa.int64())).as_py()
        span = Span(origin - 3 * _SECOND, last + max((last - origin) // 5, 5 * _SECOND))
        distances = {
            ".".join(trace.split(".")[:2]): distance
            for trace, distance in zip(
                found["trace_id"].to_pylist(), found["distance_km"].to_pylist(), strict=True
            )
        }
        readings = [Reading(station, distance) for station, distance in distances.items()]
        return json_bytes(read_waveforms(self.catalog, readings, span))

    def reviews(self) -> bytes:
        """Return the reviews of the catalog's events."""
        return json_bytes([
            {
                "event_id": found.event_id,
                "status": found.review.status,
                "by": found.review.by,
                "comment": found.review.comment,
                "stale": found.is_stale,
                "time": found.review.reviewed_ns / _SECOND,
            }
            for found in self.catalog.reviews()
        ])  # fmt: skip

    def review(self, batch: Any) -> None:
        """Record reviews that the page sent; raise `InputError` if they are not valid."""
        if self._store is None:
            raise InputError("the store cannot be written, so that there is no review")
        if not isinstance(batch, list) or not 1 <= len(batch) <= 1000:
            raise InputError("reviews must be a list of 1 to 1,000")
        record_reviews(self._store, [self._reviewed(item) for item in batch])

    def _reviewed(self, item: Any) -> Review:
        if not isinstance(item, dict) or not isinstance(item.get("time"), (int, float)):
            raise InputError("a review needs an event, a time, a status and a name")
        texts = {name: str(item.get(name, "")) for name in ("event_id", "status", "by", "comment")}
        event = self.event(texts["event_id"], int(item["time"] * 1e9))
        if not event.num_rows:
            raise InputError(f"the catalog has no event {texts['event_id']!r} at that time")
        row = event.to_pylist()[0]
        return Review(
            texts["event_id"],
            texts["status"],
            texts["by"],
            texts["comment"],
            associator=self.catalog.associator,
            time_ns=event["time"].cast(pa.int64())[0].as_py(),
            latitude=row["latitude"],
            longitude=row["longitude"],
        )


def month_span(name: str) -> Span:
    """Return the span of a month, ``2019-07``; raise `InputError` for anything else."""
    try:
        first = datetime.strptime(name, "%Y-%m").replace(tzinfo=UTC)
    except ValueError as error:
        raise InputError(f"{name!r} is not a month, such as 2019-07") from error
    after = f"{first.year + first.month // 12}-{first.month % 12 + 1:02d}-01"
    return Span(parse_time(f"{first:%Y-%m}-01"), parse_time(after))
