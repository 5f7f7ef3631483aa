"""``epicat plot``: the catalog as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from epicat.campaign.options import StoreOptions
from epicat.campaign.parse import Values, asked
from epicat.cli.campaign_args import takes
from epicat.cli.prompts import say_left_out
from epicat.cli.quality_options import WithRejected

__all__ = ["plot"]


@takes(StoreOptions)
def plot(
    given: Values,
    output: Annotated[Path, typer.Option("-o", "--output", help="A .png, .pdf or .svg file.")],
    title: Annotated[str, typer.Option(help="Title of the picture.")] = "Earthquake catalog",
    design: Annotated[
        str | None,
        typer.Option(
            "--run", help="Beginning of a run's or an associator's digest; default: the newest."
        ),
    ] = None,
    with_rejected: WithRejected = False,
) -> None:
    """Draw a map, two depth sections and the count over time."""
    from epicat.catalog.catalog import open_catalog

    catalog = open_catalog(asked(StoreOptions, given).store, design)
    if not with_rejected:
        say_left_out(catalog.n_rejected)
    catalog.plot(output, title=title, with_rejected=with_rejected)
    drawn = catalog.events(with_rejected=with_rejected).num_rows
    typer.echo(f"{drawn:,} events in {output}", err=True)
