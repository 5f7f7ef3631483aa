"""``epicat velocity``: the velocity models that have a name, and those fitted to picks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from epicat._util.option_models import options_of
from epicat.campaign.options import AssociationOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.cli.messages import report, warnings_as_messages
from epicat.cli.short_help import command_class

__all__ = ["app"]

app = typer.Typer(
    help="Show the built-in velocity models, and fit one to picks.", no_args_is_help=True
)

_UNUSED: Final = {
    "name",
    *(
        option.key
        for path, option in options_of(AssociationOptions).items()
        if path[0] in ("locate", "magnitude", "partition")
    ),
}
_COMMON: Final = ("store", "run", "select", "velocity", "max_depth")


@app.callback()
def _velocity() -> None:
    """Show the built-in velocity models, and fit one to picks."""


@app.command("list")
def list_models(
    rows: Annotated[bool, typer.Option("--rows", help="Print the numbers, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the models that --velocity takes by name, with source and default region."""
    from epicat.velocity.builtin import MODELS

    for model in MODELS:
        layers = list(zip(model.model.depth_km, model.model.vp, model.model.vs, strict=True))
        if as_json:
            row = {
                "name": model.name,
                "aliases": list(model.aliases),
                "about": model.about,
                "source": model.source,
                "region": str(model.region) if model.region else None,
                "kind": "constant" if model.model.constant else "gradient",
                "layers": layers,
                "digest": model.model.digest,
            }
            typer.echo(json.dumps(row))
            continue
        names = ", ".join((model.name, *model.aliases))
        where = f" (default within {model.region})" if model.region else ""
        typer.echo(f"{names}: {model.about}{where}\n    {model.source}")
        if rows:
            kind = "tops of uniform layers" if model.model.constant else "nodes of a gradient"
            typer.echo(f"    depth_km,vp,vs ({kind})")
            for layer in layers:
                typer.echo("    " + ",".join(f"{value:g}" for value in layer))


@takes(AssociationOptions, without=_UNUSED, common=_COMMON)
def fit(
    given: Values,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="CSV file of the model.  Default: stdout."
        ),
    ] = None,
) -> None:
    """Fit a velocity model to the first picks of a store, as `run --velocity auto` does.

    The picks are those of the first day, or of up to seven days if it has too few earthquakes.
    Other commands take the file with --velocity FILE --velocity-layers constant.  The fit begins
    with --velocity, by default the model of the region.
    """
    options = make_options(AssociationOptions, given)
    from epicat._util.files import atomic_file
    from epicat.pipeline.store_tasks.fit_velocity import fit_stored_velocity
    from epicat.store.open import open_store

    with warnings_as_messages():
        found = fit_stored_velocity(options, open_store(options.store), report)
    report(found.summary)
    if output is None:
        typer.echo(found.csv(), nl=False)
        return
    with atomic_file(output, "w") as file:
        file.write(found.csv())
    report(f"written to {output}: --velocity {output} --velocity-layers constant")


app.command("fit", cls=command_class(fit))(fit)
