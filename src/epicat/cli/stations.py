"""``epicat stations``: lists of stations."""

from __future__ import annotations

from typing import Annotated

import typer

from epicat.cli import options as o
from epicat.cli.progress import say, warnings_as_talk
from epicat.cli.stores import with_store

__all__ = ["app"]

app = typer.Typer(help="Bring stations into a store.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep the name of the one command: Typer would leave it out."""


@app.command("import")
@with_store
def import_stations(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="What --stations of `run` takes: CSV, StationXML, FDSN service."
        ),
    ],
    store: o.StoreText,
    extent: Annotated[
        str | None, typer.Option(help="Only those inside minlat,maxlat,minlon,maxlon.")
    ] = None,
    select: o.Select = None,
    exclude: o.Exclude = None,
) -> None:
    """Put stations into a store, made if it is not there; a row replaces one of the same id."""
    from epicat.archive.stations import Patterns, find_stations  # noqa: PLC0415 - heavy
    from epicat.config import choose_stations  # noqa: PLC0415
    from epicat.geo import Extent  # noqa: PLC0415
    from epicat.store.open import open_store  # noqa: PLC0415
    from epicat.tables import stations_table  # noqa: PLC0415

    box = Extent.parse(extent) if extent else None
    patterns = Patterns(select or (), exclude or ())
    with warnings_as_talk():
        found = find_stations(source, box, patterns)
    chosen = choose_stations(found, box, patterns, say) if box else patterns.chosen(found)
    opened = open_store(store, create=True)
    opened.put_stations(stations_table(chosen))
    places = len({station.name for station in chosen})
    say(f"{len(chosen):,} stations at {places:,} places put into {opened.location}")
