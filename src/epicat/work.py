"""work(unit) -> Outcome: the only thing that any executor runs, on this machine or another.

For each key it reads, computes, writes the rows as a new generation and marks that last.
"""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import pyarrow as pa

from epicat.associate.associator import Associator
from epicat.cache import cache_folder
from epicat.config import Campaign
from epicat.errors import EpicatError
from epicat.model import LedgerEntry, Stage, StationDay, Status, digest_of, flag_counts
from epicat.pick.bundle import Bundle, OpenVinoPicker
from epicat.plan import LOOK_AGAIN, Unit, block_span
from epicat.store.interface import Store, new_generation
from epicat.store.open import open_store
from epicat.tables import SCHEMAS, TableName, arrivals_table, events_table, picks_table
from epicat.units.associating import BlockAssociator
from epicat.units.picking import DayPicker

__all__ = ["Outcome", "Worker", "failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a unit.  Plain data."""

    unit: Unit
    """The unit."""
    seconds: float
    """Time that it took."""
    statuses: Mapping[str, int] = field(default_factory=dict)
    """How many of its keys came to which status."""
    unchanged: int = 0
    """Keys whose objects or picks had not changed, so that nothing was done."""
    found: int = 0
    """Picks or events, rejected ones included."""
    rejected: int = 0
    """Events among them that quality control rejects."""
    flags: Mapping[str, int] = field(default_factory=dict)
    """What quality control has left out or rejected, by criterion."""
    failure: str = ""
    """Why the unit as a whole failed, if it did."""


Rows = Mapping[TableName, pa.Table]
Keyed = tuple[LedgerEntry, Rows]


class Worker:
    """Works on the units of a campaign, one at a time; opens what it needs when it needs it."""

    def __init__(self, campaign: Campaign, threads: int = 1) -> None:
        self._campaign = campaign
        self._threads = threads

    def work(self, unit: Unit) -> Outcome:
        """Do a unit: compute its keys, write their rows, mark them."""
        begin = time.monotonic()
        do = self._pick if unit.stage == Stage.PICK else self._associate
        generation = new_generation()
        results = [r for r in do(unit, generation) if r is not None]
        self._save(results, generation)
        entries = [entry for entry, _ in results]
        return Outcome(
            unit=unit,
            seconds=time.monotonic() - begin,
            statuses=Counter(entry.status.value for entry in entries),
            unchanged=len(unit.keys) - len(entries),
            found=sum(entry.count for entry in entries),
            rejected=sum(entry.rejected for entry in entries),
            flags=flag_counts(entries),
        )

    def _save(self, results: Iterable[Keyed], generation: str) -> None:
        tables: dict[TableName, list[pa.Table]] = {}
        entries = []
        for entry, rows in results:
            entries.append(entry)
            for table, part in rows.items():
                tables.setdefault(table, []).append(part)
        for table, parts in tables.items():
            whole = pa.concat_tables([SCHEMAS[table].empty_table(), *parts])
            self._store.replace(table, whole, generation)
        if entries:
            self._store.mark(entries)

    def _pick(self, unit: Unit, generation: str) -> Iterable[Keyed | None]:
        coming = [None if unit.recheck else StationDay.parse(text) for text in unit.keys[1:]]
        for text, after in zip(unit.keys, [*coming, None], strict=True):
            key = StationDay.parse(text)
            if unit.recheck and self._is_unchanged(key):
                yield None
                continue
            compute = partial(self._pick_key, coming=after)
            result = _timed(Stage.PICK, text, generation, self._run_digest, compute)
            # Trouble while looking again never replaces a result that is there.
            yield None if unit.recheck and result[0].status in LOOK_AGAIN else result

    def _pick_key(self, text: str, coming: StationDay | None) -> tuple[LedgerEntry, Rows]:
        result = self._day_picker.pick(StationDay.parse(text), coming)
        rows = picks_table(result.picks, self._run_digest, text)
        entry = LedgerEntry(
            stage=Stage.PICK,
            design=self._run_digest,
            key=text,
            status=result.status,
            generation="",
            marked_ns=0,
            reason=result.reason,
            archive=self._campaign.archive,
            objects=result.objects,
            samples=result.samples,
            gaps=result.gaps,
            count=len(result.picks),
            flags=result.flags,
            result=_digest(rows["pick_id"]),
            details=result.channels,
        )
        return entry, {"picks": rows}

    def _is_unchanged(self, key: StationDay) -> bool:
        entry = self._picked.get(str(key))
        if entry is None or entry.archive != self._campaign.archive:
            return False
        seen = {(item.key, item.etag) for item in entry.objects}
        return seen == {(item.key, item.etag) for item in self._day_picker.objects(key)}

    def _associate(self, unit: Unit, generation: str) -> Iterable[Keyed | None]:
        blocks = BlockAssociator(self._campaign, self._store, self._associator)
        digest = self._campaign.design.digest
        known = {e.key: e for e in self._store.ledger(Stage.ASSOCIATE, digest)}

        def one(text: str) -> tuple[LedgerEntry, Rows]:
            return _block_entry(blocks, text, self._campaign)

        for text in unit.keys:
            entry = known.get(text)
            block = block_span(text, self._campaign.design.block_ns)
            if entry and entry.status != Status.FAILED and entry.inputs == blocks.inputs(block):
                yield None
            else:
                yield _timed(Stage.ASSOCIATE, text, generation, digest, one)

    @property
    def _run_digest(self) -> str:
        return self._campaign.run.digest

    @cached_property
    def _store(self) -> Store:
        return open_store(self._campaign.store)

    @cached_property
    def _picked(self) -> dict[str, LedgerEntry]:
        return {e.key: e for e in self._store.ledger(Stage.PICK, self._run_digest)}

    @cached_property
    def _day_picker(self) -> DayPicker:
        folder = self._campaign.bundle
        if folder is None:
            raise TypeError("a campaign without a bundle does not pick")
        precision = self._campaign.picking.precision
        picker = OpenVinoPicker(Bundle.read(folder), self._threads, precision)
        return DayPicker(self._campaign, self._campaign.open_archive(), picker)

    @cached_property
    def _associator(self) -> Associator:
        return Associator(self._campaign.design, cache_folder("traveltimes"), self._threads)


def _block_entry(blocks: BlockAssociator, text: str, campaign: Campaign) -> Keyed:
    result = blocks.associate(block_span(text, campaign.design.block_ns))
    digest = campaign.design.digest
    events = events_table(result.events, digest, text)
    entry = LedgerEntry(
        stage=Stage.ASSOCIATE,
        design=digest,
        key=text,
        status=result.status,
        generation="",
        marked_ns=0,
        reason=result.reason,
        count=len(result.events),
        rejected=sum(bool(event.rejected) for event in result.events),
        flags=result.flags,
        result=_digest(events["event_id"]),
        inputs=result.inputs,
        details=result.details,
    )
    return entry, {"events": events, "arrivals": arrivals_table(result.events, digest, text)}


def _digest(ids: pa.ChunkedArray) -> str:
    return digest_of(*sorted(ids.to_pylist()))


def _timed(
    stage: Stage,
    key: str,
    generation: str,
    design: str,
    compute: Callable[[str], Keyed],
) -> Keyed:
    """Compute one key; what it raises becomes its entry: one bad key never fails a unit."""
    begin = time.monotonic()
    rows: Rows = {}
    try:
        entry, rows = compute(key)
    except EpicatError as error:
        entry = failed(stage, design, key, str(error))
    except Exception as error:
        entry = failed(stage, design, key, _told(error))
    seconds = time.monotonic() - begin
    return _stamped(entry, generation, seconds), rows


def failed(stage: Stage, design: str, key: str, reason: str) -> LedgerEntry:
    """Return the entry of a key that failed; the next invocation tries it again."""
    return _stamped(
        LedgerEntry(stage, design, key, Status.FAILED, "", 0, reason=reason), new_generation(), 0.0
    )


def _stamped(entry: LedgerEntry, generation: str, seconds: float) -> LedgerEntry:
    return replace(entry, generation=generation, marked_ns=time.time_ns(), seconds=seconds)


def _told(error: Exception) -> str:
    """Return an unforeseen error with the place where it came from."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({last.name}, line {last.lineno})"
