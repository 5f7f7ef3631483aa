"""The worker: runs a unit and returns its outcome, on this machine or another.

For each key it reads, computes, writes the rows as a new generation, and commits that last.
"""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import pyarrow as pa

from epicat._util.files import cache_folder
from epicat.association.associator import Associator
from epicat.association.design import Design
from epicat.association.sites import SiteIndex
from epicat.campaign.campaign import Campaign
from epicat.errors import AwayError, EpicatError, ModelError, unforeseen
from epicat.model import (
    BlockEntry,
    LedgerEntry,
    MeasureEntry,
    Pick,
    Span,
    Stage,
    StationDay,
    StationDayEntry,
    Status,
    digest_of,
    flag_counts,
)
from epicat.pick.load import load_picker
from epicat.pick.openvino.bundle import Bundle
from epicat.pipeline.associate_block import BlockAssociator, StoredPicks
from epicat.pipeline.day_reader import DayReader
from epicat.pipeline.ledger_view import RETRIED, WITHOUT_WAVEFORMS
from epicat.pipeline.locate_block import BlockLocator
from epicat.pipeline.magnitude_block import BlockMagnitudes
from epicat.pipeline.measure_day import Instrument, measure_station_day
from epicat.pipeline.outcome import BegunKey, Outcome, failed, stamped
from epicat.pipeline.pick_day import DayPicker, DayResult
from epicat.pipeline.plan import (
    Unit,
    block_span,
    has_magnitudes,
    is_located,
    is_measured,
    magnitude_inputs,
    magnitude_span,
    near_blocks,
    near_keys,
)
from epicat.store.base import (
    Store,
    Where,
    block_entries,
    locate_entries,
    magnitude_entries,
    measure_entries,
    new_generation,
    station_day_entries,
)
from epicat.store.open import open_store
from epicat.tables import (
    SCHEMAS,
    TableName,
    arrivals_table,
    events_table,
    picks_of,
    picks_table,
)

__all__ = ["Worker"]


Rows = Mapping[TableName, pa.Table]
Keyed = tuple[LedgerEntry, Rows]


@dataclass(frozen=True, slots=True)
class _Result:
    """The result of a key."""

    entry: LedgerEntry
    rows: Rows
    is_kept: bool = True  # else the present result is kept


