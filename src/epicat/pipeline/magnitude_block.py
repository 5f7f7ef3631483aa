"""Magnitudes of blocks: events and amplitudes of a store in, rows and a ledger entry out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from epicat.amplitude.rows import Envelope, InstrumentAmplitudes, read_amplitudes, read_envelopes
from epicat.association.sites import SiteIndex
from epicat.located import arrivals_at_best_places, events_at_best_places
from epicat.magnitude.design import MagnitudeDesign
from epicat.magnitude.events import Measured, magnitude_rows, measured_events
from epicat.magnitude.lookup import Amplitudes
from epicat.model import (
    BlockEntry,
    Flag,
    LocateEntry,
    MagnitudeEntry,
    MeasureEntry,
    Span,
    StationDay,
    Status,
    digest_of,
)
from epicat.store.base import Store, Where
from epicat.tables import ORIGIN_ARRIVALS, ORIGINS, TableName
from epicat.time import DAY_NS, SECOND_NS

__all__ = ["BlockMagnitudes", "is_magnitude_done", "magnitude_inputs", "magnitude_span"]

_TOO_FEW = "too few amplitudes for a magnitude"
_BEFORE_NS, _AFTER_NS = 120 * SECOND_NS, 900 * SECOND_NS
"""How far from a block the amplitudes of its events may be: noise, and waves of distant events."""

Days = dict[str, MeasureEntry]
"""The newest entry of each measured station-day."""


def magnitude_span(block: Span) -> Span:
    """Return the span of the amplitudes that the events of a block need."""
    return Span(block.start_ns - _BEFORE_NS, block.end_ns + _AFTER_NS)


def magnitude_inputs(
    block: BlockEntry, location: LocateEntry | None, days: Mapping[str, MeasureEntry], span: Span
) -> str:
    """Return the digest of what the magnitudes of a block are made of."""
    events = (block.status.value, block.result)
    places = (location.status.value, location.result) if location else ()
    near = magnitude_span(span)
    amplitudes = (
        f"{key}={entry.result}"
        for key, entry in sorted(days.items())
        if StationDay.parse(key).span.overlaps(near)
    )
    return digest_of(*events, *places, *amplitudes)


def is_magnitude_done(before: MagnitudeEntry | None, inputs: str) -> bool:
    """Return whether a block has magnitudes of these inputs."""
    return before is not None and before.status != Status.FAILED and before.inputs == inputs


class BlockMagnitudes:
    """Computes the magnitudes of the events of blocks, one after the other."""

    def __init__(self, design: MagnitudeDesign, index: SiteIndex, store: Store) -> None:
        self._design, self._index, self._store = design, index, store
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
        return (site.latitude, site.longitude, site.elevation_m) if site else None
