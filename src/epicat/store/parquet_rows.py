"""Rows and marks of an embedded store: which files have them, and reading and writing these."""

from __future__ import annotations

import re
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from epicat._util.arrow_arrays import arrow_array
from epicat.errors import StoreError
from epicat.fs.base import Files
from epicat.ledger import LedgerEntry, Stage
from epicat.model import Span
from epicat.store.base import (
    REACH_NS,
    STAGE_OF,
    Where,
    day_of_key,
    newest,
    of_days,
    span_days,
)
from epicat.store.parquet_columns import read_columns, rows_within
from epicat.store.parquet_files import ParquetFiles, in_threads
from epicat.table_rows import entries_of, ledger_table
from epicat.tables import LEDGER, SCHEMAS, STORED_LEDGER, TABLES, TableName, old_names
from epicat.time import day_start, month_of, named_day

__all__ = ["DataFile", "ParquetRows", "months_of"]

_TRIES = 10
_MARKS_KEPT = 1_000_000
"""Marks that are cached."""
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_DAYS = re.compile(r"\.(?P<first>\d{4}\.\d{3})-(?P<last>\d{4}\.\d{3})\.parquet$")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class DataFile:
    """A file of rows, by what its name says."""

    table: TableName
    """The table that the rows belong to."""
    design: str
    """Digest of the run or the associator."""
    month: str
    """UTC month of the rows' times, such as ``2019-06``."""
    generation: str
    """The writing that it belongs to."""

    @property
    def name(self) -> str:
        """Its name in the store."""
        return f"{self.table}/design={self.design}/month={self.month}/{self.generation}.parquet"

    @classmethod
    def parse(cls, name: str) -> DataFile | None:
        """Read what `name` wrote; None if it is no such file."""
        parts = name.split("/")
        if len(parts) != 4 or parts[0] not in TABLES or not name.endswith(".parquet"):
            return None
        folders = ("design=", "month=")
        if not all(part.startswith(f) for part, f in zip(parts[1:3], folders, strict=True)):
            return None
        design, month = (p.removeprefix(f) for p, f in zip(parts[1:3], folders, strict=True))
        if not _MONTH.fullmatch(month):
            return None
        return cls(parts[0], design, month, parts[3].removesuffix(".parquet"))


