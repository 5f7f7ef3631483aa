"""All that a page needs of a catalog, as named files of bytes: Arrow streams and JSON."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from epicat._version import __version__
from epicat.catalog.read import first_motions
from epicat.errors import InputError
from epicat.geo import Extent
from epicat.plot.data import Quakes, View, map_view, read_sites
from epicat.tables import PICKS
from epicat.viewer.basemap import basemap
from epicat.viewer.columns import ARRIVALS, EVENTS, in_planes
from epicat.viewer.events import (
    arrival_rows,
    associated_rows,
    pack_table,
    station_magnitude_rows,
)
from epicat.viewer.provenance import provenance
from epicat.viewer.readings import magnitude_reading_rows
from epicat.viewer.responses import responses_of
from epicat.viewer.station_days import confidence_by_month, station_day_rows, total_picks
from epicat.viewer.theory import model_of, travel_time_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from epicat.catalog.catalog import Catalog

__all__ = [
    "PageData",
    "PageOptions",
    "arrow_stream",
    "check_tiles",
    "first_motions_of",
    "json_bytes",
    "station_rows",
]

_MOST_PICKS = 5_000_000
"""More picks are not read for their confidence."""
_ANY_DEPTH = (-3.0, 60.0)
MOST_ARRIVALS = 50_000
"""Arrivals that a report has at most: about 1.2 MB."""


@dataclass(frozen=True, slots=True)
class PageOptions:
    """What the user chooses about a page."""

    title: str | None = None
    """Its title; None: the days of the events and the name of the store."""
    overlay: Sequence[dict[str, Any]] = ()
    """Lines on the map, from `epicat.viewer.basemap.read_overlay`."""
    tiles: str = ""
    """Address of map tiles with ``{z}``, ``{x}`` and ``{y}``; empty: none, and no request."""
    most_arrivals: int = MOST_ARRIVALS
    """Arrivals in a report; the events with the most stations have theirs."""


@dataclass(frozen=True)
class PageData:
    """The content of a page about one catalog; each part is read when it is first used."""

    catalog: Catalog
    """The catalog."""
    options: PageOptions = field(default_factory=PageOptions)
    """Choices of the user."""

    @cached_property
    def events(self) -> pa.Table:
        """The events, rows of `epicat.viewer.columns.EVENTS`."""
        return pack_table(self.catalog_events, EVENTS)

    @cached_property
    def catalog_events(self) -> pa.Table:
        """The events at their best places, rejected ones included."""
        return self.catalog.events(with_rejected=True)

    @cached_property
    def stations(self) -> list[dict[str, Any]]:
        """A row for each place of the store's stations."""
        return station_rows(self.catalog.stations())

    @cached_property
    def view(self) -> View:
        """The box of the map: events, stations and the campaign's extent."""
        return view_of(self.events, self.catalog.stations(), self.catalog.extent)

    def config(self, kind: str) -> dict[str, Any]:
        """Return what the page is about; ``kind`` is ``report`` or ``server``."""
        return {
            **page_config(self.catalog, kind, self.view, self.options.tiles),
            "title": self.options.title or _title(self.events, self.catalog.location),
            "n_events": self.events.num_rows,
        }

    def files(self) -> dict[str, bytes]:
        """Return all that a report has, by name."""
        return {
            "events": arrow_stream(in_planes(self.events)),
            "stations": json_bytes(self.stations),
            "basemap": json_bytes(self.land),
            "arrivals": arrow_stream(in_planes(self.arrivals)),
            "associated": arrow_stream(in_planes(self.associated())),
            "station-magnitudes": arrow_stream(in_planes(self.station_magnitudes())),
            "magnitude-readings": arrow_stream(in_planes(self.magnitude_readings())),
            "responses": json_bytes(self.responses()),
            "station-days": arrow_stream(in_planes(self.station_days)),
            "confidence": json_bytes(self.confidence()),
            "travel-times": json_bytes(self.travel_times()),
            "provenance": json_bytes(provenance(self.catalog)),
        }

    @cached_property
    def land(self) -> dict[str, Any]:
        """The land around the events, and the overlay."""
        return land_around(self.view, self.options)

    @cached_property
    def _chosen(self) -> pa.Table:
        """The events whose arrivals a report has."""
        return _with_arrivals(self.events, self.options.most_arrivals)

    @cached_property
    def arrivals(self) -> pa.Table:
        """Rows of `epicat.viewer.columns.ARRIVALS` for as many events as the limit allows.

        Events with the most stations come first, the newer ones among equals.
        """
        if not self._chosen.num_rows:
            return ARRIVALS.empty_table()
        found = _only(self.catalog.arrivals(with_rejected=True), self._chosen)
        motions = first_motions_of(self.catalog, self._picks, found)
        return arrival_rows(self.events, found, self._picks, motions)

    def associated(self) -> pa.Table:
        """Return rows of `epicat.viewer.columns.ASSOCIATED` for the events with arrivals."""
        rows = associated_rows(self.catalog_events)
        ids = self._chosen["event_id"].combine_chunks()
        numbers = pc.index_in(ids, value_set=self.events["event_id"].combine_chunks())
        return rows.filter(pc.is_in(rows["event"], value_set=numbers))

    def station_magnitudes(self) -> pa.Table:
        """Return rows of `STATION_MAGNITUDES` for the events with arrivals."""
        rows = self.catalog.station_magnitudes()
        return station_magnitude_rows(self.events, _only(rows, self._chosen))

    def magnitude_readings(self) -> pa.Table:
        """Return rows of `MAGNITUDE_READINGS` for the events with arrivals."""
        rows = _only(self.catalog.station_magnitudes(), self._chosen)
        return magnitude_reading_rows(self.catalog_events, rows)

    def responses(self) -> dict[str, Any]:
        """Return the responses of the stations that amplitudes were measured with."""
        return responses_of(self.catalog)

    @cached_property
    def station_days(self) -> pa.Table:
        """What became of each station-day, rows of `epicat.viewer.station_days.STATION_DAYS`."""
        return station_day_rows(self.catalog.coverage())

    @cached_property
    def _picks(self) -> pa.Table:
        """The picks; none where the ledger counts too many to read them all."""
        if total_picks(self.station_days) > _MOST_PICKS:
            return PICKS.empty_table()
        return self.catalog.picks()

    def confidence(self) -> dict[str, Any]:
        """Return the number of picks by trace, phase and bin of confidence."""
        if total_picks(self.station_days) > _MOST_PICKS:
            return {}
        return confidence_by_month(self.catalog.picks, self.station_days)

    def travel_times(self, view: View | None = None) -> dict[str, Any] | None:
        """Return travel times of the catalog's velocity model; None if the store has no model.

        They reach across ``view``, by default the box of the map.
        """
        catalog, view = self.catalog, view or self.view
        records = {**catalog.store.records("associator"), **catalog.store.records("location")}
        model = model_of(records, catalog.location_id, catalog.associator)
        if model is None:
            return None
        depths = _depths(records.get(catalog.location_id) or records.get(catalog.associator))
        heights = [row["elevation_m"] for row in self.stations if math.isfinite(row["elevation_m"])]
        elevation = sum(heights) / len(heights) / 1000 if heights else 0.0
        farthest = min(math.hypot(view.width_km, view.height_km), 2000.0)
        return travel_time_table(model, farthest, depths, elevation)


