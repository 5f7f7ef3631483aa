"""The files of an embedded store: JSON and Parquet, written atomically, and its schema version."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from epicat.errors import StoreError
from epicat.fs.base import Files
from epicat.fs.local import LocalFiles
from epicat.store.parquet_columns import read_columns
from epicat.tables import SCHEMA_VERSION, TABLES

__all__ = ["JOURNAL", "MARKED", "ParquetFiles", "as_source", "in_threads"]

JOURNAL: Final = "journal"
"""The folder of the journal in a store."""
MARKED: Final = ("ledger", "compacted")
"""The folders of marks in a store."""
_ABOUT = "store.json"
_FOLDERS = {*TABLES, *MARKED, "stations", "records", JOURNAL}
_THREADS = 8
_ROW_GROUP = 1 << 17
_DICTIONARIES = ["trace_id", "band", "phase", "key", "stage", "status", "archive",
                 "layout", "channels"]  # fmt: skip
_MEASURED = ["key", "time"]
"""Columns whose smallest and largest values a file keeps: those that rows are chosen by."""
_BROTLI_LEVEL = 10
"""Of columns of packed bytes; the next level takes twice the time and saves nothing more."""

T = TypeVar("T")
S = TypeVar("S")


class ParquetFiles:
    """The files of a store in a folder or a bucket."""

    def __init__(self, files: Files | Path, *, create: bool = False) -> None:
        self.files: Files = LocalFiles(files) if isinstance(files, Path) else files
        self.location = self.files.location
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
            self.write_json(_ABOUT, {"schema_version": SCHEMA_VERSION})

    def _is_unmarked(self, others: Sequence[str]) -> bool:
        """Whether the files are the remains of a deleted store, without any mark.

        A process that was writing at that moment leaves them behind.
        """
        return set(others) <= _FOLDERS and not any(map(self.files.list, MARKED))

    def _read_version(self) -> int:
        """Return the store's schema version; raise `StoreError` if it is newer than ours."""
        try:
            with self.errors_of(_ABOUT):
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
                self.write_json(_ABOUT, {"schema_version": SCHEMA_VERSION})
            self._version = SCHEMA_VERSION

    def is_deleted(self) -> bool:
        """Whether the store was deleted since it was opened."""
        return not self.files.exists(_ABOUT)

    @contextmanager
    def errors_of(self, name: str) -> Iterator[None]:
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

    def names(self, folder: str, ending: str = ".parquet") -> list[str]:
        """Return the names of the files of a folder that end so."""
        return [name for name in self.files.list(folder) if name.endswith(ending)]

    def read_json(self, name: str) -> dict[str, Any]:
        """Read a record; raise `StoreError` if it is damaged."""
        with self.errors_of(name):
            found: dict[str, Any] = json.loads(self.files.read(name))
            return found

    def write_json(self, name: str, record: Mapping[str, Any]) -> None:
        """Write a record, atomically."""
        self.files.write(name, json.dumps(record, indent=1, sort_keys=True).encode())

    def read_table(self, name: str, schema: pa.Schema) -> pa.Table:
        """Read a file that `write_table` wrote; raise `StoreError` if it is damaged."""
        with self.errors_of(name):
            data = self.files.read(name)
            found = read_columns(as_source(data), schema)
            if found is not None:
                return found
            return pq.read_table(
                as_source(data), schema=schema, columns=schema.names, partitioning=None
            )

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


def in_threads(function: Callable[[S], T], items: Sequence[S]) -> list[T]:
    """Map an I/O-bound function over items with several threads."""
    if len(items) < 2:
        return [function(item) for item in items]
    with ThreadPoolExecutor(_THREADS) as threads:
        return list(threads.map(function, items))


def _not_a_store(others: Sequence[str]) -> str:
    """Describe a folder that is not empty and not a store."""
    some = ", ".join(others[:3])
    if set(others) <= _FOLDERS:
        return f"the remains of a deleted store ({some}); delete this folder as well"
    return f"a folder with other files ({some}); give --store a new or empty folder"


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
