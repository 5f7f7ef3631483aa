"""``epicat magnitudes``: magnitudes of a store's events, laws, and station corrections."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epicat.campaign.options import MagnitudesOptions, MeasureOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.cli.messages import report
from epicat.errors import InputError

if TYPE_CHECKING:
    from epicat.pipeline.store_tasks.magnitude_store import StoreMagnitudes

__all__ = ["app"]

_SHOWN = 5

app = typer.Typer(
    help="Compute local magnitudes of the events of a store from its amplitudes.",
    invoke_without_command=True,
)


@app.callback()
@takes(MeasureOptions, file=False)
def magnitudes(
    given: Values,
    corrections: Annotated[
        Path | None,
        typer.Option(
            "--corrections",
            metavar="FILE",
            help="Station corrections, written by `epicat magnitudes corrections`.",
        ),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="Name that outputs find them by.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Summary as JSON on stdout.")] = False,
) -> None:
    """Compute local magnitudes of the events of a store from its amplitudes.

    Magnitudes are kept next to the events.  Another law, location or other station corrections
    are other magnitudes, with another digest: outputs show those that were computed last, or those
    that are named.
    """
    options = make_options(MeasureOptions, given)
    if options.measure:
        _measure(options)
    made = _opened(options, corrections).compute(name)
    if as_json:
        typer.echo(json.dumps(asdict(made)))
        return
    flags = "".join(f"; {reason}: {count:,} events" for reason, count in made.flags.items())
    report(
        f"magnitudes {made.magnitudes} ({made.law}): {made.count:,} events; {made.blocks} blocks "
        f"done, {made.unchanged} unchanged{flags}"
    )


def _measure(options: MeasureOptions) -> None:
    """Measure the amplitudes of the run whose events get magnitudes."""
    from epicat.campaign.resolve import resolve_responses
    from epicat.catalog.selection import select_results
    from epicat.pipeline.store_tasks.measure_store import StoreMeasurer
    from epicat.stations import bucket_opener
    from epicat.store.open import open_store
    from epicat.table_rows import stations_of

    if not (options.response.responses or options.response.flat_response):
        raise InputError("--measure needs --responses or --flat-response")
    store = open_store(options.store)
    opener, stations = bucket_opener(), stations_of(store.stations())
    responses = resolve_responses(options.response, "", stations, opener, report)
    run = select_results(store, options.associator or None).run
    if not run:
        raise InputError(f"store {options.store!r} has no picks to measure amplitudes at")
    measurer = StoreMeasurer(store, run, responses, archive=options.archive or "")
    made = measurer.measure(report)
    flags = "".join(f"; {reason}: {count:,}" for reason, count in made.flags.items())
    report(
        f"amplitudes {made.amplitudes}: {made.picks:,} picks of {made.measured:,} station-days, "
        f"{made.unchanged:,} unchanged, {made.failed:,} failed{flags}"
    )
    for reason, count in list(made.reasons.items())[:_SHOWN]:
        report(f"failed, {count:,}: {reason}")


@app.command("laws")
def laws(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON on stdout.")] = False,
) -> None:
    """List the magnitude laws with their range of distances and source."""
    from epicat.magnitude.laws import laws as all_laws

    if as_json:
        typer.echo(json.dumps([asdict(law) for law in all_laws()]))
        return
    for law in all_laws():
        typer.echo(f"{law.name}: {law.region}")
        typer.echo(f"  -log10(A0) = {law.formula}")
        typer.echo(f"  {law.component}, {law.distance} distance, {law.range_text}; {law.source}")


@app.command("corrections")
@takes(MagnitudesOptions, file=False)
def station_corrections(
    given: Values,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Output file, .json.")
    ] = Path("corrections.json"),
) -> None:
    """Compute station corrections from the events of a store, for `--corrections`."""
    found = _opened(make_options(MagnitudesOptions, given), None).corrections()
    found.write(output)
    report(f"corrections {found.digest} of {len(found.stations)} stations written to {output}")


def _opened(options: MagnitudesOptions, corrections: Path | None) -> StoreMagnitudes:
    from epicat.magnitude.corrections import Corrections
    from epicat.pipeline.store_tasks.magnitude_store import StoreMagnitudes
    from epicat.store.open import open_store

    return StoreMagnitudes(
        open_store(options.store),
        options.magnitude,
        associator=options.associator or None,
        location=options.location or None,
        corrections=Corrections.read(corrections) if corrections else None,
        site_radius_m=options.site_radius_m,
    )
