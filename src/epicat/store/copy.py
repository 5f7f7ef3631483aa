"""Copy a store into another, of any kind; then compare them.

Keys are copied in batches, rows first and then their entries with the original times, so that a
kill leaves nothing half copied, and a second call copies the rest.  A key with a later entry in
the other store is left unchanged.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from epicat.ledger import LedgerEntry, Stage
from epicat.store.base import RECORD_KINDS, ReadableStore, Store, new_generation
from epicat.store.batches import batches_of, content_digest, name_of, tables_of, where_of

__all__ = ["Copied", "Progress", "copy_store"]

Progress = Callable[[str, int, int], None]
"""Called with the step, the number of keys done, and of all keys."""
_Key = tuple[Stage, str, str]


@dataclass(slots=True)
class Copied:
    """What was copied, and the result of the comparison."""

    keys: int = 0
    """Keys that were copied."""
    rows: Counter[str] = field(default_factory=Counter)
    """Rows that were copied, by table."""
    compared: Counter[str] = field(default_factory=Counter)
    """Rows that both stores have, with equal content, by table."""
    digest: str = ""
    """SHA-256 of the content of all rows that were compared."""
    newer: list[str] = field(default_factory=list)
    """Keys with a later entry in the other store: left unchanged."""
    changed: list[str] = field(default_factory=list)
    """Keys that were written in one of the stores during the copy: copy again."""
    different: list[str] = field(default_factory=list)
    """What differs between the stores, and should not."""


def copy_store(source: ReadableStore, target: Store, progress: Progress | None = None) -> Copied:
    """Copy a store into another and compare all of both.

    Raises `StoreError` if one of them cannot be read or written.
    """
    report = progress or (lambda *_: None)
    done = Copied()
    target.put_stations(source.stations())
    for kind in RECORD_KINDS:
        for name, record in source.records(kind).items():
            target.put_record(kind, name, record)
    _copy_keys(source, target, done, report)
    _compare_keys(source, target, done, report)
    _compare_others(source, target, done)
    return done


def _copy_keys(source: ReadableStore, target: Store, done: Copied, report: Progress) -> None:
    known = _by_key(target.ledger())
    missing = []
    for entry in source.ledger():
        there = known.get(_key(entry))
        if there is None or there.marked_ns < entry.marked_ns:
            missing.append(entry)
    for some in batches_of(missing):
        _copy_some(source, target, some, done)
        report("copied", done.keys, len(missing))


def _copy_some(
    source: ReadableStore, target: Store, entries: Sequence[LedgerEntry], done: Copied
) -> None:
    """Copy keys of one stage and design."""
    generation = new_generation()
    where = where_of(entries)
    for table in tables_of(entries[0].stage):
        rows = source.read(table, where)
        target.replace(table, rows, generation)
        done.rows[table] += rows.num_rows
    target.mark([replace(entry, generation=generation) for entry in entries])
    done.keys += len(entries)


def _compare_keys(source: ReadableStore, target: Store, done: Copied, report: Progress) -> None:
    """Read every key of the source in both stores."""
    entries = source.ledger()
    known = _by_key(target.ledger())
    digest = hashlib.sha256()
    same, suspects = [], []
    for entry in entries:
        there = known.get(_key(entry))
        if there is None or there.marked_ns < entry.marked_ns:
            done.changed.append(name_of(entry))  # since the copying began
        elif there.marked_ns > entry.marked_ns:
            done.newer.append(name_of(entry))
        elif _without_generation(there) != _without_generation(entry):
            done.different.append(name_of(entry))
        else:
            same.append(entry)
    compared = 0
    for some in batches_of(same):
        suspects += _compare_some(source, target, some, done, digest)
        compared += len(some)
        report("compared", compared, len(same))
    done.digest = digest.hexdigest()
    if suspects:
        _confirm(source, target, suspects, done)


def _compare_some(
    source: ReadableStore,
    target: Store,
    entries: Sequence[LedgerEntry],
    done: Copied,
    digest: hashlib._Hash,
) -> list[LedgerEntry]:
    """Compare the rows of keys; return the entries of keys whose rows differ."""
    where = where_of(entries)
    bad: set[str] = set()
    for table in tables_of(entries[0].stage):
        ours, theirs = (store.read(table, where) for store in (source, target))
        if content_digest(ours) == content_digest(theirs):
            done.compared[table] += ours.num_rows
            digest.update(content_digest(ours))
        else:
            bad |= _differing(ours, theirs)
    return [entry for entry in entries if entry.key in bad]


def _confirm(
    source: ReadableStore, target: Store, suspects: Sequence[LedgerEntry], done: Copied
) -> None:
    """Separate keys that are being written from those that really differ."""
    latest = [_by_key(store.ledger()) for store in (source, target)]
    for entry in suspects:
        still = all(
            _without_generation(known[_key(entry)]) == _without_generation(entry)
            for known in latest
        )
        (done.different if still else done.changed).append(name_of(entry))


def _compare_others(source: ReadableStore, target: Store, done: Copied) -> None:
    there = {row["id"]: row for row in target.stations().to_pylist()}
    for row in source.stations().to_pylist():
        if there.get(row["id"]) != row:
            done.different.append(f"station {row['id']}")
    for kind in RECORD_KINDS:
        records = target.records(kind)
        for name, record in source.records(kind).items():
            if records.get(name) != record:
                done.different.append(f"{kind} {name}")


def _differing(ours: pa.Table, theirs: pa.Table) -> set[str]:
    """Return the keys whose rows are not the same."""
    first, second = ({repr(row): row["key"] for row in t.to_pylist()} for t in (ours, theirs))
    return {key for one, other in ((first, second), (second, first))
            for row, key in one.items() if row not in other}  # fmt: skip


def _by_key(entries: Iterable[LedgerEntry]) -> dict[_Key, LedgerEntry]:
    return {_key(entry): entry for entry in entries}


def _key(entry: LedgerEntry) -> _Key:
    return entry.stage, entry.design, entry.key


def _without_generation(entry: LedgerEntry) -> LedgerEntry:
    """Return an entry without its generation, which differs between stores."""
    return replace(entry, generation="")
