"""The journal: results of single keys, kept until all keys of their unit are committed together.

A unit of work commits once, so that a store has few files.  Until then each finished key has a
file ``journal/{design}/{digest of the key}.parquet`` with its ledger entries and rows.  Readers
never see it.  When a unit is run again after a kill, its finished keys are taken from the journal;
after the commit their files are deleted.  Two workers with the same key write equal rows.

A file that is damaged, or was written by another version, is ignored: the key is computed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Final, Protocol, runtime_checkable

import pyarrow as pa

from epicat._util.arrow_arrays import arrow_array
from epicat.errors import StoreError
from epicat.ledger import LedgerEntry, Stage
from epicat.model import digest_of
from epicat.store.base import STAGE_OF
from epicat.store.parquet_files import JOURNAL, ParquetFiles
from epicat.store.parquet_rows import ParquetRows
from epicat.table_rows import entries_of, ledger_table
from epicat.tables import LEDGER, SCHEMAS, TABLES, TableName

__all__ = ["Journal", "Journaled", "KeptResults", "clear_journal", "count_kept", "is_journal"]

_LEDGER: Final = "ledger"
_SCHEMA: Final = pa.schema([("part", pa.string()), ("data", pa.binary())])

KeptResults = Sequence[tuple[LedgerEntry, Mapping[TableName, pa.Table]]]
"""The results of a key: its entries, each with its rows by table."""


class Journal:
    """The journal of one design in a store of files."""

    def __init__(self, store: ParquetFiles, design: str) -> None:
        self._store = store
        self._folder = f"{JOURNAL}/{design}"

    def keep(self, key: str, results: KeptResults) -> None:
        """Keep the results of a finished key."""
        parts: list[tuple[str, pa.Table]] = [(_LEDGER, ledger_table(e for e, _ in results))]
        parts += [(table, part) for _, made in results for table, part in made.items()]
        names = arrow_array([name for name, _ in parts], pa.string())
        data = arrow_array([_packed(rows) for _, rows in parts], pa.binary())
        rows = pa.Table.from_arrays([names, data], schema=_SCHEMA)
        self._store.write_table(self._name(key), rows)

    def find(self, keys: Iterable[str]) -> dict[str, KeptResults]:
        """Return the results of the keys that the journal has."""
        names = {self._name(key): key for key in keys}
        there = [name for name in self._store.files.list(self._folder) if name in names]
        found = {names[name]: _read(self._store, name) for name in there}
        return {key: results for key, results in found.items() if results}

    def count_pending(self, committed: Iterable[str]) -> int:
        """Return the number of keys that the journal has and that are not ``committed``.

        One listing; no file is read.
        """
        names = [name for name in self._store.files.list(self._folder) if is_journal(name)]
        if not names:
            return 0
        done = {self._name(key) for key in committed}
        return sum(name not in done for name in names)

    def forget(self, keys: Iterable[str]) -> None:
        """Delete the results of keys.  Without permission to delete, the next run does it."""
        with suppress(StoreError):
            self._store.files.delete([self._name(key) for key in keys])

    def _name(self, key: str) -> str:
        return f"{self._folder}/{digest_of(key)}.parquet"


@runtime_checkable
class Journaled(Protocol):
    """A store that commits the keys of a unit together, and keeps the finished ones until then."""

    def journal(self, design: str) -> Journal:
        """Return the journal of a design."""
        ...

    def clear_journal(self) -> int:
        """Delete what the journals have of keys that are committed; return the number of files."""
        ...


def clear_journal(store: ParquetRows) -> int:
    """Delete what the journal has of keys that were committed since; return the number of files.

    A worker that was killed between its commit and the deletion has left them.
    """
    names = [name for name in store.files.list(JOURNAL) if is_journal(name)]
    if not names:
        return 0
    marked = {(e.stage, e.design, e.key): e.marked_ns for e in store.ledger()}

    def is_committed(entry: LedgerEntry) -> bool:
        return marked.get((entry.stage, entry.design, entry.key), -1) >= entry.marked_ns

    done = []
    for name in names:
        results = _read(store, name)
        if results and all(is_committed(entry) for entry, _ in results):
            done.append(name)
    with suppress(StoreError):
        store.files.delete(done)
    return len(done)


def count_kept(store: object, design: str, committed: Iterable[str]) -> int:
    """Return the number of keys that are finished and not ``committed``: 0 without a journal."""
    return store.journal(design).count_pending(committed) if isinstance(store, Journaled) else 0


def is_journal(name: str) -> bool:
    """Return whether a file of a store belongs to the journal, by its name."""
    path = PurePosixPath(name)
    return path.parts[0] == JOURNAL and len(path.parts) == 3 and path.suffix == ".parquet"


def _read(store: ParquetFiles, name: str) -> KeptResults:
    """Return the results in a file; none if it is damaged, outdated, or gone."""
    try:
        found = store.read_table(name, _SCHEMA).to_pylist()
        return _unpacked([(row["part"], row["data"]) for row in found])
    except (StoreError, OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return []


def _unpacked(parts: Sequence[tuple[str, bytes]]) -> KeptResults:
    """Return entries, each with the rows of its stage; raise ValueError for other schemas."""
    tables = [(part, _table(data)) for part, data in parts]
    schemas: dict[str, pa.Schema] = {_LEDGER: LEDGER}
    schemas.update((str(table), schema) for table, schema in SCHEMAS.items())
    if any(rows.schema != schemas.get(part) for part, rows in tables):
        raise ValueError("the journal was written by another version")
    by_stage: dict[Stage, dict[TableName, pa.Table]] = {}
    for part, rows in tables:
        for table in (name for name in TABLES if name == part):
            by_stage.setdefault(STAGE_OF[table], {})[table] = rows
    entries = [entry for part, rows in tables if part == _LEDGER for entry in entries_of(rows)]
    return [(entry, by_stage.get(entry.stage, {})) for entry in entries]


def _packed(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _table(data: bytes) -> pa.Table:
    with pa.ipc.open_stream(data) as stream:
        return stream.read_all()