class Worker:
    """Runs the units of a campaign, one at a time; opens store, archive and picker lazily."""

    def __init__(self, campaign: Campaign, threads: Callable[[], int] = lambda: 1) -> None:
        """Take what to compute; ``threads`` says how many to use, before each station-day."""
        self._campaign = campaign
        self._threads = threads

    def work(self, unit: Unit) -> Outcome:
        """Run a unit: compute its keys, write their rows and commit them.

        Raises `StoreError` or `AwayError` if the store or the archive is unreachable.
        """
        begin = time.monotonic()
        do = self._associate
        if unit.stage == Stage.PICK:
            do = self._measure_picked if unit.measure_only else self._pick
        generation = new_generation()
        results = list(do(unit, generation))
        kept = [result for result in results if result.is_kept]
        self._save(kept, generation)
        located: dict[str, Status] = {}
        if unit.stage == Stage.ASSOCIATE:
            located = self._locate(unit)
            self._compute_magnitudes(unit, sorted({*unit.keys, *located}))
        every = [result.entry for result in kept]
        entries = [entry for entry in every if entry.stage == unit.stage]
        unmeasured = sum(e.stage == Stage.MEASURE and e.status == Status.FAILED for e in every)
        return Outcome(
            unit=unit,
            seconds=time.monotonic() - begin,
            statuses=Counter(entry.status.value for entry in entries),
            unchanged=len(unit.keys) - len(entries),
            n_rows=sum(entry.n_rows for entry in entries),
            n_rejected=sum(e.n_rejected for e in entries if isinstance(e, BlockEntry)),
            flags=flag_counts(every),
            n_incomplete=sum(result.entry.is_incomplete for result in results) + unmeasured,
            located=Counter(status.value for status in located.values()),
        )

    def _save(self, results: Iterable[_Result], generation: str) -> None:
        tables: dict[TableName, list[pa.Table]] = {}
        entries = []
        for result in results:
            entries.append(result.entry)
            for table, part in result.rows.items():
                tables.setdefault(table, []).append(part)
        for table, parts in tables.items():
            whole = pa.concat_tables([SCHEMAS[table].empty_table(), *parts])
            self._store.replace(table, whole, generation)
        if entries:
            self._store.mark(entries)

    def _pick(self, unit: Unit, generation: str) -> Iterable[_Result]:
        known = self._picked(unit) if unit.recheck else {}
        measured = self._measured(unit) if unit.recheck else {}
        coming = [None if unit.recheck else StationDay.parse(text) for text in unit.keys[1:]]
        for text, after in zip(unit.keys, [*coming, None], strict=True):
            key = StationDay.parse(text)
            before = known.get(text)
            if before is not None and self._is_unchanged(key, before):
                if not is_measured(self._campaign, key, before, measured.get(text)):
                    yield self._measure_stored(unit, before, generation)
                continue
            begun = BegunKey(unit, text, generation, self._run_digest)
            results: list[DayResult] = []
            entry, rows = _timed(begun, partial(self._pick_key, coming=after, results=results))
            # A failed recheck never replaces a result.
            is_kept = not (unit.recheck and entry.status in RETRIED)
            yield _Result(entry, rows, is_kept)
            if is_kept and self._campaign.amplitudes and entry.status not in WITHOUT_WAVEFORMS:
                result = results.pop()
                given = partial(getattr, result, "instruments")
                yield self._measure(unit, entry, generation, given, result.picks)
                del result, given  # the samples, before the next day

    def _measure_picked(self, unit: Unit, generation: str) -> Iterable[_Result]:
        """Read the waveforms of picked station-days again, and measure their amplitudes."""
        picked = self._picked(unit)
        for text in unit.keys:
            entry = picked.get(text)
            if entry is not None and entry.status not in WITHOUT_WAVEFORMS:
                yield self._measure_stored(unit, entry, generation)

    def _measure_stored(self, unit: Unit, picked: StationDayEntry, generation: str) -> _Result:
        """Return the amplitudes at stored picks, for which the waveforms are read again."""
        where = Where(design=self._run_digest, keys=frozenset([picked.key]))
        picks = picks_of(self._store.read("picks", where))
        key = StationDay.parse(picked.key)
        return self._measure(
            unit,
            picked,
            generation,
            lambda: self._day_reader.instruments(key, picked.objects),
            picks,
        )

    def _measure(
        self,
        unit: Unit,
        picked: LedgerEntry,
        generation: str,
        instruments: Callable[[], Sequence[Instrument]],
        picks: Sequence[Pick],
    ) -> _Result:
        """Return the amplitudes at the picks of a station-day."""
        design = self._campaign.amplitudes
        own = Unit(Stage.MEASURE, (picked.key,), after_ns=unit.after_ns)
        begun = BegunKey(own, picked.key, generation, design.digest if design else "")

        def one(text: str) -> Keyed:
            key = StationDay.parse(text)
            entry, rows = measure_station_day(self._campaign, key, instruments(), picks)
            return replace(entry, inputs=picked.result), rows

        return _Result(*_timed(begun, one))

    def _pick_key(
        self, text: str, coming: StationDay | None, results: list[DayResult]
    ) -> tuple[LedgerEntry, Rows]:
        """Pick a station-day; the result itself is added to ``results``."""
        self._day_picker.use_threads(self._threads())
        result = self._day_picker.pick(StationDay.parse(text), coming)
        results.append(result)
        rows = picks_table(result.picks, self._run_digest, text)
        entry = StationDayEntry(
            design=self._run_digest,
            key=text,
            status=result.status,
            generation="",
            marked_ns=0,
            reason=result.reason,
            flags=result.flags,
            result=_digest(rows["pick_id"]),
            archive=self._campaign.archive,
            layout=self._campaign.layout,
            objects=result.objects,
            samples=result.samples,
            gaps=result.gaps,
            channels=result.channels,
            orientation=self._campaign.orientation_of(StationDay.parse(text)),
            n_picks=len(result.picks),
        )
        return entry, {"picks": rows}

    def _is_unchanged(self, key: StationDay, entry: StationDayEntry) -> bool:
        if entry.archive != self._campaign.archive:
            return False
        seen = {(item.key, item.etag) for item in entry.objects}
        return seen == {(item.key, item.etag) for item in self._day_picker.objects(key)}

    def _associate(self, unit: Unit, generation: str) -> Iterable[_Result]:
        length = self._campaign.design.block_ns
        spans = [block_span(text, length) for text in unit.keys]
        span = Span(min(s.start_ns for s in spans), max(s.end_ns for s in spans))
        campaign, picks = self._campaign, StoredPicks(self._campaign, self._store, span)
        plane, radius_m = campaign.design.plane, campaign.site_radius_m
        index = SiteIndex.from_stations(campaign.stations, plane, radius_m)
        blocks = BlockAssociator(campaign.design, index, picks.read, self._associator)
        digest = self._campaign.design.digest
        known = {e.key: e for e in block_entries(self._store, digest, span)}

        def one(text: str) -> tuple[LedgerEntry, Rows]:
            return _block_entry(blocks, picks, text, campaign.design)

        for text, block in zip(unit.keys, spans, strict=True):
            entry = known.get(text)
            if entry and entry.status != Status.FAILED and entry.inputs == picks.inputs(block):
                continue
            yield _Result(*_timed(BegunKey(unit, text, generation, digest), one))

    def _locate(self, unit: Unit) -> dict[str, Status]:
        """Locate the events of associated blocks; return the status of each that was located.

        Blocks nearby that other workers associate compete for picks.  Whichever of two workers
        is later sees the events of both: it locates the blocks of the other again that are near
        its own, until none of them has changed meanwhile.
        """
        statuses: dict[str, Status] = {}
        if self._campaign.location is None:
            return statuses
        while results := self._located(unit):
            generation = new_generation()
            named = [replace(r, entry=replace(r.entry, generation=generation)) for r in results]
            self._save(named, generation)
            statuses |= {result.entry.key: result.entry.status for result in named}
            if Status.FAILED in statuses.values():  # else it would be tried for ever
                break
        return statuses

    def _located(self, unit: Unit) -> list[_Result]:
        """Locate the blocks of a unit, and those near it, whose events have changed."""
        campaign, location = self._campaign, self._campaign.location
        assert location is not None
        design = campaign.design
        near = [key for own in unit.keys for key in near_keys(own, design, location)]
        keys = sorted({*unit.keys, *near})
        span = _hull(block_span(key, design.block_ns) for key in keys)
        wide = span.widened(location.reach_ns + design.block_ns)
        blocks = {e.key: e for e in block_entries(self._store, location.associator, wide)}
        known = {e.key: e for e in locate_entries(self._store, location.digest, wide)}
        results = []
        for key in keys:
            block, before = blocks.get(key), known.get(key)
            if block is None or block.status == Status.FAILED:
                continue
            if any(near not in blocks and self._is_planned(near)
                   for near in near_keys(key, design, location)):  # fmt: skip
                continue  # the last of them that is associated locates this one, too
            others = near_blocks(key, blocks, design, location)
            if is_located(block, before, others):
                continue
            after_ns = max(unit.after_ns, before.marked_ns if before else 0)
            own = Unit(Stage.LOCATE, (key,), after_ns=after_ns)
            begun = BegunKey(own, key, "", location.digest)
            compute = partial(self._locate_key, block=block, near=others)
            results.append(_Result(*_timed(begun, compute)))
        return results

    def _is_planned(self, key: str) -> bool:
        """Return whether a block is one of the campaign's."""
        return block_span(key, self._campaign.design.block_ns).overlaps(self._campaign.span)

    def _locate_key(self, _: str, block: BlockEntry, near: Sequence[BlockEntry | None]) -> Keyed:
        return self._block_locator.locate(block, near)

    def _compute_magnitudes(self, unit: Unit, keys: Sequence[str]) -> None:
        """Compute the magnitudes of blocks that are located, unless that was done.

        Another worker may locate a block again meanwhile: until none of them has changed.
        """
        while results := self._magnitudes(unit, keys):
            generation = new_generation()
            named = [replace(r, entry=replace(r.entry, generation=generation)) for r in results]
            self._save(named, generation)
            if any(result.entry.status == Status.FAILED for result in named):
                break

    def _magnitudes(self, unit: Unit, keys: Sequence[str]) -> list[_Result]:
        """Return the magnitudes of blocks whose locations or amplitudes have changed."""
        design, campaign = self._campaign.magnitude, self._campaign
        if design is None:
            return []
        spans = {text: block_span(text, campaign.design.block_ns) for text in keys}
        span = _hull(spans.values())
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
            results.append(_Result(*_timed(BegunKey(own, text, "", design.digest), one)))
        return results

    def _magnitudes_of(self, _: str, *, block: BlockEntry, span: Span, inputs: str) -> Keyed:
        return self._block_magnitudes.compute(block, span, inputs)

    @cached_property
    def _block_magnitudes(self) -> BlockMagnitudes:
        campaign = self._campaign
        if campaign.magnitude is None:
            raise TypeError("a campaign without magnitudes computes none")
        plane, radius_m = campaign.design.plane, campaign.site_radius_m
        index = SiteIndex.from_stations(campaign.stations, plane, radius_m)
        return BlockMagnitudes(campaign.magnitude, campaign.design, index, self._store)

    @cached_property
    def _block_locator(self) -> BlockLocator:
        campaign = self._campaign
        if campaign.location is None:
            raise TypeError("a campaign without a location does not locate")
        plane, radius_m = campaign.design.plane, campaign.site_radius_m
        index = SiteIndex.from_stations(campaign.stations, plane, radius_m)
        return BlockLocator(campaign.location, campaign.design, index, self._store)

    @property
    def _run_digest(self) -> str:
        return self._campaign.run.digest

    @cached_property
    def _store(self) -> Store:
        return open_store(self._campaign.store, patient=True)

    def _picked(self, unit: Unit) -> dict[str, StationDayEntry]:
        days = [StationDay.parse(text).span for text in unit.keys]
        span = Span(min(day.start_ns for day in days), max(day.end_ns for day in days))
        return {e.key: e for e in station_day_entries(self._store, self._run_digest, span)}

    def _measured(self, unit: Unit) -> dict[str, MeasureEntry]:
        if self._campaign.amplitudes is None:
            return {}
        days = [StationDay.parse(text).span for text in unit.keys]
        span = Span(min(day.start_ns for day in days), max(day.end_ns for day in days))
        entries = measure_entries(self._store, self._campaign.amplitudes.digest, span)
        return {entry.key: entry for entry in entries}

    @cached_property
    def _day_reader(self) -> DayReader:
        return DayReader(self._campaign, self._campaign.open_archive())

    @cached_property
    def _day_picker(self) -> DayPicker:
        folder = self._campaign.bundle
        if folder is None:
            raise TypeError("a campaign without a bundle does not pick")
        bundle = Bundle.read(folder)
        if not self._campaign.picking.picks_with(bundle.info):
            raise ModelError(
                f"compiled model {str(folder)!r} is not the one of run "
                f"{self._run_digest}: it was replaced after the run was planned; run again"
            )
        picker = load_picker(bundle, self._threads(), self._campaign.picking.precision)
        return DayPicker(self._campaign, self._campaign.open_archive(), picker)

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
        result=_digest(events["event_id"]),
        inputs=picks.inputs(block),
        n_picks_used=result.n_picks,
        n_sites=result.n_sites,
        n_events=len(result.events),
        n_rejected=sum(bool(event.rejected) for event in result.events),
    )
    return entry, {"events": events, "arrivals": arrivals_table(result.events, digest, text)}


def _hull(spans: Iterable[Span]) -> Span:
    """Return the shortest span that contains others."""
    found = list(spans)
    return Span(min(s.start_ns for s in found), max(s.end_ns for s in found))


def _digest(ids: pa.ChunkedArray) -> str:
    return digest_of(*sorted(ids.to_pylist()))


def _timed(begun: BegunKey, compute: Callable[[str], Keyed]) -> Keyed:
    """Compute one key; what it raises becomes its entry, so that it never fails the unit.

    `AwayError` is not an error of one key and is raised.
    """
    begin = time.monotonic()
    rows: Rows = {}
    try:
        entry, rows = compute(begun.key)
    except AwayError:
        raise
    except EpicatError as error:
        entry = failed(begun, str(error))
    except Exception as error:
        entry = failed(begun, _message(error))
    return stamped(entry, begun, time.monotonic() - begin), rows


def _message(error: Exception) -> str:
    """Return an unexpected exception with the place in the code where it was raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{unforeseen(error)} ({last.name}, line {last.lineno})"
