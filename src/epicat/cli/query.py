"""``epicat query``: SQL over a store."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import typer

from epicat.campaign.options import StoreOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.cli.catalog_names import RunName
from epicat.cli.export import LocationName
from epicat.cli.messages import report_selection
from epicat.errors import InputError

__all__ = ["query"]


@takes(StoreOptions, file=False)
def query(
    given: Values,
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT.")],
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object for each row.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV with a header.")] = False,
    design: RunName = None,
    location: LocationName = None,
) -> None:
    """Ask the views of a store by SQL.

    Views: catalog (events at their best places), events and arrivals (as associated), origins,
    origin_arrivals, locations, picks, stations, ledger and runs.  They have the rows of the
    newest run and associator, or of those that --run names, and of their location, or of the one
    that --location names.  Times are UTC.  Only months are read that a wanted `time` of a table
    may lie in, or whose `month`, such as '2019-06', is wanted; of a store in MongoDB all rows of
    the tables that are named are read first.
    """
    if as_json and as_csv:
        raise InputError("--json or --csv, not both")
    from epicat.catalog.catalog import open_catalog

    catalog = open_catalog(make_options(StoreOptions, given).store, design, places=location)
    report_selection(catalog.selection, design)
    found = catalog.sql(sql)
    if as_json:
        _write_json(found)
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(found.column_names)
        writer.writerows(_texts(found.column_names, row) for row in _rows(found))
    else:
        _show(found.column_names, [_texts(found.column_names, row) for row in _rows(found)])


def _rows(table: Any) -> Iterator[Sequence[Any]]:
    """Give plain values: times as ISO 8601, exact numbers as integers or floats."""
    for batch in table.to_batches(max_chunksize=65_536):
        columns = [_plain(column) for column in batch.columns]
        yield from zip(*columns, strict=True)


def _plain(column: Any) -> list[Any]:
    import pyarrow as pa

    from epicat.time import iso

    if pa.types.is_timestamp(column.type):
        zone = column.type.tz
        nanoseconds = column.cast(pa.timestamp("ns", zone)).cast(pa.int64()).to_pylist()
        return [None if time is None else iso(time) for time in nanoseconds]
    return [_simple(value) for value in column.to_pylist()]


def _simple(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str, list, dict)):
        return value
    return str(value)


def _texts(names: Sequence[str], row: Sequence[Any]) -> list[str]:
    """Return the values of a row as text, numbers with the digits that they deserve."""
    from epicat.export.rows import format_number

    return [
        _text(float(format_number(name, value)) if isinstance(value, float) else value)
        for name, value in zip(names, row, strict=True)
    ]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return json.dumps(value, default=str)
    return str(value)


def _write_json(table: Any) -> None:
    from epicat.export.rows import format_number

    for row in _rows(table):
        values = {
            name: float(format_number(name, value)) if isinstance(value, float) else value
            for name, value in zip(table.column_names, row, strict=True)
        }
        typer.echo(json.dumps(values, default=str))


def _show(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    for row in (names, ["-" * width for width in widths], *rows):
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())
