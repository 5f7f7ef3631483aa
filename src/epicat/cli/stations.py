"""``epicat stations``: lists of stations."""

from __future__ import annotations

from typing import Annotated

import typer

from epicat.campaign.options import ImportOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.cli.messages import report, warnings_as_messages

__all__ = ["app"]

app = typer.Typer(help="Bring stations into a store.", no_args_is_help=True)


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
            metavar="FILE", help="What --stations of `run` takes: CSV, StationXML, FDSN service."
        ),
    ],
) -> None:
    """Put stations into a store, made if it is not there; a row replaces one of the same id."""
    options = make_options(ImportOptions, given)
    from epicat.campaign.resolve import choose_stations
    from epicat.stations import Patterns, bucket_opener, find_stations
    from epicat.store.open import open_store
    from epicat.tables import stations_table

    box, patterns = options.extent, Patterns(options.select, options.exclude)
    with warnings_as_messages():
        found = find_stations(source, box, patterns, bucket_opener())
    chosen = choose_stations(found, box, patterns, report) if box else patterns.chosen(found)
    opened = open_store(options.store, create=True)
    opened.put_stations(stations_table(chosen))
    places = len({station.name for station in chosen})
    report(f"{len(chosen):,} stations at {places:,} places put into {opened.location}")
