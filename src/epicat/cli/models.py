"""``epicat models``: what can pick."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from epicat.cli.messages import warnings_as_messages
from epicat.cli.picker_download import report_download

if TYPE_CHECKING:
    from epicat.pick.inventory import AvailableWeights

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


def _lines(known: AvailableWeights) -> Iterator[str]:
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
def known_models(
    model: Annotated[
        str | None, typer.Argument(help="List the weights of this model on SeisBench's hub.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show every model of SeisBench, or with MODEL the published weights of one."""
    if model is None:
        _show_models(as_json)
    else:
        _show_weights(model, as_json)


def _show_models(as_json: bool) -> None:
    from epicat.pick.supported import MODELS

    if as_json:
        rows = [
            {
                "model": name,
                "runs": not support.refused,
                "needs_seisbench": support.needs_seisbench,
                "remark": support.refused or support.remark,
            }
            for name, support in MODELS.items()
        ]
        typer.echo(json.dumps(rows))
        return
    for name, support in MODELS.items():
        extra = "needs epicat[seisbench]" if support.needs_seisbench else ""
        remark = "; ".join(filter(None, (support.remark, extra))) or "runs"
        typer.echo(f"{name}: {f'refused: {support.refused}' if support.refused else remark}")


def _show_weights(model: str, as_json: bool) -> None:
    from epicat.pick.supported import PICKBLUE, check_model
    from epicat.pick.weights.hub import list_weights

    check_model(model)
    names: dict[str, tuple[str, ...]]
    if model == "PickBlue":  # SeisBench keeps its weights with other models
        names = {name: (f"{weights} of {other}",) for name, (other, weights) in PICKBLUE.items()}
    else:
        names = {one.name: tuple(filter(None, one.versions)) for one in list_weights(model)}
    if as_json:
        typer.echo(json.dumps([{"weights": n, "versions": v} for n, v in names.items()]))
        return
    for name, versions in names.items():
        typer.echo(f"{name}: {', '.join(versions)}" if versions else name)


@app.command("compile")
def compile_model(
    model: Annotated[str, typer.Argument(help="SeisBench model, for example PhaseNet.")],
    weight: Annotated[
        str,
        typer.Argument(
            metavar="WEIGHTS", help="Weights by name, or a .pt or .json file, here or in s3://..."
        ),
    ],
    force: Annotated[bool, typer.Option("--force", help="Compile even if it is done.")] = False,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            help="Copy the compiled model to a folder or s3://BUCKET/FOLDER as well.",
        ),
    ] = None,
) -> None:
    """Compile a model now, so that no run has to."""
    from epicat.pick.picker import PickOptions
    from epicat.pick.remote_bundle import RemoteBundle, local_weights
    from epicat.pick.resolve import prepare_bundle

    remote = RemoteBundle(to) if to else None
    with local_weights(weight) as near, warnings_as_messages():
        options = PickOptions(model=model, weight=near)
        bundle = prepare_bundle(options, force=force, progress=report_download)
    if remote:
        remote.write(bundle.folder)
    typer.echo(remote.location if remote else str(bundle.folder))
