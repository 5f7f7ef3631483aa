"""Measure the amplitudes of a store that was picked without responses, in this process.

The archive is read again.  The same station-days are measured by `epicat run` with responses; here
neither the campaign nor the picker is needed.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from epicat._util.lists import batched
from epicat.amplitude.design import AmplitudeDesign
from epicat.archive.archive import Archive, open_archive
from epicat.archive.fdsn import FdsnOptions
from epicat.campaign.pick_run import PickRun
from epicat.campaign.recorded_access import access_of, recorded_access
from epicat.errors import AwayError, EpicatError, InputError, StoreError
from epicat.ledger import MeasureEntry, StationDayEntry, Status, flag_counts
from epicat.model import Place, StationDay, places_of
from epicat.pipeline.ledger_view import WITHOUT_WAVEFORMS
from epicat.pipeline.stages.day_reader import DayReader
from epicat.pipeline.stages.measure_day import (
    Rows,
    measure_station_day,
    response_rows,
    responses_digest,
)
from epicat.stations.responses import Responses
from epicat.store.base import Store, Where, measure_entries, new_generation, station_day_entries
from epicat.store.responses import put_responses
from epicat.table_rows import picks_of, stations_of
from epicat.tables import TableName

__all__ = ["MeasureOutcome", "StoreMeasurer"]

_AT_ONCE = 20
"""Station-days that are written together."""


@dataclass(slots=True)
class MeasureOutcome:
    """What was measured."""

    amplitudes: str
    """Digest of the amplitudes."""
    measured: int = 0
    """Station-days that were measured."""
    unchanged: int = 0
    """Station-days that needed no work."""
    failed: int = 0
    """Station-days that could not be measured, such as those whose objects have changed."""
    picks: int = 0
    """Picks with an amplitude, of the station-days that were measured."""
    flags: dict[str, int] = field(default_factory=dict)
    """Channels without a response."""
    reasons: dict[str, int] = field(default_factory=dict)
    """Station-days that failed, by reason."""


@dataclass(frozen=True, slots=True)
class _Store:
    """What a store says of the measurement: see `Reading` and `Measuring`."""

    picking: PickRun
    amplitudes: AmplitudeDesign
    responses: Responses
    places: dict[str, Place]
    network: str = ""


class StoreMeasurer:
    """Measures the station-days of a run of a store."""

    def __init__(
        self, store: Store, run: str, responses: Responses, *, archive: str = "", network: str = ""
    ) -> None:
        """``run`` is a digest; ``archive`` is where the waveforms are now, if they have moved.

        Archives of the run are accessed as on record, others as the environment says.  ``network``
        is the network of records whose network code is blank.  Raises `InputError` if
        the picks were imported.
        """
        self._store, self._archive = store, archive
        self._access = recorded_access(store, run)
        self._given = _Store(
            _pick_run(store, run),
            AmplitudeDesign(run=run),
            responses,
            places_of(stations_of(store.stations())),
            network,
        )

    def measure(self, report: Callable[[str], None] = lambda _: None) -> MeasureOutcome:
        """Measure what was never measured, or with other picks or responses.

        Raises `AwayError` if the archive is unavailable; what was measured before is kept.
        """
        design = self._given.amplitudes
        self._store.put_record("amplitude", design.digest, design.model_dump(mode="json"))
        put_responses(self._store, response_rows(self._given.responses))
        outcome = MeasureOutcome(design.digest)
        known = {entry.key: entry for entry in measure_entries(self._store, design.digest)}
        for (archive, layout), days in self._by_archive(known, outcome).items():
            where = self._archive or archive
            report(f"reading {len(days):,} station-days of {where}")
            reader = DayReader(self._given, self._opened(where, layout))
            for some in batched(days, _AT_ONCE):
                self._save([self._measured(reader, day) for day in some], known, outcome)
        return outcome

    def _by_archive(
        self, known: dict[str, MeasureEntry], outcome: MeasureOutcome
    ) -> dict[tuple[str, str], list[StationDayEntry]]:
        """Return the station-days that are due, by archive and layout."""
        due: dict[tuple[str, str], list[StationDayEntry]] = defaultdict(list)
        for entry in station_day_entries(self._store, self._given.amplitudes.run):
            key, before = StationDay.parse(entry.key), known.get(entry.key)
            if entry.status in WITHOUT_WAVEFORMS or key.station not in self._given.places:
                continue
            digest = responses_digest(self._given, key)
            is_done = before is not None and before.status != Status.FAILED
            if before and is_done and (before.inputs, before.responses) == (entry.result, digest):
                outcome.unchanged += 1
            else:
                due[entry.archive, entry.layout].append(entry)
        return due

    def _opened(self, archive: str, layout: str) -> Archive:
        access, network = access_of(self._access, archive), self._given.network
        return open_archive(archive, layout, access, fdsn=FdsnOptions(), blank_network=network)

    def _measured(self, reader: DayReader, day: StationDayEntry) -> tuple[MeasureEntry, Rows]:
        key, design = StationDay.parse(day.key), self._given.amplitudes
        begin = time.monotonic()
        rows: Rows = {}
        try:
            where = Where(design=design.run, keys=frozenset([day.key]))
            picks = picks_of(self._store.read("picks", where))
            instruments = reader.instruments(key, day.objects)
            entry, rows = measure_station_day(self._given, key, instruments, picks)
        except (AwayError, StoreError):
            raise
        except EpicatError as error:
            entry = MeasureEntry(design.digest, day.key, Status.FAILED, "", 0, reason=str(error))
        seconds = time.monotonic() - begin
        return replace(entry, inputs=day.result, seconds=seconds), rows

    def _save(
        self,
        found: Sequence[tuple[MeasureEntry, Rows]],
        known: dict[str, MeasureEntry],
        outcome: MeasureOutcome,
    ) -> None:
        generation = new_generation()
        tables: tuple[TableName, ...] = ("amplitudes", "envelopes")
        for table in tables:
            parts = [rows[table] for _, rows in found if table in rows]
            if parts:
                self._store.replace(table, pa.concat_tables(parts), generation)
        newest = max((known[e.key].marked_ns for e, _ in found if e.key in known), default=0)
        marked_ns = max(time.time_ns(), newest + 1)
        entries = [replace(e, generation=generation, marked_ns=marked_ns) for e, _ in found]
        self._store.mark(entries)
        for entry in entries:
            failed = entry.status == Status.FAILED
            outcome.failed += failed
            outcome.measured += not failed
            outcome.picks += entry.n_amplitudes
            if failed:
                outcome.reasons[entry.reason] = outcome.reasons.get(entry.reason, 0) + 1
        for criterion, count in flag_counts(entries).items():
            outcome.flags[criterion] = outcome.flags.get(criterion, 0) + count


def _pick_run(store: Store, run: str) -> PickRun:
    record = store.records("run").get(run) or {}
    if "imported" in record:
        raise InputError(
            f"the picks of run {run} were imported from {record['imported']!r}: epicat does not "
            "know their waveforms"
        )
    try:
        return PickRun.model_validate(record)
    except ValueError as error:
        raise StoreError(
            f"the record of run {run} was not written by this version of epicat; pick again to "
            "measure amplitudes"
        ) from error
