from __future__ import annotations

import dataclasses
import itertools
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epicat.fs.local import LocalFiles
from epicat.ledger import Stage
from epicat.model import Event, Pick
from epicat.store.base import Where
from epicat.store.compact import Limits, compact
from epicat.store.parquet import ParquetStore
from epicat.table_rows import arrivals_table, events_table, picks_table
from epicat.tables import TABLES
from epicat.testing.store_contract import entry_of, event_at, pick_at
from epicat.time import DAY_NS, parse_time
from support.faulty_files import FaultyFiles, Killed, dying_after

NOON = parse_time("2019-06-21T12:00:00Z")
MONTH = 31 * DAY_NS
MINUTE = 60 * 10**9
SMALL = Limits(rows=4, entries=3)


def write(store: ParquetStore, generation: str, keyed: dict[str, list[int]], age: int) -> None:
    """Write and mark picks."""
    parts = [picks_table(map(pick_at, times), "run", key) for key, times in keyed.items()]
    store.replace("picks", pa.concat_tables(parts), generation)
    store.mark([entry_of(key, generation, age, design="run") for key in keyed])


def write_events(store: ParquetStore, generation: str, keyed: dict[str, list[int]]) -> None:
    """Write and mark events, with arrivals that may lie in the next month."""
    made: list[tuple[str, list[Event]]] = [(key, list(map(event_at, keyed[key]))) for key in keyed]
    for table, rows in (("events", events_table), ("arrivals", arrivals_table)):
        parts = [rows(events, "assoc", key) for key, events in made]
        store.replace(table, pa.concat_tables(parts), generation)
    entries = [entry_of(k, generation, 1, design="assoc", stage=Stage.ASSOCIATE) for k in keyed]
    store.mark(entries)


def content(store: ParquetStore) -> tuple[list[pa.Table], list[dict[str, object]]]:
    """Return all that readers see; generations and moments are nobody's business."""
    own = dict.fromkeys(("generation", "marked_ns"))
    entries = [{**dataclasses.asdict(e), **own} for e in store.ledger()]
    return [store.read(table, Where()) for table in TABLES], entries


def history(root: Path) -> ParquetStore:
    """Return a store with several months, designs, superseded keys and keys without rows."""
    store = ParquetStore(root, create=True)
    new_year = parse_time("2020-01-01")
    for turn in range(4):
        base = NOON + turn * MONTH // 2
        write(store, f"a{turn}", {f"S{turn}": [base, base + 1], "again": [base + 5]}, turn * 100)
        write_events(
            store, f"e{turn}", {f"B{turn}": [new_year - 10**10 - turn, new_year - 10**9 - turn]}
        )
    store.mark([entry_of("S9", "n", 1, design="run")])
    store.mark([entry_of("lost.mseed", "x", 1, stage=Stage.ARCHIVE)])
    store.replace("picks", picks_table([pick_at(NOON)], "run", "unmarked"), "leftover")
    return store


