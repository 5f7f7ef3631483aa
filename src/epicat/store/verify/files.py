"""Verify the files of a Parquet store: readable, named by the ledger, nothing left behind."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from epicat._util.lists import batched
from epicat.errors import StoreError
from epicat.fs.base import FileInfo
from epicat.ledger import LedgerEntry, Stage
from epicat.store.base import STAGE_OF
from epicat.store.findings import Findings, Kind
from epicat.store.journal import is_journal
from epicat.store.parquet_files import MARKED, as_source, in_threads
from epicat.store.parquet_rows import DataFile, ParquetRows
from epicat.table_rows import entries_of
from epicat.tables import SCHEMAS, STATIONS, STORED_LEDGER, old_names

__all__ = ["OLD_NS", "QUARANTINE", "verify_files"]

OLD_NS: Final = 3600 * 1_000_000_000
"""Age at which no writer is active on a file any more: it is marked within seconds."""
JOURNAL_OLD_NS: Final = 7 * 24 * OLD_NS
"""Age at which no run is expected to use finished keys of the journal any more."""
QUARANTINE: Final = "damaged"
"""The folder for damaged files."""
_AT_ONCE: Final = 64
"""Files that are read together."""

_Writing = tuple[Stage, str, str]
"""Stage, design and generation."""


@dataclass(slots=True)
class _Sorted:
    """The files of a store by what they are."""

    marks: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)  # stations and records
    rows: list[tuple[DataFile, FileInfo]] = field(default_factory=list)
    unfinished: list[FileInfo] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    journal: list[FileInfo] = field(default_factory=list)


def verify_files(
    store: ParquetRows, findings: Findings, *, repair: bool
) -> Callable[[LedgerEntry], bool] | None:
    """Verify all files; return a function that tells whether the rows of an entry are unreadable.

    Returns None if entries or records are unreadable and not repaired.
    """
    found = _sorted(store.files.found())
    findings.add(Kind.FOREIGN, found.foreign)
    bad = _damaged(store, found.marks, findings, Kind.MARKS_DAMAGED, repair=repair)
    bad += _damaged(store, found.others, findings, Kind.RECORD_DAMAGED, repair=repair)
    if bad and not repair:
        return None
    clock = store.files.now_ns() if repair else time.time_ns()
    _left_behind(store, found, findings, clock, repair=repair)
    findings.add(Kind.JOURNAL, (file.name for file in found.journal))
    old = [file.name for file in found.journal if clock - file.modified_ns > JOURNAL_OLD_NS]
    if repair and old:
        store.files.delete(old)
        findings.repaired(Kind.JOURNAL, len(old))
    return _damaged_rows(store, found, findings, repair=repair)


def _sorted(files: Iterable[FileInfo]) -> _Sorted:
    found = _Sorted()
    for file in sorted(files, key=lambda file: file.name):
        folder, _, last = file.name.rpartition("/")
        top = file.name.partition("/")[0]
        data = DataFile.parse(file.name)
        if file.is_unfinished:
            found.unfinished.append(file)
        elif last.startswith(".") or top == QUARANTINE or file.name == "store.json":
            continue
        elif data is not None:
            found.rows.append((data, file))
        elif _is_of_marks(folder) and last.endswith(".parquet"):
            found.marks.append(file.name)
        elif is_journal(file.name):
            found.journal.append(file)
        elif _is_other(folder, last):
            found.others.append(file.name)
        else:
            found.foreign.append(file.name)
    return found


def _is_of_marks(folder: str) -> bool:
    top, _, month = folder.partition("/")
    return top in MARKED and (not month or (month.startswith("month=") and "/" not in month))


def _is_other(folder: str, last: str) -> bool:
    """Whether a file is a list of stations or a record."""
    is_stations = folder == "stations" and last.endswith(".parquet")
    return is_stations or (folder.startswith("records/") and last.endswith(".json"))


def _damaged(
    store: ParquetRows, names: Sequence[str], findings: Findings, kind: Kind, *, repair: bool
) -> list[str]:
    """Return the unreadable files among marks, stations and records, repaired or not."""
    errors = in_threads(lambda name: _error_of(store, name), names)
    bad = {name: text for name, text in zip(names, errors, strict=True) if text}
    findings.add(kind, (f"{name}: {text}" for name, text in bad.items()))
    if repair:
        findings.repaired(kind, sum(_quarantine(store, name) for name in bad))
    return list(bad)


def _error_of(store: ParquetRows, name: str) -> str:
    """Return why a file of marks, stations or a record is unreadable; empty if it is not."""
    try:
        data = store.files.read(name)
        if name.endswith(".json"):
            return "" if isinstance(json.loads(data), dict) else "not a JSON object"
        is_marks = name.partition("/")[0] in MARKED
        schema = STORED_LEDGER if is_marks else STATIONS
        rows = pq.read_table(
            as_source(data), schema=schema, partitioning=None, page_checksum_verification=True
        )
        if is_marks:
            entries_of(rows)
    except FileNotFoundError:  # a compaction was faster
        return ""
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        return _first_line(error)
    return ""


def _left_behind(
    store: ParquetRows, found: _Sorted, findings: Findings, clock_ns: int, *, repair: bool
) -> None:
    """Find leftovers of stopped writers; with ``repair``, delete the old ones."""
    marked = {
        (entry.stage, entry.design, entry.generation)
        for entries in store.marks().values()
        for entry in entries
    }
    unmarked = [file for data, file in found.rows if _writing(data) not in marked]
    for kind, files in ((Kind.UNMARKED, unmarked), (Kind.UNFINISHED, found.unfinished)):
        old = [file.name for file in files if clock_ns - file.modified_ns > OLD_NS]
        findings.add(kind, old)
        findings.add(Kind.YOUNG, (f.name for f in files if clock_ns - f.modified_ns <= OLD_NS))
        if repair and old:
            store.files.delete(old)
            findings.repaired(kind, len(old))
    found.rows = [(data, file) for data, file in found.rows if _writing(data) in marked]


def _damaged_rows(
    store: ParquetRows, found: _Sorted, findings: Findings, *, repair: bool
) -> Callable[[LedgerEntry], bool]:
    """Read every file of rows; return a function that tells whether an entry's are in a bad one."""
    bad: set[_Writing] = set()
    for some in batched((data for data, _ in found.rows), _AT_ONCE):
        for data, error in zip(some, in_threads(lambda d: _row_error(store, d), some), strict=True):
            if error:
                findings.add(Kind.ROWS_DAMAGED, [f"{data.name}: {error}"])
                bad.add(_writing(data))
                if repair:
                    findings.repaired(Kind.ROWS_DAMAGED, _quarantine(store, data.name))
    return lambda e: (e.stage, e.design, e.generation) in bad


