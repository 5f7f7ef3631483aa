"""``epicat plot``: draw the catalog."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from epicat.campaign.options import StoreOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.cli.catalog_names import RunName
from epicat.cli.export import LocationName, MagnitudesName, WithRejected
from epicat.cli.messages import report_location, report_next, report_rejected, report_selection

__all__ = ["plot"]


@takes(StoreOptions, brief=True)
def plot(
    given: Values,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="A .png, .pdf or .svg file.")
    ],
    title: Annotated[
        str | None,
        typer.Option(
            help="Title of the figure.  Default: days of the events and name of the store."
        ),
    ] = None,
    style: Annotated[
        str, typer.Option(help="screen, or paper: 180 mm wide with 7 pt type, for PDF or SVG.")
    ] = "screen",
    width: Annotated[
        float | None, typer.Option(metavar="MM", help="Largest width in mm, 110 to 420.")
    ] = None,
    design: RunName = None,
    location: LocationName = None,
    magnitudes: MagnitudesName = None,
    frequencies: Annotated[
        bool,
        typer.Option(
            "--frequency-magnitude",
            help="Draw the number of events of each magnitude, completeness and b-value instead.",
        ),
    ] = False,
    with_rejected: WithRejected = False,
) -> None:
    """Draw a map, two depth sections and the number of events over time.

    Color is depth, size is magnitude if known.  Open events have quality C or D, or, if not
    located, an azimuthal gap above 180 degrees; grey ones a fixed depth, and are in no section.
    Up to 300 located events have error ellipses and depth intervals.
    """
    from epicat.catalog.catalog import open_catalog

    store = make_options(StoreOptions, given).store
    catalog = open_catalog(store, design, places=location, magnitudes=magnitudes)
    report_selection(catalog.selection, design)
    report_location(catalog, location)
    if not with_rejected:
        report_rejected(catalog.n_rejected)
    if frequencies:
        catalog.plot_magnitudes(output, title=title, with_rejected=with_rejected)
    else:
        catalog.plot(output, title=title, style=style, width_mm=width, with_rejected=with_rejected)
    drawn = catalog.events(with_rejected=with_rejected).num_rows
    typer.echo(f"{drawn:,} events in {output}", err=True)
    place = f"--store {shlex.quote(store)}"
    report_next(
        [
            (f"epicat view {place}", "events, picks and waveforms in a browser"),
            (f"epicat export {place} -o events.csv", "the catalog as a table"),
        ]
    )
