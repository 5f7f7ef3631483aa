"""``epicat export``: tables and catalogs out of a store."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from epicat._util.atomic import atomic_file
from epicat.campaign.options import LedgerOptions
from epicat.campaign.parse import Values, asked
from epicat.catalog.selection import Selection, select_results
from epicat.cli.campaign_args import takes
from epicat.cli.prompts import said_which, say_left_out
from epicat.cli.quality_options import WithRejected
from epicat.errors import InputError, NameChoiceError

if TYPE_CHECKING:
    from epicat.store.base import Store

__all__ = ["export"]

_TABLES = ("events", "picks", "arrivals", "stations", "ledger")
_CATALOGS = ("quakeml", "fdsn-text", "nonlinloc", "hypodd")
_FORMATS = ("csv", "json", "parquet", *_CATALOGS)


@takes(LedgerOptions, without=("start", "end", "extent", "select", "exclude"))
def export(
    given: Values,
    table: Annotated[
        str, typer.Option(help=", ".join(_TABLES) + "; for csv, json, parquet.")
    ] = "events",
    output_format: Annotated[
        str,
        typer.Option(
            "--format", help="A table: csv, json (lines), parquet. Events: " + ", ".join(_CATALOGS)
        ),
    ] = "csv",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File; default: stdout, for all but parquet, hypodd."),
    ] = None,
    columns: Annotated[str, typer.Option(help="'standard' or 'all'.")] = "standard",
    design: Annotated[
        str | None,
        typer.Option(
            "--run", help="Beginning of a run's or an associator's digest; default: the newest."
        ),
    ] = None,
    with_rejected: WithRejected = False,
) -> None:
    """Write a table or the catalog of the newest run, or of the one that --run names.

    The ledger has a row for each station-day and block, also for station-days that were asked for
    and not run: those of a campaign file's days, or of earlier invocations.
    """
    _check(table, output_format, columns)
    if output_format == "parquet" and output is None:
        raise InputError("--format parquet needs a file: -o FILE")
    from epicat.store.open import open_store

    options = asked(LedgerOptions, given)
    opened = open_store(options.store)
    if output_format in _CATALOGS:
        _write_catalog(opened, output_format, output, design, with_rejected=with_rejected)
        return
    if table == "ledger":
        rows = _ledger(opened, options, design)
    else:
        rows = _rows(opened, table, design, with_rejected=with_rejected)
    names = _columns(rows, table, all_columns=columns == "all", with_rejected=with_rejected)
    _write(rows, names, output, output_format)
    if output is not None:
        typer.echo(f"{rows.num_rows:,} rows of {table} in {output}", err=True)


def _check(table: str, output_format: str, columns: str) -> None:
    if table not in _TABLES:
        raise NameChoiceError("table", table, _TABLES)
    if output_format not in _FORMATS:
        raise NameChoiceError("format", output_format, _FORMATS)
    if columns not in ("standard", "all"):
        raise NameChoiceError("set of columns", columns, ["standard", "all"])
    if output_format in _CATALOGS and (table, columns) != ("events", "standard"):
        raise InputError(
            f"--format {output_format} holds events with their arrivals, always in the same "
            "form: leave --table and --columns out, or use --format csv, json or parquet"
        )


def _write_catalog(
    store: Store, name: str, output: Path | None, design: str | None, *, with_rejected: bool
) -> None:
    from epicat.catalog.read import catalog_parts
    from epicat.export.formats import FORMATS

    form = FORMATS[name]
    if output is None and form.needs_file:
        raise InputError(
            f"--format {name} needs a file, -o FILE: it writes {' and '.join(form.beside)} beside"
        )
    chosen = _chosen(store, design)
    parts = catalog_parts(store, chosen.run, chosen.associator, with_rejected=with_rejected)
    if output is None:
        written = form.write(parts, store.stations(), sys.stdout)
    else:
        paths = [output, *(output.with_name(output.name + ending) for ending in form.beside)]
        with ExitStack() as stack:
            files = [stack.enter_context(atomic_file(path, "w")) for path in paths]
            written = form.write(parts, store.stations(), *files)
        names = ", ".join(str(path) for path in paths)
        arrivals = f" with {written.arrivals:,} arrivals" if written.arrivals else ""
        typer.echo(f"{written.events:,} events{arrivals} in {names}", err=True)
    rejected = _rejected(store, chosen)
    if not with_rejected:
        say_left_out(rejected)
    elif rejected and not form.tells_rejected:
        typer.echo(f"warning: {name} cannot tell which {rejected:,} events are rejected", err=True)
    for note in written.notes:
        typer.echo(f"warning: {note}", err=True)


def _rejected(store: Store, chosen: Selection) -> int:
    """Return how many events of the associator quality control rejects."""
    from epicat.store.base import block_entries

    return sum(entry.n_rejected for entry in block_entries(store, chosen.associator or ""))


def _rows(store: Store, table: str, design: str | None, *, with_rejected: bool) -> Any:
    from epicat.store.base import Where

    if table == "stations":
        return store.stations()
    chosen = _chosen(store, design)
    if table == "picks":
        return store.read("picks", Where(design=chosen.run or ""))
    where = Where(design=chosen.associator or "")
    rows = store.read(table, where)  # type: ignore[arg-type]
    rejected = 0 if with_rejected else _rejected(store, chosen)
    if not rejected:
        return rows
    say_left_out(rejected)
    return _of_accepted(rows, rows if table == "events" else store.read("events", where))


def _ledger(store: Store, options: LedgerOptions, design: str | None) -> Any:
    """Return the ledger of a run and an associator, with the station-days that were not run."""
    from epicat.catalog.ledger_filter import whole_ledger
    from epicat.tables import ledger_table

    chosen = _chosen(store, design)
    wanted = {chosen.run, chosen.associator}
    return ledger_table(e for e in whole_ledger(store, options) if e.design in wanted)


def _of_accepted(rows: Any, events: Any) -> Any:
    """Return the rows of events or arrivals that belong to an event which is not rejected."""
    import pyarrow.compute as pc

    from epicat.tables import accepted

    good = accepted(events)["event_id"].combine_chunks()
    return rows.filter(pc.is_in(rows["event_id"], value_set=good))


def _chosen(store: Store, design: str | None) -> Selection:
    """Return the designs to export, and tell that there are others."""
    chosen = select_results(store, design)
    said_which(chosen, design)
    return chosen


def _columns(rows: Any, table: str, *, all_columns: bool, with_rejected: bool) -> list[str]:
    """Return the columns of the CSV; rejected events say why they are."""
    from epicat.tables import EXPORT_COLUMNS

    if all_columns:
        return list(rows.column_names)
    why = ["rejected"] if with_rejected and table == "events" else []
    return [*EXPORT_COLUMNS[table], *why]


def _write(rows: Any, names: list[str], output: Path | None, output_format: str) -> None:
    if output_format == "parquet" and output is not None:
        import pyarrow.parquet as pq

        with atomic_file(output, "wb") as file:
            pq.write_table(rows, file, compression="zstd")
        return
    from epicat.export.csv import write_csv
    from epicat.export.json import write_json

    write = write_json if output_format == "json" else write_csv
    if output is None:
        write(rows, names, sys.stdout)
        return
    with atomic_file(output, "w") as file:
        write(rows, names, file)