def _row_error(store: ParquetRows, data: DataFile) -> str:
    """Return why rows are unusable; empty if they are not.  Reads all, some rows at a time."""
    try:
        with store.files.arrow.open_input_file(data.name) as source:
            file = pq.ParquetFile(source, page_checksum_verification=True)
            schema = SCHEMAS[data.table]
            there = file.schema_arrow.names
            old = old_names(data.table, there)
            required = {f.name for f in schema if not f.nullable} - {"design"}
            needed = {old.get(name, name) for name in required}
            if lacking := needed - set(there):
                return f"column {min(lacking)} is missing"
            for batch in file.iter_batches():
                if error := _misplaced(batch, data, needed):
                    return error
    except FileNotFoundError:  # a compaction was faster
        return ""
    except (StoreError, OSError, ValueError, pa.ArrowException) as error:
        return _first_line(error)
    return ""


def _misplaced(batch: pa.RecordBatch, data: DataFile, needed: Collection[str]) -> str:
    """Return what makes rows invisible or unreadable; empty if nothing does."""
    for name in sorted(needed):
        if batch[name].null_count:
            return f"{name} is null in some rows"
    months = pc.unique(pc.strftime(batch["time"], format="%Y-%m")).to_pylist()
    others = sorted(set(months) - {data.month})
    return f"has rows of {others[0]}" if others else ""


def _quarantine(store: ParquetRows, name: str) -> int:
    """Move a damaged file to where it is not read; return the number of files moved."""
    try:
        data = store.files.read(name)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise StoreError(f"'{store.location}/{name}' cannot be read: {error.strerror}") from error
    store.files.write(f"{QUARANTINE}/{name}", data)
    store.files.delete([name])
    return 1


def _writing(data: DataFile) -> _Writing:
    return STAGE_OF[data.table], data.design, data.generation


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__
