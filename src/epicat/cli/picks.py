"""``epicat picks``: import picks of other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from epicat.campaign.options import StoreOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.cli.messages import report

__all__ = ["CatalogName", "Network", "RegionalPhases", "app"]

app = typer.Typer(help="Import picks into a store.", no_args_is_help=True)

Network = Annotated[
    str, typer.Option("--network", help="Network code of station names that have none.")
]
CatalogName = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="Name for --run of other commands.  Default: the name of the file.",
    ),
]
RegionalPhases = Annotated[
    bool,
    typer.Option(
        "--regional-phases/--no-regional-phases",
        help="Read Pg, Pn, Pb, Sg, Sn and Sb as P and S, or leave them out.",
    ),
]


@app.callback()
def _group() -> None:
    """Keep the name of the one command: Typer would leave it out."""


@app.command("import")
@takes(StoreOptions, file=False)
def import_picks(
    given: Values,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Picks in any format of docs/reference/formats.md."),
    ],
    name: CatalogName = None,
    network: Network = "",
    regional_phases: RegionalPhases = True,
    as_json: Annotated[bool, typer.Option("--json", help="Summary as JSON on stdout.")] = False,
) -> None:
    """Put the picks of a file into a store, created if it does not exist, as a separate run.

    Tables (CSV, Parquet, JSON) have the columns trace_id or station, phase, time, and possibly
    confidence or probability, and channel; SeisBench, PhaseNet, GaMMA, PyOcto and EQTransformer
    write such.  QuakeML, SeisComP's XML, NonLinLoc .obs, hypoDD phase.dat and REAL's files are
    read, too.  The same file again changes nothing.
    """
    from epicat.imports.raw import ReadingOptions
    from epicat.pipeline.store_tasks.import_picks import import_picks as put
    from epicat.store.catalogs import default_name, name_catalog
    from epicat.store.open import open_store
    from epicat.table_rows import stations_of

    store = open_store(make_options(StoreOptions, given).store, create=True)
    options = ReadingOptions(network, tuple(stations_of(store.stations())), regional_phases)
    made = put(file, store, options)
    if name is not None:
        name_catalog(store, name, made.run.digest)
    for note in made.notes:
        report(note)
    if as_json:
        counts = {"picks": made.picks, "duplicates": made.duplicates, "is_new": made.is_new,
                  "station_days": made.station_days}  # fmt: skip
        typer.echo(json.dumps({"run": made.run.digest, **counts, "notes": list(made.notes)}))
        return
    repeats = f", {made.duplicates:,} repeated rows dropped" if made.duplicates else ""
    again = "" if made.is_new else "; the store already had all of them"
    report(f"{made.picks:,} picks of {made.station_days:,} station-days{repeats}{again}")
    report(f"run {name or default_name(made.run.model_dump())} ({made.run.digest})")