def names(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


def test_few_files_are_left_and_readers_see_the_same(tmp_path):
    store = history(tmp_path)
    before = content(store)
    done = compact(store)
    assert content(store) == before
    assert content(ParquetStore(tmp_path)) == before
    months = {"picks": ["2019-06", "2019-07", "2019-08"], "events": ["2019-12"]}
    for table, expected in months.items():
        files = [f for f in store.data_files(table, None) if f.generation != "leftover"]
        assert [file.month for file in files] == expected
    files = {"picks": 4, "events": 1, "arrivals": 2, "ledger": 1}
    assert {name: count for name, count in done.files.items() if count} == files
    assert len(store.marks()) == 1
    # One generation of picks is well as it is; the marks of three new ones are deleted as well.
    assert (done.keys, done.deleted) == (7, 3 + 4 + 8 + 10 + 3)


def test_a_second_compaction_does_nothing(tmp_path):
    store = history(tmp_path)
    compact(store)
    before = names(tmp_path)
    done = compact(ParquetStore(tmp_path))
    assert (done.rows, done.keys, done.deleted) == (0, 0, 0)
    assert names(tmp_path) == before


def test_an_empty_store_is_compact(tmp_path):
    done = compact(ParquetStore(tmp_path, create=True))
    assert set(done.files.values()) == {0}
    assert names(tmp_path) == ["store.json"]


def test_large_generations_are_left_alone(tmp_path):
    store = ParquetStore(tmp_path, create=True)
    write(store, "large", {"A": [NOON + i for i in range(3)]}, 1)
    write(store, "s1", {"B": [NOON]}, 1)
    write(store, "s2", {"C": [NOON]}, 1)
    done = compact(store, SMALL)
    assert (done.keys, done.rows) == (2, 2)
    assert {f.generation for f in store.data_files("picks", None)} > {"large"}
    assert done.files["picks"] == 2


def test_files_have_as_many_rows_as_are_allowed_and_days_lie_together(tmp_path):
    store = ParquetStore(tmp_path, create=True)
    for day, station in itertools.product(range(5), "XYZ"):
        write(store, f"{station}{day}", {f"{station}/{day}": [NOON + day * DAY_NS]}, 1)
    compact(store, Limits(rows=6))
    spans = [
        (rows["time"][0].as_py().day, rows["time"][-1].as_py().day)
        for file in store.data_files("picks", None)
        if (rows := store.scan(file, ["time"]))
    ]
    assert sorted(spans) == [(21, 22), (23, 24), (25, 25)]


def test_the_entries_stay_but_for_generation_and_moment(tmp_path):
    store = history(tmp_path)
    before = {(e.stage, e.key): e for e in store.ledger()}
    compact(store)
    for entry in store.ledger():
        old = before[entry.stage, entry.key]
        moved = entry.generation != old.generation
        assert entry.marked_ns == old.marked_ns + moved


def test_a_generation_that_has_more_to_mark_is_kept(tmp_path):
    store = ParquetStore(tmp_path, create=True)
    parts = [picks_table([pick_at(NOON + ord(key))], "run", key) for key in "AB"]
    store.replace("picks", pa.concat_tables(parts), "slow")
    store.mark([entry_of("A", "slow", 1, design="run")])
    write(store, "other", {"C": [NOON]}, 1)
    compact(store)
    store.mark([entry_of("B", "slow", 2, design="run")])
    assert store.read("picks", Where())["key"].to_pylist() == ["C", "A", "B"]


def test_a_writer_that_was_faster_than_the_compaction_wins(tmp_path):
    """Its mark is younger than the entry that is written again, whatever the clock says now."""
    plain = ParquetStore(tmp_path, create=True)
    write(plain, "g1", {"A": [NOON], "B": [NOON]}, 10)
    write(plain, "g2", {"C": [NOON]}, 10)
    calls = itertools.count()

    def retry_of_a_day() -> None:
        if next(calls) == 1:  # between the compaction's rows and its marks
            write(plain, "f0", {"A": [NOON + 7]}, 12)

    compact(ParquetStore(FaultyFiles(LocalFiles(tmp_path), retry_of_a_day)))
    rows = ParquetStore(tmp_path).read("picks", Where(keys=frozenset("A")))
    assert rows["time"].cast(pa.int64()).to_pylist() == [NOON + 7]


def changes_of(root: Path) -> int:
    count = itertools.count()
    compact(ParquetStore(FaultyFiles(LocalFiles(root), lambda: next(count))), SMALL)
    return next(count)


def test_a_kill_between_any_two_steps_loses_and_doubles_nothing(tmp_path):
    before = content(history(tmp_path / "model"))
    whole = changes_of(tmp_path / "model")
    assert whole > 15
    for changes in range(whole):
        root = tmp_path / str(changes)
        history(root)
        with pytest.raises(Killed):
            compact(ParquetStore(dying_after(LocalFiles(root), changes)), SMALL)
        store = ParquetStore(root)
        assert content(store) == before, changes
        compact(store, SMALL)
        assert content(store) == before, changes
        assert len(store.marks()) <= 6
        live = {(e.design, e.generation) for e in store.ledger()}
        written = [f for table in TABLES for f in store.data_files(table, None)]
        left = {f.generation for f in written if (f.design, f.generation) not in live}
        assert len(left - {"leftover"}) <= 1, "no more than the generation that was being written"


def test_readers_see_the_same_at_every_moment(tmp_path):
    store = history(tmp_path)
    before = content(store)
    warm = ParquetStore(tmp_path)
    warm.ledger()
    moments = itertools.count()

    def look() -> None:
        next(moments)
        assert content(ParquetStore(tmp_path)) == before
        assert content(warm) == before

    compact(ParquetStore(FaultyFiles(LocalFiles(tmp_path), look)), SMALL)
    assert next(moments) > 15


class Late(LocalFiles):
    """A folder in which a compaction happens before the n-th listing or reading of rows."""

    def __init__(self, root: Path, moment: int) -> None:
        super().__init__(root)
        self._left = moment
        self._place = root

    def list(self, folder: str) -> list[str]:
        self._left -= 1
        if self._left == 0:
            compact(ParquetStore(self._place))
        return super().list(folder)


@pytest.mark.parametrize("moment", range(1, 9))
def test_a_compaction_in_the_middle_of_a_reading_is_noticed(tmp_path, moment):
    before = content(history(tmp_path))
    late = ParquetStore(Late(tmp_path, moment))
    late_first = late.read("picks", Where())
    assert late_first == before[0][0]
    assert content(late) == before


def test_a_file_that_vanishes_while_it_is_read_is_looked_for_again(tmp_path, monkeypatch):
    before = content(history(tmp_path))
    reader = ParquetStore(tmp_path)
    scan, calls = reader.scan, itertools.count()

    def late(*arguments):
        if next(calls) == 0:
            compact(ParquetStore(tmp_path))
        return scan(*arguments)

    monkeypatch.setattr(reader, "scan", late)
    assert reader.read("picks", Where()) == before[0][0]


def test_compactions_writers_and_readers_at_once(tmp_path):
    store = history(tmp_path)
    fixed = Where("run", keys=frozenset({"S0", "S1", "S2", "S3", "again"}))
    expected = store.read("picks", fixed)

    def work(worker: int) -> None:
        for turn in range(4):
            if worker < 2:
                compact(ParquetStore(tmp_path), SMALL)
            elif worker == 2:
                write(ParquetStore(tmp_path), f"w{turn}", {f"w{turn}": [NOON + turn]}, 500 + turn)
            else:
                assert ParquetStore(tmp_path).read("picks", fixed) == expected

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    compact(store)
    assert store.read("picks", fixed) == expected
    assert store.read("picks", Where("run")).num_rows == expected.num_rows + 4
    assert len(store.ledger(Stage.PICK, "run")) == 10


steps = st.lists(
    st.one_of(
        st.dictionaries(st.sampled_from("ABCDE"), st.integers(0, 3), min_size=1),
        st.sampled_from([1, 3, 8]),
    ),
    max_size=10,
)


@settings(max_examples=40)
@given(steps=steps)
def test_any_history_with_compactions_reads_as_without(steps):
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        plain, compacted = (ParquetStore(Path(root), create=True) for root in (one, other))
        for number, step in enumerate(steps):
            if isinstance(step, int):
                compact(compacted, Limits(rows=step, entries=step))
                continue
            keyed = {
                key: [NOON + number * MINUTE + ord(key) + i * MONTH for i in range(count)]
                for key, count in step.items()
            }
            for store in (plain, compacted):
                write(store, f"g{number}", keyed, 1000 * number)
        assert content(plain) == content(compacted)
        assert content(ParquetStore(Path(other))) == content(plain)


def picks_of(generator: np.random.Generator, station: str, day: int, count: int) -> list[Pick]:
    """Make picks as PhaseNet does on data of 100 Hz whose samples are off the round times."""
    sample = 10_000_000
    offset = sum(station.encode()) * 12_345 % sample
    times = day + offset + np.sort(generator.choice(DAY_NS // sample, count, False)) * sample
    before = generator.integers(2, 40, count) * sample
    after = generator.integers(2, 120, count) * sample
    confidence = (0.3 + 0.7 * generator.beta(1.2, 2.0, count)).astype(np.float32).tolist()
    phases = np.where(generator.random(count) < 0.55, "P", "S").tolist()
    return [
        Pick(t, f"{station}.00", "HH", p, c, t - b, t + a)
        for t, p, c, b, a in zip(
            times.tolist(), phases, confidence, before.tolist(), after.tolist(), strict=True
        )
    ]


def bytes_per_pick(root: Path, rows: int) -> tuple[float, dict[str, float]]:
    """Return the size of all files of picks, and of each column in them."""
    files = list((root / "picks").rglob("*.parquet"))
    columns: Counter[str] = Counter()
    for file in files:
        about = pq.ParquetFile(file).metadata
        for group, column in itertools.product(
            range(about.num_row_groups), range(about.num_columns)
        ):
            part = about.row_group(group).column(column)
            columns[part.path_in_schema] += part.total_compressed_size
    whole = sum(file.stat().st_size for file in files) / rows
    return whole, {name: round(size / rows, 2) for name, size in columns.items()}


def test_a_compacted_pick_takes_at_most_forty_bytes(tmp_path, record_property):
    generator = np.random.default_rng(1)
    store = ParquetStore(tmp_path, create=True)
    first, rows = parse_time("2019-06-01"), 0
    for station in range(30):
        counts = generator.integers(20, 200, 10).tolist()
        name = f"NC.S{station:02d}"
        days = [
            (f"{name}/{day}", picks_of(generator, name, first + day * DAY_NS, count))
            for day, count in enumerate(counts)
        ]
        parts = [picks_table(picks, "run", key) for key, picks in days]
        store.replace("picks", pa.concat_tables(parts), f"g{station}")
        store.mark([entry_of(key, f"g{station}", 1, design="run") for key, _ in days])
        rows += sum(counts)
    scattered, _ = bytes_per_pick(tmp_path, rows)
    before = store.read("picks", Where())
    compact(store)
    assert store.read("picks", Where()) == before
    compacted, columns = bytes_per_pick(tmp_path, rows)
    record_property("bytes_per_pick", round(compacted, 1))
    print(f"{scattered:.1f} bytes a pick before, {compacted:.1f} after: {columns}")
    assert compacted < 40
    assert scattered < 45
