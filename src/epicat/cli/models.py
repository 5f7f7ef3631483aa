"""``epicat models``: what can pick."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

__all__ = ["app"]

app = typer.Typer(help="See and compile pickers.", no_args_is_help=True)


@app.command("list")
def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON on stdout.")] = False,
) -> None:
    """Show the weights in SeisBench's cache and the compiled models in epicat's."""
    rows = _rows()
    if as_json:
        typer.echo(json.dumps(rows))
        return
    if not rows:
        typer.echo("no weights in SeisBench's cache, and no compiled model")
    for row in rows:
        state = "compiled" if row["compiled"] else "in SeisBench's cache, not compiled"
        typer.echo(f"{row['model']} {row['weight']}: {state}; SHA-256 {row['sha256'][:16]}...")
        if row["compiled"]:
            limits = ", ".join(f"{p} {t:g}" for p, t in row["thresholds"].items())
            typer.echo(f"  {row['sampling_rate']:g} Hz, thresholds {limits}; {row['compiled']}")


def _rows() -> list[dict[str, Any]]:
    from epicat.pick.bundle import list_bundles  # noqa: PLC0415 - heavy
    from epicat.pick.weights import MODELS, cached_weights  # noqa: PLC0415

    compiled = {b.info.weights_sha256: b for b in list_bundles()}
    rows = [
        {
            "model": bundle.info.model,
            "weight": bundle.info.weight,
            "sha256": digest,
            "compiled": str(bundle.folder),
            "sampling_rate": bundle.info.sampling_rate,
            "thresholds": bundle.info.thresholds,
        }
        for digest, bundle in compiled.items()
    ]
    for model in MODELS:
        for files in cached_weights(model):
            digest, _ = files.sha256
            if digest not in compiled:
                rows.append(
                    {"model": model, "weight": files.weight, "sha256": digest, "compiled": ""}
                )
    return sorted(rows, key=lambda row: (str(row["model"]), str(row["weight"])))


@app.command("compile")
def compile_model(
    model: Annotated[str, typer.Argument(help="SeisBench model, for example PhaseNet.")],
    weight: Annotated[str, typer.Argument(help="Weights by name, or a .pt or .json file.")],
    again: Annotated[bool, typer.Option("--again", help="Compile even if it is done.")] = False,
) -> None:
    """Compile a model, so that no run needs PyTorch."""
    from epicat.pick.picker import PickOptions  # noqa: PLC0415 - heavy
    from epicat.pick.prepare import prepare_bundle  # noqa: PLC0415

    bundle = prepare_bundle(PickOptions(model=model, weight=weight), again=again)
    typer.echo(str(bundle.folder))
