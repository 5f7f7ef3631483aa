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
``compacted/`` is afterwards what it was: see `ParquetRows.steady`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from epicat.fs.local import LocalFiles
from epicat.ledger import LedgerEntry
from epicat.model import digest_of
from epicat.store.base import Compaction, Designs
from epicat.store.journal import Journal, clear_journal
from epicat.store.parquet_files import in_threads
from epicat.store.parquet_rows import ParquetRows
from epicat.tables import STATIONS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from epicat.store.findings import Findings

__all__ = ["ParquetStore"]


class ParquetStore(ParquetRows):
    """A `Store` in a folder or a bucket."""

    def journal(self, design: str) -> Journal:
        """Return the journal of a run: finished keys whose unit is not committed yet."""
        return Journal(self, design)

    def clear_journal(self) -> int:
        """Delete what the journals have of keys that are committed; return the number of files."""
        return clear_journal(self)

    def lease_folder(self) -> Path | None:
        """Return the folder of the store; None for a bucket."""
        return Path(self.location).absolute() if isinstance(self.files, LocalFiles) else None

    def read_lease(self, name: str) -> Mapping[str, Any] | None:
        """Return the record of an active run."""
        try:
            return self.read_json(f".{name}.running")
        except FileNotFoundError:
            return None

    def write_lease(self, name: str, record: Mapping[str, Any]) -> None:
        """Write the record of an active run."""
        self.write_json(f".{name}.running", record)

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

    def put_stations(self, rows: pa.Table) -> None:
        """Add stations; a row replaces an earlier one of the same id."""
        digest = digest_of(*rows.to_pylist())
        last = max(self.names("stations"), default="")
        if not PurePosixPath(last).stem.endswith(digest):
            before = int(PurePosixPath(last).stem.partition("-")[0] or 0)
            moment = max(
                time.time_ns(), before + 1
            )  # the last one wins, also if the clock was set back
            self.write_table(f"stations/{moment:020d}-{digest}.parquet", rows)

    def stations(self) -> pa.Table:
        """Return the stations, in the order of ids."""
        rows: dict[str, dict[str, Any]] = {}
        for name in self.names("stations"):
            part = self.read_table(name, STATIONS)
            rows.update({row["id"]: row for row in part.to_pylist()})
        return pa.Table.from_pylist([rows[i] for i in sorted(rows)], schema=STATIONS)

    def put_record(self, kind: str, name: str, record: Mapping[str, Any]) -> None:
        """Keep a record; the first of a name stays."""
        path = f"records/{kind}/{name}.json"
        if not self.files.exists(path):
            self.write_json(path, record)

    def records(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the records of a kind by name, in the order of names."""
        names = self.names(f"records/{kind}", ".json")
        records = in_threads(self.read_json, names)
        return {PurePosixPath(n).stem: r for n, r in zip(names, records, strict=True)}
