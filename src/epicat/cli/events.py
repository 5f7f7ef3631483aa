"""``epicat events``: import catalogs of other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from epicat.campaign.options import StoreOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.cli.messages import report
from epicat.cli.picks import CatalogName, Network, RegionalPhases

__all__ = ["app"]

app = typer.Typer(help="Import an existing catalog into a store.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep the name of the one command: Typer would leave it out."""


@app.command("import")
@takes(StoreOptions, file=False)
def import_events(
    given: Values,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Events in any format of docs/reference/formats.md."),
    ],
    arrivals: Annotated[
        Path | None,
        typer.Option(
            "--arrivals", metavar="FILE", help="A table of arrivals, for a table of events."
        ),
    ] = None,
    name: CatalogName = None,
    network: Network = "",
    regional_phases: RegionalPhases = True,
    as_json: Annotated[bool, typer.Option("--json", help="Summary as JSON on stdout.")] = False,
) -> None:
    """Put a catalog with its arrivals into a store, created if it does not exist.

    Reads QuakeML, SeisComP's XML, hypoDD phase.dat, NonLinLoc .obs and .hyp, FDSN event text, and
    tables of events with --arrivals.  Import the stations first (`epicat stations import`): they
    give distances, and networks of bare station names.  The same file again changes nothing.
    """
    from epicat.imports.raw import ReadingOptions
    from epicat.pipeline.store_tasks.import_events import import_events as put
    from epicat.store.catalogs import default_name, name_catalog
    from epicat.store.open import open_store
    from epicat.table_rows import stations_of

    store = open_store(make_options(StoreOptions, given).store, create=True)
    options = ReadingOptions(network, tuple(stations_of(store.stations())), regional_phases)
    made = put(file, store, options, arrivals)
    if name is not None:
        name_catalog(store, name, made.catalog.digest)
    for note in made.notes:
        report(note)
    if as_json:
        counts = {"events": made.events, "arrivals": made.arrivals, "picks": made.picks,
                  "is_new": made.is_new}  # fmt: skip
        digests = {"run": made.run.digest, "associator": made.catalog.digest}
        typer.echo(json.dumps({**digests, **counts, "notes": list(made.notes)}))
        return
    again = "" if made.is_new else "; the store already had all of them"
    report(f"{made.events:,} events with {made.arrivals:,} arrivals{again}")
    shown = name or default_name(made.run.model_dump())
    report(f"catalog {shown} (run {made.run.digest}, associator {made.catalog.digest})")
