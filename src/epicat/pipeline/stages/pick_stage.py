"""The stage that picks station-days, and measures the amplitudes at their picks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from epicat.campaign.campaign import Campaign
from epicat.errors import ModelError
from epicat.ledger import LedgerEntry, MeasureEntry, Stage, StationDayEntry
from epicat.model import Pick, Span, StationDay
from epicat.pick.load import load_picker
from epicat.pick.loading import LoadingPicker
from epicat.pick.openvino.bundle import Bundle
from epicat.pipeline.ledger_view import RETRIED, WITHOUT_WAVEFORMS
from epicat.pipeline.outcome import BegunKey
from epicat.pipeline.plan import Unit, is_measured
from epicat.pipeline.stages.day_reader import DayReader
from epicat.pipeline.stages.key_commits import KeyCommits
from epicat.pipeline.stages.key_result import Keyed, KeyResult, compute_key, hull, ids_digest
from epicat.pipeline.stages.measure_day import Instrument, measure_station_day
from epicat.pipeline.stages.pick_day import DayPicker, DayResult
from epicat.store.base import Store, Where, measure_entries, station_day_entries
from epicat.table_rows import picks_of, picks_table

__all__ = ["PickStage"]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the keys of a unit before they are computed."""

    picked: Mapping[str, StationDayEntry]
    """Present entries, if keys are done again."""
    measured: Mapping[str, MeasureEntry]
    """Present entries of amplitudes."""
    restored: Mapping[str, Sequence[KeyResult]]
    """Results of an interrupted run that are not committed."""


