"""``epicat velocity``: the velocity models that have a name."""

from __future__ import annotations

import json
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="Show the built-in velocity models.", no_args_is_help=True)


@app.callback()
def _velocity() -> None:
    """Show the built-in velocity models."""


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
