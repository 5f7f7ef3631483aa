"""The files of a store in Parquet: can all be read, does a mark name each, is any left behind."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from epicat.errors import StoreError
from epicat.fs.base import Found
from epicat.model import LedgerEntry, Stage
from epicat.store.base import STAGE_OF
from epicat.store.parquet import DataFile, ParquetStore, as_source, in_threads
from epicat.store.verify.findings import Findings, Kind
from epicat.tables import SCHEMAS, STATIONS, STORED_LEDGER, entries_of, old_names

__all__ = ["OLD_NS", "PUT_AWAY", "examine_files"]

OLD_NS: Final = 3600 * 1_000_000_000
"""Age at which no writer is at work on a file any more: from writing to marking it are seconds."""
PUT_AWAY: Final = "damaged"
"""The folder that `mend` puts damaged files into."""
_AT_ONCE: Final = 64
"""Files that are looked at together."""
_MARKS: Final = ("ledger", "compacted")

_Writing = tuple[Stage, str, str]
"""Stage, design and generation."""


@dataclass(slots=True)
class _Sorted:
    """The files of a store by what they are."""

    marks: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)  # stations and records
    rows: list[tuple[DataFile, Found]] = field(default_factory=list)
    unfinished: list[Found] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


def examine_files(
    store: ParquetStore, findings: Findings, *, mend: bool
) -> Callable[[LedgerEntry], bool] | None:
    """Look at all files; return what tells that rows of a mark cannot be read.

    Returns None if marks or records cannot be read and are not mended.
    """
    found = _sorted(store.files.found())
    findings.add(Kind.FOREIGN, found.foreign)
    bad = _damaged(store, found.marks, findings, Kind.MARKS_DAMAGED, mend=mend)
    bad += _damaged(store, found.others, findings, Kind.RECORD_DAMAGED, mend=mend)
    if bad and not mend:
        return None
    clock = store.files.now_ns() if mend else time.time_ns()
    _left_behind(store, found, findings, clock, mend=mend)
    return _damaged_rows(store, found, findings, mend=mend)


def _sorted(files: Iterable[Found]) -> _Sorted:
    found = _Sorted()
    for file in sorted(files, key=lambda file: file.name):
        folder, _, last = file.name.rpartition("/")
        top = file.name.partition("/")[0]
        data = DataFile.parse(file.name)
        if file.is_unfinished:
            found.unfinished.append(file)
        elif last.startswith(".") or top == PUT_AWAY or file.name == "store.json":
            continue
        elif data is not None:
            found.rows.append((data, file))
        elif _is_of_marks(folder) and last.endswith(".parquet"):
            found.marks.append(file.name)
        elif _is_other(folder, last):
            found.others.append(file.name)
        else:
            found.foreign.append(file.name)
    return found


def _is_of_marks(folder: str) -> bool:
    top, _, month = folder.partition("/")
    return top in _MARKS and (not month or (month.startswith("month=") and "/" not in month))


def _is_other(folder: str, last: str) -> bool:
    """Tell whether it is a list of stations or a record."""
    is_stations = folder == "stations" and last.endswith(".parquet")
    return is_stations or (folder.startswith("records/") and last.endswith(".json"))


def _damaged(
    store: ParquetStore, names: Sequence[str], findings: Findings, kind: Kind, *, mend: bool
) -> list[str]:
    """Return the files among marks, stations and records that cannot be read, or could not."""
    told = in_threads(lambda name: _told(store, name), names)
    bad = {name: text for name, text in zip(names, told, strict=True) if text}
    findings.add(kind, (f"{name}: {text}" for name, text in bad.items()))
    if mend:
        findings.mended(kind, sum(_put_away(store, name) for name in bad))
    return list(bad)


def _told(store: ParquetStore, name: str) -> str:
    """Return why a file of marks, stations or a record cannot be read; nothing if it can."""
    try:
        data = store.files.read(name)
        if name.endswith(".json"):
            return "" if isinstance(json.loads(data), dict) else "no record"
        is_marks = name.partition("/")[0] in _MARKS
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
    store: ParquetStore, found: _Sorted, findings: Findings, clock_ns: int, *, mend: bool
) -> None:
    """Find what writers that were stopped have left; delete it if it is old."""
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
        if mend and old:
            store.files.delete(old)
            findings.mended(kind, len(old))
    found.rows = [(data, file) for data, file in found.rows if _writing(data) in marked]


def _damaged_rows(
    store: ParquetStore, found: _Sorted, findings: Findings, *, mend: bool
) -> Callable[[LedgerEntry], bool]:
    """Read every file with rows; return what tells that the rows of a mark are in a bad one."""
    bad: set[_Writing] = set()
    for some in _pieces([data for data, _ in found.rows]):
        for data, told in zip(some, in_threads(lambda d: _trouble(store, d), some), strict=True):
            if told:
                findings.add(Kind.ROWS_DAMAGED, [f"{data.name}: {told}"])
                bad.add(_writing(data))
                if mend:
                    findings.mended(Kind.ROWS_DAMAGED, _put_away(store, data.name))
    return lambda e: (e.stage, e.design, e.generation) in bad


def _trouble(store: ParquetStore, data: DataFile) -> str:
    """Return why rows cannot be used; nothing if they can.  Reads all, some rows at a time."""
    try:
        with store.files.arrow.open_input_file(data.name) as source:
            file = pq.ParquetFile(source, page_checksum_verification=True)
            schema = SCHEMAS[data.table]
            there = file.schema_arrow.names
            old = old_names(data.table, there)
            required = {f.name for f in schema if not f.nullable} - {"design"}
            needed = {old.get(name, name) for name in required}
            if lacking := needed - set(there):
                return f"without the column {min(lacking)}"
            for batch in file.iter_batches():
                if told := _misplaced(batch, data, needed):
                    return told
    except FileNotFoundError:  # a compaction was faster
        return ""
    except (StoreError, OSError, ValueError, pa.ArrowException) as error:
        return _first_line(error)
    return ""


def _misplaced(batch: pa.RecordBatch, data: DataFile, needed: Collection[str]) -> str:
    """Tell rows that readers would miss, or stumble over."""
    for name in sorted(needed):
        if batch[name].null_count:
            return f"without a {name} in some rows"
    months = pc.unique(pc.strftime(batch["time"], format="%Y-%m")).to_pylist()
    others = sorted(set(months) - {data.month})
    return f"has rows of {others[0]}" if others else ""


def _put_away(store: ParquetStore, name: str) -> int:
    """Copy a damaged file to where nobody reads it, and delete it; tell how many were."""
    try:
        data = store.files.read(name)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise StoreError(f"'{store.location}/{name}' cannot be read: {error.strerror}") from error
    store.files.write(f"{PUT_AWAY}/{name}", data)
    store.files.delete([name])
    return 1


def _writing(data: DataFile) -> _Writing:
    return STAGE_OF[data.table], data.design, data.generation


def _pieces(files: Iterable[DataFile]) -> Iterator[list[DataFile]]:
    source = iter(files)
    while some := list(islice(source, _AT_ONCE)):
        yield some


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__
