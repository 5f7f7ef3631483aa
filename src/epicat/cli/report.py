"""``epicat report``: the catalog as a page in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from epicat.campaign.options import StoreOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.cli.catalog_names import RunName
from epicat.cli.export import LocationName
from epicat.cli.messages import report_location, report_selection

__all__ = ["Overlay", "Tiles", "report"]

Overlay = Annotated[
    Path | None,
    typer.Option(
        "--overlay", metavar="FILE", help="Lines for the map, such as faults, as GeoJSON."
    ),
]
Tiles = Annotated[
    str,
    typer.Option(
        "--tiles",
        metavar="URL",
        help="Map tiles, https://.../{z}/{x}/{y}.png.  Without it the page requests nothing.",
    ),
]


@takes(StoreOptions)
def report(
    given: Values,
    output: Annotated[Path, typer.Option("-o", "--output", help="An .html file.")],
    title: Annotated[
        str | None,
        typer.Option(help="Title of the page.  Default: days of the events and name of the store."),
    ] = None,
    overlay: Overlay = None,
    tiles: Tiles = "",
    arrivals: Annotated[
        int,
        typer.Option(
            "--arrivals",
            metavar="COUNT",
            min=0,
            help="Most arrivals in the file; events with the most stations have theirs.",
        ),
    ] = 50_000,
    design: RunName = None,
    location: LocationName = None,
) -> None:
    """Write the catalog as a page that needs no server: map, sections, timelines and list.

    The file is opened from disk in a browser and requests nothing.
    """
    from epicat.catalog.catalog import open_catalog
    from epicat.viewer.basemap import read_overlay
    from epicat.viewer.page_data import PageOptions, check_tiles
    from epicat.viewer.report import write_report

    options = PageOptions(
        title=title,
        overlay=read_overlay(overlay) if overlay else (),
        tiles=check_tiles(tiles),
        most_arrivals=arrivals,
    )
    catalog = open_catalog(make_options(StoreOptions, given).store, design, places=location)
    report_selection(catalog.selection, design)
    report_location(catalog, location)
    made = write_report(catalog, output, options)
    typer.echo(
        f"{made.events:,} events with {made.arrivals:,} arrivals in {output} "
        f"({made.size / 1e6:.1f} MB)",
        err=True,
    )
