"""JSON lines: an object for each row, for scripts.  Times are ISO 8601 UTC with microseconds."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import IO, Any

import pyarrow as pa

from epicat.time import iso

__all__ = ["write_json"]


def write_json(table: pa.Table, columns: Sequence[str], file: IO[str]) -> None:
    """Write columns of a table, a row a line; numbers in full, those that are none as null."""
    for batch in table.select(list(columns)).to_batches(max_chunksize=65_536):
        values = [_plain(column) for column in batch.columns]
        for row in zip(*values, strict=True):
            file.write(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n")


def _plain(column: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        return [None if time is None else iso(time) for time in column.cast(pa.int64()).to_pylist()]
    if pa.types.is_floating(column.type):
        return [v if v is None or math.isfinite(v) else None for v in column.to_pylist()]
    values: list[Any] = column.to_pylist()
    return values
