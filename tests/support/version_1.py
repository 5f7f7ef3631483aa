"""Make stores what schema version 1 made: to test that older stores are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from epicat.ledger import BlockEntry, StationDayEntry, Status
from epicat.table_rows import entries_of
from epicat.tables import LEDGER

_ADDED = {"layout", "channels", "n_picks", "n_picks_used", "n_sites", "n_events", "n_rejected"}


def make_version_1(folder: Path, *, with_quality: bool = True) -> None:
    """Rewrite the files of a Parquet store; without quality they are of its first days."""
    for path in folder.glob("picks/**/*.parquet"):
        _rewrite(path, lambda rows: rows.rename_columns({"band": "channel"}))
    for path in folder.glob("events/**/*.parquet"):
        _rewrite(path, lambda rows: rows if with_quality else rows.drop_columns(["rejected"]))
    for path in folder.glob("ledger/**/*.parquet"):
        _rewrite(path, lambda rows: _ledger(rows, with_quality=with_quality))
    (folder / "store.json").write_text(json.dumps({"schema_version": 1}))


def _rewrite(path: Path, change: Any) -> None:
    pq.write_table(change(pq.read_table(path, partitioning=None)), path)


def _ledger(rows: pa.Table, *, with_quality: bool) -> pa.Table:
    kept = [field for field in LEDGER if field.name not in _ADDED]
    schema = pa.schema(
        [*kept, pa.field("count", pa.int64()), pa.field("details", pa.string()),
         pa.field("rejected", pa.int64())]
    )  # fmt: skip
    old = pa.Table.from_pylist(old_rows(rows), schema=schema)
    return old if with_quality else old.drop_columns(["rejected", "flags"])


def old_rows(rows: pa.Table) -> list[dict[str, Any]]:
    """Return rows of the ledger as version 1 had them."""
    found = []
    for row, entry in zip(rows.to_pylist(), entries_of(rows), strict=True):
        old = {name: value for name, value in row.items() if name not in _ADDED}
        old.update(count=entry.n_rows, rejected=0, details="")
        for name in ("archive", "inputs"):
            old[name] = old[name] or ""
        for name in ("samples", "gaps"):
            old[name] = old[name] or 0
        old["objects"] = old["objects"] or []
        if isinstance(entry, StationDayEntry):
            old["details"] = entry.layout if entry.status == Status.NO_DATA else entry.channels
        if isinstance(entry, BlockEntry):
            old["details"] = f"{entry.n_picks_used} picks at {entry.n_sites} sites"
            old["rejected"] = entry.n_rejected
        found.append(old)
    return found
