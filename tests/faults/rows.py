"""The content of a store as rows to compare, and a reader that runs all the time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

import pyarrow as pa

from epicat.errors import StoreError
from epicat.store.base import Store, Where
from epicat.store.open import find_store
from epicat.store.parquet import ParquetStore
from epicat.tables import TABLES, TableName

__all__ = ["Reader", "left_behind", "lines_of", "rows_of", "table_rows"]

_PAUSE_S = 0.2


def rows_of(store: Store) -> Iterator[str]:
    """Yield everything that a store says, without clocks and the names of writings."""
    yield from table_rows(store)
    yield from _ledger(store)
    yield from (f"station {row}" for row in store.stations().to_pylist())
    for kind in ("run", "associator"):
        yield from (f"{kind} {item}" for item in store.records(kind).items())


def table_rows(store: Store, tables: Iterable[TableName] = TABLES) -> Iterator[str]:
    """Yield the rows of tables, every column."""
    for name in tables:
        yield from lines_of(name, store.read(name, Where()))


def lines_of(name: TableName, rows: pa.Table) -> Iterator[str]:
    """Yield a table's rows as those of a store are written here."""
    return (f"{name} {row}" for row in rows.to_pylist())


def left_behind(store: Store) -> int:
    """Count the files that killed writers have left: half-written ones, and rows never marked.

    Nobody reads them.  A database's documents are not counted.
    """
    if not isinstance(store, ParquetStore):
        return 0
    named = {entry.generation for entries in store.marks().values() for entry in entries}
    files = [file for table in TABLES for file in store.data_files(table, None)]
    partial = list(Path(store.location).rglob(".*.partial"))
    return len(partial) + sum(file.generation not in named for file in files)


def _ledger(store: Store) -> Iterator[str]:
    for entry in store.ledger():
        yield f"ledger {replace(entry, generation='', marked_ns=0, seconds=0.0)}"


class Reader:
    """Reads a store again and again, in a thread, while others write it.

    Every reading must work and give rows that are right, each at most once, and everything must
    stay done that was done before.
    """

    def __init__(self, location: str, right: Counter[str]) -> None:
        self._location = location
        self._right = right
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read_on, daemon=True)
        self._marked: Counter[str] = Counter()
        self.readings = 0
        """How often it has read everything that there was."""
        self.wrong: list[str] = []
        """What was not as it must be."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _read_on(self) -> None:
        kept: Store | None = None
        while not self._stop.wait(_PAUSE_S):
            try:
                # In turn a store that has been open for long, and one that is new.
                kept = self._opened() if kept is None or self.readings % 2 else kept
                if kept is not None:
                    self._read(kept)
                    self.readings += 1
            except Exception as error:
                self.wrong.append(f"a reading failed: {type(error).__name__}: {error}")

    def _read(self, store: Store) -> None:
        marked = Counter(_ledger(store))
        gone = self._marked - marked
        if gone:
            self.wrong.append(f"what was done is not any more: {min(gone)}")
        self._marked = marked
        self._check(marked)
        for table in TABLES:
            self._check(Counter(table_rows(store, [table])))

    def _opened(self) -> Store | None:
        try:
            return find_store(self._location)
        except StoreError as error:
            if "there is no store" in str(error):  # not yet: whoever makes it was killed
                return None
            raise

    def _check(self, rows: Counter[str]) -> None:
        surplus = rows - self._right
        if surplus:
            self.wrong.append(f"a reading gave {surplus.total()} rows too many: {min(surplus)}")
