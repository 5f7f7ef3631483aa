"""Import an existing catalog: events, arrivals and picks into the tables of a store."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa

from epicat._util.lists import list_some
from epicat.association.associate_options import AssociateOptions
from epicat.association.design import Design
from epicat.association.events import azimuthal_gap
from epicat.association.sites import SiteIndex
from epicat.campaign.pick_run import ImportedCatalog, ImportedRun
from epicat.campaign.resolve import resolve_design
from epicat.errors import InputError
from epicat.geo import Extent, Plane, distance_azimuth
from epicat.imports.events import EventFile, ReadEvent, read_events
from epicat.imports.raw import ReadingOptions
from epicat.ledger import BlockEntry, Stage, Status
from epicat.model import Arrival, Event, Span, Station, digest_of
from epicat.pipeline.plan import block_key
from epicat.pipeline.store_tasks.import_picks import save_picks
from epicat.store.base import Store, Where, mark_time, new_generation
from epicat.store.invocations import Invocation, record_invocation
from epicat.table_rows import arrivals_table, events_table, stations_of
from epicat.time import DAY_NS

__all__ = ["ImportedEvents", "catalog_design", "import_events"]

_SITE_RADIUS_M = 100.0
_MARGIN_DEG = 0.1


@dataclass(frozen=True, slots=True)
class ImportedEvents:
    """What an import of a catalog did."""

    run: ImportedRun
    """The run that the picks belong to."""
    catalog: ImportedCatalog
    """The design that the events belong to."""
    events: int
    """Events of the file."""
    arrivals: int
    """Arrivals of these events."""
    picks: int
    """Picks of the file, also those of no event."""
    is_new: bool
    """Whether anything was written; False if the store had all of it."""
    notes: tuple[str, ...] = ()
    """What was left out or assumed, for the user."""


def import_events(
    path: Path,
    store: Store,
    options: ReadingOptions | None = None,
    arrivals: Path | None = None,
) -> ImportedEvents:
    """Put the events of a file into a store, in the tables of associated events.

    Their picks make an imported run, and the events a catalog with a digest, by days.  Distances,
    azimuths, gap and the number of stations come from the store's stations; what these lack, and
    residuals, are NaN until the events are located.  The same file again changes nothing.  Raises
    `InputError` for a file that cannot be used.
    """
    found = read_events(path, options, arrivals)
    run = ImportedRun(
        imported=path.name,
        sha256=found.sha256,
        columns={"format": "events"},
        settings=dict(found.settings),
    )
    stations = options.stations if options else ()
    catalog = _catalog(path, found, run.digest, stations)
    new_picks = save_picks(path, found.picks, run, store)
    events, notes = _events(found, catalog, stations)
    new_events = _save_events(events, catalog, store)
    if new_picks or new_events:
        span = Span(found.events[0].time_ns, found.events[-1].time_ns + 1)
        record_invocation(
            store,
            Invocation(
                run=run.digest,
                associator=catalog.digest,
                archive=str(path.resolve()),
                span=span,
                versions={"epicat": version("epicat")},
            ),
        )
    n_arrivals = sum(len(event.arrivals) for event in events)
    return ImportedEvents(
        run, catalog, len(events), n_arrivals, len(found.picks), new_picks or new_events,
        (*found.notes, *notes),
    )  # fmt: skip


def catalog_design(store: Store, catalog: ImportedCatalog) -> Design:
    """Return the design by which the events of an imported catalog are located.

    It is that of an association with default options at the store's stations, in a box around
    them and the events.  Raises `InputError` if the store has no stations.
    """
    stations = stations_of(store.stations())
    if not stations:
        raise InputError(
            f"store {store.location!r} has no stations; `epicat stations import FILE` adds them"
        )
    events = store.read("events", Where(design=catalog.digest))
    positions = [position for station in stations for position in station.positions]
    extent = Extent.around(
        [*(p.latitude for p in positions), *events["latitude"].to_pylist()],
        [*(p.longitude for p in positions), *events["longitude"].to_pylist()],
        _MARGIN_DEG,
    )
    return resolve_design(AssociateOptions(), catalog.run, extent, stations)


def _catalog(
    path: Path, found: EventFile, run: str, stations: Sequence[Station]
) -> ImportedCatalog:
    latitude = float(np.median([event.latitude for event in found.events]))
    radians = np.radians([event.longitude for event in found.events])
    longitude = float(np.degrees(np.arctan2(np.sin(radians).mean(), np.cos(radians).mean())))
    positions = sorted((s.id, *(str(p) for p in s.positions)) for s in stations)
    return ImportedCatalog(
        run=run,
        imported=path.name,
        sha256=found.sha256,
        stations=digest_of(*positions) if positions else "",
        latitude=round(latitude, 4),
        longitude=round(longitude, 4),
        block_ns=DAY_NS,
    )


def _events(
    found: EventFile, catalog: ImportedCatalog, stations: Sequence[Station]
) -> tuple[list[Event], list[str]]:
    plane = Plane(catalog.latitude, catalog.longitude)
    index = SiteIndex.from_stations(stations, plane, _SITE_RADIUS_M)
    events: dict[str, Event] = {}
    unknown: dict[str, None] = {}
    for read in found.events:
        event = _event(read, catalog.run, plane, index)
        events.setdefault(event.id(catalog.digest), event)
        unknown.update({p.trace_id: None for p in read.picks if p.trace_id not in index})
    notes = []
    if len(events) < len(found.events):
        notes.append(f"{len(found.events) - len(events):,} events repeat another one: dropped")
    if unknown:
        names = list_some(list(unknown))
        notes.append(
            f"{len(unknown):,} stations of arrivals are not in the store's stations, so that "
            f"their distances are unknown (`epicat stations import`): {names}"
        )
    return list(events.values()), notes


def _event(read: ReadEvent, run: str, plane: Plane, index: SiteIndex) -> Event:
    x_km, y_km = (v.item() for v in plane.to_xy(read.latitude, read.longitude))
    sites = [index.site(pick.trace_id, pick.time_ns) for pick in read.picks]
    lat = [site.latitude if site else math.nan for site in sites]
    lon = [site.longitude if site else math.nan for site in sites]
    distances, azimuths = _geometry(read, lat, lon)
    names = {site.group if site else pick.trace_id.rpartition(".")[0]
             for site, pick in zip(sites, read.picks, strict=True)}  # fmt: skip
    known = [azimuth for azimuth in azimuths if not math.isnan(azimuth)]
    return Event(
        time_ns=read.time_ns,
        latitude=read.latitude,
        longitude=read.longitude,
        depth_km=read.depth_km,
        x_km=x_km,
        y_km=y_km,
        rms_s=math.nan,
        gap_deg=azimuthal_gap(known) if known else math.nan,
        dmin_km=min((d for d in distances if not math.isnan(d)), default=math.nan),
        n_stations=len(names),
        edge=False,
        arrivals=tuple(
            Arrival(pick.id(run), pick.trace_id, pick.phase, pick.time_ns, math.nan, distance,
                    azimuth)
            for pick, distance, azimuth in zip(read.picks, distances, azimuths, strict=True)
        ),
        magnitude=read.magnitude,
        magnitude_type=read.magnitude_type,
    )  # fmt: skip


def _geometry(
    read: ReadEvent, latitudes: Sequence[float], longitudes: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Return distances and azimuths from the epicentre; NaN where a position is."""
    if not latitudes:
        return [], []
    distances, azimuths = distance_azimuth(read.latitude, read.longitude, latitudes, longitudes)
    return distances.tolist(), azimuths.tolist()


def _save_events(events: Iterable[Event], catalog: ImportedCatalog, store: Store) -> bool:
    days: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        start = event.time_ns // DAY_NS * DAY_NS
        days[block_key(Span(start, start + DAY_NS))].append(event)
    design = catalog.digest
    tables = {key: events_table(days[key], design, key) for key in sorted(days)}
    results = {k: digest_of(*sorted(t["event_id"].to_pylist())) for k, t in tables.items()}
    known = store.ledger(Stage.ASSOCIATE, design)
    if {entry.key: entry.result for entry in known} == results:
        return False
    generation = new_generation()
    store.put_record("associator", design, catalog.model_dump(mode="json"))
    store.replace("events", pa.concat_tables(tables.values()), generation)
    arrivals = [arrivals_table(days[key], design, key) for key in sorted(days)]
    store.replace("arrivals", pa.concat_tables(arrivals), generation)
    marked_ns = mark_time(*known)
    store.mark(
        [
            BlockEntry(
                design=design,
                key=key,
                status=Status.DONE,
                generation=generation,
                marked_ns=marked_ns,
                result=results[key],
                n_picks_used=sum(len(event.arrivals) for event in days[key]),
                n_events=len(days[key]),
            )
            for key in sorted(days)
        ]
    )
    return True
