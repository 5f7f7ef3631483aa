"""Batches of keys, and digests of their rows, for passes over a complete store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from epicat.ledger import LedgerEntry, Stage
from epicat.store.base import STAGE_OF, Where
from epicat.tables import TABLES, TableName

__all__ = ["batches_of", "content_digest", "name_of", "tables_of", "where_of"]

_ROWS: Final = 50_000
"""Rows that are in memory at once; a single key may have more."""
_KEYS: Final = 1000
"""Keys in one batch."""


def batches_of(entries: Iterable[LedgerEntry]) -> Iterator[list[LedgerEntry]]:
    """Yield entries of one stage and design, of neighbouring days where keys have days."""
    some: list[LedgerEntry] = []
    rows = 0
    for entry in sorted(entries, key=_order):
        full = rows + entry.n_rows > _ROWS or len(some) == _KEYS
        if some and (full or (some[0].stage, some[0].design) != (entry.stage, entry.design)):
            yield some
            some, rows = [], 0
        some.append(entry)
        rows += entry.n_rows
    if some:
        yield some


def _order(entry: LedgerEntry) -> tuple[str, str, str, str]:
    return entry.stage, entry.design, entry.key.rpartition("/")[2], entry.key


def where_of(entries: Sequence[LedgerEntry]) -> Where:
    """Return what selects the rows of keys of one stage and design."""
    return Where(design=entries[0].design, keys=frozenset(entry.key for entry in entries))


def tables_of(stage: Stage) -> list[TableName]:
    """Return the tables whose rows belong to the keys of a stage."""
    return [table for table in TABLES if STAGE_OF[table] == stage]


def name_of(entry: LedgerEntry) -> str:
    """Return the name of a key for messages."""
    return f"{entry.stage} {entry.design} {entry.key}"


def content_digest(rows: pa.Table) -> bytes:
    """Return SHA-256 of rows in their order, whatever the pieces in which they lie.

    Times count to the nanosecond and numbers to the last bit.
    """
    made = hashlib.sha256()
    for field_, column in zip(rows.schema, rows.columns, strict=True):
        made.update(f"{field_.name} {field_.type} {len(column)}\n".encode())
        for part in _bytes_of(column):
            made.update(part)
    return made.digest()


def _bytes_of(column: pa.ChunkedArray) -> Iterator[bytes]:
    if pa.types.is_string(column.type):
        lengths = pc.binary_length(column)
        yield pc.fill_null(lengths, -1).to_numpy().tobytes()
        for chunk in column.chunks:
            yield "".join(text or "" for text in chunk.to_pylist()).encode()
    else:
        is_time = pa.types.is_timestamp(column.type)
        yield (column.cast(pa.int64()) if is_time else column).to_numpy().tobytes()
