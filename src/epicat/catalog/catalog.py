"""A catalog: the results of one run and one associator in a store, to read, query and export."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property, partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from epicat._util.files import atomic_file
from epicat.catalog.coverage import complete_ledger
from epicat.catalog.quality import of_quality, parts_of_quality
from epicat.catalog.read import PartDesigns, catalog_parts
from epicat.catalog.reviews import EventReview, matched_reviews, only_accepted, reviewed_parts
from epicat.catalog.selection import Selection, select_results
from epicat.errors import InputError, NameChoiceError
from epicat.frequency_magnitude import FrequencyMagnitude, frequency_magnitude
from epicat.geo import Extent
from epicat.ledger import LedgerEntry, StationDayEntry
from epicat.located import (
    BEST_EVENT_COLUMNS,
    arrivals_at_best_places,
    events_at_best_places,
    events_with_magnitudes,
)
from epicat.model import Span, StationDay
from epicat.stations import Patterns
from epicat.store.base import ReadableStore, Where, block_entries
from epicat.store.locations import StoredLocation, choose_location, stored_locations
from epicat.store.magnitudes import (
    StoredMagnitudes,
    choose_magnitudes,
    newest_amplitudes,
    stored_magnitudes,
)
from epicat.store.open import open_readable
from epicat.store.reviews import latest_reviews
from epicat.store.terms import station_terms, stored_terms
from epicat.table_rows import accepted, ledger_table
from epicat.tables import SCHEMAS, TableName
from epicat.time import SECOND_NS, iso

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from epicat.export.quakes import Part

__all__ = ["Catalog", "format_of", "open_catalog"]

SUFFIXES = {
    ".csv": "csv",
    ".dat": "hypodd",
    ".hyp": "nonlinloc-hyp",
    ".json": "json",
    ".jsonl": "json",
    ".obs": "nonlinloc",
    ".parquet": "parquet",
    ".quakeml": "quakeml",
    ".txt": "fdsn-text",
    ".xml": "quakeml",
}
"""The format that `Catalog.export` writes by the suffix of a file."""

_CODES = ("network_code", "station_code")
_MOVED_NS = 600 * SECOND_NS
"""More than a location moves an origin time."""

COVERAGE = pa.schema(
    [
        ("station", pa.string()),
        ("day", pa.date32()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("picks", pa.int64()),
        ("samples", pa.int64()),
        ("gaps", pa.int64()),
    ]
)
"""The columns of `Catalog.coverage`."""


class Catalog:
    """The picks of one run and the events of one associator, at the places of one location.

    Tables are Arrow tables, times aware UTC with nanoseconds; `to_pandas` makes data frames of
    them.  Nothing is kept in memory: each call reads what the store has then, so that a catalog
    may be looked at while it is being made.  Every method raises `StoreError` if the store cannot
    be read.

    Examples
    --------
    >>> import epicat as ec
    >>> catalog = ec.open_catalog("catalog")
    >>> catalog.events().num_rows > 0
    True

    """

    def __init__(
        self,
        store: ReadableStore,
        selection: Selection,
        location: str | None = None,
        magnitudes: str | None = None,
    ) -> None:
        """``location`` and ``magnitudes`` are digests; None: the preferred ones."""
        self._store = store
        self._selection = selection
        self._location = location
        self._magnitudes = magnitudes

    def __repr__(self) -> str:
        return f"<catalog {self.name or 'without results'} in {self.location}>"

    @property
    def location(self) -> str:
        """The store, without any secret."""
        return self._store.location

    @property
    def store(self) -> ReadableStore:
        """The store."""
        return self._store

    @property
    def selection(self) -> Selection:
        """Which results of the store these are, and how many others it has."""
        return self._selection

    @property
    def name(self) -> str:
        """Name of the catalog in its store: the given one, or model, weights and thresholds.

        Examples
        --------
        >>> import epicat as ec
        >>> ec.open_catalog("catalog").name
        'PhaseNet-epicat-mini-0.42-0.44'

        """
        return self._selection.name

    @property
    def run(self) -> str:
        """Digest of the run that made the picks; empty if the store has none."""
        return self._selection.run or ""

    @property
    def associator(self) -> str:
        """Digest of the associator that made the events; empty if the store has none."""
        return self._selection.associator or ""

    @cached_property
    def extent(self) -> Extent | None:
        """The extent of the campaign; None if the store has none."""
        return Extent.parse(self._selection.extent) if self._selection.extent else None

    def events(self, span: Span | None = None, *, with_rejected: bool = False) -> pa.Table:
        """Return the events at their best places, in the order of time.

        Columns: `epicat.located.BEST_EVENTS`.  An event has the place of the location, with its
        uncertainty, and the association's in ``associated_...``; an event that was not located
        has the place of the association, and null as uncertainty.  ``span`` selects by origin
        time.  ``magnitude`` is the computed one, with ``magnitude_error`` (its standard error),
        ``magnitude_stations`` and ``magnitude_bounds``, or else that of an imported catalog.
        Events that quality control rejects are left out unless ``with_rejected``; then the
        column ``rejected`` gives the reason.

        Examples
        --------
        >>> import epicat as ec
        >>> events = ec.open_catalog("catalog").events()
        >>> set(events["quality"].to_pylist()) <= {"A", "B", "C", "D"}
        True

        """
        near = span.widened(_MOVED_NS) if span else None
        rows = self._read("events", self.associator, near)
        rows = rows if with_rejected else accepted(rows)
        found = events_at_best_places(rows, self.origins(near))
        found = events_with_magnitudes(found, self._read("magnitudes", self.magnitude_id, near))
        if span is None:
            return found
        times = found["time"].cast(pa.int64())
        inside = pc.and_(pc.greater_equal(times, span.start_ns), pc.less(times, span.end_ns))
        return found.filter(inside)

    def picks(self, span: Span | None = None) -> pa.Table:
        """Return the picks, in the order of time."""
        return self._read("picks", self.run, span)

    def arrivals(self, span: Span | None = None, *, with_rejected: bool = False) -> pa.Table:
        """Return the arrivals at the best places: picks of events, with residuals in seconds.

        Columns: `epicat.located.BEST_ARRIVALS`.  ``span`` selects by the time of the pick.
        """
        near = span.widened(_MOVED_NS) if span else None
        events = self._read("events", self.associator, near)
        kept = (events if with_rejected else accepted(events))["event_id"]
        rows = self._read("arrivals", self.associator, span)
        located = self.origins(near)["event_id"].combine_chunks()
        found = arrivals_at_best_places(rows, self.origin_arrivals(span), located)
        return found.filter(pc.is_in(found["event_id"], value_set=kept.combine_chunks()))

    @cached_property
    def location_id(self) -> str:
        """Digest of the location whose places are shown; empty for the association's."""
        if self._location is None:
            return choose_location(self._store, self.associator)
        return self._location

    def locations(self) -> list[StoredLocation]:
        """Return all locations of the events, the preferred one first.

        Examples
        --------
        >>> import epicat as ec
        >>> catalog = ec.open_catalog("catalog")
        >>> [one.is_campaign for one in catalog.locations()]
        [True]
        >>> catalog.locations()[0].digest == catalog.location_id
        True

        """
        return stored_locations(self._store, self.associator)

    def origins(self, span: Span | None = None) -> pa.Table:
        """Return the hypocenters of the location with their uncertainty, in the order of time.

        Examples
        --------
        >>> import epicat as ec
        >>> catalog = ec.open_catalog("catalog")
        >>> catalog.origins().num_rows == catalog.events(with_rejected=True).num_rows
        True

        """
        return self._read("origins", self.location_id, span)

    def origin_arrivals(self, span: Span | None = None) -> pa.Table:
        """Return the picks of `origins` with residuals and station terms in seconds."""
        return self._read("origin_arrivals", self.location_id, span)

    @cached_property
    def magnitude_id(self) -> str:
        """Digest of the magnitudes that are shown; empty if there are none."""
        if self._magnitudes is None:
            return choose_magnitudes(self._store, self.associator)
        return self._magnitudes

    @cached_property
    def amplitude_id(self) -> str:
        """Digest of the amplitudes of the run; empty if none were measured."""
        return newest_amplitudes(self._store, self.run)

    def amplitudes(self, span: Span | None = None) -> pa.Table:
        """Return the Wood-Anderson amplitudes at picks, a row for each pick and component.

        Columns: `epicat.amplitude.unpacked.AMPLITUDE_ROWS`.  ``span`` selects by day.
        """
        from epicat.amplitude.unpacked import amplitude_rows

        return amplitude_rows(self._read("amplitudes", self.amplitude_id, span))

    def envelopes(self, span: Span | None = None) -> pa.Table:
        """Return upper bounds of the Wood-Anderson amplitude, a row for each 10 s of a day.

        Columns: `epicat.amplitude.unpacked.ENVELOPE_ROWS`.  ``span`` selects by day.
        """
        from epicat.amplitude.unpacked import envelope_rows

        return envelope_rows(self._read("envelopes", self.amplitude_id, span))

    def magnitudes(self, name: str | None = None, *, span: Span | None = None) -> pa.Table:
        """Return the network magnitudes of events, in the order of time.

        ``name`` is the name of magnitudes or the beginning of their digest, None: those that
        `events` shows.  Columns: `epicat.tables.MAGNITUDES`.  Raises `InputError` for an unknown
        name.

        Examples
        --------
        >>> import epicat as ec
        >>> catalog = ec.open_catalog("catalog")
        >>> catalog.magnitudes().num_rows <= catalog.events(with_rejected=True).num_rows
        True

        """
        return self._read("magnitudes", self._magnitudes_named(name), span)

    def station_magnitudes(self, name: str | None = None, *, span: Span | None = None) -> pa.Table:
        """Return the station magnitudes behind `magnitudes`, also those that are not used.

        Columns: `epicat.tables.STATION_MAGNITUDES`; ``span`` selects by the time of the pick.
        """
        return self._read("station_magnitudes", self._magnitudes_named(name), span)

    def magnitude_designs(self) -> list[StoredMagnitudes]:
        """Return all magnitudes of the events, those that are shown first.

        Examples
        --------
        >>> import epicat as ec
        >>> [one.law for one in ec.open_catalog("catalog").magnitude_designs()] in ([], ["iaspei"])
        True

        """
        return stored_magnitudes(self._store, self.associator)

    def _magnitudes_named(self, name: str | None) -> str:
        if name is None:
            return self.magnitude_id
        return choose_magnitudes(self._store, self.associator, name)

    def station_terms(self) -> pa.Table:
        """Return the static station terms of the events' sites, with errors in seconds.

        Columns: ``terms`` (a digest, which `locations` name), ``site``, ``phase``, ``value_s``,
        ``error_s`` and ``n``, the sum of the weights of the picks.

        Examples
        --------
        >>> import epicat as ec
        >>> ec.open_catalog("catalog").station_terms().column_names[:4]
        ['terms', 'site', 'phase', 'value_s']

        """
        return station_terms(stored_terms(self._store, self.associator))

    def stations(self) -> pa.Table:
        """Return the stations of the store."""
        return self._store.stations()

    @property
    def n_rejected(self) -> int:
        """Events that quality control rejects."""
        return sum(entry.n_rejected for entry in block_entries(self._store, self.associator))

    def ledger(self) -> pa.Table:
        """Return what became of each station-day and block, those that were never run included."""
        return ledger_table(self.entries())

    def entries(
        self,
        span: Span | None = None,
        extent: Extent | None = None,
        patterns: Patterns | None = None,
    ) -> list[LedgerEntry]:
        """Return the ledger's entries, in the order of stage and key.

        A station-day that was requested and never run has an entry of status ``missing``.  Which
        were requested is told by the invocations on record or, where given, by a span, an extent
        and patterns of station codes.
        """
        mine = {self.run, self.associator, self.location_id, self.amplitude_id, self.magnitude_id}
        entries = complete_ledger(self._store, span, extent, patterns)
        return [entry for entry in entries if entry.design in mine]

    def coverage(self) -> pa.Table:
        """Return a row for each station-day: its status, why, and the number of picks.

        Columns: ``station``, ``day``, ``status``, ``reason``, ``picks``, ``samples`` (of the
        chosen channels inside the day) and ``gaps``.
        """
        rows = []
        for entry in self.entries():
            if isinstance(entry, StationDayEntry):
                key = StationDay.parse(entry.key)
                counts = (entry.n_picks, entry.samples, entry.gaps)
                rows.append((key.station, key.day, entry.status.value, entry.reason, *counts))
        columns = zip(*rows, strict=True) if rows else ((),) * len(COVERAGE)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, COVERAGE, strict=True)]
        return pa.Table.from_arrays(arrays, schema=COVERAGE)

    def sql(self, query: str) -> pa.Table:
        """Return the rows that one SELECT gives; raise `InputError` if it is not understood.

        Views: the tables of the store (``picks``, ``events``, ``arrivals``, ``origins``,
        ``origin_arrivals``, ...), ``catalog`` (what `events` returns), ``locations``,
        ``stations``, ``ledger`` and ``runs``.  Needs the extra ``query`` (DuckDB).

        Examples
        --------
        >>> import epicat as ec
        >>> catalog = ec.open_catalog("catalog")
        >>> found = catalog.sql("select count(*) n from catalog where quality = 'A'")
        >>> found["n"][0].as_py() <= catalog.events().num_rows
        True

        """
        from epicat.store.sql import Designs
        from epicat.store.sql import query as ask

        designs = Designs(
            self.run, self.associator, self.location_id, self.amplitude_id, self.magnitude_id
        )
        return ask(self._store, query, designs)

    def export(
        self,
        path: str | Path,
        format: str | None = None,  # noqa: A002
        *,
        with_rejected: bool = False,
        reviewed: bool = False,
        quality: str = "",
    ) -> None:
        """Write the events to a file, which is there completely or not at all.

        Formats are ``csv``, ``json`` (lines), ``parquet``, ``quakeml``, ``fdsn-text``,
        ``nonlinloc``, ``nonlinloc-hyp``, ``hypodd`` and ``skhash``; by default the suffix of the
        file decides.  ``reviewed``: only events that a reviewer accepted; ``quality``: only of
        these classes, such as ``AB``.  Raises `InputError` for another suffix or format.
        """
        target = Path(path)
        name = format or format_of(target)
        if name in ("csv", "json", "parquet"):
            rows = self.events(with_rejected=with_rejected)
            if reviewed:
                rows = only_accepted(rows, self.reviews())
            if quality:
                rows = of_quality(rows, quality)
            why = ["rejected"] if with_rejected else []
            write_rows(rows, [*BEST_EVENT_COLUMNS, *why], target, name)
        else:
            self.write_events(
                target, name, with_rejected=with_rejected, reviewed=reviewed, quality=quality
            )

    def write_events(
        self,
        path: Path,
        name: str,
        *,
        with_rejected: bool = False,
        reviewed: bool = False,
        quality: str = "",
    ) -> Any:
        """Write the events with their arrivals in a format of `epicat.export`; see `export`."""
        from epicat.export.formats import FORMATS

        if name not in FORMATS:
            raise NameChoiceError("format", name, ("csv", "json", "parquet", *FORMATS))
        form = FORMATS[name]
        paths = [path, *(path.with_name(path.name + ending) for ending in form.companions)]
        with ExitStack() as stack:
            files = [stack.enter_context(atomic_file(p, "w")) for p in paths]
            parts = self.parts(with_rejected=with_rejected, reviewed=reviewed, quality=quality)
            return form.write(parts, self.stations(), *files)

    def parts(
        self,
        *,
        with_rejected: bool = False,
        reviewed: bool = False,
        quality: str = "",
        span: Span | None = None,
    ) -> Iterable[Part]:
        """Give the catalog in pieces that fit into memory: events, origins and their picks.

        ``reviewed``: only events that a reviewer accepted; ``quality``: only those of these
        classes, such as ``AB``.  ``span`` leaves out pieces that have no event in it.
        """
        parts = catalog_parts(
            self._store,
            self.run,
            self.associator,
            PartDesigns(self.location_id, self.magnitude_id, self.amplitude_id),
            with_rejected=with_rejected,
            span=span,
        )
        if quality:
            parts = parts_of_quality(parts, quality)
        named = (replace(part, catalog=self.name) for part in parts)
        return reviewed_parts(named, self.reviews(), only_accepted=reviewed)

    def reviews(self) -> list[EventReview]:
        """Return the reviews of the events, rejected ones too, of an earlier association as stale.

        Examples
        --------
        >>> import epicat as ec
        >>> ec.open_catalog("catalog").reviews()
        []

        """
        reviews = latest_reviews(self.store)
        if not reviews:
            return []
        return matched_reviews(reviews.values(), self.events(with_rejected=True))

    def plot(
        self,
        path: str | Path | None = None,
        *,
        title: str | None = None,
        style: str = "screen",
        width_mm: float | None = None,
        with_rejected: bool = False,
    ) -> Figure | None:
        """Draw a map with the stations that have data, two depth sections and a timeline.

        Returns a matplotlib figure, which a notebook shows; with ``path`` writes a ``.png``,
        ``.pdf`` or ``.svg`` file instead.  ``style`` is ``screen`` or ``paper``; ``width_mm`` is
        the largest width in mm.  Needs the extra ``plot`` (matplotlib).
        """
        from epicat.plot import PlotOptions, catalog_figure, choose_style, draw_catalog

        events, stations = self.events(with_rejected=with_rejected), self._stations_with_data()
        options = PlotOptions(choose_style(style, width_mm))
        named = title if title is not None else f"{self._title(events)}{self._other_places()}"
        if path is None:
            figure = catalog_figure(
                events, stations, title=named, extent=self.extent, options=options
            )
            vars(figure)["_repr_png_"] = partial(_png, figure)  # how notebooks show a value
            return figure
        draw_catalog(events, stations, Path(path), title=named, extent=self.extent, options=options)
        return None

    def plot_magnitudes(
        self,
        path: str | Path | None = None,
        *,
        title: str | None = None,
        with_rejected: bool = False,
    ) -> Figure | None:
        """Draw how many events there are of each magnitude, with completeness and b-value.

        Returns a matplotlib figure; with ``path`` writes a ``.png``, ``.pdf`` or ``.svg`` file
        instead.  The statistics are those of `frequency_magnitude`.  Needs the extra ``plot``.
        """
        from epicat.plot.frequency import draw_frequencies, frequency_figure

        events = self.events(with_rejected=with_rejected)
        found = frequency_magnitude(events["magnitude"].drop_null().to_numpy())
        named = title if title is not None else self._title(events)
        if path is not None:
            draw_frequencies(found, Path(path), title=named)
            return None
        figure = frequency_figure(found, title=named)
        vars(figure)["_repr_png_"] = partial(_png, figure)  # how notebooks show a value
        return figure

    def frequency_magnitude(self) -> FrequencyMagnitude | None:
        """Return completeness and b-values of the events; None if none has a magnitude.

        Magnitudes of different types are not told apart.

        Examples
        --------
        >>> import epicat as ec
        >>> found = ec.open_catalog("catalog").frequency_magnitude()
        >>> found is None or found.counts.sum() > 0
        True

        """
        return frequency_magnitude(self.events()["magnitude"].drop_null().to_numpy())

    def _stations_with_data(self) -> pa.Table:
        """Return the stations with samples or picks; all if the ledger has no such station."""
        stations = self.stations()
        found = {
            StationDay.parse(entry.key).station
            for entry in self.entries()
            if isinstance(entry, StationDayEntry) and (entry.samples or entry.n_picks)
        }
        if not found:
            return stations
        codes = zip(*(stations[n].to_pylist() for n in _CODES), strict=True)
        return stations.filter(pa.array([".".join(each) in found for each in codes], pa.bool_()))

    def _title(self, events: pa.Table) -> str:
        """Return a title: the days of the events and the name of the store."""
        name = self.location.rstrip("/").rpartition("/")[2]
        if self._selection.others:
            name = f"{name}, {self.name}"
        if not events.num_rows:
            return f"Earthquake catalog {name}"
        low, high = pc.min_max(events["time"].cast(pa.int64())).as_py().values()
        first, last = iso(low)[:10], iso(high)[:10]
        days = first if first == last else f"{first} to {last}"
        return f"Earthquakes of {days}: {name}"

    def _other_places(self) -> str:
        """Return what a title says of places that are not the preferred ones; else nothing."""
        locations = self.locations()
        if self.location_id == (locations[0].digest if locations else ""):
            return ""
        chosen = [one.label for one in locations if one.digest == self.location_id]
        return f", location {chosen[0]}" if chosen else ", places of the association"

    def _read(self, table: TableName, design: str, span: Span | None) -> pa.Table:
        if not design:
            return SCHEMAS[table].empty_table()
        return self._store.read(table, Where(design=design, span=span))


