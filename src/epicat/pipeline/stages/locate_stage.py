"""The stage that locates the events of associated blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial

from epicat.association.sites import SiteIndex
from epicat.campaign.campaign import Campaign
from epicat.errors import AwayError
from epicat.ledger import LocateEntry, Stage, Status
from epicat.locate.design import LocationDesign
from epicat.pipeline.outcome import BegunKey, stamped
from epicat.pipeline.plan import Unit, block_span, is_located, near_blocks, near_keys
from epicat.pipeline.stages.key_result import Keyed, KeyResult, compute_key, hull, save_generation
from epicat.pipeline.stages.locate_block import BlockLocator, WithNear, together
from epicat.store.base import Store, block_entries, locate_entries

__all__ = ["LocateStage"]


class LocateStage:
    """Locates the events of a campaign's blocks; makes the locator at the first of them."""

    def __init__(
        self, design: LocationDesign, campaign: Campaign, store: Store, index: SiteIndex
    ) -> None:
        self._design, self._campaign = design, campaign
        self._store, self._index = store, index

    def run(self, unit: Unit) -> dict[str, Status]:
        """Locate the events of associated blocks; return the status of each that was located.

        Blocks nearby that other workers associate compete for picks.  Whichever of two workers
        is later sees the events of both: it locates the blocks of the other again that are near
        its own, until none of them has changed meanwhile.
        """
        statuses: dict[str, Status] = {}
        while results := self._located(unit):
            save_generation(self._store, results)
            statuses |= {result.entry.key: result.entry.status for result in results}
            if Status.FAILED in statuses.values():  # else it would be tried for ever
                break
        return statuses

    def _located(self, unit: Unit) -> list[KeyResult]:
        """Locate the blocks of a unit, and those near it, whose events have changed."""
        location, design = self._design, self._campaign.design
        near = [key for own in unit.keys for key in near_keys(own, design, location)]
        keys = sorted({*unit.keys, *near})
        span = hull(block_span(key, design.block_ns) for key in keys)
        wide = span.widened(location.reach_ns + design.block_ns)
        blocks = {e.key: e for e in block_entries(self._store, location.associator, wide)}
        known = {e.key: e for e in locate_entries(self._store, location.digest, wide)}
        due = {}
        for key in keys:
            block = blocks.get(key)
            if block is None or block.status == Status.FAILED:
                continue
            if any(near not in blocks and self._is_planned(near)
                   for near in near_keys(key, design, location)):  # fmt: skip
                continue  # the last of them that is associated locates this one, too
            others = near_blocks(key, blocks, design, location)
            if not is_located(block, known.get(key), others):
                due[key] = (block, others)
        results = []
        for group in together(due.values()):
            results += self._results(unit, group, known)
        return results

    def _results(
        self, unit: Unit, group: Sequence[WithNear], known: Mapping[str, LocateEntry]
    ) -> list[KeyResult]:
        """Locate blocks together, or each alone if one of them fails."""
        try:
            found = self._block_locator.locate(group)
        except AwayError:
            raise
        except Exception:
            return [compute_key(self._begun(unit, pair[0].key, known), partial(self._alone, pair))
                    for pair in group]  # fmt: skip
        return [
            KeyResult(stamped(entry, self._begun(unit, entry.key, known), entry.seconds), rows)
            for entry, rows in found
        ]

    def _alone(self, pair: WithNear, _: str) -> Keyed:
        """Locate one block."""
        return self._block_locator.locate([pair])[0]

    def _begun(self, unit: Unit, key: str, known: Mapping[str, LocateEntry]) -> BegunKey:
        before = known.get(key)
        after_ns = max(unit.after_ns, before.marked_ns if before else 0)
        own = Unit(Stage.LOCATE, (key,), after_ns=after_ns)
        return BegunKey(own, key, "", self._design.digest)

    def _is_planned(self, key: str) -> bool:
        """Return whether a block is one of the campaign's."""
        return block_span(key, self._campaign.design.block_ns).overlaps(self._campaign.span)

    @cached_property
    def _block_locator(self) -> BlockLocator:
        return BlockLocator(self._design, self._campaign.design, self._index, self._store)
