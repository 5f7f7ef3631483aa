"""The embedded store: Parquet files in a folder, nothing to keep running.

::

    store.json                                            schema version
    picks/design={run}/month={2019-06}/{generation}.parquet
    events/design={associator}/month=.../{generation}.parquet     and arrivals likewise
    ledger/{generation}-{mark}.parquet                    the marks
    stations/{time}-{digest}.parquet
    records/{kind}/{name}.json

A file is written under another name, flushed to the disk and renamed, so that it is whole or
not there; none is ever changed.  One file holds many keys.  Files whose generation no mark
names are leftovers of a kill and are never read.  Several processes may write at once.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from epicat.clock import month_of
from epicat.errors import StoreError
from epicat.model import LedgerEntry, Stage, digest_of
from epicat.store.interface import STAGE_OF, Where, newest
from epicat.tables import (
    LEDGER,
    SCHEMA_VERSION,
    SCHEMAS,
    STATIONS,
    TableName,
    entries_of,
    ledger_table,
)

__all__ = ["ParquetStore"]

_ABOUT = "store.json"
_DICTIONARIES = ["trace_id", "channel", "phase", "key", "stage", "status", "archive"]


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Name the file that cannot be read."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise StoreError(f"{str(path)!r} is damaged: {error}") from error


class ParquetStore:
    """A `Store` in a folder."""

    def __init__(self, root: Path, *, create: bool = False) -> None:
        self._root = root
        self.location = str(root)
        self._marks: dict[str, list[LedgerEntry]] = {}
        if create:
            self._create()
        self._check_version()

    def _create(self) -> None:
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            probe = self._root / f".{uuid.uuid4().hex}.partial"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise StoreError(
                f"store {self.location!r} cannot be written: {error.strerror}; give --store a "
                "folder that you may write to"
            ) from error
        # Listed first: another process may be making the same store at this moment.
        others = [p.name for p in self._root.iterdir() if not p.name.startswith(".")]
        if not (self._root / _ABOUT).exists():
            if others:
                raise StoreError(
                    f"store {self.location!r} is a folder with other things in it "
                    f"({', '.join(sorted(others)[:3])}); give --store a new or empty folder"
                )
            self._write_json(self._root / _ABOUT, {"schema_version": SCHEMA_VERSION})

    def _check_version(self) -> None:
        try:
            about = json.loads((self._root / _ABOUT).read_bytes())
            found = int(about["schema_version"])
        except OSError as error:
            raise StoreError(
                f"there is no store at {self.location!r}; `epicat run` makes one"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{str(self._root / _ABOUT)!r} is damaged: {error}") from error
        if found > SCHEMA_VERSION:
            raise StoreError(
                f"store {self.location!r} was written by a newer epicat (schema {found}, this one "
                f"knows {SCHEMA_VERSION}); update epicat"
            )

    def replace(self, table: TableName, rows: pa.Table, generation: str) -> None:
        """Write rows under a generation, a file for each design and month."""
        if rows.num_rows == 0:
            return
        rows = rows.sort_by([("key", "ascending"), ("time", "ascending")])
        months = [month_of(t) for t in rows["time"].cast(pa.int64()).to_pylist()]
        rows = rows.append_column("month", pa.array(months))
        for design in pc.unique(rows["design"]).to_pylist():
            for month in sorted(set(months)):
                chosen = (pc.field("design") == design) & (pc.field("month") == month)
                part = rows.filter(chosen).drop_columns(["design", "month"])
                folder = self._root / table / f"design={design}" / f"month={month}"
                self._write_parquet(folder / f"{generation}.parquet", part)

    def mark(self, entries: Sequence[LedgerEntry]) -> None:
        """Write the marks of one generation, in one file."""
        generations = {entry.generation for entry in entries}
        if len(generations) != 1:
            raise ValueError(f"marks of one call must be of one generation, not {generations}")
        name = f"{generations.pop()}-{uuid.uuid4().hex[:8]}.parquet"
        self._write_parquet(self._root / "ledger" / name, ledger_table(entries))

    def read(self, table: TableName, where: Where) -> pa.Table:
        """Return the marked rows, sorted by time and then by id."""
        live = self._live(table, where)
        schema = SCHEMAS[table]
        parts = [
            self._read_part(path, design, live[generation], where).select(schema.names).cast(schema)
            for path, design, generation in self._files(table, where)
            if generation in live
        ]
        found = pa.concat_tables([schema.empty_table(), *parts])
        return found.sort_by([("time", "ascending"), (schema.names[0], "ascending")])

    def _live(self, table: TableName, where: Where) -> dict[str, set[str]]:
        """Return by generation the keys whose rows count."""
        live: dict[str, set[str]] = defaultdict(set)
        for entry in self.ledger(STAGE_OF[table], where.design):
            if where.keys is None or entry.key in where.keys:
                live[entry.generation].add(entry.key)
        return live

    def _files(self, table: TableName, where: Where) -> Iterator[tuple[Path, str, str]]:
        for path in sorted((self._root / table).glob("design=*/month=*/*.parquet")):
            design = path.parent.parent.name.removeprefix("design=")
            month = path.parent.name.removeprefix("month=")
            if where.design not in (None, design):
                continue
            if where.span and not (
                month_of(where.span.start_ns) <= month <= month_of(where.span.end_ns - 1)
            ):
                continue
            yield path, design, path.stem

    def _read_part(self, path: Path, design: str, keys: set[str], where: Where) -> pa.Table:
        chosen = pc.field("key").isin(sorted(keys))
        if where.span is not None:
            kind = pa.timestamp("ns", tz="UTC")
            begin, end = (pa.scalar(t, kind) for t in (where.span.start_ns, where.span.end_ns))
            chosen = chosen & (pc.field("time") >= begin) & (pc.field("time") < end)
        with _damage_told(path):
            rows = ds.dataset(path, format="parquet", partitioning=None).to_table(filter=chosen)
        return rows.append_column("design", pa.array([design] * rows.num_rows, pa.string()))

    def ledger(self, stage: Stage | None = None, design: str | None = None) -> list[LedgerEntry]:
        """Return the newest entry of each key, in the order of stage, design and key."""
        return newest(
            entry
            for entries in self._load_marks().values()
            for entry in entries
            if stage in (None, entry.stage) and design in (None, entry.design)
        )

    def _load_marks(self) -> dict[str, list[LedgerEntry]]:
        """Return the marks by file; files never change, so only new ones are read."""
        names = {path.name for path in (self._root / "ledger").glob("*.parquet")}
        fresh = sorted(names - set(self._marks))
        for name in fresh:
            path = self._root / "ledger" / name
            with _damage_told(path):
                self._marks[name] = entries_of(
                    pq.read_table(path, schema=LEDGER, partitioning=None)
                )
        return self._marks

    def put_stations(self, rows: pa.Table) -> None:
        """Add stations; a row replaces an earlier one of the same id."""
        digest = digest_of(*rows.to_pylist())
        folder = self._root / "stations"
        newest_file = max(folder.glob("*.parquet"), default=None)
        if newest_file is None or not newest_file.stem.endswith(digest):
            self._write_parquet(folder / f"{time.time_ns():020d}-{digest}.parquet", rows)

    def stations(self) -> pa.Table:
        """Return the stations, in the order of ids."""
        rows: dict[str, dict[str, Any]] = {}
        for path in sorted((self._root / "stations").glob("*.parquet")):
            with _damage_told(path):
                part = pq.read_table(path, schema=STATIONS, partitioning=None)
                rows.update({row["id"]: row for row in part.to_pylist()})
        return pa.Table.from_pylist([rows[i] for i in sorted(rows)], schema=STATIONS)

    def put_record(self, kind: str, name: str, record: Mapping[str, Any]) -> None:
        """Keep a record; the first of a name stays."""
        path = self._root / "records" / kind / f"{name}.json"
        if not path.exists():
            self._write_json(path, record)

    def records(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the records of a kind by name, in the order of names."""
        found = {}
        for path in sorted((self._root / "records" / kind).glob("*.json")):
            with _damage_told(path):
                found[path.stem] = json.loads(path.read_bytes())
        return found

    def _write_parquet(self, path: Path, rows: pa.Table) -> None:
        dictionaries = [name for name in rows.column_names if name in _DICTIONARIES]
        self._write(
            path,
            lambda file: pq.write_table(
                rows, file, compression="zstd", use_dictionary=dictionaries
            ),
        )

    def _write_json(self, path: Path, record: Mapping[str, Any]) -> None:
        text = json.dumps(record, indent=1, sort_keys=True)
        self._write(path, lambda file: file.write(text.encode()))

    def _write(self, path: Path, fill: Callable[[IO[bytes]], object]) -> None:
        partial = path.with_name(f".{uuid.uuid4().hex}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except OSError as error:
            with suppress(OSError):
                partial.unlink()
            raise StoreError(
                f"store {self.location!r} cannot be written: {error.strerror or error}"
            ) from error
