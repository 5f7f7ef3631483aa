"""``epicat locate`` and ``epicat terms``: places with uncertainty, and station terms."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epicat.campaign.options import LocationOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.cli.messages import report

if TYPE_CHECKING:
    from epicat.pipeline.locate_store import StoreLocator

__all__ = ["locate", "terms"]


@takes(LocationOptions, file=False)
def locate(
    given: Values,
    terms: Annotated[
        Path | None,
        typer.Option("--terms", metavar="FILE", help="Station terms, written by `epicat terms`."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="Name of the location, for --location of other commands.  Default: its digest.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Summary as JSON on stdout.")] = False,
) -> None:
    """Locate the events of a store, with their uncertainty.

    Origins are kept next to the events.  Another velocity model, other settings or other terms
    are another location, with another digest.
    """
    options = make_options(LocationOptions, given)
    locator = _opened(options, terms)
    if name is not None:
        from epicat.store.locations import name_location
        from epicat.store.open import open_store

        name_location(open_store(options.store), name, locator.design.digest)
    made = locator.locate()
    if as_json:
        typer.echo(json.dumps(asdict(made)))
        return
    flags = "".join(f"; {name}: {count}" for name, count in made.flags.items())
    report(
        f"location {made.location}: {made.origins:,} origins; {made.blocks} blocks located, "
        f"{made.unchanged} unchanged{flags}"
    )


@takes(LocationOptions, file=False)
def terms(
    given: Values,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Output file, .npz.")
    ] = Path("terms.npz"),
) -> None:
    """Compute station terms from the events of a store, for `epicat locate --terms`."""
    found = _opened(make_options(LocationOptions, given), None).calibrate(report)
    found.write(output)
    report(f"station terms {found.digest} written to {output}")


def _opened(options: LocationOptions, terms: Path | None) -> StoreLocator:
    from epicat.locate.terms_file import TermsFile
    from epicat.pipeline.locate_store import StoreLocator
    from epicat.store.open import open_store
    from epicat.velocity.layers import read_layers

    layers = None
    if options.velocity:
        constant = options.velocity_layers == "constant"
        layers = read_layers(Path(options.velocity), constant=constant)
    return StoreLocator(
        open_store(options.store),
        options.locate,
        associator=options.associator or None,
        layers=layers,
        terms=TermsFile.read(terms) if terms else None,
        site_radius_m=options.site_radius_m,
    )
