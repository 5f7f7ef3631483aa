from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epicat.errors import InputError, StoreError
from epicat.fs.local import LocalFiles
from epicat.ledger import Stage
from epicat.model import Pick, Span
from epicat.store.base import Store, Where
from epicat.store.compact import Limits, compact
from epicat.store.open import find_store, open_store
from epicat.store.parquet import ParquetStore
from epicat.store.parquet_files import as_source
from epicat.table_rows import picks_table
from epicat.tables import SCHEMA_VERSION
from epicat.testing.store_contract import StoreContract, entry_of, pick_at
from epicat.time import DAY_NS, parse_time

NOON = parse_time("2019-06-21T12:00:00Z")
MONTH = 31 * DAY_NS


class TestParquetStore(StoreContract):
    def make_store(self, location: Path) -> Store:
        return ParquetStore(location, create=True)


class TestParquetStoreBelowPartitionedNames(StoreContract):
    """Folders named like Hive partitions above a store mean nothing."""

    def make_store(self, location: Path) -> Store:
        return ParquetStore(location / "key=1" / "design=x" / "status=done", create=True)


def fill(store: Store, generation: str = "g1", marked_ns: int = 1) -> None:
    store.replace("picks", picks_table([pick_at(NOON)], "design", "A"), generation)
    store.mark([entry_of("A", generation, marked_ns)])


def rows_in(store: Store) -> int:
    return store.read("picks", Where()).num_rows


def files_of(root: Path, pattern: str) -> list[Path]:
    found = sorted(root.rglob(pattern))
    assert found
    return found


# One step: which keys a generation writes, which of them it marks, and how old the mark is.
steps = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("ABCD"), st.integers(0, 3), min_size=1),
        st.integers(0, 5),
        st.booleans(),
    ),
    max_size=7,
)


