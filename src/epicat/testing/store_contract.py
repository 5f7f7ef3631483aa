"""Contract of stores, as a test class that the tests of each store inherit.

::

    class TestParquetStore(StoreContract):
        def make_store(self, location: Path) -> Store:
            return ParquetStore(location, create=True)

pytest collects the subclass; nothing here needs pytest itself.
"""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa

from epicat.ledger import (
    ENTRY_TYPES,
    BlockEntry,
    Flag,
    LedgerEntry,
    ObjectEntry,
    ObjectRead,
    Stage,
    StationDayEntry,
    Status,
)
from epicat.model import Arrival, Event, Pick, Span, Station
from epicat.store.base import Store, Where
from epicat.store.reviews import Review, latest_reviews, record_reviews
from epicat.table_rows import arrivals_table, events_table, picks_table, stations_table
from epicat.tables import ORIGINS, SCHEMAS
from epicat.time import DAY_NS, SECOND_NS, day_of, parse_time

__all__ = ["StoreContract", "entry_of", "event_at", "pick_at"]

_DESIGN = "design"
_NOON = parse_time("2019-06-21T12:00:00Z")


def pick_at(time_ns: int, *, trace_id: str = "NC.KBG.00", confidence: float = 0.5) -> Pick:
    """Return a pick with a time; all other values are arbitrary."""
    return Pick(time_ns, trace_id, "HH", "P", confidence, time_ns - 7, time_ns + 11)


def event_at(time_ns: int) -> Event:
    """Return an event with one arrival two seconds later; all other values are arbitrary."""
    arrival = Arrival(
        pick_id=f"pick{time_ns}",
        trace_id="NC.KBG.00",
        phase="P",
        time_ns=time_ns + 2 * SECOND_NS,
        residual_s=-0.125,
        distance_km=11.5,
        azimuth_deg=359.5,
    )
    return Event(
        time_ns=time_ns,
        latitude=40.25,
        longitude=-124.5,
        depth_km=7.5,
        x_km=1.5,
        y_km=-2.5,
        rms_s=0.125,
        gap_deg=271.0,
        dmin_km=11.5,
        n_stations=1,
        edge=True,
        arrivals=(arrival,),
    )


def entry_of(
    key: str,
    generation: str,
    marked_ns: int,
    *,
    design: str = _DESIGN,
    stage: Stage = Stage.PICK,
    status: Status = Status.DONE,
) -> LedgerEntry:
    """Return the mark of a key."""
    return ENTRY_TYPES[stage](design, key, status, generation, marked_ns)


def _origin_of(event: dict[str, object], location: str) -> dict[str, object]:
    """Return a row of ``origins`` a minute after an event of a block."""
    shared = {name: event[name] for name in ("event_id", "latitude", "longitude", "key")}
    time_ns = _NOON + 60 * SECOND_NS
    found = {"origin_id": "origin", "quality": "A", "time": time_ns, "design": location}
    blank = {
        field.name: 0 if pa.types.is_integer(field.type) else pa.types.is_boolean(field.type)
        for field in ORIGINS
        if not pa.types.is_floating(field.type) and not field.nullable
    }
    numbers = {field.name: 1.5 for field in ORIGINS if pa.types.is_floating(field.type)}
    return {**numbers, **blank, **shared, **found}


