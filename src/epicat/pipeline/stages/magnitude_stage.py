"""The stage that computes the magnitudes of events."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial

from epicat.association.sites import SiteIndex
from epicat.campaign.campaign import Campaign
from epicat.ledger import BlockEntry, Stage, Status
from epicat.magnitude.design import MagnitudeDesign
from epicat.model import Span
from epicat.pipeline.outcome import BegunKey
from epicat.pipeline.plan import (
    Unit,
    block_span,
    has_magnitudes,
    magnitude_inputs,
    magnitude_span,
)
from epicat.pipeline.stages.key_result import Keyed, KeyResult, compute_key, hull, save_generation
from epicat.pipeline.stages.magnitude_block import BlockMagnitudes
from epicat.store.base import (
    Store,
    block_entries,
    locate_entries,
    magnitude_entries,
    measure_entries,
)

__all__ = ["MagnitudeStage"]


class MagnitudeStage:
    """Computes the magnitudes of a campaign's blocks."""

    def __init__(
        self, design: MagnitudeDesign, campaign: Campaign, store: Store, index: SiteIndex
    ) -> None:
        self._design, self._campaign = design, campaign
        self._store, self._index = store, index

    def run(self, unit: Unit, keys: Sequence[str]) -> None:
        """Compute the magnitudes of blocks that are located, unless that was done.

        Another worker may locate a block again meanwhile: until none of them has changed.
        """
        while results := self._magnitudes(unit, keys):
            save_generation(self._store, results)
            if any(result.entry.status == Status.FAILED for result in results):
                break

    def _magnitudes(self, unit: Unit, keys: Sequence[str]) -> list[KeyResult]:
        """Return the magnitudes of blocks whose locations or amplitudes have changed."""
        design, campaign = self._design, self._campaign
        spans = {text: block_span(text, campaign.design.block_ns) for text in keys}
        span = hull(spans.values())
        blocks = {e.key: e for e in block_entries(self._store, design.associator, span)}
        located = {}
        if design.location:
            located = {e.key: e for e in locate_entries(self._store, design.location, span)}
        near = magnitude_span(span)
        measures = {e.key: e for e in measure_entries(self._store, design.amplitude, near)}
        known = {e.key: e for e in magnitude_entries(self._store, design.digest, span)}
        results = []
        for text, own_span in spans.items():
            block, before, place = blocks.get(text), known.get(text), located.get(text)
            if block is None or Status.FAILED in (block.status, place and place.status):
                continue
            if design.location and place is None:
                continue  # it waits for blocks nearby; its magnitudes are computed after that
            inputs = magnitude_inputs(block, place, measures, campaign.pick_names, own_span)
            if has_magnitudes(before, inputs):
                continue
            after_ns = max(unit.after_ns, before.marked_ns if before else 0)
            own = Unit(Stage.MAGNITUDE, (text,), after_ns=after_ns)
            one = partial(self._magnitudes_of, block=block, span=own_span, inputs=inputs)
            results.append(compute_key(BegunKey(own, text, "", design.digest), one))
        return results

    def _magnitudes_of(self, _: str, *, block: BlockEntry, span: Span, inputs: str) -> Keyed:
        return self._block_magnitudes.compute(block, span, inputs)

    @cached_property
    def _block_magnitudes(self) -> BlockMagnitudes:
        return BlockMagnitudes(self._design, self._campaign.design, self._index, self._store)
