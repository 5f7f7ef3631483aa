"""``epicat plot``: the catalog as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from epicat.campaign.options import StoreOptions
from epicat.campaign.parse import Values, asked
from epicat.catalog.selection import select_results
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
    from epicat.geo import Extent
    from epicat.plot import draw_catalog
    from epicat.store.base import Where
    from epicat.store.open import open_store
    from epicat.tables import accepted

    opened = open_store(asked(StoreOptions, given).store)
    chosen = select_results(opened, design)
    events = opened.read("events", Where(design=chosen.associator or ""))
    if not with_rejected:
        found, events = events, accepted(events)
        say_left_out(found.num_rows - events.num_rows)
    extent = Extent.parse(chosen.extent) if chosen.extent else None
    draw_catalog(events, opened.stations(), output, title=title, extent=extent)
    typer.echo(f"{events.num_rows:,} events in {output}", err=True)
