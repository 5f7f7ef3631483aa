"""``epicat export``: tables out of a store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from epicat.cli import options as o
from epicat.cli.shared import choose_designs, said_which, whole_file
from epicat.errors import InputError, NameChoiceError

if TYPE_CHECKING:
    from epicat.store.interface import Store

__all__ = ["export"]

_TABLES = ("events", "picks", "arrivals", "stations", "ledger")
_FORMATS = ("csv", "parquet")


def export(
    store: o.StoreText,
    table: Annotated[str, typer.Option(help=", ".join(_TABLES) + ".")],
    output_format: Annotated[str, typer.Option("--format", help="csv or parquet.")] = "csv",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File; default: stdout, for CSV.")
    ] = None,
    columns: o.Columns = "standard",
    design: Annotated[
        str | None,
        typer.Option(
            "--run", help="Beginning of a run's or an associator's digest; default: the newest."
        ),
    ] = None,
) -> None:
    """Write a table of the newest run, or of the one that --run names."""
    if table not in _TABLES:
        raise NameChoiceError("table", table, _TABLES)
    if output_format not in _FORMATS:
        raise NameChoiceError("format", output_format, _FORMATS)
    if columns not in ("standard", "all"):
        raise NameChoiceError("set of columns", columns, ["standard", "all"])
    if output_format == "parquet" and output is None:
        raise InputError("--format parquet needs a file: -o FILE")
    from epicat.store.open import open_store  # noqa: PLC0415 - heavy

    rows = _rows(open_store(store), table, design)
    _write(rows, table, output, all_columns=columns == "all", as_parquet=output_format == "parquet")
    if output is not None:
        typer.echo(f"{rows.num_rows:,} rows of {table} in {output}", err=True)


def _rows(store: Store, table: str, design: str | None) -> Any:
    from epicat.store.interface import Where  # noqa: PLC0415
    from epicat.tables import ledger_table  # noqa: PLC0415

    if table == "stations":
        return store.stations()
    chosen = choose_designs(store, design)
    said_which(chosen, design)
    if table == "ledger":
        wanted = {chosen.run, chosen.associator}
        return ledger_table(e for e in store.ledger() if e.design in wanted)
    digest = chosen.run if table == "picks" else chosen.associator
    return store.read(table, Where(design=digest or ""))  # type: ignore[arg-type]


def _write(
    rows: Any, table: str, output: Path | None, *, all_columns: bool, as_parquet: bool
) -> None:
    from epicat.tables import EXPORT_COLUMNS  # noqa: PLC0415

    names = rows.column_names if all_columns else EXPORT_COLUMNS[table]
    if as_parquet and output is not None:
        import pyarrow.parquet as pq  # noqa: PLC0415

        with whole_file(output, "wb") as file:
            pq.write_table(rows, file, compression="zstd")
        return
    from epicat.export.csv import write_csv  # noqa: PLC0415

    if output is None:
        write_csv(rows, names, sys.stdout)
        return
    with whole_file(output, "w") as file:
        write_csv(rows, names, file)
