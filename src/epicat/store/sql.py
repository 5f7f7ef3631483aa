"""SQL over a store, by DuckDB: each table is a view of the live rows.

Arrow reads the files of folders and buckets, and only the columns, months and parts of files that
a query needs.  From a store without files, each table that the query names is read completely.
Nothing is written: the database is in memory, takes one statement, and may neither open files nor
load extensions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from epicat.errors import InputError
from epicat.store.base import Designs, Queryable, ReadableStore
from epicat.store.catalogs import run_names
from epicat.store.locations import stored_locations
from epicat.store.terms import station_terms, stored_terms
from epicat.store.views import BEST, show_best, show_rows
from epicat.table_rows import ledger_table
from epicat.tables import TABLES

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["VIEWS", "Designs", "query"]

VIEWS = (*TABLES, BEST, "locations", "station_terms", "stations", "ledger", "runs")
"""The views that a query may name."""

_LOCKED: Mapping[str, Any] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}


def query(store: ReadableStore, sql: str, designs: Designs) -> pa.Table:
    """Return the rows that a query selects; raise `InputError` if it is invalid.

    Times are UTC, without a zone, in nanoseconds.
    """
    with _connected() as connection:
        _check_is_one_select(connection, sql)
        if isinstance(store, Queryable):
            found = store.steady(lambda: _asked(store, connection, sql, designs))
        else:
            found = _asked(store, connection, sql, designs)
    if isinstance(found, Exception):
        raise InputError(_first_line(found)) from found
    return found


@contextmanager
def _connected() -> Iterator[DuckDBPyConnection]:
    try:
        import duckdb
    except ImportError as error:
        raise InputError(
            "queries need DuckDB, which is not installed: pip install 'epicat[query]'"
        ) from error
    connection = duckdb.connect(config=dict(_LOCKED))
    try:
        yield connection
    finally:
        connection.close()


def _check_is_one_select(connection: DuckDBPyConnection, sql: str) -> None:
    import duckdb

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
            f"a query is one SELECT over the views {', '.join(VIEWS)}; it cannot change the store"
        )


def _asked(
    store: ReadableStore, connection: DuckDBPyConnection, sql: str, designs: Designs
) -> pa.Table | Exception:
    """Create the views and run the query.

    An error is returned: it may come from a file that a compaction deletes, and is then retried.
    """
    import duckdb

    # Views that are not named exist, empty, so that DuckDB's hints can mention them.
    words = set(re.findall(r"\w+", sql.casefold()))
    if BEST in words:
        words |= {"events", "origins", "magnitudes"}
    entries = store.ledger() if "ledger" in words else []
    connection.register("ledger", ledger_table(e for e in entries if e.design in designs.known))
    connection.register("stations", store.stations())
    connection.register("runs", _runs(store))
    connection.register("locations", _locations(store, designs))
    connection.register("station_terms", station_terms(stored_terms(store, designs.associator)))
    try:
        if isinstance(store, Queryable):
            store.register_views(connection, words, designs)
        else:
            show_rows(store, connection, words, designs)
        show_best(connection)
        return connection.sql(sql).to_arrow_table()
    except duckdb.Error as error:
        return error


def _runs(store: ReadableStore) -> pa.Table:
    """Return the picker of each run, and its complete record as JSON."""
    rows = []
    names = run_names(store)
    for name, record in store.records("run").items():
        picker = record.get("picker", {})
        rows.append(
            {
                "run": name,
                "name": names.get(name, ""),
                "model": picker.get("model"),
                "weight": picker.get("weight"),
                "weights_sha256": picker.get("weights_sha256"),
                "p_threshold": record.get("p_threshold"),
                "s_threshold": record.get("s_threshold"),
                "record": json.dumps(record, sort_keys=True),
            }
        )
    texts = ("run", "name", "model", "weight", "weights_sha256", "record")
    kinds = {**dict.fromkeys(texts, pa.string()), "p_threshold": pa.float64()}
    kinds["s_threshold"] = pa.float64()
    order = ("run", "name", "model", "weight", "weights_sha256", "p_threshold", "s_threshold",
             "record")  # fmt: skip
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, kinds[name]) for name in order]))


def _locations(store: ReadableStore, designs: Designs) -> pa.Table:
    """Return the locations of the associator's events, the preferred one first."""
    rows = [
        {
            "location": one.digest,
            "names": ", ".join(one.names),
            "campaign": one.is_campaign,
            "terms": one.terms,
            "blocks": one.n_blocks,
            "origins": one.n_origins,
            "record": json.dumps(one.record, sort_keys=True),
        }
        for one in stored_locations(store, designs.associator)
    ]
    texts = {name: pa.string() for name in ("location", "names", "terms", "record")}
    kinds = {**texts, "campaign": pa.bool_(), "blocks": pa.int64(), "origins": pa.int64()}
    order = ("location", "names", "campaign", "terms", "blocks", "origins", "record")
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, kinds[name]) for name in order]))


def _first_line(error: Exception) -> str:
    """Return the message of a DuckDB error, without the excerpt of the query."""
    lines = (line.strip() for line in str(error).splitlines())
    shown = [line for line in lines if line and not line.startswith(("LINE ", "^"))]
    return " ".join(shown[:2]) if shown else type(error).__name__
