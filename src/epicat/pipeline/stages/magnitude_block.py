"""Magnitudes of blocks: events and amplitudes of a store in, rows and a ledger entry out."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from epicat.amplitude.rows import Envelope, InstrumentAmplitudes, read_amplitudes, read_envelopes
from epicat.association.design import Design
from epicat.association.sites import SiteIndex
from epicat.ledger import BlockEntry, Flag, MagnitudeEntry, Status
from epicat.located import arrivals_at_best_places, events_at_best_places
from epicat.magnitude.design import MagnitudeDesign
from epicat.magnitude.events import Measured, magnitude_rows, measured_events
from epicat.magnitude.lookup import Amplitudes
from epicat.model import ANY_LOCATION, Span, Station, digest_of
from epicat.pipeline.plan import magnitude_span
from epicat.store.base import Store, Where
from epicat.tables import ORIGIN_ARRIVALS, ORIGINS, TableName
from epicat.time import DAY_NS

__all__ = ["BlockMagnitudes"]

_TOO_FEW = "too few amplitudes for a magnitude"


class BlockMagnitudes:
    """Computes the magnitudes of the events of blocks, one after the other."""

    def __init__(
        self, design: MagnitudeDesign, associated: Design, index: SiteIndex, store: Store
    ) -> None:
        """``index`` has at least the sites of the association; others are not used."""
        self._design, self._index, self._store = design, index, store
        self._sites = frozenset(name for name, *_ in associated.sites)
        self._day = lru_cache(maxsize=3)(self._read_day)

    def compute(
        self, block: BlockEntry, span: Span, inputs: str
    ) -> tuple[MagnitudeEntry, dict[TableName, pa.Table]]:
        """Compute the magnitudes of a block; the entry has no generation."""
        rows = magnitude_rows(self.measured(block.key, span), self._design, block.key)
        ids = rows.magnitudes["magnitude_id"].to_pylist()
        entry = MagnitudeEntry(
            design=self._design.digest,
            key=block.key,
            status=Status.DONE if ids else Status.NO_EVENTS,
            generation="",
            marked_ns=0,
            flags=(Flag(_TOO_FEW, rows.too_few),) if rows.too_few else (),
            result=digest_of(*sorted(ids)),
            inputs=inputs,
            n_magnitudes=len(ids),
        )
        return entry, {"magnitudes": rows.magnitudes, "station_magnitudes": rows.stations}

    def measured(self, key: str, span: Span) -> list[Measured]:
        """Return the events of a block with the readings of all stations."""
        events, arrivals = self._events(key)
        if not events.num_rows:
            return []
        near = magnitude_span(span)
        days = range(near.start_ns // DAY_NS, (near.end_ns - 1) // DAY_NS + 1)
        parts = [self._day(day) for day in days]
        amplitudes = Amplitudes(
            (one for part, _ in parts for one in part), (one for _, part in parts for one in part)
        )
        return measured_events(events, arrivals, self._design, amplitudes, self._position)

    def _events(self, key: str) -> tuple[pa.Table, pa.Table]:
        """Return the events of a block at the places of the location, with their arrivals."""
        keys = frozenset([key])
        where = Where(design=self._design.associator, keys=keys)
        events, arrivals = self._store.read("events", where), self._store.read("arrivals", where)
        if not events.num_rows:
            return events, arrivals
        origins, located = ORIGINS.empty_table(), ORIGIN_ARRIVALS.empty_table()
        if self._design.location:
            ours = Where(design=self._design.location, keys=keys)
            origins = self._store.read("origins", ours)
            located = self._store.read("origin_arrivals", ours)
        ids = pc.unique(origins["event_id"]) if origins.num_rows else pa.array([], pa.string())
        best = arrivals_at_best_places(arrivals, located, ids)
        return events_at_best_places(events, origins), best

    def _read_day(self, day: int) -> tuple[list[InstrumentAmplitudes], list[Envelope]]:
        where = Where(self._design.amplitude, Span(day * DAY_NS, (day + 1) * DAY_NS))
        amplitudes = [one for _, one in read_amplitudes(self._store.read("amplitudes", where))]
        envelopes = [one for _, one in read_envelopes(self._store.read("envelopes", where))]
        return amplitudes, envelopes

    def _position(self, trace_id: str, time_ns: int) -> tuple[float, float, float] | None:
        site = self._index.site(trace_id, time_ns)
        if site is None or site.name not in self._sites:
            return None
        return site.latitude, site.longitude, site.elevation_m

    def places(self, stations: Iterable[Station]) -> tuple[str, ...]:
        """Return the names, as in keys, of those stations that are at the sites."""
        found = set()
        for station in stations:
            location = "" if station.location == ANY_LOCATION else station.location
            if self._position(f"{station.network}.{station.code}.{location}", 0) is not None:
                found.add(station.name)
        return tuple(sorted(found))
