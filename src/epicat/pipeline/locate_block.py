"""Locate blocks: the events of a store in, origins and what a ledger entry says of them out."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from epicat.association.sites import SiteIndex
from epicat.locate.design import LocationDesign
from epicat.locate.estimate_terms import calibrate
from epicat.locate.events import EventPicks, locate_events
from epicat.locate.terms_file import FileTerms, TermsFile
from epicat.model import BlockEntry, Flag, LocateEntry, Status, digest_of
from epicat.pipeline.plan import location_inputs
from epicat.store.base import Store, Where
from epicat.tables import TableName

__all__ = ["BlockLocator"]

_NO_SITE = "pick without a site"
_TOO_FEW = "too few picks to locate"


class BlockLocator:
    """Locates the events of blocks, one after the other."""

    def __init__(
        self,
        design: LocationDesign,
        index: SiteIndex,
        store: Store,
        terms: FileTerms | None = None,
    ) -> None:
        self._design, self._index, self._store, self._terms = design, index, store, terms
        self._locator = design.locator()

    def locate(self, block: BlockEntry) -> tuple[LocateEntry, dict[TableName, pa.Table]]:
        """Locate the events of a block.

        The rows are those of ``origins`` and ``origin_arrivals``; the entry has no generation.
        """
        given = self.picks(frozenset([block.key]))
        rows = locate_events(given, self._locator, self._design, block.key, self._terms)
        origins = rows.origins["origin_id"].to_pylist()
        missing = ((_NO_SITE, given.without_site), (_TOO_FEW, given.too_few))
        entry = LocateEntry(
            design=self._design.digest,
            key=block.key,
            status=Status.DONE if origins else Status.NO_EVENTS,
            generation="",
            marked_ns=0,
            flags=tuple(Flag(name, count) for name, count in missing if count),
            result=digest_of(*sorted(origins)),
            inputs=location_inputs(block),
            n_origins=len(origins),
        )
        return entry, {"origins": rows.origins, "origin_arrivals": rows.arrivals}

    def picks(self, keys: frozenset[str]) -> EventPicks:
        """Return the events of blocks with their picks."""
        where = Where(design=self._design.associator, keys=keys)
        events, arrivals = self._store.read("events", where), self._store.read("arrivals", where)
        return EventPicks.from_tables(events, arrivals, self._design, self._site)

    def calibrate(self, keys: frozenset[str], report: Callable[[str], None]) -> TermsFile:
        """Compute station terms over the events of blocks; see `epicat.locate.estimate_terms`."""
        given = self.picks(keys)
        found = calibrate(self._locator, given.arrivals, report)
        ids = tuple(str(event["event_id"]) for event in given.events)
        sites = tuple(name for name, *_ in self._design.sites)
        origin = (self._design.latitude, self._design.longitude)
        return TermsFile.from_calibration(found, sites, ids, origin)

    def _site(self, trace_id: str, time_ns: int) -> str | None:
        site = self._index.site(trace_id, time_ns)
        return site.name if site else None