def _png(figure: Figure) -> bytes:
    """Return a figure as a picture for the screen."""
    file = BytesIO()
    figure.savefig(file, format="png", dpi=100)
    return file.getvalue()


def open_catalog(
    location: str | Path,
    run: str | None = None,
    *,
    places: str | None = None,
    magnitudes: str | None = None,
) -> Catalog:
    """Open the results in a store.

    Parameters
    ----------
    location
        A folder, ``s3://BUCKET/PREFIX`` or ``mongodb://HOST/DATABASE``.
    run
        The name of a catalog, or the beginning of the digest of a run or an associator; None:
        the newest.
    places
        The location whose places the events have: its name, or the beginning of its digest;
        ``association`` for those of the association.  None: the campaign's own location, else
        the newest.
    magnitudes
        The magnitudes that the events have: their name, or the beginning of their digest.  None:
        those that were computed last.

    Raises
    ------
    StoreError
        If there is no store, or it cannot be read.
    InputError
        If no catalog, or several, have this name or digest, or there is no such location or
        magnitudes.

    Examples
    --------
    >>> import epicat as ec
    >>> catalog = ec.open_catalog("catalog")
    >>> sorted(set(catalog.coverage()["status"].to_pylist()))
    ['done']

    """
    store = open_readable(str(location))
    selection = select_results(store, run)
    associator = selection.associator or ""
    chosen = None if places is None else choose_location(store, associator, places)
    measured = None if magnitudes is None else choose_magnitudes(store, associator, magnitudes)
    return Catalog(store, selection, chosen, measured)


def format_of(path: Path) -> str:
    """Return the format that a file's suffix names; raise `InputError` for another one."""
    name = SUFFIXES.get(path.suffix.casefold())
    if name is None:
        raise InputError(
            f"cannot tell the format of {path.name!r} by its suffix: name one, or use "
            + ", ".join(f"{suffix} ({name})" for suffix, name in SUFFIXES.items())
        )
    return name


def write_rows(rows: pa.Table, names: list[str], path: Path, name: str) -> None:
    """Write columns of a table as csv, json (lines) or parquet (all columns)."""
    if name == "parquet":
        import pyarrow.parquet as pq

        with atomic_file(path, "wb") as file:
            pq.write_table(rows, file, compression="zstd")
        return
    from epicat.export.rows import write_csv, write_json

    with atomic_file(path, "w") as file:
        (write_json if name == "json" else write_csv)(rows, names, file)
