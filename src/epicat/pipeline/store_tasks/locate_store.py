"""Locate the events of a store, and compute station terms from them, in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from epicat.association.design import Design
from epicat.association.sites import SiteIndex
from epicat.campaign.location import location_design
from epicat.campaign.pick_run import ImportedCatalog
from epicat.catalog.selection import select_results
from epicat.errors import InputError, StoreError
from epicat.ledger import LocateEntry
from epicat.locate.design import LocationDesign
from epicat.locate.options import LocateOptions
from epicat.locate.terms_file import TermsFile
from epicat.model import digest_of
from epicat.pipeline.plan import is_located, near_blocks
from epicat.pipeline.stages.key_result import KeyResult, save_again
from epicat.pipeline.stages.locate_block import BlockLocator, WithNear, together
from epicat.pipeline.store_tasks.import_events import catalog_design
from epicat.store.base import Store, block_entries, locate_entries
from epicat.table_rows import stations_of
from epicat.velocity.layers import LayerModel

__all__ = ["LocationOutcome", "StoreLocator", "associator_of"]


@dataclass(frozen=True, slots=True)
class LocationOutcome:
    """What was located."""

    location: str
    """Digest of the location."""
    origins: int
    """Events that were located."""
    blocks: int
    """Blocks that were done."""
    unchanged: int
    """Blocks that needed no work."""
    flags: dict[str, int]
    """Picks without a site, and events with too few picks."""


class StoreLocator:
    """Locates the events of one associator of a store."""

    def __init__(
        self,
        store: Store,
        options: LocateOptions,
        *,
        associator: str | None = None,
        layers: LayerModel | None = None,
        terms: TermsFile | None = None,
        site_radius_m: float = 100.0,
    ) -> None:
        """``associator`` is the beginning of a digest, by default the newest.

        ``layers`` takes precedence over the velocities of the association.  Raises `InputError`
        if there are no events.
        """
        self._store = store
        self._associator, associated = associator_of(store, associator)
        is_imported = "imported" in (store.records("associator").get(self._associator) or {})
        design = location_design(associated, options, layers, can_rematch=not is_imported)
        # Of a record, whose keys may be in another order, the name is the digest, not its own.
        design = design.model_copy(update={"associator": self._associator})
        names = tuple(name for name, *_ in design.sites)
        origin = (design.latitude, design.longitude)
        if terms is not None:
            found = {
                "terms": terms.digest,
                "expected_s": terms.expected_s,
                "wrong_share": terms.wrong_share,
            }
            design = design.model_copy(update=found)
        stations = stations_of(store.stations())
        index = SiteIndex.from_stations(stations, associated.plane, site_radius_m)
        self.design: LocationDesign = design
        self.velocity = "" if layers else associated.velocity
        """Name of the association's velocity model; empty without a name, or with ``layers``."""
        applied = terms.terms(names, origin) if terms else None
        self._associated = associated
        self._blocks = BlockLocator(design, associated, index, store, applied)

    def locate(self) -> LocationOutcome:
        """Locate the blocks whose events have changed since, or were never located."""
        store, digest = self._store, self.design.digest
        store.put_record("location", digest, self.design.model_dump(mode="json"))
        known = {entry.key: entry for entry in locate_entries(store, digest)}
        blocks = {block.key: block for block in block_entries(store, self._associator)}
        near = {key: near_blocks(key, blocks, self._associated, self.design) for key in blocks}
        due = [(block, near[key]) for key, block in blocks.items()
               if not is_located(block, known.get(key), near[key])]  # fmt: skip
        done = [entry for group in together(due) for entry in self._located(group, known)]
        flags: dict[str, int] = {}
        for flag in (flag for entry in done for flag in entry.flags):
            flags[flag.criterion] = flags.get(flag.criterion, 0) + flag.count
        unchanged = blocks.keys() - {entry.key for entry in done}
        origins = sum(entry.n_rows for entry in done) + sum(known[key].n_rows for key in unchanged)
        return LocationOutcome(digest, origins, len(done), len(unchanged), flags)

    def _located(
        self, group: Sequence[WithNear], known: Mapping[str, LocateEntry]
    ) -> list[LocateEntry]:
        """Locate blocks together, and save each."""
        found = self._blocks.locate(group)
        for entry, rows in found:
            save_again(self._store, KeyResult(entry, rows), known.get(entry.key))
        return [entry for entry, _ in found]

    def source_of_terms(self) -> str:
        """Return a digest of the events and settings that `calibrate` computes terms from."""
        blocks = block_entries(self._store, self._associator)
        results = sorted(f"{block.key} {block.result}" for block in blocks)
        return digest_of(self.design.digest, *results)

    def calibrate(self, report: Callable[[str], None]) -> TermsFile:
        """Compute station terms over all events."""
        keys = frozenset(b.key for b in block_entries(self._store, self._associator) if b.n_rows)
        picker = _picker(self._store, self.design.run)
        return self._blocks.calibrate(keys, picker, report)


def _picker(store: Store, run: str) -> str:
    """Return the name of the picker and weights of a run; empty if it is not known."""
    record = (store.records("run").get(run) or {}).get("picker") or {}
    return " ".join(str(record[name]) for name in ("architecture", "weights") if name in record)


def associator_of(store: Store, wanted: str | None) -> tuple[str, Design]:
    """Return the digest of an associator, and its design."""
    chosen = select_results(store, wanted).associator
    if not chosen:
        raise InputError(
            f"store {store.location!r} has no events; make them with `epicat run` or "
            "`epicat associate`"
        )
    record = store.records("associator").get(chosen) or {}
    if "imported" in record:
        return chosen, catalog_design(store, ImportedCatalog.model_validate(record))
    try:
        return chosen, Design.model_validate(record)
    except ValueError as error:
        raise StoreError(
            f"the record of associator {chosen} was not written by this version of epicat; "
            "associate again to locate its events"
        ) from error