class PickStage:
    """Picks the station-days of units; opens archive and picker at the first of them."""

    def __init__(self, campaign: Campaign, store: Store, threads: Callable[[], int]) -> None:
        """``threads`` returns how many to use; it is asked before each station-day."""
        self._campaign = campaign
        self._store = store
        self._threads = threads

    def load_picker(self) -> None:
        """Start to load the picker, which the first station-day would do otherwise."""
        _ = self._day_picker

    def results(self, unit: Unit, generation: str, commits: KeyCommits) -> Iterable[KeyResult]:
        """Compute the keys of a unit, one after the other.

        Each finished key is kept by ``commits``; what these have of an interrupted run is used.
        """
        is_repeated = unit.recheck or unit.measure_only
        known = _Known(
            picked=self._picked(unit) if is_repeated else {},
            measured=self._measured(unit) if unit.recheck else {},
            restored=commits.restored(),
        )
        coming = [None if is_repeated else StationDay.parse(text) for text in unit.keys[1:]]
        for text, after in zip(unit.keys, [*coming, None], strict=True):
            restored = known.restored.get(text, [])
            if restored and self._is_usable(unit, known.picked.get(text), restored):
                yield from restored
                continue
            done: list[KeyResult] = []
            for result in self._computed(unit, text, known, generation, after):
                done.append(result)
                yield result
            commits.finished(text, done)

    def _computed(
        self, unit: Unit, text: str, known: _Known, generation: str, coming: StationDay | None
    ) -> Iterator[KeyResult]:
        """Compute a key: pick, and measure amplitudes; nothing if that was done."""
        key, before = StationDay.parse(text), known.picked.get(text)
        if unit.measure_only:
            if before is not None and before.status not in WITHOUT_WAVEFORMS:
                yield self._measure_stored(unit, before, generation)
        elif before is not None and self._is_unchanged(key, before):
            if not is_measured(self._campaign, key, before, known.measured.get(text)):
                yield self._measure_stored(unit, before, generation)
        else:
            yield from self._pick_and_measure(unit, text, generation, coming)

    def _pick_and_measure(
        self, unit: Unit, text: str, generation: str, coming: StationDay | None
    ) -> Iterator[KeyResult]:
        """Pick a station-day, then measure the amplitudes at its picks while it is in memory."""
        begun = BegunKey(unit, text, generation, self._campaign.run.digest)
        results: list[DayResult] = []
        done = compute_key(begun, partial(self._pick_key, coming=coming, results=results))
        # A failed recheck never replaces a result.
        is_kept = not (unit.recheck and done.entry.status in RETRIED)
        yield replace(done, is_kept=is_kept)
        has_waveforms = done.entry.status not in WITHOUT_WAVEFORMS
        if is_kept and self._campaign.amplitudes and has_waveforms:
            result = results.pop()
            given = partial(getattr, result, "instruments")
            yield self._measure(unit, done.entry, generation, given, result.picks)

    def _is_usable(
        self, unit: Unit, picked: StationDayEntry | None, restored: Sequence[KeyResult]
    ) -> bool:
        """Return whether the results of an interrupted run are those that are due now.

        They are newer than the present result, of the same archive and directions of channels,
        with amplitudes if these are wanted, and none of them failed.
        """
        entries = [result.entry for result in restored]
        designs = {self._campaign.run.digest}
        designs |= {self._campaign.amplitudes.digest} if self._campaign.amplitudes else set()
        if any(e.status in RETRIED or e.marked_ns <= unit.after_ns for e in entries):
            return False
        if any(e.design not in designs for e in entries):
            return False
        found = next((e for e in entries if isinstance(e, StationDayEntry)), None)
        measured = next((e for e in entries if isinstance(e, MeasureEntry)), None)
        if unit.measure_only:
            own = found is None and measured is not None
            key = StationDay.parse(entries[0].key)
            return own and is_measured(self._campaign, key, picked, measured)
        if found is None or (found.archive, found.layout) != self._archive:
            return False
        key = StationDay.parse(found.key)
        is_same = found.orientation == self._campaign.orientation_of(key)
        return is_same and is_measured(self._campaign, key, found, measured) and (
            not unit.recheck or self._is_unchanged(key, found)
        )  # fmt: skip

    @property
    def _archive(self) -> tuple[str, str]:
        return self._campaign.archive, self._campaign.layout

    def _measure_stored(self, unit: Unit, picked: StationDayEntry, generation: str) -> KeyResult:
        """Return the amplitudes at stored picks, for which the waveforms are read again."""
        where = Where(design=self._campaign.run.digest, keys=frozenset([picked.key]))
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
    ) -> KeyResult:
        """Return the amplitudes at the picks of a station-day."""
        design = self._campaign.amplitudes
        own = Unit(Stage.MEASURE, (picked.key,), after_ns=unit.after_ns)
        begun = BegunKey(own, picked.key, generation, design.digest if design else "")

        def one(text: str) -> Keyed:
            key = StationDay.parse(text)
            entry, rows = measure_station_day(self._campaign, key, instruments(), picks)
            return replace(entry, inputs=picked.result), rows

        return compute_key(begun, one)

    def _pick_key(self, text: str, coming: StationDay | None, results: list[DayResult]) -> Keyed:
        """Pick a station-day; the result itself is added to ``results``."""
        self._day_picker.use_threads(self._threads())
        result = self._day_picker.pick(StationDay.parse(text), coming)
        results.append(result)
        rows = picks_table(result.picks, self._campaign.run.digest, text)
        entry = StationDayEntry(
            design=self._campaign.run.digest,
            key=text,
            status=result.status,
            generation="",
            marked_ns=0,
            reason=result.reason,
            flags=result.flags,
            result=ids_digest(rows["pick_id"]),
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

    def _picked(self, unit: Unit) -> dict[str, StationDayEntry]:
        entries = station_day_entries(self._store, self._campaign.run.digest, _days(unit))
        return {entry.key: entry for entry in entries}

    def _measured(self, unit: Unit) -> dict[str, MeasureEntry]:
        if self._campaign.amplitudes is None:
            return {}
        digest = self._campaign.amplitudes.digest
        return {entry.key: entry for entry in measure_entries(self._store, digest, _days(unit))}

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
                f"{self._campaign.run.digest}: it was replaced after the run was planned; run again"
            )
        precision, threads = self._campaign.picking.precision, self._threads()
        load = partial(load_picker, bundle, threads, precision)
        picker = LoadingPicker(load, bundle.info, precision, threads)
        return DayPicker(self._campaign, self._campaign.open_archive(), picker)


def _days(unit: Unit) -> Span:
    """Return the span of a unit's station-days."""
    return hull(StationDay.parse(text).span for text in unit.keys)