def first_motions_of(catalog: Catalog, picks: pa.Table, arrivals: pa.Table) -> Mapping[str, int]:
    """Return the first motions of the picks of some arrivals; empty if none were measured."""
    if not catalog.amplitude_id:
        return {}
    own = pc.is_in(picks["pick_id"], value_set=arrivals["pick_id"].combine_chunks())
    return first_motions(catalog.store, catalog.amplitude_id, picks.filter(own))


def _depths(record: dict[str, Any] | None) -> tuple[float, float]:
    """Return the depths of the search box of a location or an association in km."""
    low, high = (record or {}).get("z_km") or _ANY_DEPTH
    return float(low), float(high)


def page_config(catalog: Catalog, kind: str, view: View, tiles: str) -> dict[str, Any]:
    """Return what the page is about, apart from its title and the number of events."""
    return {
        "kind": kind,
        "location": catalog.location,
        "run": catalog.run,
        "associator": catalog.associator,
        "location_id": catalog.location_id,
        "version": __version__,
        "created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "view": [view.west, view.south, view.east, view.north],
        "extent": _box(catalog.extent),
        "tiles": tiles,
    }


def land_around(view: View, options: PageOptions) -> dict[str, Any]:
    """Return the land around the events, and the overlay."""
    return {**basemap(view), "overlay": list(options.overlay)}


