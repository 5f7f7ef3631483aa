"""The embedded store: Parquet files in a folder or a bucket, without a server.

::

    store.json                                            schema version
    picks/design={run}/month={2019-06}/{generation}.parquet
    events/design={associator}/month=.../{generation}.parquet     and arrivals likewise
    ledger/month={2019-06}/{generation}-{mark}.{days}.parquet     the marks of some days
    ledger/{generation}-{mark}.parquet                    marks of keys that have no day
    compacted/{time}-{digits}.{days}.parquet              marks that a compaction merged
    stations/{time}-{digest}.parquet
    records/{kind}/{name}.json
    journal/{run}/{digest of a key}.parquet               finished keys of units that are not
                                                          committed yet: see `epicat.store.journal`

The days of a file of marks, first and last, such as ``2019.172-2019.173``, are in its name: a
reader of some days reads no other marks, however large the store.

A file is written atomically and never changed.  One file holds many keys.  Files whose generation
no mark names are leftovers of a kill and are never read.  Several processes may write at once.

Only a compaction (`epicat.store.compact`) deletes files, and before it does it writes a new one
to ``compacted/`` that knows of every row it leaves.  So what a reader sees fits together if
``compacted/`` is afterwards what it was: see `ParquetStore.steady`.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from epicat._util.arrow_arrays import arrow_array
from epicat.errors import StoreError
from epicat.fs.base import Files
from epicat.fs.local import LocalFiles
from epicat.ledger import LedgerEntry, Stage
from epicat.model import Span, digest_of
from epicat.store.base import (
    REACH_NS,
    STAGE_OF,
    Compaction,
    Designs,
    Where,
    day_of_key,
    newest,
    of_days,
    span_days,
)
from epicat.store.journal import JOURNAL, Journal
from epicat.store.parquet_columns import read_columns, rows_within
from epicat.table_rows import entries_of, ledger_table
from epicat.tables import (
    LEDGER,
    SCHEMA_VERSION,
    SCHEMAS,
    STATIONS,
    STORED_LEDGER,
    TABLES,
    TableName,
    old_names,
)
from epicat.time import day_start, month_of, named_day

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from epicat.store.findings import Findings

__all__ = ["DataFile", "ParquetStore", "as_source", "in_threads", "months_of"]

_ABOUT = "store.json"
_MARKED = ("ledger", "compacted")
_FOLDERS = {*TABLES, *_MARKED, "stations", "records", JOURNAL}
_TRIES = 10
_THREADS = 8
_ROW_GROUP = 1 << 17
_MARKS_KEPT = 1_000_000
"""Marks that are cached."""
_DICTIONARIES = ["trace_id", "band", "phase", "key", "stage", "status", "archive",
                 "layout", "channels"]  # fmt: skip
_MEASURED = ["key", "time"]
"""Columns whose smallest and largest values a file keeps: those that rows are chosen by."""
_BROTLI_LEVEL = 10
"""Of columns of packed bytes; the next level takes twice the time and saves nothing more."""

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_DAYS = re.compile(r"\.(?P<first>\d{4}\.\d{3})-(?P<last>\d{4}\.\d{3})\.parquet$")

T = TypeVar("T")
S = TypeVar("S")


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


class ParquetStore:
    """A `Store` in a folder or a bucket."""

    def __init__(self, files: Files | Path, *, create: bool = False) -> None:
        self.files: Files = LocalFiles(files) if isinstance(files, Path) else files
        self.location = self.files.location
        self._marks: dict[str, list[LedgerEntry]] = {}
        self._compacted: set[str] | None = None
        if create:
            self._create()
        self._version = self._read_version()

    def _create(self) -> None:
        self.files.prepare()
        # Listed first: another process may be making the same store at this moment.
        others = self.files.top()
        if not self.files.exists(_ABOUT):
            if others and not self._is_unmarked(others):
                raise StoreError(f"store {self.location!r} is {_not_a_store(others)}")
            self._write_json(_ABOUT, {"schema_version": SCHEMA_VERSION})

    def _is_unmarked(self, others: Sequence[str]) -> bool:
        """Whether the files are the remains of a deleted store, without any mark.

        A process that was writing at that moment leaves them behind.
        """
        return set(others) <= _FOLDERS and not any(map(self.files.list, _MARKED))

    def _read_version(self) -> int:
        """Return the store's schema version; raise `StoreError` if it is newer than ours."""
        try:
            with self._errors_of(_ABOUT):
                found = int(json.loads(self.files.read(_ABOUT))["schema_version"])
        except (FileNotFoundError, NotADirectoryError) as error:
            raise StoreError(
                f"there is no store at {self.location!r}; `epicat run` makes one"
            ) from error
        if found > SCHEMA_VERSION:
            raise StoreError(
                f"store {self.location!r} was written by a newer epicat (schema {found}, this one "
                f"knows {SCHEMA_VERSION}); update epicat"
            )
        return found

    def _raise_version(self) -> None:
        """Record our schema version before the first write, so that older versions refuse."""
        if self._version < SCHEMA_VERSION:
            if self.files.exists(_ABOUT):
                self._write_json(_ABOUT, {"schema_version": SCHEMA_VERSION})
            self._version = SCHEMA_VERSION

    @contextmanager
    def _errors_of(self, name: str) -> Iterator[None]:
        """Raise `StoreError`, with the file and the reason, if its content cannot be used.

        A file that does not exist, and too little memory, say nothing of its content.
        """
        where = f"{self.location}/{name}"
        try:
            yield
        except (FileNotFoundError, NotADirectoryError, MemoryError):
            raise
        except OSError as error:
            # Arrow's own errors are OSErrors as well, without a number.
            what = "is damaged" if error.errno is None else "cannot be read"
            raise StoreError(f"{where!r} {what}: {error.strerror or error}") from error
        except KeyError as error:
            raise StoreError(f"{where!r} is damaged: {error} is missing") from error
        except (ValueError, TypeError, pa.ArrowException) as error:
            raise StoreError(f"{where!r} is damaged: {error}") from error

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
        if not self.files.exists(_ABOUT):
            self.files.delete(list(files))
            raise StoreError(f"the store at {self.location!r} was deleted while in use")

    def journal(self, design: str) -> Journal:
        """Return the journal of a run: finished keys whose unit is not committed yet."""
        return Journal(self, design)

    def lease_folder(self) -> Path | None:
        """Return the folder of the store; None for a bucket."""
        return Path(self.location).absolute() if isinstance(self.files, LocalFiles) else None

    def read_lease(self, name: str) -> Mapping[str, Any] | None:
        """Return the record of an active run."""
        try:
            return self._read_json(f".{name}.running")
        except FileNotFoundError:
            return None

    def write_lease(self, name: str, record: Mapping[str, Any]) -> None:
        """Write the record of an active run."""
        self._write_json(f".{name}.running", record)

    def delete_lease(self, name: str) -> None:
        """Delete the record of an active run."""
        self.files.delete([f".{name}.running"])

    def compact(self) -> Compaction:
        """Merge small files and delete what is superseded."""
        from epicat.store.compact import compact

        return compact(self)

    def verify_storage(
        self, findings: Findings, *, repair: bool
    ) -> Callable[[LedgerEntry], bool] | None:
        """Check all files, including orphans; with ``repair``, fix what is safe to."""
        from epicat.store.verify.files import verify_files

        return verify_files(self, findings, repair=repair)

    def register_views(
        self, connection: DuckDBPyConnection, words: set[str], designs: Designs
    ) -> None:
        """Make views of the files of each table that a query names."""
        from epicat.store.views import show_files

        show_files(self, connection, words, designs)

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
        return self._compacted is None or set(self._listed("compacted")) == self._compacted

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
        found = (DataFile.parse(name) for name in self._listed(folder))
        return [file for file in found if file is not None]

    def scan(self, file: DataFile, columns: Sequence[str]) -> pa.Table:
        """Read columns of all rows, also of a file of an older schema version."""
        import pyarrow.dataset as ds

        schema = pa.schema([SCHEMAS[file.table].field(name) for name in columns])
        with self._errors_of(file.name):
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
        with self._errors_of(file.name), arrow.open_input_file(file.name) as source:
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
            compacted = self._listed("compacted")
            names += [name for name in compacted if _may_mark(name, span)]
            with suppress(FileNotFoundError):
                found = look(names)
                self._compacted = set(compacted)
                return found
        raise StoreError(f"store {self.location!r}: files of the ledger keep disappearing")

    def _mark_files(self, span: Span | None) -> list[str]:
        if span is None:
            return self._listed("ledger")
        first, last = (_month(day) for day in span_days(span))
        names = []
        for item in self.files.top("ledger"):
            month = item.removeprefix("month=")
            if month == item:
                names.append(f"ledger/{item}")
            elif first <= month <= last:
                names += self._listed(f"ledger/{item}")
        return [n for n in names if n.endswith(".parquet") and _may_mark(n, span)]

    def _read_marks(self, name: str) -> list[LedgerEntry]:
        with self._errors_of(name):
            return entries_of(self.read_table(name, STORED_LEDGER))

    def put_stations(self, rows: pa.Table) -> None:
        """Add stations; a row replaces an earlier one of the same id."""
        digest = digest_of(*rows.to_pylist())
        last = max(self._listed("stations"), default="")
        if not PurePosixPath(last).stem.endswith(digest):
            before = int(PurePosixPath(last).stem.partition("-")[0] or 0)
            moment = max(
                time.time_ns(), before + 1
            )  # the last one wins, also if the clock was set back
            self.write_table(f"stations/{moment:020d}-{digest}.parquet", rows)

    def stations(self) -> pa.Table:
        """Return the stations, in the order of ids."""
        rows: dict[str, dict[str, Any]] = {}
        for name in self._listed("stations"):
            part = self.read_table(name, STATIONS)
            rows.update({row["id"]: row for row in part.to_pylist()})
        return pa.Table.from_pylist([rows[i] for i in sorted(rows)], schema=STATIONS)

    def put_record(self, kind: str, name: str, record: Mapping[str, Any]) -> None:
        """Keep a record; the first of a name stays."""
        path = f"records/{kind}/{name}.json"
        if not self.files.exists(path):
            self._write_json(path, record)

    def records(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the records of a kind by name, in the order of names."""
        names = self._listed(f"records/{kind}", ".json")
        records = in_threads(self._read_json, names)
        return {PurePosixPath(n).stem: r for n, r in zip(names, records, strict=True)}

    def _read_json(self, name: str) -> dict[str, Any]:
        with self._errors_of(name):
            found: dict[str, Any] = json.loads(self.files.read(name))
            return found

    def read_table(self, name: str, schema: pa.Schema) -> pa.Table:
        """Read a file that `write_table` wrote; raise `StoreError` if it is damaged."""
        with self._errors_of(name):
            data = self.files.read(name)
            found = read_columns(as_source(data), schema)
            if found is not None:
                return found
            return pq.read_table(
                as_source(data), schema=schema, columns=schema.names, partitioning=None
            )

    def _listed(self, folder: str, ending: str = ".parquet") -> list[str]:
        return [name for name in self.files.list(folder) if name.endswith(ending)]

    def _write_json(self, name: str, record: Mapping[str, Any]) -> None:
        self.files.write(name, json.dumps(record, indent=1, sort_keys=True).encode())

    def write_table(self, name: str, rows: pa.Table) -> None:
        """Write a table as a file, atomically."""
        self._raise_version()
        sink = pa.BufferOutputStream()
        pq.write_table(
            rows,
            sink,
            row_group_size=_ROW_GROUP,
            column_encoding=_encodings(rows.schema),
            write_statistics=[n for n in rows.column_names if n in _MEASURED],
            store_schema=False,
            write_page_checksum=True,
            **_compression(rows.schema),
        )
        self.files.write(name, sink.getvalue().to_pybytes())


def as_source(data: bytes) -> pa.BufferReader:
    """Return bytes for Arrow to read, copied into memory that Arrow owns.

    A thread of Arrow may release what it reads at any time.  Python's memory would need Python's
    lock for that, and abort the process during the interpreter's shutdown.
    """
    sink = pa.BufferOutputStream()
    sink.write(data)
    return pa.BufferReader(sink.getvalue())


def _not_a_store(others: Sequence[str]) -> str:
    """Describe a folder that is not empty and not a store."""
    some = ", ".join(others[:3])
    if set(others) <= _FOLDERS:
        return f"the remains of a deleted store ({some}); delete this folder as well"
    return f"a folder with other files ({some}); give --store a new or empty folder"


def in_threads(function: Callable[[S], T], items: Sequence[S]) -> list[T]:
    """Map an I/O-bound function over items with several threads."""
    if len(items) < 2:
        return [function(item) for item in items]
    with ThreadPoolExecutor(_THREADS) as threads:
        return list(threads.map(function, items))


def _compression(schema: pa.Schema) -> dict[str, Any]:
    """Choose codecs, and the columns with a dictionary.

    Packed bytes have no repetitions, but depend on each other: Brotli makes them a seventh smaller
    than Zstandard at any level.  Where there are some, a table has few rows, and dictionaries
    would be longer than their columns.
    """
    packed = [field.name for field in schema if pa.types.is_binary(field.type)]
    return {
        "compression": {n: "brotli" if n in packed else "zstd" for n in schema.names},
        "compression_level": dict.fromkeys(packed, _BROTLI_LEVEL) or None,
        "use_dictionary": [n for n in schema.names if n in _DICTIONARIES and not packed],
    }


def _encodings(schema: pa.Schema) -> dict[str, str]:
    """Choose the encoding of columns that have no dictionary."""
    kinds: list[tuple[Callable[[pa.DataType], bool], str]] = [
        (pa.types.is_timestamp, "DELTA_BINARY_PACKED"),
        (pa.types.is_integer, "DELTA_BINARY_PACKED"),
        (pa.types.is_floating, "BYTE_STREAM_SPLIT"),
        (pa.types.is_string, "DELTA_LENGTH_BYTE_ARRAY"),
    ]
    return {
        field.name: encoding
        for field in schema
        for fits, encoding in kinds
        if field.name not in _DICTIONARIES and fits(field.type)
    }


def _by_day_and_key(rows: pa.Table) -> pa.Table:
    """Sort rows by day and then by key: smaller files, and fewer pages to read."""
    days = pc.floor_temporal(rows["time"], unit="day")
    order = [("day", "ascending"), ("key", "ascending"), ("time", "ascending")]
    return rows.append_column("day", days).sort_by(order).drop_columns(["day"])


def months_of(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the month of each time, as `month_of` writes it."""
    return pc.strftime(times, format="%Y-%m")


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
