"""``epicat runs``: the catalogs of a store."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from epicat.campaign.options import StoreOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli import cloud_options as o
from epicat.cli.campaign_args import takes
from epicat.cli.messages import aligned, report

if TYPE_CHECKING:
    from epicat.catalog.overview import CatalogSummary

__all__ = ["runs"]

_DIGITS = 8
"""Digits of a digest in the table: more than tell the results of a store apart."""
_HEADER = ("name", "first day", "last day", "station-days", "picks", "events", "made (UTC)",
           "run", "associator")  # fmt: skip


@takes(StoreOptions)
def runs(given: Values, as_json: o.Json = False) -> None:
    """List the catalogs of a store, the newest first: names, dates, counts and digests.

    Other commands take the names for --run.  A catalog has the name that --name of `run` or
    `associate` gave it, or else model, weights and thresholds.
    """
    from epicat.catalog.overview import summarize_catalogs
    from epicat.store.open import open_readable

    opened = open_readable(make_options(StoreOptions, given).store)
    found = summarize_catalogs(opened)
    if as_json:
        typer.echo(json.dumps({"store": opened.location, "catalogs": [*map(asdict, found)]}))
        return
    if not found:
        report("the store is empty")
        return
    for line in aligned(_HEADER, [_row(one) for one in found]):
        typer.echo(line)
    for one in found:
        if one.differs_in:
            typer.echo(f"{one.name}: {one.differs_in}")


def _row(one: CatalogSummary) -> tuple[str, ...]:
    counts = (one.station_days, one.picks, one.events)
    made = one.made[:16].replace("T", " ")
    digests = (one.run[:_DIGITS], one.associator[:_DIGITS] or "-")
    return (one.name, one.first_day or "-", one.last_day or "-",
            *(f"{count:,}" for count in counts), made, *digests)  # fmt: skip
