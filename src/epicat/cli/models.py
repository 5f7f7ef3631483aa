"""``epicat models``: what can pick."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from epicat.cli.messages import warnings_as_messages

if TYPE_CHECKING:
    from epicat.pick.inventory import Known

__all__ = ["app"]

app = typer.Typer(help="See and compile pickers.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="As JSON on stdout.")]


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """Show epicat's own picker, the weights in SeisBench's cache and the compiled models."""
    from epicat.pick.inventory import inventory

    found = inventory()
    if as_json:
        typer.echo(json.dumps([asdict(known) for known in found]))
        return
    for known in found:
        for line in _lines(known):
            typer.echo(line)


def _lines(known: Known) -> Iterator[str]:
    state = "compiled" if known.compiled else "not compiled"
    yield f"{known.model} {known.weight} version {known.version or 'unknown'}: {state}"
    if known.about:
        yield f"  {known.about}"
    facts = [f"{known.sampling_rate:g} Hz"] if known.sampling_rate else []
    limits = ", ".join(f"{phase} {threshold:g}" for phase, threshold in known.thresholds.items())
    facts += [f"thresholds {limits}"] if limits else []
    yield f"  {'; '.join([*facts, f'SHA-256 {known.sha256}'])}"
    yield f"  weights: {known.cached or 'not in the cache'}"
    if known.compiled:
        yield f"  compiled: {known.compiled}"


@app.command("known")
def known_models(as_json: AsJson = False) -> None:
    """Show every model of SeisBench: what epicat runs, and why not the others."""
    from epicat.pick.seisbench.supported import MODELS

    if as_json:
        rows = [
            {"model": name, "runs": not kind.refused, "remark": kind.refused or kind.remark}
            for name, kind in MODELS.items()
        ]
        typer.echo(json.dumps(rows))
        return
    for name, kind in MODELS.items():
        remark = f"refused: {kind.refused}" if kind.refused else kind.remark or "runs"
        typer.echo(f"{name}: {remark}")


@app.command("compile")
def compile_model(
    model: Annotated[str, typer.Argument(help="SeisBench model, for example PhaseNet.")],
    weight: Annotated[
        str, typer.Argument(help="Weights by name, or a .pt or .json file, here or in s3://...")
    ],
    again: Annotated[bool, typer.Option("--again", help="Compile even if it is done.")] = False,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            help="Copy what was compiled to a folder or s3://BUCKET/FOLDER as well.",
        ),
    ] = None,
) -> None:
    """Compile a model, so that no run needs PyTorch."""
    from epicat.pick.picker import PickOptions
    from epicat.pick.remote_bundle import KeptBundle, at_hand
    from epicat.pick.resolve import prepare_bundle

    kept = KeptBundle(to) if to else None
    with at_hand(weight) as near, warnings_as_messages():
        bundle = prepare_bundle(PickOptions(model=model, weight=near), again=again)
    if kept:
        kept.write(bundle.folder)
    typer.echo(kept.location if kept else str(bundle.folder))
