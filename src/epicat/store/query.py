"""SQL over a store, by DuckDB: each table is a view that has the rows that count, and no others.

Files are read by Arrow, from folders and buckets alike, and only those columns, months and
parts of files that a query asks for.  A store without files is asked for the whole of each table
that the query names.  Nothing is written: the database is in memory, takes
one statement, and may neither open files nor load extensions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from epicat.errors import InputError
from epicat.store.interface import STAGE_OF, Store, Where
from epicat.store.parquet import DataFile, ParquetStore
from epicat.tables import SCHEMAS, TABLES, TableName, ledger_table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["VIEWS", "Designs", "query"]

VIEWS = (*TABLES, "stations", "ledger", "runs")
"""The views that a query may name."""

_LOCKED: Mapping[str, Any] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}


_OF_A_MARK = ("stage", "design", "key", "generation", "marked_ns")
_NEWEST = """
    SELECT key, arg_max(generation, {'at': marked_ns, 'name': generation}) generation
    FROM _marks WHERE stage = ? AND design = ? GROUP BY key
"""
"""The order is that of `epicat.store.interface.newest`."""


@dataclass(frozen=True, slots=True)
class Designs:
    """The run and the associator that a query is about."""

    run: str
    """Digest of the run; empty if there is none."""
    associator: str
    """Digest of the associator; empty if there is none."""

    def of(self, table: TableName) -> str:
        """Return the one that a table's rows belong to."""
        return self.run if table == "picks" else self.associator


def query(store: Store, sql: str, designs: Designs) -> pa.Table:
    """Return the rows that a query selects; raise `InputError` if it is not understood.

    Times are without a zone, UTC, in nanoseconds as they are kept.
    """
    with _connected() as connection:
        _refuse_all_but_one_question(connection, sql)
        if isinstance(store, ParquetStore):
            found = store.steady(lambda: _asked(store, connection, sql, designs))
        else:
            found = _asked(store, connection, sql, designs)
    if isinstance(found, Exception):
        raise InputError(_first_line(found)) from found
    return found


@contextmanager
def _connected() -> Iterator[DuckDBPyConnection]:
    try:
        import duckdb  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise InputError(
            "queries need DuckDB, which is not installed: pip install 'epicat[query]'"
        ) from error
    connection = duckdb.connect(config=dict(_LOCKED))
    try:
        yield connection
    finally:
        connection.close()


def _refuse_all_but_one_question(connection: DuckDBPyConnection, sql: str) -> None:
    import duckdb  # noqa: PLC0415 - an extra

    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise InputError(_first_line(error)) from error
    kinds = [statement.type for statement in statements]
    if len(kinds) != 1 or kinds[0] not in (
        duckdb.StatementType.SELECT,
        duckdb.StatementType.EXPLAIN,
    ):
        raise InputError(
            f"a query is one SELECT over the views {', '.join(VIEWS)}; a store is not changed by it"
        )


def _asked(
    store: Store, connection: DuckDBPyConnection, sql: str, designs: Designs
) -> pa.Table | Exception:
    """Make the views and ask; a file may be gone meanwhile, so that errors are judged later."""
    import duckdb  # noqa: PLC0415 - an extra

    # What is not named is there all the same, and empty: DuckDB then knows what was meant.
    words = set(re.findall(r"\w+", sql.casefold()))
    wanted = (designs.run, designs.associator)
    entries = store.ledger() if "ledger" in words else []
    connection.register("ledger", ledger_table(e for e in entries if e.design in wanted))
    connection.register("stations", store.stations())
    connection.register("runs", _runs(store))
    try:
        if isinstance(store, ParquetStore):
            _show_files(store, connection, words, designs)
        else:
            _show_rows(store, connection, words, designs)
        return connection.sql(sql).to_arrow_table()
    except duckdb.Error as error:
        return error


def _show_files(
    store: ParquetStore, connection: DuckDBPyConnection, words: set[str], designs: Designs
) -> None:
    """Make a view of each table that the query names, which reads files, and of those the needed.

    Which marks are the newest is worked out by DuckDB: a large store has millions.
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
        chosen = [file for file in files if file.generation in generations]
        connection.register(f"_{table}", _dataset(store, table, chosen))
        _make_view(connection, table, f"SEMI JOIN _{table}_live USING (generation, key)")


def _show_rows(
    store: Store, connection: DuckDBPyConnection, words: set[str], designs: Designs
) -> None:
    """Make a view of each table, filled with all of its rows if the query has its name in it."""
    for table in TABLES:
        rows = SCHEMAS[table].empty_table()
        if table in words and designs.of(table):
            rows = store.read(table, Where(design=designs.of(table)))
        _register(connection, table, rows)


def _register(connection: DuckDBPyConnection, table: TableName, rows: pa.Table) -> None:
    months = pc.strftime(rows["time"], format="%Y-%m").cast(pa.string())
    bare = rows.cast(pa.schema([_bare(field) for field in rows.schema]))
    connection.register(f"_{table}", bare.append_column("month", months))
    _make_view(connection, table, "")


def _make_view(connection: DuckDBPyConnection, table: TableName, restricted: str) -> None:
    columns = ", ".join(map(_selected, SCHEMAS[table]))
    # Names of our own alone: nothing that was given, and nothing that a store says.
    words = ("CREATE OR REPLACE VIEW", table, "AS SELECT", columns, ", month FROM", f"_{table}")
    connection.execute(" ".join((*words, restricted)))


def _dataset(store: ParquetStore, table: TableName, files: Iterable[DataFile]) -> ds.Dataset:
    """Return files of a table as a dataset that knows month and generation of each."""
    schema = pa.schema(
        [
            *(_bare(field) for field in SCHEMAS[table]),
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
    """Take times as integers: what DuckDB asks Arrow about times depends on its version."""
    return pa.field(field.name, pa.int64() if pa.types.is_timestamp(field.type) else field.type)


def _selected(field: pa.Field) -> str:
    is_time = pa.types.is_timestamp(field.type)
    return f'make_timestamp_ns("{field.name}") AS "{field.name}"' if is_time else f'"{field.name}"'


def _runs(store: Store) -> pa.Table:
    """Return what made the picks of each run, and all that is known of it as JSON."""
    rows = []
    for name, record in store.records("run").items():
        picker = record.get("picker", {})
        rows.append(
            {
                "run": name,
                "model": picker.get("model"),
                "weight": picker.get("weight"),
                "weights_sha256": picker.get("weights_sha256"),
                "p_threshold": record.get("p_threshold"),
                "s_threshold": record.get("s_threshold"),
                "record": json.dumps(record, sort_keys=True),
            }
        )
    texts = ("run", "model", "weight", "weights_sha256", "record")
    kinds = {**dict.fromkeys(texts, pa.string()), "p_threshold": pa.float64()}
    kinds["s_threshold"] = pa.float64()
    order = ("run", "model", "weight", "weights_sha256", "p_threshold", "s_threshold", "record")
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, kinds[name]) for name in order]))


def _first_line(error: Exception) -> str:
    """Return what an error of DuckDB says, without the picture of the place."""
    lines = (line.strip() for line in str(error).splitlines())
    told = [line for line in lines if line and not line.startswith(("LINE ", "^"))]
    return " ".join(told[:2]) if told else type(error).__name__
