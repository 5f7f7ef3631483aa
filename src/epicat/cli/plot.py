"""``epicat plot``: draw the catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from epicat.campaign.options import StoreOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.cli.export import WithRejected
from epicat.cli.messages import report_rejected

__all__ = ["plot"]


@takes(StoreOptions)
def plot(
    given: Values,
    output: Annotated[Path, typer.Option("-o", "--output", help="A .png, .pdf or .svg file.")],
    title: Annotated[str, typer.Option(help="Title of the figure.")] = "Earthquake catalog",
    design: Annotated[
        str | None,
        typer.Option(
            "--run", help="Beginning of the digest of a run or associator.  Default: the newest."
        ),
    ] = None,
    with_rejected: WithRejected = False,
) -> None:
    """Draw a map, two depth sections and the number of events over time."""
    from epicat.catalog.catalog import open_catalog

    catalog = open_catalog(make_options(StoreOptions, given).store, design)
    if not with_rejected:
        report_rejected(catalog.n_rejected)
    catalog.plot(output, title=title, with_rejected=with_rejected)
    drawn = catalog.events(with_rejected=with_rejected).num_rows
    typer.echo(f"{drawn:,} events in {output}", err=True)
