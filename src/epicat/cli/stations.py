"""``epicat stations``: import station lists."""

from __future__ import annotations

from typing import Annotated

import typer

from epicat.campaign.options import ImportOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.cli.messages import report, warnings_as_messages

__all__ = ["app"]

app = typer.Typer(help="Import stations into a store.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep the name of the one command: Typer would leave it out."""


@app.command("import")
@takes(ImportOptions, file=False)
def import_stations(
    given: Values,
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="What --stations of `run` takes: a station list, StationXML, an FDSN service.",
        ),
    ],
    network: Annotated[
        str, typer.Option("--network", help="Network code where the list has none.")
    ] = "",
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="hypoinverse, hypodd, real or nonlinloc; default: recognised by content.",
        ),
    ] = "",
) -> None:
    """Put stations into a store, created if it does not exist; a row replaces one of its id."""
    options = make_options(ImportOptions, given)
    from epicat.campaign.resolve import choose_stations
    from epicat.stations import Patterns, bucket_opener, find_stations, move_messages
    from epicat.store.open import open_store
    from epicat.table_rows import stations_table

    box, patterns = options.extent, Patterns(options.select, options.exclude)
    with warnings_as_messages():
        found = find_stations(source, box, patterns, bucket_opener(), network=network, form=form)
    if box is None:
        chosen = patterns.chosen(found)
        for message in move_messages(chosen):
            report(message)
    else:
        chosen = choose_stations(found, box, patterns, report)
    opened = open_store(options.store, create=True)
    opened.put_stations(stations_table(chosen))
    places = len({station.name for station in chosen})
    report(f"{len(chosen):,} stations at {places:,} places imported into {opened.location}")
