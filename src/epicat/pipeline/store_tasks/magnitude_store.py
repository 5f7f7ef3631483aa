"""Magnitudes of the events of a store, and station corrections, computed in this process."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from epicat.association.sites import SiteIndex
from epicat.errors import InputError
from epicat.geo import Plane
from epicat.ledger import BlockEntry, LocateEntry
from epicat.magnitude.corrections import Corrections, estimate_corrections
from epicat.magnitude.design import MagnitudeDesign
from epicat.magnitude.events import observations
from epicat.magnitude.options import MagnitudeOptions
from epicat.model import Span
from epicat.pipeline.plan import block_span, has_magnitudes, magnitude_inputs
from epicat.pipeline.stages.key_result import KeyResult, save_again
from epicat.pipeline.stages.magnitude_block import BlockMagnitudes
from epicat.pipeline.store_tasks.locate_store import associator_of
from epicat.store.base import (
    Store,
    block_entries,
    locate_entries,
    magnitude_entries,
    measure_entries,
)
from epicat.store.locations import choose_location
from epicat.store.magnitudes import name_magnitudes, newest_amplitudes
from epicat.table_rows import stations_of

__all__ = ["MagnitudeOutcome", "StoreMagnitudes"]


@dataclass(frozen=True, slots=True)
class MagnitudeOutcome:
    """What was computed."""

    magnitudes: str
    """Digest of the magnitudes."""
    law: str
    """Name of the law."""
    count: int
    """Events that have a magnitude."""
    blocks: int
    """Blocks that were done."""
    unchanged: int
    """Blocks that needed no work."""
    flags: dict[str, int]
    """Events without a magnitude, by reason."""


class StoreMagnitudes:
    """Computes magnitudes for one associator of a store."""

    def __init__(
        self,
        store: Store,
        options: MagnitudeOptions,
        *,
        associator: str | None = None,
        location: str | None = None,
        corrections: Corrections | None = None,
        site_radius_m: float = 100.0,
    ) -> None:
        """``associator`` is the beginning of a digest, by default the newest.

        ``location`` names a location, by default the preferred one.  Raises `InputError` if there
        are no events, or no amplitudes.
        """
        self._store = store
        self._associator, associated = associator_of(store, associator)
        chosen = choose_location(store, self._associator, location)
        amplitude = newest_amplitudes(store, associated.run)
        if not amplitude:
            raise InputError(
                f"store {store.location!r} has no amplitudes of run {associated.run}; measure "
                "them with `epicat magnitudes --measure`"
            )
        self.design = MagnitudeDesign.from_options(
            options,
            associator=self._associator,
            location=chosen,
            amplitude=amplitude,
            corrections=corrections,
        )
        self._block_ns = associated.block_ns
        stations = stations_of(store.stations())
        plane: Plane = associated.plane
        index = SiteIndex.from_stations(stations, plane, site_radius_m)
        self._blocks = BlockMagnitudes(self.design, associated, index, store)
        self._places = self._blocks.places(stations)

    def compute(self, name: str = "") -> MagnitudeOutcome:
        """Compute the blocks whose events, places or amplitudes have changed, or are new.

        ``name`` names the magnitudes; raises `InputError` if others have that name.
        """
        store, digest = self._store, self.design.digest
        store.put_record("magnitude", digest, self.design.model_dump(mode="json"))
        if name:
            name_magnitudes(store, name, digest)
        known = {entry.key: entry for entry in magnitude_entries(store, digest)}
        count = done = unchanged = 0
        flags: dict[str, int] = {}
        for block, span, inputs in self._due():
            before = known.get(block.key)
            if before and has_magnitudes(before, inputs):
                unchanged, count = unchanged + 1, count + before.n_rows
                continue
            begin = time.monotonic()
            entry, rows = self._blocks.compute(block, span, inputs)
            entry = replace(entry, seconds=time.monotonic() - begin)
            save_again(store, KeyResult(entry, rows), before)
            count, done = count + entry.n_magnitudes, done + 1
            for flag in entry.flags:
                flags[flag.criterion] = flags.get(flag.criterion, 0) + flag.count
        return MagnitudeOutcome(digest, self.design.law.name, count, done, unchanged, flags)

    def corrections(self) -> Corrections:
        """Estimate station corrections from all events; raise `InputError` if none has a value."""
        measured = [
            one
            for block, span, _ in self._due()
            if block.n_rows
            for one in self._blocks.measured(block.key, span)
            if one.n_values >= self.design.least_stations
        ]
        given, at = observations(measured, {})
        traces = [reading.trace_id for one in measured for reading in one.readings]
        own = [traces[i] for i in at.tolist()]
        names = tuple(sorted(set(own)))
        if not names:
            raise InputError(
                f"no event of associator {self._associator} has {self.design.least_stations} "
                "amplitudes above noise: there is nothing to estimate station corrections from"
            )
        number = {name: i for i, name in enumerate(names)}
        station = np.array([number[name] for name in own], dtype=np.int64)
        return estimate_corrections(given, station, names, self.design.law.name)

    def _due(self) -> list[tuple[BlockEntry, Span, str]]:
        """Return all blocks with their spans and inputs."""
        located: dict[str, LocateEntry] = {}
        if self.design.location:
            located = {e.key: e for e in locate_entries(self._store, self.design.location)}
        measures = {e.key: e for e in measure_entries(self._store, self.design.amplitude)}
        found = []
        for block in block_entries(self._store, self._associator):
            span = block_span(block.key, self._block_ns)
            place = located.get(block.key)
            inputs = magnitude_inputs(block, place, measures, self._places, span)
            found.append((block, span, inputs))
        return found