class StoreContract:
    """Inherit from it and implement `make_store`; pytest collects the tests."""

    def make_store(self, location: Path) -> Store:
        """Open the store at a location; create it if necessary."""
        raise NotImplementedError

    def place(self, location: Path) -> str:
        """Return the text that the store's `location` contains."""
        return str(location)

    def _fresh(self, location: Path) -> Store:
        return self.make_store(location / "store")

    def _write(
        self, store: Store, generation: str, keyed: dict[str, list[int]], design: str = _DESIGN
    ) -> None:
        """Write picks at some times for some keys, unmarked."""
        parts = [
            picks_table(map(pick_at, times), design, key) for key, times in sorted(keyed.items())
        ]
        store.replace("picks", pa.concat_tables(parts), generation)

    def _done(
        self, store: Store, generation: str, keyed: dict[str, list[int]], marked_ns: int
    ) -> None:
        """Write and mark picks."""
        self._write(store, generation, keyed)
        store.mark([entry_of(key, generation, marked_ns) for key in keyed])

    def test_a_new_store_is_empty(self, tmp_path: Path) -> None:
        """An empty store answers every request."""
        store = self._fresh(tmp_path)
        for table, schema in SCHEMAS.items():
            assert store.read(table, Where()).equals(schema.empty_table())
        assert store.ledger() == []
        assert store.stations().num_rows == 0
        assert store.records("run") == {}

    def test_rows_without_a_mark_are_invisible(self, tmp_path: Path) -> None:
        """A kill between writing and marking leaves nothing to see."""
        store = self._fresh(tmp_path)
        self._write(store, "g1", {"A": [_NOON]})
        assert _times(store) == []
        assert store.ledger() == []

    def test_packed_rows_are_read_as_they_were_written(self, tmp_path: Path) -> None:
        """Binary columns hold any byte, also none."""
        store = self._fresh(tmp_path)
        schema = SCHEMAS["amplitudes"]
        start = parse_time("2019-06-21T00:00:00Z")
        packed = [bytes(range(256)), b"", b"\x00", b"\xff\xfe", b"a", b"\x80" * 1000, b"\n"]
        names = ["id", "NC.KBG.00", "HH", "Z1-", start, 3]
        rows = [[*names, *packed, _DESIGN, "A"], ["ie", *names[1:], *packed[::-1], _DESIGN, "B"]]
        columns = [
            pa.array(column, field.type)
            for column, field in zip(zip(*rows, strict=True), schema, strict=True)
        ]
        table = pa.Table.from_arrays(columns, schema=schema)
        store.replace("amplitudes", table, "g1")
        store.mark([entry_of(key, "g1", 1, stage=Stage.MEASURE) for key in "AB"])
        assert store.read("amplitudes", Where()).equals(table)

    def test_a_mark_shows_exactly_its_keys(self, tmp_path: Path) -> None:
        """Keys that were written with others and not marked stay invisible."""
        store = self._fresh(tmp_path)
        self._write(store, "g1", {"A": [_NOON], "B": [_NOON + 1], "C": [_NOON + 2]})
        store.mark([entry_of("A", "g1", 1), entry_of("C", "g1", 1)])
        assert _times(store) == [_NOON, _NOON + 2]

    def test_a_generation_may_be_marked_in_several_calls(self, tmp_path: Path) -> None:
        """A second call adds its keys to the first one's."""
        store = self._fresh(tmp_path)
        self._write(store, "g1", {"A": [_NOON], "B": [_NOON + 1]})
        store.mark([entry_of("A", "g1", 1)])
        assert _times(store) == [_NOON]
        store.mark([entry_of("B", "g1", 2)])
        assert _times(store) == [_NOON, _NOON + 1]
        assert _times(self.make_store(tmp_path / "store")) == [_NOON, _NOON + 1]

    def test_writing_a_key_again_replaces_its_rows(self, tmp_path: Path) -> None:
        """The old rows are there until the mark, and gone after it."""
        store = self._fresh(tmp_path)
        self._done(store, "g1", {"A": [_NOON, _NOON + 1]}, 1)
        self._write(store, "g2", {"A": [_NOON + 5]})
        assert _times(store) == [_NOON, _NOON + 1]
        store.mark([entry_of("A", "g2", 2)])
        assert _times(store) == [_NOON + 5]

    def test_some_keys_of_a_generation_may_be_replaced(self, tmp_path: Path) -> None:
        """The others keep their rows, in every table."""
        store = self._fresh(tmp_path)
        self._done(store, "g1", {"A": [_NOON], "B": [_NOON + 1], "C": [_NOON + 2]}, 1)
        self._done(store, "g2", {"B": [_NOON + 9]}, 2)
        assert _times(store) == [_NOON, _NOON + 2, _NOON + 9]
        assert _times(store, Where(keys=frozenset("B"))) == [_NOON + 9]

    def test_a_key_may_have_no_rows(self, tmp_path: Path) -> None:
        """It is in the ledger, and hides the rows that it had."""
        store = self._fresh(tmp_path)
        self._done(store, "g1", {"A": [_NOON]}, 1)
        store.replace("picks", SCHEMAS["picks"].empty_table(), "g2")
        store.mark([entry_of("A", "g2", 2, status=Status.NO_PICKS)])
        assert _times(store) == []
        assert [e.status for e in store.ledger()] == [Status.NO_PICKS]

    def test_the_newest_mark_wins_whatever_the_order_of_writing(self, tmp_path: Path) -> None:
        """A slow worker that marks what it did long ago does not bring old rows back."""
        store = self._fresh(tmp_path)
        self._done(store, "g9", {"A": [_NOON + 9]}, marked_ns=20)
        self._done(store, "g1", {"A": [_NOON]}, marked_ns=10)
        assert _times(store) == [_NOON + 9]
        self._done(store, "g0", {"A": [_NOON + 30]}, marked_ns=30)
        assert _times(self.make_store(tmp_path / "store")) == [_NOON + 30]

    def test_marks_of_one_moment_have_an_order_that_all_agree_on(self, tmp_path: Path) -> None:
        """Whichever is read first."""
        found = []
        for order in (("ga", "gb"), ("gb", "ga")):
            store = self.make_store(tmp_path / "".join(order))
            for generation in order:
                self._done(store, generation, {"A": [_NOON + ord(generation[1])]}, 5)
            found.append(_times(store))
        assert found[0] == found[1]
        assert len(found[0]) == 1

    def test_the_ledger_has_the_newest_entry_of_each_key(self, tmp_path: Path) -> None:
        """In the order of stage, design and key, and only what was asked for."""
        store = self._fresh(tmp_path)
        store.mark([entry_of(key, "g1", 1) for key in "BA"])
        store.mark([entry_of("A", "g2", 2, status=Status.FAILED)])
        store.mark([entry_of("A", "g3", 3, design="another")])
        store.mark([entry_of("A", "g4", 4, stage=Stage.ASSOCIATE)])
        assert [(e.stage, e.design, e.key, e.generation) for e in store.ledger()] == [
            (Stage.ASSOCIATE, _DESIGN, "A", "g4"),
            (Stage.PICK, "another", "A", "g3"),
            (Stage.PICK, _DESIGN, "A", "g2"),
            (Stage.PICK, _DESIGN, "B", "g1"),
        ]
        assert [e.generation for e in store.ledger(Stage.PICK, _DESIGN)] == ["g2", "g1"]
        assert [e.generation for e in store.ledger(design="another")] == ["g3"]

    def test_the_ledger_of_a_span_is_that_of_its_days(self, tmp_path: Path) -> None:
        """Of keys without a day, too; a block's day is the one on which it begins."""
        store = self._fresh(tmp_path)
        picks = [f"NC.KBG/2019.{day}" for day in (180, 181, 182, 183)]  # June ends with 181
        blocks = ["2019-06-30T18:00:00.000000Z", "2019-07-01T00:00:00.000000Z"]
        store.mark([entry_of(key, "g1", 1) for key in picks])
        store.mark([entry_of(key, "g2", 2, stage=Stage.ASSOCIATE) for key in blocks])
        store.mark([entry_of("one/object", "g3", 3, stage=Stage.ARCHIVE)])
        store.mark([entry_of(picks[1], "g4", 4, status=Status.FAILED)])
        june = Span.parse("2019.181", "2019.182")
        for opened in (store, self.make_store(tmp_path / "store")):
            assert [(e.key, e.generation) for e in opened.ledger(Stage.PICK, span=june)] == [
                (picks[1], "g4")
            ]
            assert [e.key for e in opened.ledger(Stage.ASSOCIATE, span=june)] == blocks[:1]
            assert [e.key for e in opened.ledger(Stage.ARCHIVE, span=june)] == ["one/object"]
            both = opened.ledger(design=_DESIGN, span=Span.parse("2019.181", "2019.183"))
            assert [e.generation for e in both] == ["g3", "g2", "g2", "g4", "g1"]
            assert len(opened.ledger()) == 7

    def test_rows_of_a_span_are_found_by_the_days_of_their_keys(self, tmp_path: Path) -> None:
        """At a month's end as within it, and an arrival after its block's day."""
        store = self._fresh(tmp_path)
        midnight = parse_time("2019-07-01")
        times = [midnight - DAY_NS, midnight - 1, midnight, midnight + DAY_NS]
        keyed: dict[str, list[int]] = {}
        for t in times:
            keyed.setdefault(f"NC.KBG/2019.{day_of(t):%j}", []).append(t)
        self._done(store, "g1", keyed, 1)
        for begin in range(len(times)):
            for end in range(begin + 1, len(times) + 1):
                span = Span(times[begin], times[end - 1] + 1)
                assert _times(store, Where(_DESIGN, span)) == times[begin:end]
        late = arrivals_table([event_at(midnight - 1)], _DESIGN, "2019-06-30T18:00:00.000000Z")
        store.replace("arrivals", late, "g2")
        block = entry_of("2019-06-30T18:00:00.000000Z", "g2", 2, stage=Stage.ASSOCIATE)
        store.mark([block])
        found = store.read("arrivals", Where(_DESIGN, Span(midnight, midnight + DAY_NS)))
        wanted = [t for t in late["time"].cast(pa.int64()).to_pylist() if t >= midnight]
        assert found["time"].cast(pa.int64()).to_pylist() == wanted
        assert wanted

    def test_entries_come_back_as_they_were(self, tmp_path: Path) -> None:
        """Every field, objects and their reasons included."""
        picked = StationDayEntry(
            design=_DESIGN,
            key="NC.KBG/2019.172",
            status=Status.TOO_GAPPY,
            generation="g1",
            marked_ns=1_800_000_000_123_456_789,
            reason="ö; a, b\n'c'",
            seconds=1.25,
            flags=(Flag("dead channel", 2), Flag("gap share", 1)),
            result="r",
            archive="/archive",
            layout="sds",
            objects=(ObjectRead("a/b.mseed", "etag"), ObjectRead("c", "", "empty, 0 bytes")),
            samples=25_920_000,
            gaps=3,
            channels="00.HH[ZNE]",
            n_picks=17,
        )
        associated = BlockEntry(
            design=_DESIGN,
            key="2019-06-21T18:00:00.000000Z",
            status=Status.DONE,
            generation="g1",
            marked_ns=1,
            inputs="i",
            n_picks_used=90,
            n_sites=12,
            n_events=5,
            n_rejected=4,
        )
        unreadable = ObjectEntry(_DESIGN, "x/y", Status.READ_ERROR, "g1", 2, archive="/archive")
        marked = [unreadable, associated, picked]
        self._fresh(tmp_path).mark(marked)
        found = self.make_store(tmp_path / "store").ledger()
        assert found == sorted(marked, key=lambda entry: entry.stage)

    def test_rows_come_back_as_they_were(self, tmp_path: Path) -> None:
        """Nanoseconds, float32 confidences, nulls and all columns of every table."""
        store = self._fresh(tmp_path)
        picks = [pick_at(_NOON + 1, confidence=0.1), pick_at(_NOON + 123_456_789, confidence=1 / 3)]
        rejected = dataclasses.replace(event_at(_NOON + 1), rejected="gap 271.0 > 200 deg")
        events = [event_at(_NOON), rejected]
        written = {
            "picks": picks_table(picks, _DESIGN, "A"),
            "events": events_table(events, _DESIGN, "B"),
            "arrivals": arrivals_table(events, _DESIGN, "B"),
        }
        for table, rows in written.items():
            store.replace(table, rows, "g1")  # type: ignore[arg-type]
        store.mark([entry_of("A", "g1", 1), entry_of("B", "g1", 1, stage=Stage.ASSOCIATE)])
        for table, rows in written.items():
            found = self.make_store(tmp_path / "store").read(table, Where())  # type: ignore[arg-type]
            assert found.schema.equals(rows.schema)
            assert found.equals(rows)

    def test_locating_events_leaves_their_rows_as_they_were(self, tmp_path: Path) -> None:
        """A location has rows of its own; a span selects events by the association's time."""
        store = self._fresh(tmp_path)
        events = [event_at(_NOON), event_at(_NOON + 10)]
        rows = events_table(events, _DESIGN, "B")
        store.replace("events", rows, "g1")
        store.mark([entry_of("B", "g1", 1, stage=Stage.ASSOCIATE)])
        store.put_record("location", "place", {"associator": _DESIGN})
        origins = pa.Table.from_pylist([_origin_of(rows.to_pylist()[0], "place")], ORIGINS)
        store.replace("origins", origins, "g2")
        store.mark([entry_of("B", "g2", 2, design="place", stage=Stage.LOCATE)])
        again = self.make_store(tmp_path / "store")
        assert again.read("events", Where()).equals(rows)
        assert again.read("origins", Where(design="place")).equals(origins)
        span = Span(_NOON, _NOON + 1)
        assert again.read("events", Where(design=_DESIGN, span=span)).equals(rows.slice(0, 1))
        store.replace("events", rows, "g3")  # associated once more, with the same result
        store.mark([entry_of("B", "g3", 3, stage=Stage.ASSOCIATE)])
        assert again.read("events", Where()).equals(rows)

    def test_rows_are_sorted_by_time_and_then_by_id(self, tmp_path: Path) -> None:
        """Whatever the order of keys and generations."""
        store = self._fresh(tmp_path)
        self._done(store, "g2", {"A": [_NOON + 5, _NOON + 1]}, 1)
        self._done(store, "g1", {"Z": [_NOON + 3, _NOON]}, 1)
        same = [pick_at(_NOON + 4, trace_id=f"NC.S{i}.00") for i in range(20)]
        store.replace("picks", picks_table(same, _DESIGN, "M"), "g3")
        store.mark([entry_of("M", "g3", 1)])
        found = store.read("picks", Where()).to_pydict()
        rows = list(zip(found["time"], found["pick_id"], strict=True))
        assert len(rows) == 24
        assert rows == sorted(rows)

    def test_reviews_are_only_added_and_the_last_one_is_valid(self, tmp_path: Path) -> None:
        """Each batch is kept; a review survives opening the store again."""
        store = self._fresh(tmp_path)
        assert latest_reviews(store) == {}
        record_reviews(store, [Review("a", "accepted", "Inge"), Review("b", "rejected", "Inge")])
        record_reviews(store, [Review("a", "rejected", "Bo", 'ö, | and "quotes"')])
        record_reviews(store, [])
        found = latest_reviews(store)
        assert {name: (r.status, r.by) for name, r in found.items()} == {
            "a": ("rejected", "Bo"),
            "b": ("rejected", "Inge"),
        }
        assert found["a"].comment == 'ö, | and "quotes"'
        assert found["a"].reviewed_ns >= found["b"].reviewed_ns
        assert len(store.records("review")) == 2

    def test_a_span_includes_its_start_and_not_its_end(self, tmp_path: Path) -> None:
        """To the nanosecond, and across the months."""
        store = self._fresh(tmp_path)
        new_year = parse_time("2020-01-01")
        times = [parse_time("2019-11-30"), new_year - 1, new_year, new_year + 1]
        self._done(store, "g1", {"A": times}, 1)
        for first in range(4):
            for last in range(first, 4):
                span = Span(times[first], times[last])
                assert _times(store, Where(span=span)) == times[first:last]
        assert _times(store, Where(span=Span(0, times[0]))) == []

    def test_designs_do_not_mix(self, tmp_path: Path) -> None:
        """The same key may be done under several designs, also in one generation."""
        store = self._fresh(tmp_path)
        for design, time_ns in (("one", _NOON), ("two", _NOON + 1)):
            self._write(store, f"g{design}", {"A": [time_ns]}, design)
            store.mark([entry_of("A", f"g{design}", 1, design=design)])
        assert _times(store, Where(design="one")) == [_NOON]
        assert _times(store, Where(design="two")) == [_NOON + 1]
        assert _times(store, Where(design="three")) == []
        assert _times(store) == [_NOON, _NOON + 1]

    def test_asking_for_several_things_asks_for_all_of_them(self, tmp_path: Path) -> None:
        """Design, span and keys."""
        store = self._fresh(tmp_path)
        self._done(store, "g1", {"A": [_NOON, _NOON + 2], "B": [_NOON + 1]}, 1)
        everything = Where(_DESIGN, Span(_NOON + 1, _NOON + 3), frozenset("A"))
        assert _times(store, everything) == [_NOON + 2]
        assert _times(store, Where(keys=frozenset("AB"))) == [_NOON, _NOON + 1, _NOON + 2]
        assert _times(store, Where(keys=frozenset())) == []

    def test_stations_are_replaced_by_their_id(self, tmp_path: Path) -> None:
        """The last one put wins, also where the same list was put before."""
        store = self._fresh(tmp_path)
        one = Station("NC", "KBG", "00", ("HHZ", "HHN"), 40.0, -124.0, 100.0, "NC.KBG")
        moved = dataclasses.replace(one, latitude=41.0)
        other = Station("BK", "JCC", "", (), 40.5, -124.5, 0.0, "BK.JCC")
        store.put_stations(stations_table([one]))
        store.put_stations(stations_table([moved, other]))
        expected = stations_table([other, moved])
        assert store.stations().equals(expected)
        store.put_stations(stations_table([one]))
        assert store.stations().equals(stations_table([other, one]))
        assert self.make_store(tmp_path / "store").stations().equals(store.stations())

    def test_the_first_record_of_a_name_stays(self, tmp_path: Path) -> None:
        """Records of a run are what made the digest; kinds are apart."""
        store = self._fresh(tmp_path)
        store.put_record("run", "b", {"threshold": 0.1, "nested": {"list": [1, "ö", None]}})
        store.put_record("run", "b", {"threshold": 0.2})
        store.put_record("run", "a", {})
        store.put_record("invocation", "b", {"time": "now"})
        found = self.make_store(tmp_path / "store").records("run")
        assert found == {"a": {}, "b": {"threshold": 0.1, "nested": {"list": [1, "ö", None]}}}
        assert list(found) == ["a", "b"]

    def test_two_openings_see_each_others_marks(self, tmp_path: Path) -> None:
        """Also those that come after one has read already."""
        one, other = self._fresh(tmp_path), self._fresh(tmp_path)
        self._done(one, "g1", {"A": [_NOON]}, 1)
        assert _times(other) == [_NOON]
        self._done(other, "g2", {"A": [_NOON + 2]}, 2)
        self._done(one, "g3", {"B": [_NOON + 1]}, 3)
        assert _times(one) == _times(other) == [_NOON + 1, _NOON + 2]

    def test_writers_at_once_lose_nothing(self, tmp_path: Path) -> None:
        """Each with a separate store object on one location, which all of them create."""

        def write(writer: int) -> None:
            store = self._fresh(tmp_path)
            for turn in range(5):
                keys = {f"{writer}.{turn}": [_NOON + 100 * writer + turn], "shared": [_NOON + 999]}
                self._done(store, f"g{writer}.{turn}", keys, 10 * writer + turn)
                store.put_record("invocation", f"{writer}.{turn}", {})

        with ThreadPoolExecutor(6) as threads:
            list(threads.map(write, range(6)))
        store = self._fresh(tmp_path)
        own = [_NOON + 100 * writer + turn for writer in range(6) for turn in range(5)]
        assert _times(store) == sorted([*own, _NOON + 999])
        assert len(store.ledger()) == 31
        assert len(store.records("invocation")) == 30

    def test_a_location_tells_where_the_store_is(self, tmp_path: Path) -> None:
        """For messages and records."""
        assert self.place(tmp_path / "store") in self._fresh(tmp_path).location


def _times(store: Store, where: Where | None = None) -> list[int]:
    found = store.read("picks", where or Where())
    times: list[int] = found["time"].cast(pa.int64()).to_pylist()
    return times
