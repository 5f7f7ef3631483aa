"""Read columns of one Parquet file without `pyarrow.dataset`, which imports pandas: 0.3 s."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from epicat._util.arrow_arrays import arrow_array
from epicat.model import Span

__all__ = ["read_columns", "rows_within"]


def read_columns(
    source: Any, schema: pa.Schema, *, span: Span | None = None, is_complete: bool = False
) -> pa.Table | None:
    """Return the columns of a schema; those that the file lacks are null.

    ``span``: row groups without a ``time`` in it are left out.  Returns None if the file has a
    column of another type, or with ``is_complete`` lacks one: a dataset can convert it.
    """
    file = pq.ParquetFile(source, pre_buffer=True)
    stored = file.schema_arrow
    there = [name for name in schema.names if name in stored.names]
    if any(stored.field(name).type != schema.field(name).type for name in there):
        return None
    if is_complete and len(there) < len(schema):
        return None
    groups = [i for i in range(file.num_row_groups) if span is None or _may_hold(file, i, span)]
    rows = file.read_row_groups(groups, columns=there)
    arrays = [
        rows[field.name] if field.name in there else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _may_hold(file: pq.ParquetFile, group: int, span: Span) -> bool:
    """Return whether a row group may have a time in a span; without statistics it may."""
    content = file.metadata.row_group(group)
    times = (content.column(i) for i in range(content.num_columns))
    known = next((c.statistics for c in times if c.path_in_schema == "time"), None)
    if known is None or not known.has_min_max:
        return True
    return bool(known.min_raw < span.end_ns and known.max_raw >= span.start_ns)


def rows_within(rows: pa.Table, keys: Collection[str], span: Span | None) -> pa.Table:
    """Return the rows of some keys, and with a ``time`` in a span."""
    chosen = pc.is_in(rows["key"], value_set=arrow_array(sorted(keys), pa.string()))
    if span is not None:
        begin, end = arrow_array([span.start_ns, span.end_ns], rows.schema.field("time").type)
        later, earlier = pc.greater_equal(rows["time"], begin), pc.less(rows["time"], end)
        chosen = pc.and_(chosen, pc.and_(later, earlier))
    return rows.filter(chosen)
