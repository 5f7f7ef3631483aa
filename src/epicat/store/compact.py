"""Compaction: merge the rows of many generations, and many files of marks, into few files.

A store that has grown unit by unit has a small file for each of them.  Compaction goes through
each design's keys month by month, writes the live rows of some of them under a new generation,
and then marks these keys with it: the same entries, a nanosecond younger, so that what another
process marks in the meantime is younger still.  When all is written it merges the ledger's
entries, and only then deletes files that no entry names any more.

A kill at any point leaves orphaned rows, or files that the next compaction deletes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from epicat._util.lists import batched
from epicat.ledger import LedgerEntry, Stage
from epicat.store.base import STAGE_OF, Compaction, Where, day_of_key, new_generation, newest
from epicat.store.parquet_files import in_threads
from epicat.store.parquet_rows import DataFile, ParquetRows
from epicat.tables import TABLES, TableName

__all__ = ["Limits", "compact"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Size of merged files.  More rows mean fewer files and more memory: about 400 MB here."""

    rows: int = 1_000_000
    """Rows of one generation; a single key may have more."""
    entries: int = 50_000
    """Entries of one file of the ledger."""


def compact(store: ParquetRows, limits: Limits | None = None) -> Compaction:
    """Compact a store; others may read and write it at the same time."""
    limits = limits or Limits()
    done = Compaction()
    for stage in dict.fromkeys(STAGE_OF.values()):
        for design in sorted({entry.design for entry in store.ledger(stage)}):
            for keys in _Plan(store, stage, design, limits).batches():
                done.rows += _rewrite(store, stage, design, keys)
                done.keys += len(keys)
    done.deleted = _clear(store, limits)
    done.files = {name: len(store.data_files(name, None)) for name in TABLES}
    done.files["ledger"] = len(store.marks())
    return done


@dataclass(slots=True)
class _Key:
    """The rows of one key, in all tables of its stage."""

    generation: str
    month: str
    day: int
    rows: int = 0


class _Plan:
    """Which keys of a design to rewrite, and which of them together."""

    def __init__(self, store: ParquetRows, stage: Stage, design: str, limits: Limits) -> None:
        self._limit = limits.rows
        self._written: Counter[str] = Counter()
        self._keys: dict[str, _Key] = {}
        found = store.steady(lambda: _counted(store, stage, design))
        for file, live, counts in found:
            self._written[file.generation] += sum(count for _, count in counts.values())
            for key in live & counts.keys():
                day, count = counts[key]
                known = self._keys.setdefault(key, _Key(file.generation, file.month, day))
                known.month, known.day = min((known.month, known.day), (file.month, day))
                known.rows += count
        self._live: Counter[str] = Counter()
        for known in self._keys.values():
            self._live[known.generation] += known.rows

    def batches(self) -> Iterator[list[str]]:
        """Yield keys to merge into one generation each; skip what needs no change."""
        months: dict[str, list[str]] = defaultdict(list)
        for key, known in self._keys.items():
            if not self._is_large_and_clean(known.generation):
                months[known.month].append(key)
        for _, keys in sorted(months.items()):
            for batch in self._batched(sorted(keys, key=lambda k: (self._keys[k].day, k))):
                if not self._is_alone(batch):
                    yield batch

    def _batched(self, keys: list[str]) -> Iterator[list[str]]:
        batch: list[str] = []
        rows = 0
        for key in keys:
            if batch and rows + self._keys[key].rows > self._limit:
                yield batch
                batch, rows = [], 0
            batch.append(key)
            rows += self._keys[key].rows
        yield batch

    def _is_clean(self, generation: str) -> bool:
        return self._written[generation] == self._live[generation]

    def _is_large_and_clean(self, generation: str) -> bool:
        """Whether a generation is large and has nothing superseded."""
        return self._is_clean(generation) and 2 * self._written[generation] >= self._limit

    def _is_alone(self, batch: list[str]) -> bool:
        """Whether the keys are a complete generation already."""
        generations = {self._keys[key].generation for key in batch}
        rows = sum(self._keys[key].rows for key in batch)
        return len(generations) == 1 and all(self._written[g] == rows for g in generations)


_Counts = dict[str, tuple[int, int]]
"""By key the first day, and the number of rows."""


def _tables(stage: Stage) -> list[TableName]:
    return [table for table in TABLES if STAGE_OF[table] == stage]


