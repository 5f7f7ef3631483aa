"""``epicat export``: write tables and catalogs of a store."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from epicat.campaign.options import LedgerOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.cli.catalog_names import RunName
from epicat.cli.messages import report_location, report_rejected, report_selection
from epicat.errors import InputError, NameChoiceError

if TYPE_CHECKING:
    from epicat.catalog.catalog import Catalog

__all__ = ["LocationName", "MagnitudesName", "WithRejected", "export"]

WithRejected = Annotated[
    bool,
    typer.Option("--with-rejected", help="Include events that quality control rejected."),
]

LocationName = Annotated[
    str | None,
    typer.Option(
        "--location",
        metavar="NAME",
        help="Location of the events: a name, the beginning of a digest, or 'association'.  "
        "Default: the campaign's, else the newest.",
    ),
]

MagnitudesName = Annotated[
    str | None,
    typer.Option(
        "--magnitudes",
        metavar="NAME",
        help="Magnitudes of the events: a name or the beginning of a digest.  Default: those "
        "computed last.",
    ),
]

_TABLES = ("events", "picks", "arrivals", "origins", "origin_arrivals", "station_terms",
           "magnitudes", "station_magnitudes", "amplitudes", "envelopes", "stations",
           "ledger")  # fmt: skip
_UNPACKED = ("amplitudes", "envelopes")
_WITHOUT_PLACES = ("picks", "station_terms", "magnitudes", "station_magnitudes", *_UNPACKED,
                   "stations", "ledger")  # fmt: skip
_CATALOGS = ("quakeml", "fdsn-text", "nonlinloc", "nonlinloc-hyp", "hypodd", "skhash")
_FORMATS = ("csv", "json", "parquet", *_CATALOGS)


@takes(LedgerOptions, without=("start", "end", "extent", "select", "exclude"), brief=True)
def export(
    given: Values,
    table: Annotated[
        str, typer.Option(help=", ".join(_TABLES) + "; with csv, json or parquet.")
    ] = "events",
    output_format: Annotated[
        str,
        typer.Option(
            "--format",
            help="csv, json (lines) or parquet; of events also " + ", ".join(_CATALOGS) + ".",
        ),
    ] = "csv",
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Output file; - is stdout, the default except for parquet and hypodd.",
        ),
    ] = None,
    columns: Annotated[str, typer.Option(help="'standard' or 'all'.")] = "standard",
    design: RunName = None,
    location: LocationName = None,
    magnitudes: MagnitudesName = None,
    with_rejected: WithRejected = False,
    reviewed: Annotated[
        bool,
        typer.Option(
            "--reviewed", help="Only events that a reviewer accepted, and their arrivals."
        ),
    ] = False,
    quality: Annotated[
        str | None,
        typer.Option(
            metavar="CLASSES",
            help="Only events of these quality classes, such as AB, and their arrivals.",
        ),
    ] = None,
) -> None:
    """Write a table or the catalog of the newest run, or of the run given by --run.

    Events and arrivals are as located, with uncertainty; those that were not located are as
    associated.  The ledger has also the station-days that were requested but not processed.
    """
    _check(table, output_format, columns)
    if quality is not None:
        from epicat.catalog.quality import check_classes

        check_classes(quality)
    output = None if output == Path("-") else output
    if output_format == "parquet" and output is None:
        raise InputError("--format parquet needs a file: -o FILE")
    from epicat.catalog.catalog import open_catalog

    options = make_options(LedgerOptions, given)
    catalog = open_catalog(options.store, design, places=location, magnitudes=magnitudes)
    report_selection(catalog.selection, design)
    if table not in _WITHOUT_PLACES:
        report_location(catalog, location)
    if output_format in _CATALOGS:
        kept = {"with_rejected": with_rejected, "reviewed": reviewed}
        _write_catalog(catalog, output_format, output, **kept, quality=quality or "")
        return
    rows = _rows(catalog, table, options, with_rejected=with_rejected)
    if reviewed and "event_id" in rows.column_names:
        from epicat.catalog.reviews import only_accepted

        rows = only_accepted(rows, catalog.reviews())
    if quality:
        rows = _of_quality(rows, catalog, table, quality)
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
            f"--format {output_format} always contains events with their arrivals; remove --table "
            "and --columns, or use --format csv, json or parquet"
        )


def _write_catalog(
    catalog: Catalog,
    name: str,
    output: Path | None,
    *,
    with_rejected: bool,
    reviewed: bool,
    quality: str,
) -> None:
    from epicat.export.formats import FORMATS

    form = FORMATS[name]
    if output is None and form.needs_file:
        raise InputError(
            f"--format {name} needs -o FILE: it also writes FILE{' and FILE'.join(form.companions)}"
        )
    if output is None:
        parts = catalog.parts(with_rejected=with_rejected, reviewed=reviewed, quality=quality)
        written = form.write(parts, catalog.stations(), sys.stdout)
    else:
        written = catalog.write_events(
            output, name, with_rejected=with_rejected, reviewed=reviewed, quality=quality
        )
        names = ", ".join(str(output) + ending for ending in ("", *form.companions))
        arrivals = f" with {written.arrivals:,} arrivals" if written.arrivals else ""
        typer.echo(f"{written.events:,} events{arrivals} in {names}", err=True)
    rejected = catalog.n_rejected
    if not with_rejected:
        report_rejected(rejected)
    elif rejected and not form.marks_rejected:
        typer.echo(f"warning: {name} cannot mark the {rejected:,} rejected events", err=True)
    for note in written.notes:
        typer.echo(f"warning: {note}", err=True)


def _of_quality(rows: Any, catalog: Catalog, table: str, classes: str) -> Any:
    """Return the rows of events of the classes."""
    import pyarrow.compute as pc

    from epicat.catalog.quality import of_quality

    if "event_id" not in rows.column_names:
        raise InputError(f"--quality selects events, and the table {table} has no column of them")
    good = of_quality(catalog.events(with_rejected=True), classes)["event_id"].combine_chunks()
    return rows.filter(pc.is_in(rows["event_id"], value_set=good))


def _rows(catalog: Catalog, table: str, options: LedgerOptions, *, with_rejected: bool) -> Any:
    from epicat.stations import Patterns
    from epicat.table_rows import ledger_table, stations_by_position

    if table == "stations":
        rows = catalog.stations()
        moved = any(placements for placements in rows["placements"].to_pylist())
        return stations_by_position(rows) if moved else rows
    plain: dict[str, Callable[[], Any]] = {
        "picks": catalog.picks,
        "station_terms": catalog.station_terms,
        "magnitudes": catalog.magnitudes,
        "station_magnitudes": catalog.station_magnitudes,
        "amplitudes": catalog.amplitudes,
        "envelopes": catalog.envelopes,
        "origins": catalog.origins,
        "origin_arrivals": catalog.origin_arrivals,
    }
    if table in plain:
        return plain[table]()
    if table == "ledger":
        patterns = Patterns(options.select, options.exclude)
        return ledger_table(catalog.entries(options.span, options.extent, patterns))
    if not with_rejected:
        report_rejected(catalog.n_rejected)
    read = catalog.events if table == "events" else catalog.arrivals
    return read(with_rejected=with_rejected)


def _columns(rows: Any, table: str, *, all_columns: bool, with_rejected: bool) -> list[str]:
    """Return the columns of the CSV; rejected events say why they are."""
    from epicat.located import BEST_ARRIVAL_COLUMNS, BEST_EVENT_COLUMNS
    from epicat.tables import EXPORT_COLUMNS

    if all_columns or table in ("station_terms", *_UNPACKED):
        return list(rows.column_names)
    best = {"events": BEST_EVENT_COLUMNS, "arrivals": BEST_ARRIVAL_COLUMNS}
    why = ["rejected"] if with_rejected and table == "events" else []
    dates = [name for name in ("start_date", "end_date") if name in rows.column_names]
    return [*best.get(table, EXPORT_COLUMNS[table]), *why, *dates]


def _write(rows: Any, names: list[str], output: Path | None, output_format: str) -> None:
    from epicat.catalog.catalog import write_rows
    from epicat.export.rows import write_csv, write_json

    if output is None:
        (write_json if output_format == "json" else write_csv)(rows, names, sys.stdout)
    else:
        write_rows(rows, names, output, output_format)
