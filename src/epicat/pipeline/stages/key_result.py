"""The result of one key: its ledger entry and its rows, computed and saved.

What goes wrong in one key becomes its ledger entry, so that it never fails the unit.  Rows are
written first and the ledger is marked last.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from epicat.errors import AwayError, EpicatError, unforeseen
from epicat.ledger import LedgerEntry
from epicat.model import Span, digest_of
from epicat.pipeline.outcome import BegunKey, failed, stamped
from epicat.store.base import Store, mark_time, new_generation
from epicat.tables import SCHEMAS, TableName

__all__ = [
    "KeyResult",
    "Keyed",
    "Rows",
    "compute_key",
    "hull",
    "ids_digest",
    "save",
    "save_again",
    "save_generation",
]

Rows = Mapping[TableName, pa.Table]
Keyed = tuple[LedgerEntry, Rows]


@dataclass(frozen=True, slots=True)
class KeyResult:
    """The result of a key."""

    entry: LedgerEntry
    """What the ledger records of it."""
    rows: Rows
    """Its rows by table."""
    is_kept: bool = True
    """Whether it replaces the result in the store."""


def compute_key(begun: BegunKey, compute: Callable[[str], Keyed]) -> KeyResult:
    """Compute one key; what it raises becomes its entry.

    `AwayError` is not an error of one key and is raised.
    """
    begin = time.monotonic()
    rows: Rows = {}
    try:
        entry, rows = compute(begun.key)
    except AwayError:
        raise
    except EpicatError as error:
        entry = failed(begun, str(error))
    except Exception as error:
        entry = failed(begun, _message(error))
    return KeyResult(stamped(entry, begun, time.monotonic() - begin), rows)


def save(store: Store, results: Iterable[KeyResult], generation: str) -> None:
    """Write the rows of results as a generation, then mark their keys."""
    tables: dict[TableName, list[pa.Table]] = {}
    entries = []
    for result in results:
        entries.append(result.entry)
        for table, part in result.rows.items():
            tables.setdefault(table, []).append(part)
    for table, parts in tables.items():
        whole = pa.concat_tables([pa.Table.from_batches([], SCHEMAS[table]), *parts])
        store.replace(table, whole, generation)
    if entries:
        store.mark(entries)


def save_generation(store: Store, results: Sequence[KeyResult]) -> None:
    """Save results that have no generation yet as a new one."""
    generation = new_generation()
    named = [replace(r, entry=replace(r.entry, generation=generation)) for r in results]
    save(store, named, generation)


def save_again(store: Store, result: KeyResult, before: LedgerEntry | None) -> None:
    """Save the result of a key in place of the one that ``before`` marks."""
    entry = replace(result.entry, marked_ns=mark_time(before))
    save_generation(store, [KeyResult(entry, result.rows)])


def ids_digest(ids: pa.ChunkedArray) -> str:
    """Return the digest of a result's ids, whatever their order."""
    return digest_of(*sorted(ids.to_pylist()))


def hull(spans: Iterable[Span]) -> Span:
    """Return the shortest span that contains others."""
    found = list(spans)
    return Span(min(s.start_ns for s in found), max(s.end_ns for s in found))


def _message(error: Exception) -> str:
    """Return an unexpected exception with the place in the code where it was raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{unforeseen(error)} ({last.name}, line {last.lineno})"