class ParquetRows(ParquetFiles):
    """The rows and marks of a store in a folder or a bucket."""

    def __init__(self, files: Files | Path, *, create: bool = False) -> None:
        super().__init__(files, create=create)
        self._marks: dict[str, list[LedgerEntry]] = {}
        self._compacted: set[str] | None = None

    def replace(self, table: TableName, rows: pa.Table, generation: str) -> None:
        """Write rows under a generation, a file for each design and month."""
        if rows.num_rows == 0:
            return
        months = months_of(rows["time"])
        for design in pc.unique(rows["design"]).to_pylist():
            for month in pc.unique(months).to_pylist():
                parts = arrow_array([design, month], pa.string())
                chosen = pc.and_(pc.equal(rows["design"], parts[0]), pc.equal(months, parts[1]))
                part = rows.filter(chosen).drop_columns(["design"])
                if part.num_rows:
                    name = DataFile(table, design, month, generation).name
                    self.write_table(name, _by_day_and_key(part))

    def mark(self, entries: Sequence[LedgerEntry]) -> None:
        """Write the marks of one generation, in one file for each month."""
        generations = {entry.generation for entry in entries}
        if len(generations) != 1:
            raise ValueError(f"marks of one call must be of one generation, not {generations}")
        generation = generations.pop()
        files = {}
        for month, some in _by_month(entries).items():
            folder = f"ledger/month={month}" if month else "ledger"
            stem = f"{generation}-{uuid.uuid4().hex[:8]}"
            files[f"{folder}/{_with_days(stem, some)}"] = some
        self._write_marks(files)

    def put_merged_marks(self, entries: Sequence[LedgerEntry]) -> None:
        """Write marks of any generations to ``compacted/``, whose names rise with time."""
        stem = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
        self._write_marks({f"compacted/{_with_days(stem, entries)}": entries})

    def _write_marks(self, files: Mapping[str, Sequence[LedgerEntry]]) -> None:
        """Write files of marks; delete them again if the store was deleted at the same time."""
        for name, entries in files.items():
            self.write_table(name, ledger_table(entries))
        if self.is_deleted():
            self.files.delete(list(files))
            raise StoreError(f"the store at {self.location!r} was deleted while in use")

    def read(self, table: TableName, where: Where) -> pa.Table:
        """Return the live rows, sorted by time and then by id."""
        schema = SCHEMAS[table]
        found = self.steady(lambda: self.read_of(table, where, self._entries(table, where)))
        return found.sort_by([("time", "ascending"), (schema.names[0], "ascending")])

    def _entries(self, table: TableName, where: Where) -> list[LedgerEntry]:
        stage = STAGE_OF[table]
        near = where.span and where.span.widened(REACH_NS[stage])
        entries = self.ledger(stage, where.design, near)
        return [e for e in entries if where.keys is None or e.key in where.keys]

    def steady(self, look: Callable[[], T]) -> T:
        """Call ``look`` until no compaction comes in between; return what it returns.

        ``look`` reads the ledger first, or no files of rows.  While ``compacted/`` stays the same,
        no file with rows that the ledger named has been deleted.
        """
        for _ in range(_TRIES):
            self._compacted = None
            with suppress(FileNotFoundError):
                found = look()
                if self._is_as_it_was():
                    return found
        raise StoreError(
            f"store {self.location!r}: files keep disappearing; is another program deleting them?"
        )

    def _is_as_it_was(self) -> bool:
        """Whether no compaction came since the ledger was read, if it was."""
        return self._compacted is None or set(self.names("compacted")) == self._compacted

    def read_of(self, table: TableName, where: Where, entries: Iterable[LedgerEntry]) -> pa.Table:
        """Return the rows that entries name, in no order; files may be deleted meanwhile."""
        live: dict[str, set[str]] = defaultdict(set)
        for entry in entries:
            live[entry.generation].add(entry.key)
        chosen = [
            file
            for file in self.data_files(table, where.design)
            if file.generation in live and _may_hold(file, where)
        ]
        parts = in_threads(lambda file: self._read_part(file, live[file.generation], where), chosen)
        return pa.concat_tables([pa.Table.from_batches([], SCHEMAS[table]), *parts])

    def data_files(self, table: TableName, design: str | None) -> list[DataFile]:
        """Return the files of a table, including those that no mark names."""
        folder = table if design is None else f"{table}/design={design}"
        found = (DataFile.parse(name) for name in self.names(folder))
        return [file for file in found if file is not None]

    def scan(self, file: DataFile, columns: Sequence[str]) -> pa.Table:
        """Read columns of all rows, also of a file of an older schema version."""
        import pyarrow.dataset as ds

        schema = pa.schema([SCHEMAS[file.table].field(name) for name in columns])
        with self.errors_of(file.name):
            fragment = ds.ParquetFileFormat().make_fragment(file.name, self.files.arrow)
            old = old_names(file.table, fragment.physical_schema.names)
            stored = _renamed(_without_design(SCHEMAS[file.table]), old)
            names = [old.get(name, name) for name in columns]
            found = fragment.to_table(schema=stored, columns=names)
        return found.rename_columns(columns).cast(schema)

    def _read_part(self, file: DataFile, keys: set[str], where: Where) -> pa.Table:
        schema = SCHEMAS[file.table]
        stored = _without_design(schema)
        arrow = self.files.arrow
        with self.errors_of(file.name), arrow.open_input_file(file.name) as source:
            found = read_columns(source, stored, span=where.span, is_complete=True)
        if found is None:  # an older schema version
            found = self.scan(file, stored.names)
        rows = rows_within(found, keys, where.span)
        design = arrow_array([file.design], pa.string())[0]
        designs = pa.repeat(design, rows.num_rows)
        return rows.append_column("design", designs).select(schema.names).cast(schema)

    def ledger(
        self, stage: Stage | None = None, design: str | None = None, span: Span | None = None
    ) -> list[LedgerEntry]:
        """Return the newest entry of each key, in the order of stage, design and key."""
        found = (entry for entries in self.marks(span).values() for entry in entries)
        return newest(
            entry
            for entry in of_days(found, span)
            if stage in (None, entry.stage) and design in (None, entry.design)
        )

    def marks(self, span: Span | None = None) -> dict[str, list[LedgerEntry]]:
        """Return the marks by file; files never change, so only new ones are read.

        With ``span``, only files that may have marks of its days.
        """

        def look(names: list[str]) -> dict[str, list[LedgerEntry]]:
            fresh = [name for name in names if name not in self._marks]
            self._marks.update(zip(fresh, in_threads(self._read_marks, fresh), strict=True))
            found = {name: self._marks[name] for name in names}
            if sum(map(len, self._marks.values())) > _MARKS_KEPT:
                self._marks = dict(found)
            return found

        return self._at_marks(span, look)

    def mark_table(self, columns: Sequence[str]) -> pa.Table:
        """Return columns of all marks, superseded ones included, in no order."""
        wanted = pa.schema([LEDGER.field(name) for name in columns])

        def look(names: list[str]) -> pa.Table:
            parts = in_threads(lambda name: self.read_table(name, wanted), names)
            return pa.concat_tables([pa.Table.from_batches([], wanted), *parts])

        return self._at_marks(None, look)

    def _at_marks(self, span: Span | None, look: Callable[[list[str]], T]) -> T:
        """Read the files of marks, again if some of them disappear meanwhile."""
        for _ in range(_TRIES):
            # In this order: what disappears from the first is in the second by then.
            names = self._mark_files(span)
            compacted = self.names("compacted")
            names += [name for name in compacted if _may_mark(name, span)]
            with suppress(FileNotFoundError):
                found = look(names)
                self._compacted = set(compacted)
                return found
        raise StoreError(f"store {self.location!r}: files of the ledger keep disappearing")

    def _mark_files(self, span: Span | None) -> list[str]:
        if span is None:
            return self.names("ledger")
        first, last = (_month(day) for day in span_days(span))
        names = []
        for item in self.files.top("ledger"):
            month = item.removeprefix("month=")
            if month == item:
                names.append(f"ledger/{item}")
            elif first <= month <= last:
                names += self.names(f"ledger/{item}")
        return [n for n in names if n.endswith(".parquet") and _may_mark(n, span)]

    def _read_marks(self, name: str) -> list[LedgerEntry]:
        with self.errors_of(name):
            return entries_of(self.read_table(name, STORED_LEDGER))


