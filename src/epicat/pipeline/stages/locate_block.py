"""Locate blocks: the events of a store in, origins and what a ledger entry says of them out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from epicat.association.design import Design
from epicat.association.sites import SiteIndex
from epicat.ledger import BlockEntry, Flag, LocateEntry, Status
from epicat.locate.design import LocationDesign
from epicat.locate.estimate_terms import calibrate
from epicat.locate.event_picks import EventPicks
from epicat.locate.events import BlockEvents, LocatedRows, locate_blocks
from epicat.locate.terms_file import FileTerms, TermsFile
from epicat.located import locations_digest
from epicat.model import Span
from epicat.pipeline.plan import block_span, location_inputs, near_keys
from epicat.pipeline.stages.key_result import Rows
from epicat.pipeline.stages.rematch_picks import PickReader, judged_origins
from epicat.store.base import Store, Where

__all__ = ["BlockLocator", "WithNear", "together"]

_NO_SITE = "pick without a site"
_TOO_FEW = "too few picks to locate"
_REJECTED = "rejected after rematch"
_TOGETHER, _TOGETHER_PICKS = 256, 30_000
"""Blocks are located together until they have so many events, which is a batch, or picks, of which
each takes up to 1 kB."""

WithNear = tuple[BlockEntry, Sequence[BlockEntry | None]]
"""A block, and the blocks whose events compete with its own for picks."""


def together(blocks: Iterable[WithNear]) -> Iterator[list[WithNear]]:
    """Divide blocks into those that are located together; small ones alone take longer."""
    group: list[WithNear] = []
    events = picks = 0
    for pair in blocks:
        events, picks = events + pair[0].n_events, picks + pair[0].n_picks_used
        if group and (events > _TOGETHER or picks > _TOGETHER_PICKS):
            yield group
            group, events, picks = [], pair[0].n_events, pair[0].n_picks_used
        group.append(pair)
    if group:
        yield group


class BlockLocator:
    """Locates the events of blocks."""

    def __init__(
        self,
        design: LocationDesign,
        associated: Design,
        index: SiteIndex,
        store: Store,
        terms: FileTerms | None = None,
    ) -> None:
        self._design, self._associated = design, associated
        self._index, self._store, self._terms = index, store, terms
        self._picks = PickReader(store, associated, design, index)
        self._locator = design.locator()

    def locate(self, blocks: Sequence[WithNear]) -> list[tuple[LocateEntry, Rows]]:
        """Locate the events of blocks, each with the blocks near it that compete for its picks.

        The rows are those of ``origins`` and ``origin_arrivals``; entries have no generation, and
        an equal share of the time that all blocks took.
        """
        begin = time.monotonic()
        read = [self._read(block, bool(near)) for block, near in blocks]
        found = locate_blocks(read, self._locator, self._design, self._terms)
        results = [self._result(*pair, its.given, rows)
                   for pair, its, rows in zip(blocks, read, found, strict=True)]  # fmt: skip
        seconds = (time.monotonic() - begin) / max(len(blocks), 1)
        return [(replace(entry, seconds=seconds), rows) for entry, rows in results]

    def _result(
        self,
        block: BlockEntry,
        near: Sequence[BlockEntry | None],
        given: EventPicks,
        rows: LocatedRows,
    ) -> tuple[LocateEntry, Rows]:
        """Return the entry and the rows of a block whose events were located."""
        rejected = 0
        if near and rows.origins.num_rows:
            rows = judged_origins(rows, self._associated, self._index)
            rejected = sum(map(bool, rows.origins["rejected"].to_pylist()))
        counts = (
            (_NO_SITE, given.without_site),
            (_TOO_FEW, given.too_few),
            (_REJECTED, rejected),
        )
        entry = LocateEntry(
            design=self._design.digest,
            key=block.key,
            status=Status.DONE if rows.origins.num_rows else Status.NO_EVENTS,
            generation="",
            marked_ns=0,
            flags=tuple(Flag(name, count) for name, count in counts if count),
            result=locations_digest(rows.origins, rows.arrivals),
            inputs=location_inputs(block, near),
            n_origins=rows.origins.num_rows,
        )
        return entry, {"origins": rows.origins, "origin_arrivals": rows.arrivals}

    def _read(self, block: BlockEntry, is_rematched: bool) -> BlockEvents:
        """Return the events of a block with the picks that they have, and may have."""
        if not is_rematched:
            return BlockEvents(block.key, self.picks(frozenset([block.key])))
        design, reach = self._design, self._design.reach_ns
        span = block_span(block.key, self._associated.block_ns)
        keys = frozenset([block.key, *near_keys(block.key, self._associated, design)])
        events = self._store.read(
            "events", Where(design=design.associator, span=span.widened(reach), keys=keys)
        )
        if not events.num_rows:  # comparing would import pandas
            return BlockEvents(block.key, EventPicks.none(self._design))
        mine = pc.equal(events["key"], block.key)
        own = frozenset(events.filter(mine)["event_id"].to_pylist())
        if not own:
            return BlockEvents(block.key, EventPicks.none(self._design))
        around = Span(span.start_ns - reach, span.end_ns + 2 * reach)
        arrivals = self._store.read(
            "arrivals", Where(design=design.associator, span=around, keys=keys)
        )
        picks = self._picks.site_picks(around, arrivals)
        confidence = {pick.pick_id: pick.confidence for pick in picks}
        given = EventPicks.from_tables(events, arrivals, design, self._site, confidence)
        after = (pick for pick in picks if pick.time_ns >= span.start_ns)
        return BlockEvents(block.key, given, self._picks.rematching(after, own))

    def picks(self, keys: frozenset[str]) -> EventPicks:
        """Return the events of blocks with their picks."""
        where = Where(design=self._design.associator, keys=keys)
        events, arrivals = self._store.read("events", where), self._store.read("arrivals", where)
        if not len(events):
            return EventPicks.from_tables(events, arrivals, self._design, self._site)
        times = events["time"].cast(pa.int64()).to_numpy()
        span = Span(int(times.min()), int(times.max()) + 1 + self._associated.halo_ns)
        picks = self._store.read("picks", Where(design=self._design.run, span=span))
        pairs = zip(picks["pick_id"].to_pylist(), picks["confidence"].to_pylist(), strict=True)
        return EventPicks.from_tables(events, arrivals, self._design, self._site, dict(pairs))

    def calibrate(
        self, keys: frozenset[str], picker: str, report: Callable[[str], None]
    ) -> TermsFile:
        """Compute station terms and pick errors over the events of blocks.

        See `epicat.locate.estimate_terms`.  ``picker`` names what made the picks.
        """
        given = self.picks(keys)
        found = calibrate(self._locator, given.arrivals, given.grade, report)
        sites = tuple(name for name, *_ in self._design.sites)
        origin = (self._design.latitude, self._design.longitude)
        return TermsFile.from_calibration(found, sites, tuple(given.ids), origin, picker)

    def _site(self, trace_id: str, time_ns: int) -> str | None:
        site = self._index.site(trace_id, time_ns)
        return site.name if site else None