def _only(rows: pa.Table, events: pa.Table) -> pa.Table:
    ids = events["event_id"].combine_chunks()
    return rows.filter(pc.is_in(rows["event_id"], value_set=ids))


def _with_arrivals(events: pa.Table, most: int) -> pa.Table:
    """Return the events whose arrivals a report has."""
    order = pc.sort_indices(events, [("n_stations", "descending"), ("time", "descending")])
    sorted_events = events.take(order)
    counts = pc.add(
        pc.fill_null(sorted_events["n_p"].cast(pa.int64()), 0),
        pc.fill_null(sorted_events["n_s"].cast(pa.int64()), 0),
    )
    return sorted_events.filter(pc.less_equal(pc.cumulative_sum(counts), most))


def view_of(events: pa.Table, stations: pa.Table, extent: Extent | None) -> View:
    """Return the box of the map for rows of the page's events."""
    latitude, longitude = (events[name].to_numpy() * 1e-5 for name in ("latitude", "longitude"))
    time_ns = events["time"].cast(pa.int64()).to_numpy()
    quakes = Quakes.from_epicenters(time_ns, latitude, longitude)
    return map_view(quakes, read_sites(stations), extent)


def station_rows(stations: pa.Table) -> list[dict[str, Any]]:
    """Return name, position and channels of each place; ``ids`` are its ``NET.STA.LOC``."""
    found: dict[str, dict[str, Any]] = {}
    names = ("id", "network_code", "station_code", "station", "latitude", "longitude",
             "elevation", "channels")  # fmt: skip
    for row in stations.select(names).to_pylist():
        name = row["station"] or f"{row['network_code']}.{row['station_code']}"
        known = found.setdefault(name, {
            "name": name,
            "ids": [],
            "latitude": row["latitude"],
            "longitude": row["longitude"],
            "elevation_m": row["elevation"],
            "channels": "",
        })  # fmt: skip
        known["ids"].append(row["id"])
        channels = {*known["channels"].split(), *row["channels"].replace(",", " ").split()}
        known["channels"] = " ".join(sorted(channels))
    return [found[name] for name in sorted(found)]


def _title(events: pa.Table, location: str) -> str:
    """Return the days of the events and the name of the store."""
    name = location.rstrip("/").rpartition("/")[2]
    if not events.num_rows:
        return f"Earthquake catalog {name}"
    first, last = (f"{events['time'][at].as_py():%Y-%m-%d}" for at in (0, -1))
    return f"Earthquakes of {first if first == last else f'{first} to {last}'}: {name}"


def check_tiles(address: str) -> str:
    """Return the address of map tiles; raise `InputError` if it is not one."""
    parts = ("{z}", "{x}", "{y}")
    if address and not (
        re.fullmatch(r"https?://[\w.:-]+/[^\s\"'<>;,]*", address)
        and all(p in address for p in parts)
    ):
        raise InputError(
            f"{address!r} is not an address of map tiles: it must look like "
            "https://tiles.example.org/{z}/{x}/{y}.png"
        )
    return address


def _box(extent: Extent | None) -> list[float] | None:
    if extent is None:
        return None
    width = extent.width_deg or 360.0
    return [extent.west, extent.south, extent.west + width, extent.north]


def arrow_stream(table: pa.Table) -> bytes:
    """Return a table as one record batch of an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        for batch in table.unify_dictionaries().combine_chunks().to_batches():
            writer.write_batch(batch)
    return bytes(sink.getvalue())


def json_bytes(value: Any) -> bytes:
    """Return JSON without blanks; numbers that are not finite are null."""
    return json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":")).encode()


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return value