def months_of(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the month of each time, as `month_of` writes it."""
    return pc.strftime(times, format="%Y-%m")


def _by_day_and_key(rows: pa.Table) -> pa.Table:
    """Sort rows by day and then by key: smaller files, and fewer pages to read."""
    days = pc.floor_temporal(rows["time"], unit="day")
    order = [("day", "ascending"), ("key", "ascending"), ("time", "ascending")]
    return rows.append_column("day", days).sort_by(order).drop_columns(["day"])


def _may_hold(file: DataFile, where: Where) -> bool:
    span = where.span
    return span is None or month_of(span.start_ns) <= file.month <= month_of(span.end_ns - 1)


@cache
def _month(day: str) -> str:
    """Return the month of a day's name, as `month_of` writes it."""
    return month_of(day_start(named_day(day)))


def _by_month(entries: Iterable[LedgerEntry]) -> dict[str, list[LedgerEntry]]:
    """Sort entries by the month of their day; those without a day have none."""
    months: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        day = day_of_key(entry.stage, entry.key)
        months[_month(day) if day else ""].append(entry)
    return dict(sorted(months.items()))


def _with_days(stem: str, entries: Iterable[LedgerEntry]) -> str:
    """Return the name of a file of marks: with their days, unless one has none."""
    days = {day_of_key(entry.stage, entry.key) for entry in entries}
    known = [day for day in days if day]
    if not known or len(known) < len(days):
        return f"{stem}.parquet"
    return f"{stem}.{min(known)}-{max(known)}.parquet"


def _may_mark(name: str, span: Span | None) -> bool:
    """Whether a file may have marks of a span's days, by its name."""
    found = _DAYS.search(name)
    if span is None or found is None:
        return True
    first, last = span_days(span)
    return found["first"] <= last and first <= found["last"]


def _renamed(schema: pa.Schema, names: Mapping[str, str]) -> pa.Schema:
    """Return a schema whose fields have the names that ``names`` maps theirs to."""
    return pa.schema([field.with_name(names.get(field.name, field.name)) for field in schema])


def _without_design(schema: pa.Schema) -> pa.Schema:
    return schema.remove(schema.get_field_index("design"))
