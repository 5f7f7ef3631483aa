"""The stage that associates blocks."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from epicat._util.files import cache_folder
from epicat.association.associator import Associator
from epicat.association.design import Design
from epicat.association.sites import SiteIndex
from epicat.campaign.campaign import Campaign
from epicat.ledger import BlockEntry, Status
from epicat.pipeline.outcome import BegunKey
from epicat.pipeline.plan import Unit, block_span
from epicat.pipeline.stages.associate_block import BlockAssociator, StoredPicks
from epicat.pipeline.stages.key_result import Keyed, KeyResult, compute_key, hull, ids_digest
from epicat.store.base import Store, block_entries
from epicat.table_rows import arrivals_table, events_table

__all__ = ["AssociateStage"]


class AssociateStage:
    """Associates the blocks of units; makes the associator at the first of them."""

    def __init__(self, campaign: Campaign, store: Store, index: SiteIndex) -> None:
        self._campaign, self._store, self._index = campaign, store, index

    def results(self, unit: Unit, generation: str) -> Iterable[KeyResult]:
        """Compute the keys of a unit whose picks have changed, one after the other."""
        length = self._campaign.design.block_ns
        spans = [block_span(text, length) for text in unit.keys]
        span = hull(spans)
        campaign, picks = self._campaign, StoredPicks(self._campaign, self._store, span)
        blocks = BlockAssociator(campaign.design, self._index, picks.read, self._associator)
        digest = self._campaign.design.digest
        known = {e.key: e for e in block_entries(self._store, digest, span)}

        def one(text: str) -> Keyed:
            return _block_entry(blocks, picks, text, campaign.design)

        for text, block in zip(unit.keys, spans, strict=True):
            entry = known.get(text)
            if entry and entry.status != Status.FAILED and entry.inputs == picks.inputs(block):
                continue
            yield compute_key(BegunKey(unit, text, generation, digest), one)

    @cached_property
    def _associator(self) -> Associator:
        return Associator(self._campaign.design, cache_folder("traveltimes"))


def _block_entry(blocks: BlockAssociator, picks: StoredPicks, text: str, design: Design) -> Keyed:
    block = block_span(text, design.block_ns)
    result = blocks.associate(block)
    digest = design.digest
    events = events_table(result.events, digest, text)
    entry = BlockEntry(
        design=digest,
        key=text,
        status=result.status,
        generation="",
        marked_ns=0,
        reason=result.reason,
        flags=result.flags,
        result=ids_digest(events["event_id"]),
        inputs=picks.inputs(block),
        n_picks_used=result.n_picks,
        n_sites=result.n_sites,
        n_events=len(result.events),
        n_rejected=sum(bool(event.rejected) for event in result.events),
    )
    return entry, {"events": events, "arrivals": arrivals_table(result.events, digest, text)}
