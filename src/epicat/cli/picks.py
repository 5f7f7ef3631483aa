"""``epicat picks``: picks that were made elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from epicat.campaign.options import StoreOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.cli.messages import report

__all__ = ["app"]

app = typer.Typer(help="Bring picks into a store.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep the name of the one command: Typer would leave it out."""


@app.command("import")
@takes(StoreOptions, file=False)
def import_picks(
    given: Values,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Picks in CSV or Parquet.")],
    as_json: Annotated[bool, typer.Option("--json", help="Summary as JSON on stdout.")] = False,
) -> None:
    """Put the picks of a file into a store, made if it is not there, as a run of their own.

    Columns: trace_id or station (NET.STA or NET.STA.LOC), phase, time, and if there confidence
    or probability, and channel.  The same file again changes nothing.
    """
    from epicat.pipeline.import_picks import import_picks as put
    from epicat.store.open import open_store

    made = put(file, open_store(make_options(StoreOptions, given).store, create=True))
    if as_json:
        counts = {"picks": made.picks, "duplicates": made.duplicates, "is_new": made.is_new,
                  "station_days": made.station_days}  # fmt: skip
        typer.echo(json.dumps({"run": made.run.digest, **counts}))
        return
    repeats = f", {made.duplicates:,} repeated rows dropped" if made.duplicates else ""
    again = "" if made.is_new else "; the store had them all"
    report(f"{made.picks:,} picks of {made.station_days:,} station-days{repeats}{again}")
    if "confidence" not in made.run.columns:
        report("no column confidence or probability: taken as 1")
    report(f"run {made.run.digest}")