def _counted(
    store: ParquetRows, stage: Stage, design: str
) -> list[tuple[DataFile, set[str], _Counts]]:
    """Count the rows of each key in each file that has live ones."""
    live: dict[str, set[str]] = defaultdict(set)
    for entry in store.ledger(stage, design):
        live[entry.generation].add(entry.key)
    files = [f for t in _tables(stage) for f in store.data_files(t, design) if f.generation in live]
    counts = in_threads(lambda file: _count(store, file), files)
    return [(f, live[f.generation], n) for f, n in zip(files, counts, strict=True)]


def _count(store: ParquetRows, file: DataFile) -> _Counts:
    rows = store.scan(file, ["key", "time"])
    days = pc.floor_temporal(rows["time"], unit="day").cast(pa.int64())
    grouped = pa.table({"key": rows["key"], "day": days}).group_by("key")
    found = grouped.aggregate([("day", "min"), ("day", "count")]).to_pydict()
    numbers = zip(found["day_min"], found["day_count"], strict=True)
    return dict(zip(found["key"], numbers, strict=True))


def _rewrite(store: ParquetRows, stage: Stage, design: str, keys: Sequence[str]) -> int:
    """Write the rows of keys under a new generation, then mark them with it."""
    tables = _tables(stage)
    wanted = set(keys)

    def look() -> tuple[list[LedgerEntry], list[pa.Table]]:
        entries = [e for e in store.ledger(stage, design) if e.key in wanted]
        return entries, [store.read_of(table, Where(design), entries) for table in tables]

    entries, parts = store.steady(look)
    generation = new_generation()
    for table, rows in zip(tables, parts, strict=True):
        store.replace(table, rows, generation)
    store.mark([replace(e, generation=generation, marked_ns=e.marked_ns + 1) for e in entries])
    return sum(rows.num_rows for rows in parts)


def _clear(store: ParquetRows, limits: Limits) -> int:
    """Merge the ledger; then delete dead files of rows, and then those of marks.

    What is dead is decided by the marks at the beginning: the merged file tells readers that files
    were deleted.
    """
    marks = store.marks()
    live = newest(entry for entries in marks.values() for entry in entries)
    ids = {_id(entry) for entry in live}
    merged = {
        name: entries
        for name, entries in marks.items()
        if 2 * len(entries) >= limits.entries and all(_id(entry) in ids for entry in entries)
    }
    scattered = [name for name in marks if name not in merged]
    if len(scattered) == 1 and all(_id(entry) in ids for entry in marks[scattered[0]]):
        scattered = []
    if not scattered:
        return 0
    kept = {_id(entry) for entries in merged.values() for entry in entries}
    rest = sorted((entry for entry in live if _id(entry) not in kept), key=_day)
    for entries in batched(rest, limits.entries) if rest else [[]]:
        store.put_merged_marks(entries)
    dead = _dead(store, marks, live)
    store.files.delete([file.name for file in dead])
    store.files.delete(scattered)
    return len(dead) + len(scattered)


def _day(entry: LedgerEntry) -> str:
    """Return an entry's day, so that few files of the ledger have the same one."""
    return day_of_key(entry.stage, entry.key) or ""


def _id(entry: LedgerEntry) -> tuple[str, str, str, str, int]:
    return entry.stage, entry.design, entry.key, entry.generation, entry.marked_ns


def _dead(
    store: ParquetRows, marks: dict[str, list[LedgerEntry]], live: Sequence[LedgerEntry]
) -> list[DataFile]:
    """Return the files without live rows, and without any that can become live."""
    named = {(entry.stage, entry.design, entry.generation) for entry in live}
    marked: dict[tuple[Stage, str, str], set[str]] = defaultdict(set)
    for entries in marks.values():
        for entry in entries:
            marked[entry.stage, entry.design, entry.generation].add(entry.key)

    def is_dead(file: DataFile) -> bool:
        writing = (STAGE_OF[file.table], file.design, file.generation)
        if writing in named or writing not in marked:
            return False
        try:
            keys = set(store.scan(file, ["key"])["key"].to_pylist())
        except FileNotFoundError:  # another compaction was faster
            return False
        return keys <= marked[writing]  # otherwise its writer has more to mark

    files = [file for table in TABLES for file in store.data_files(table, None)]
    return [file for file, dead in zip(files, in_threads(is_dead, files), strict=True) if dead]
