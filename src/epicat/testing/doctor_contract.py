"""Contract of `epicat doctor` for every kind of store, as a test class to inherit.

Damage is done through the store's interface here; damage that only one kind of store can have is
tested with that store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from epicat.ledger import BlockEntry, LedgerEntry, Stage, StationDayEntry, Status
from epicat.model import Arrival, Event, Pick, Station, digest_of
from epicat.store.base import Store, new_generation
from epicat.store.findings import Kind
from epicat.store.verify.verify import verify_store
from epicat.table_rows import arrivals_table, events_table, picks_table, stations_table
from epicat.tables import TableName
from epicat.testing.store_contract import event_at, pick_at
from epicat.time import SECOND_NS, parse_time

__all__ = ["BLOCK", "DAY", "EVENTS", "RUN", "DoctorContract", "arrival_of", "put", "put_sound"]

RUN, EVENTS = "run", "associator"
DAY, BLOCK = "NC.KBG/2019.172", "2019-06-21T12:00:00.000000Z"
_NOON = parse_time(BLOCK)
_HOURS_NS = 6 * 3600 * SECOND_NS


def put(store: Store, key: str, tables: Mapping[TableName, pa.Table], **said: object) -> None:
    """Write rows of a key and mark them, with other words than the true ones if given."""
    generation = new_generation()
    for table, rows in tables.items():
        store.replace(table, rows, generation)
    rows = tables["picks"] if "picks" in tables else tables["events"]
    result = digest_of(*sorted(rows.column(0).to_pylist()))
    made = (key, Status.DONE, generation, _NOON)
    entry: LedgerEntry
    if "picks" in tables:
        entry = StationDayEntry(RUN, *made, result=result, n_picks=rows.num_rows)
    else:
        entry = BlockEntry(EVENTS, *made, result=result, n_events=rows.num_rows)
    store.mark([replace(entry, **said)])  # type: ignore[arg-type]


def arrival_of(pick: Pick) -> Arrival:
    """Return the arrival that a pick is of an event."""
    return Arrival(pick.id(RUN), pick.trace_id, pick.phase, pick.time_ns, 0.0, 10.0, 90.0)


def _event(*picks: Pick) -> Event:
    return replace(event_at(_NOON + SECOND_NS), arrivals=tuple(map(arrival_of, picks)))


def _events(*events: Event) -> dict[TableName, pa.Table]:
    return {
        "events": events_table(events, EVENTS, BLOCK),
        "arrivals": arrivals_table(events, EVENTS, BLOCK),
    }


def _picks(*picks: Pick, key: str = DAY) -> dict[TableName, pa.Table]:
    return {"picks": picks_table(picks, RUN, key)}


_ONE, _OTHER = pick_at(_NOON + 3 * SECOND_NS), pick_at(_NOON + 9 * SECOND_NS)


def put_sound(store: Store) -> None:
    """Write a station-day, a block with an event of its picks, stations and records."""
    station = Station("NC", "KBG", "00", (), 40.0, -124.0, 100.0, "NC.KBG")
    store.put_stations(stations_table([station]))
    store.put_record("run", RUN, {})
    store.put_record("associator", EVENTS, {"run": RUN, "block_ns": _HOURS_NS})
    put(store, DAY, _picks(_ONE, _OTHER))
    put(store, BLOCK, _events(_event(_ONE, _OTHER)))


class DoctorContract:
    """Inherit from it and implement `make_store`; pytest collects the tests."""

    def make_store(self, location: Path) -> Store:
        """Open the store of a location, made if there is none yet."""
        raise NotImplementedError

    def _sound(self, tmp_path: Path) -> Store:
        store = self.make_store(tmp_path / "store")
        put_sound(store)
        return store

    def _is_found_and_repaired(self, store: Store, *kinds: Kind, failed: str) -> None:
        """Verify twice with the same result; repair; verify again: healthy, with work to redo."""
        found = verify_store(store).findings
        assert [finding.kind for finding in found.all()] == list(kinds)
        assert not found.is_healthy
        repaired = verify_store(store, repair=True).findings.all()
        assert [finding.kind for finding in repaired] == list(kinds)
        assert all(finding.repaired == finding.count for finding in repaired)
        assert verify_store(store).findings.all() == []
        assert [e.key for e in store.ledger() if e.status == Status.FAILED] == [failed]
        reasons = [e.reason for e in store.ledger() if e.status == Status.FAILED]
        assert reasons[0].startswith("epicat doctor: ")

    def test_a_sound_store_is_healthy(self, tmp_path: Path) -> None:
        """And the numbers of verified keys and rows are reported."""
        done = verify_store(self._sound(tmp_path))
        assert done.findings.all() == []
        assert done.findings.is_healthy
        assert done.keys == {"pick": 1, "associate": 1}
        assert done.rows == {"picks": 2, "events": 1, "arrivals": 2}

    def test_an_empty_store_is_healthy(self, tmp_path: Path) -> None:
        """As `epicat run` makes it."""
        assert verify_store(self.make_store(tmp_path / "store")).findings.is_healthy

    def test_the_digest_is_that_of_the_rows(self, tmp_path: Path) -> None:
        """Equal for equal rows, whatever the generations; another for others."""
        one, same = self._sound(tmp_path / "one"), self._sound(tmp_path / "same")
        digest = verify_store(one).digest
        assert verify_store(same).digest == digest
        put(one, DAY, _picks(_ONE, _OTHER), marked_ns=_NOON + 1)
        assert verify_store(one).digest == digest
        put(one, DAY, _picks(_ONE), marked_ns=_NOON + 2)
        assert verify_store(one).digest != digest

    def test_lost_rows_are_found(self, tmp_path: Path) -> None:
        """Fewer rows, or more, than the mark says."""
        for said in (1, 5):
            store = self._sound(tmp_path / str(said))
            put(store, DAY, _picks(_ONE, _OTHER), n_picks=said, marked_ns=_NOON + 1)
            self._is_found_and_repaired(store, Kind.ROWS_LOST, failed=DAY)

    def test_other_rows_than_were_marked_are_found(self, tmp_path: Path) -> None:
        """By the digest that the mark has of them."""
        store = self._sound(tmp_path)
        put(store, DAY, _picks(_ONE, _OTHER), result="another", marked_ns=_NOON + 1)
        self._is_found_and_repaired(store, Kind.ROWS_CHANGED, failed=DAY)

    def test_rows_whose_content_is_not_that_of_their_id_are_found(self, tmp_path: Path) -> None:
        """A time that was changed."""
        store = self._sound(tmp_path)
        rows = _picks(_ONE, _OTHER)["picks"]
        times = pa.array([t + 1 for t in rows["time"].cast(pa.int64()).to_pylist()])
        at = rows.schema.get_field_index("time")
        changed = rows.set_column(at, rows.schema.field(at), times.cast(rows["time"].type))
        put(store, DAY, {"picks": changed}, marked_ns=_NOON + 1)
        self._is_found_and_repaired(store, Kind.ROWS_CHANGED, failed=DAY)

    def test_ids_that_come_twice_are_found(self, tmp_path: Path) -> None:
        """The same pick in two station-days; the one outside its day is reported."""
        store = self._sound(tmp_path)
        put(store, "NC.KBG/2019.173", _picks(_ONE, key="NC.KBG/2019.173"))
        self._is_found_and_repaired(store, Kind.TWICE, Kind.OUTSIDE, failed="NC.KBG/2019.173")

    def test_rows_outside_their_key_are_found(self, tmp_path: Path) -> None:
        """A pick of the next day, and an event of the next block."""
        for shift, key in ((86_400, DAY), (6 * 3600, BLOCK)):
            store = self._sound(tmp_path / str(shift))
            late = pick_at(_NOON + shift * SECOND_NS)
            moved = replace(_event(_ONE), time_ns=_NOON + shift * SECOND_NS)
            tables = _events(moved) if key == BLOCK else _picks(_ONE, _OTHER, late)
            put(store, key, tables, marked_ns=_NOON + 1)
            self._is_found_and_repaired(store, Kind.OUTSIDE, failed=key)

    def test_arrivals_without_their_pick_are_found(self, tmp_path: Path) -> None:
        """The picks of a day were made again, and the block was not."""
        store = self._sound(tmp_path)
        put(store, DAY, _picks(_ONE), marked_ns=_NOON + 1)
        self._is_found_and_repaired(store, Kind.NO_PICK, failed=BLOCK)

    def test_events_without_their_arrivals_are_found(self, tmp_path: Path) -> None:
        """None of them, one of them, others; and arrivals of no event."""
        complete = _events(_event(_ONE, _OTHER))
        few = _events(_event(_ONE))
        for number, arrivals in enumerate(
            (
                complete["arrivals"].slice(0, 0),
                complete["arrivals"].slice(1),
                few["arrivals"],
                pa.concat_tables([complete["arrivals"], few["arrivals"]]),
            )
        ):
            store = self._sound(tmp_path / str(number))
            put(store, "NC.KBG/2019.171", _picks(key="NC.KBG/2019.171"))
            put(store, BLOCK, {**complete, "arrivals": arrivals}, marked_ns=_NOON + 1)
            self._is_found_and_repaired(store, Kind.EVENT, failed=BLOCK)

    def test_results_without_a_record_are_found(self, tmp_path: Path) -> None:
        """Nothing but the run again can write it."""
        store = self.make_store(tmp_path / "store")
        put(store, DAY, _picks(_ONE, _OTHER))
        for repair in (True, False):
            (finding,) = verify_store(store, repair=repair).findings.all()
            assert (finding.kind, finding.examples) == (Kind.NO_RECORD, ["run run"])
        store.put_record("run", RUN, {})
        assert verify_store(store).findings.all() == []

    def test_marks_of_the_future_are_told_and_do_no_harm(self, tmp_path: Path) -> None:
        """Mending still makes a newer mark."""
        store = self._sound(tmp_path)
        future = parse_time("2150-01-01")
        put(store, DAY, _picks(_ONE, _OTHER), marked_ns=future)
        (finding,) = verify_store(store).findings.all()
        assert (finding.kind, finding.count) == (Kind.FUTURE, 1)
        assert verify_store(store).findings.is_healthy
        put(store, DAY, _picks(_ONE, _OTHER), marked_ns=future + 1, n_picks=7)
        verify_store(store, repair=True)
        assert [e.status for e in store.ledger(Stage.PICK)] == [Status.FAILED]
