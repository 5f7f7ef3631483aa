"""Views of a store's tables in DuckDB: each has the live rows.

A table in files is a view of one part for each month, with a condition on the times of its rows.
So DuckDB skips the months outside a query, however it is written: Arrow, which reads the files,
gets no condition on times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from epicat.located import best_event_sources
from epicat.store.base import STAGE_OF, Designs, ReadableStore, Where
from epicat.store.parquet_rows import DataFile, ParquetRows, months_of
from epicat.tables import RENAMED, SCHEMAS, TABLES, TableName
from epicat.time import month_span

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["BEST", "show_best", "show_files", "show_rows"]

BEST: Final = "catalog"
"""The view of events at their best places, with their magnitudes."""

_OF_A_MARK = ("stage", "design", "key", "generation", "marked_ns")
_NEWEST = """
    SELECT key, arg_max(generation, {'at': marked_ns, 'name': generation}) generation
    FROM _marks WHERE stage = ? AND design = ? GROUP BY key
"""
"""The order is that of `epicat.store.base.newest`."""


def show_files(
    store: ParquetRows, connection: DuckDBPyConnection, words: set[str], designs: Designs
) -> None:
    """Create a view of each table over the needed files; empty if the query does not name it.

    DuckDB determines the newest marks: a large store has millions.
    """
    named = [table for table in TABLES if table in words]
    if named:
        connection.register("_marks", store.mark_table(_OF_A_MARK))
    for table in set(TABLES).difference(named):
        _register(connection, table, SCHEMAS[table].empty_table())
    for table in named:
        design = designs.of(table)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE _{table}_live AS {_NEWEST}",
            [STAGE_OF[table].value, design],
        )
        found = connection.execute(
            f"SELECT DISTINCT generation FROM _{table}_live"  # noqa: S608 - our own names # nosec B608
        ).fetchall()
        generations = {generation for (generation,) in found}
        files = store.data_files(table, design) if generations else []
        chosen = sorted(file for file in files if file.generation in generations)
        if chosen:
            _register_months(store, connection, table, chosen)
        else:
            _register(connection, table, SCHEMAS[table].empty_table())


def show_rows(
    store: ReadableStore, connection: DuckDBPyConnection, words: set[str], designs: Designs
) -> None:
    """Create a view of each table, with all of its rows if the query names it."""
    for table in TABLES:
        rows = SCHEMAS[table].empty_table()
        if table in words and designs.of(table):
            rows = store.read(table, Where(design=designs.of(table)))
        _register(connection, table, rows)


def show_best(connection: DuckDBPyConnection) -> None:
    """Create the view of events at their best places, with their magnitudes."""
    sources = best_event_sources("e", "o", "m")
    columns = ", ".join(f'{source} AS "{name}"' for name, source in sources)
    connection.execute(
        f"CREATE OR REPLACE VIEW {BEST} AS SELECT {columns}, e.month "  # noqa: S608 - our own names # nosec B608
        "FROM events e LEFT JOIN origins o USING (event_id) "
        "LEFT JOIN magnitudes m USING (event_id)"
    )


def _register_months(
    store: ParquetRows, connection: DuckDBPyConnection, table: TableName, files: list[DataFile]
) -> None:
    parts = []
    for month, some in groupby(files, lambda file: file.month):  # sorted by it
        name = f"_{table}_{month.replace('-', '_')}"
        connection.register(name, _dataset(store, table, some))
        begin, end = month_span(month)
        parts.append(
            f"FROM {name} SEMI JOIN _{table}_live USING (generation, key) "
            f"WHERE make_timestamp_ns(time) >= make_timestamp_ns({begin}) "
            f"AND make_timestamp_ns(time) < make_timestamp_ns({end})"
        )
    _make_view(connection, table, parts, RENAMED[table])


def _register(connection: DuckDBPyConnection, table: TableName, rows: pa.Table) -> None:
    months = months_of(rows["time"]).cast(pa.string())
    bare = rows.cast(pa.schema([_bare(field) for field in rows.schema]))
    connection.register(f"_{table}", bare.append_column("month", months))
    _make_view(connection, table, [f"FROM _{table}"])


def _make_view(
    connection: DuckDBPyConnection,
    table: TableName,
    parts: Iterable[str],
    old_names: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Create a view of parts, month first: to count rows DuckDB reads the first column."""
    columns = ", ".join(_selected(field, old_names.get(field.name)) for field in SCHEMAS[table])
    union = " UNION ALL ".join(f"SELECT month, {columns} {part}" for part in parts)
    names = ", ".join(f'"{name}"' for name in SCHEMAS[table].names)
    # Only epicat's own names and the store's months: no user input.
    words = ("CREATE OR REPLACE VIEW", table, "AS SELECT", names, ", month FROM (", union, ")")
    connection.execute(" ".join(words))


def _dataset(store: ParquetRows, table: TableName, files: Iterable[DataFile]) -> ds.Dataset:
    """Return files of a table as a dataset that knows month and generation of each."""
    schema = pa.schema(
        [
            *(_bare(field) for field in SCHEMAS[table]),
            *(pa.field(old, pa.string()) for old in RENAMED[table].values()),
            pa.field("month", pa.string()),
            pa.field("generation", pa.string()),
        ]
    )
    parquet, place = ds.ParquetFileFormat(), store.files.native()
    fragments = []
    for file in files:
        known = {"design": file.design, "month": file.month, "generation": file.generation}
        fragments.append(parquet.make_fragment(file.name, place, _equal(known)))
    return ds.FileSystemDataset(fragments, schema, parquet, place)


def _equal(values: Mapping[str, str]) -> Any:
    first, *others = (pc.field(name) == value for name, value in values.items())
    for other in others:
        first = first & other
    return first


def _bare(field: pa.Field) -> pa.Field:
    """Return a field with times as integers: how DuckDB filters Arrow's times varies by version."""
    return pa.field(field.name, pa.int64() if pa.types.is_timestamp(field.type) else field.type)


def _selected(field: pa.Field, old_name: str | None) -> str:
    if old_name is not None:
        return f'coalesce("{field.name}", "{old_name}") AS "{field.name}"'
    is_time = pa.types.is_timestamp(field.type)
    return f'make_timestamp_ns("{field.name}") AS "{field.name}"' if is_time else f'"{field.name}"'
