"""What the server reads of a store and keeps: months of events as Arrow, and details."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from epicat.campaign.recorded_access import recorded_access
from epicat.errors import InputError
from epicat.export.formats import FORMATS
from epicat.model import Span
from epicat.store.base import Where
from epicat.store.reviews import Review, record_reviews
from epicat.viewer.columns import ARRIVALS, EVENTS
from epicat.viewer.events import arrival_rows, associated_rows, station_magnitude_rows
from epicat.viewer.page_data import (
    PageData,
    PageOptions,
    arrow_stream,
    first_motions_of,
    json_bytes,
    land_around,
    page_config,
    view_of,
)
from epicat.viewer.provenance import provenance
from epicat.viewer.readings import residual_tables
from epicat.viewer.server.chosen import Chosen
from epicat.viewer.server.fdsn_event import parts_of
from epicat.viewer.server.months import SCHEMAS, Kind, Months
from epicat.viewer.server.sources import Sources
from epicat.viewer.server.waveforms import Reading, read_waveforms

if TYPE_CHECKING:
    from epicat.catalog.catalog import Catalog
    from epicat.plot.data import View
    from epicat.store.base import Store

__all__ = ["Session"]

_SECOND = 1_000_000_000
_MARGIN_NS = 600 * _SECOND


class Session:
    """The catalog that a server shows; methods may be called by several threads."""

    def __init__(
        self,
        catalog: Catalog,
        store: Store | None,
        options: PageOptions,
        folder: Path | None = None,
    ) -> None:
        """``folder`` keeps the months; None: one in the cache."""
        self.catalog = catalog
        self.options = options
        self._store = store
        self._months = Months(catalog, folder)
        self._lock = threading.Lock()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._kept: dict[str, bytes] = {}

    @property
    def can_review(self) -> bool:
        """Whether reviews can be written."""
        return self._store is not None

    def config(self) -> dict[str, Any]:
        """Return what the page is about."""
        months = self.months()
        ends = dict.fromkeys(month["name"] for month in (months[:1] + months[-1:]))
        days = " to ".join(ends) or "no events"
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
        counts = self._months.counts()
        return [{"name": name, "events": count} for name, count in counts.items()]

    def events(self, month: str) -> Path:
        """Return the file with the events of the blocks that begin in a month, an Arrow stream."""
        return self._months.file("events", month)

    def readings(self, kind: Kind, station: str) -> bytes:
        """Return the readings of a station, ``NET.STA``, as an Arrow stream; see `Kind`."""
        parts = [
            rows.filter(pc.equal(rows["station"].cast(pa.string()), station))
            for _, rows in self._months.tables(kind)
        ]
        found = pa.concat_tables(parts) if parts else SCHEMAS[kind].empty_table()
        return arrow_stream(found)

    def residuals(self, chosen: Chosen) -> bytes:
        """Return the spread of the residuals of the selected events as JSON, null without any."""
        states = self._review_states()

        def selected() -> Iterator[pa.Table]:
            for month, rows in self._months.tables("readings"):
                keep = chosen.rows(self._months.table("events", month), states)
                yield rows.filter(pa.array(keep[rows["event"].to_numpy()]))

        return json_bytes(residual_tables(selected()))

    def write_quakeml(self, chosen: Chosen, file: IO[str]) -> None:
        """Write the selected events with picks, arrivals and reviews as QuakeML."""
        states = self._review_states()
        ids = [
            events["event_id"].filter(pa.array(chosen.rows(events, states))).combine_chunks()
            for _, events in self._months.tables("events")
        ]
        wanted = pa.concat_arrays(ids) if ids else pa.array([], pa.string())
        catalog = self.catalog
        parts = parts_of(catalog.parts(with_rejected=True), wanted)
        FORMATS["quakeml"].write(parts, catalog.stations(), file)

    def _review_states(self) -> dict[str, str]:
        """Return ``accepted``, ``rejected`` or ``stale`` by event, as the page's filter has it."""
        return {
            found.event_id: "stale" if found.is_stale else found.review.status
            for found in self.catalog.reviews()
            if found.is_stale or found.review.status in ("accepted", "rejected")
        }

    def file(self, name: str) -> bytes:
        """Return a file of the page by name; raise `KeyError` if there is none."""
        make: dict[str, Callable[[], bytes]] = {
            "stations": lambda: json_bytes(self._page.stations),
            "basemap": lambda: json_bytes(land_around(self._view, self.options)),
            "station-days": lambda: arrow_stream(self._page.station_days),
            "confidence": lambda: json_bytes(self._page.confidence()),
            "travel-times": lambda: json_bytes(self._page.travel_times(self._view)),
            "provenance": lambda: json_bytes(provenance(self.catalog)),
            "responses": lambda: json_bytes(self._page.responses()),
        }
        function = make[name]
        with self._lock:
            lock = self._locks[name]
        with lock:
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
        motions = first_motions_of(self.catalog, picks, found)
        return arrow_stream(arrival_rows(event, found, picks, motions))

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
        return json_bytes(read_waveforms(self.catalog, readings, span, self._sources))

    @cached_property
    def _sources(self) -> Sources:
        """The archives of the waveforms."""
        return Sources(recorded_access(self.catalog.store, self.catalog.run))

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