@settings(max_examples=40)
@given(steps=steps)
def test_any_history_reads_as_if_rows_were_kept_by_key(steps):
    model: dict[str, tuple[tuple[int, str], list[int]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        writer, reader = (ParquetStore(Path(folder), create=True) for _ in range(2))
        for number, (keys, age, marked) in enumerate(steps):
            generation = f"g{number}"
            times = {
                key: [NOON + number * 1000 + ord(key) * 10 + i * MONTH for i in range(count)]
                for key, count in keys.items()
            }
            parts = [picks_table(map(pick_at, t), "design", k) for k, t in times.items()]
            writer.replace("picks", pa.concat_tables(parts), generation)
            if marked:
                writer.mark([entry_of(key, generation, age) for key in keys])
                for key in keys:
                    stamp = (age, generation)
                    if key not in model or model[key][0] < stamp:
                        model[key] = (stamp, times[key])
        for store in (writer, reader):
            found = store.read("picks", Where())["time"].cast(pa.int64()).to_pylist()
            assert found == sorted(t for _, times in model.values() for t in times)
            assert {e.key: e.generation for e in store.ledger()} == {
                key: stamp[1] for key, (stamp, _) in model.items()
            }


def write_in_process(root: str, writer: int) -> None:
    store = ParquetStore(Path(root), create=True)
    for turn in range(5):
        generation, key = f"g{writer}-{turn}", f"{writer}/{turn}"
        store.replace("picks", picks_table([pick_at(NOON + writer)], "design", key), generation)
        store.mark([entry_of(key, generation, turn)])


def test_processes_may_make_and_fill_one_store_at_once(tmp_path):
    with ProcessPoolExecutor(3, mp_context=get_context("fork")) as processes:
        list(processes.map(write_in_process, [str(tmp_path / "store")] * 3, range(3)))
    store = ParquetStore(tmp_path / "store")
    assert rows_in(store) == len(store.ledger()) == 15


class CountedFiles(LocalFiles):
    """Files that remember which of them were read whole: marks are."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read_names: list[str] = []

    def read(self, name: str) -> bytes:
        self.read_names.append(name)
        return super().read(name)


def days_of_a_year(store: ParquetStore) -> list[str]:
    """Fill a store day by day; return the names of the days."""
    names = [f"2019.{number:03d}" for number in range(1, 366)]
    for number, name in enumerate(names):
        store.mark([entry_of(f"NC.{code}/{name}", f"g{number}", number) for code in "AB"])
    return names


@pytest.mark.parametrize("compacted", [False, True])
def test_marks_of_other_days_are_not_read(tmp_path, compacted):
    names = days_of_a_year(ParquetStore(tmp_path, create=True))
    if compacted:
        compact(ParquetStore(tmp_path), Limits(entries=20))
    files = CountedFiles(tmp_path)
    store = ParquetStore(files)
    files.read_names.clear()
    found = store.ledger(Stage.PICK, "design", Span.parse("2019.060", "2019.063"))
    assert [e.key for e in found] == [f"NC.{code}/{n}" for code in "AB" for n in names[59:62]]
    assert len(files.read_names) == (2 if compacted else 3)
    assert len(store.ledger()) == 2 * len(names)


def test_a_ledger_of_before_there_were_months_is_read(tmp_path):
    """All of it, whatever the days, since its files do not tell theirs."""
    days_of_a_year(ParquetStore(tmp_path, create=True))
    for path in files_of(tmp_path / "ledger", "*.parquet"):
        generation, _, _ = path.name.partition(".")
        path.rename(tmp_path / "ledger" / f"{generation}.parquet")
    for folder in (tmp_path / "ledger").glob("month=*"):
        folder.rmdir()
    store = ParquetStore(tmp_path)
    assert len(store.ledger(span=Span.parse("2019.060", "2019.063"))) == 6
    assert len(store.ledger()) == 730
    store.mark([entry_of("NC.A/2019.061", "new", 1_000)])
    found = {e.key: e.generation for e in store.ledger(span=Span.parse("2019.061", "2019.062"))}
    assert found == {"NC.A/2019.061": "new", "NC.B/2019.061": "g60"}


def test_leftovers_of_a_kill_are_not_read(tmp_path):
    store = ParquetStore(tmp_path, create=True)
    fill(store)
    (data,) = files_of(tmp_path / "picks", "*.parquet")
    (data.parent / ".0123.partial").write_bytes(data.read_bytes()[:100])
    (data.parent / "unmarked.parquet").write_bytes(b"half a fi")
    (tmp_path / "ledger" / ".4567.partial").write_bytes(b"")
    again = ParquetStore(tmp_path, create=True)
    assert rows_in(again) == 1
    assert len(again.ledger()) == 1


def test_nothing_but_whole_files_is_left_behind(tmp_path):
    store = ParquetStore(tmp_path, create=True)
    fill(store)
    store.put_record("run", "r", {})
    assert not [p for p in tmp_path.rglob("*") if p.name.startswith(".") or "partial" in p.name]


def test_picks_lie_in_hive_partitions_of_run_and_month(tmp_path):
    store = ParquetStore(tmp_path, create=True)
    new_year = parse_time("2020-01-01")
    times = [new_year - 1, new_year]
    store.replace("picks", picks_table(map(pick_at, times), "run7", "A"), "g1")
    assert [p.relative_to(tmp_path).as_posix() for p in files_of(tmp_path, "*.parquet")] == [
        "picks/design=run7/month=2019-12/g1.parquet",
        "picks/design=run7/month=2020-01/g1.parquet",
    ]


def test_a_newer_schema_is_refused(tmp_path):
    fill(ParquetStore(tmp_path, create=True))
    (tmp_path / "store.json").write_text(json.dumps({"schema_version": SCHEMA_VERSION + 1}))
    with pytest.raises(StoreError, match=rf"newer epicat \(schema {SCHEMA_VERSION + 1}.*update"):
        ParquetStore(tmp_path)


def test_the_schema_version_is_recorded(tmp_path):
    ParquetStore(tmp_path, create=True)
    assert json.loads((tmp_path / "store.json").read_text())["schema_version"] == SCHEMA_VERSION


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema_version": null}', "\x00\xff"])
def test_a_damaged_description_is_told(tmp_path, text):
    ParquetStore(tmp_path, create=True)
    (tmp_path / "store.json").write_text(text)
    for create in (False, True):
        with pytest.raises(StoreError, match=r"store\.json' is damaged"):
            ParquetStore(tmp_path, create=create)


@pytest.mark.parametrize(
    ("pattern", "read"),
    [
        ("picks/**/*.parquet", lambda s: s.read("picks", Where())),
        ("ledger/**/*.parquet", lambda s: s.ledger()),
        ("stations/*.parquet", lambda s: s.stations()),
        ("records/run/*.json", lambda s: s.records("run")),
    ],
)
def test_a_damaged_file_is_named(tmp_path, pattern, read):
    store = ParquetStore(tmp_path, create=True)
    fill(store)
    store.put_stations(pa.Table.from_pylist([], schema=store.stations().schema))
    store.put_record("run", "r", {"a": 1})
    for path in tmp_path.glob(pattern):
        path.write_bytes(b"{ no such thing")
        with pytest.raises(StoreError, match=rf"{path.name}' is damaged"):
            read(ParquetStore(tmp_path))


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("important")
    with pytest.raises(StoreError, match=r"other files \(thesis\.tex\).*new or empty"):
        ParquetStore(tmp_path, create=True)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_hidden_files_are_not_other_things(tmp_path):
    (tmp_path / ".DS_Store").touch()
    fill(ParquetStore(tmp_path, create=True))


@pytest.mark.parametrize("place", ["/dev/null/store", "file/store", "file"])
def test_a_place_that_cannot_be_a_folder_is_refused(tmp_path, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=rf"{place}' cannot be written: .*give a folder"):
        ParquetStore(tmp_path / place, create=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="permission bits do not bind root")
def test_a_read_only_folder_is_refused(tmp_path):
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(StoreError, match="cannot be written: Permission denied"):
            ParquetStore(tmp_path / "store", create=True)
    finally:
        tmp_path.chmod(0o755)


def test_a_store_that_vanishes_is_told(tmp_path):
    store = ParquetStore(tmp_path / "store", create=True)
    (tmp_path / "store" / "store.json").unlink()
    (tmp_path / "store").rmdir()
    (tmp_path / "store").write_text("")
    with pytest.raises(StoreError, match="cannot be written: Not a directory"):
        fill(store)


def test_a_store_that_is_deleted_is_told_and_stays_away(tmp_path):
    store = ParquetStore(tmp_path / "store", create=True)
    fill(store)
    shutil.rmtree(tmp_path / "store")
    with pytest.raises(StoreError, match=r"store' was deleted while in use"):
        fill(store)
    with pytest.raises(StoreError, match=r"store' was deleted while in use"):
        store.put_record("run", "r", {"a": 1})
    assert not list(tmp_path.iterdir())
    fill(ParquetStore(tmp_path / "store", create=True))


def test_a_store_that_is_being_deleted_takes_no_marks(tmp_path):
    store = ParquetStore(tmp_path, create=True)
    shutil.rmtree(tmp_path / "ledger", ignore_errors=True)
    (tmp_path / "store.json").unlink()
    with pytest.raises(StoreError, match="was deleted while in use"):
        fill(store)
    assert not list(tmp_path.rglob("ledger/**/*.parquet"))
    assert files_of(tmp_path, "picks/**/*.parquet")  # counts for nothing, and so is no obstacle
    again = ParquetStore(tmp_path, create=True)
    assert rows_in(again) == 0
    fill(again, "g2")
    assert rows_in(again) == 1


def test_what_is_left_of_a_store_is_told_from_other_things(tmp_path):
    fill(ParquetStore(tmp_path, create=True))
    (tmp_path / "store.json").unlink()
    with pytest.raises(StoreError, match=r"the remains of a deleted store \(.*picks.*delete"):
        ParquetStore(tmp_path, create=True)


def test_opening_does_not_make_a_store(tmp_path):
    with pytest.raises(StoreError, match=r"there is no store at .*epicat run"):
        open_store(str(tmp_path / "none"))
    assert find_store(str(tmp_path / "none")) is None
    assert not list(tmp_path.iterdir())


def test_other_kinds_of_places_are_refused_without_showing_secrets(tmp_path):
    with pytest.raises(InputError, match=r"mysql://.* is not supported") as told:
        open_store("mysql://user:password@host/db", create=True)
    assert "password" not in str(told.value)


def test_marks_of_one_call_are_of_one_generation(tmp_path):
    store = ParquetStore(tmp_path, create=True)
    with pytest.raises(ValueError, match="one generation"):
        store.mark([entry_of("A", "g1", 1), entry_of("B", "g2", 1)])


def test_a_pick_takes_few_bytes(tmp_path, record_property):
    generator = np.random.default_rng(1)
    day = parse_time("2019-06-21")
    keys = [f"NC.S{station:03d}" for station in range(40)]
    parts = []
    for key in keys:
        times = day + np.sort(generator.integers(0, DAY_NS // 10_000_000, 500)) * 10_000_000
        picks = [
            Pick(t, f"{key}.00", "HH", "PS"[i % 2], c, t - 90_000_000, t + 150_000_000)
            for i, (t, c) in enumerate(
                zip(times.tolist(), generator.uniform(0.3, 1, 500).tolist(), strict=True)
            )
        ]
        parts.append(picks_table(picks, "design", f"{key}/2019.172"))
    store = ParquetStore(tmp_path, create=True)
    store.replace("picks", pa.concat_tables(parts), "g1")
    (path,) = files_of(tmp_path / "picks", "*.parquet")
    each = path.stat().st_size / (500 * len(keys))
    record_property("bytes_per_pick", round(each, 1))
    print(f"{each:.1f} bytes a pick")
    assert each < 60


def test_what_arrow_reads_is_its_own():
    data = os.urandom(100)
    references = sys.getrefcount(data)
    source = as_source(data)
    assert sys.getrefcount(data) == references
    assert source.read() == data


def test_a_file_that_the_system_refuses_is_not_called_damaged(tmp_path):
    ParquetStore(tmp_path / "store", create=True)
    (tmp_path / "store/store.json").unlink()
    (tmp_path / "store/store.json").mkdir()
    with pytest.raises(StoreError, match=r"store.json' cannot be read: Is a directory"):
        ParquetStore(tmp_path / "store")


def test_a_damaged_description_is_named_with_the_reason(tmp_path):
    ParquetStore(tmp_path / "store", create=True)
    for text, reason in (("{}", "'schema_version' is missing"), ("{", "Expecting property name")):
        (tmp_path / "store/store.json").write_text(text)
        with pytest.raises(StoreError, match=rf"store\.json' is damaged: {reason}"):
            ParquetStore(tmp_path / "store")
