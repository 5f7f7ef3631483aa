"""``epicat associate``: events from the picks of a store."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from epicat.campaign.options import AssociationOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.cli.messages import report, warnings_as_messages
from epicat.cli.progress import report_next_steps, run_campaign
from epicat.cli.short_help import COMMON

__all__ = ["associate"]


@takes(AssociationOptions, without=("stations_per_unit", "days_per_unit"), common=COMMON)
def associate(
    given: Values,
    as_json: Annotated[bool, typer.Option("--json", help="Summary as JSON on stdout.")] = False,
    explain: Annotated[
        str,
        typer.Option(
            metavar="EVENT|TIME",
            help="Write nothing; say which picks were near an event or a UTC time, which joined "
            "and why others did not.",
        ),
    ] = "",
) -> None:
    """Associate the picks of a store at its stations inside EXTENT into events.

    The picks were made by `run` or imported by `picks import`.  Different settings are a different
    associator, whose events are stored in addition to those of others.
    """
    options = make_options(AssociationOptions, given)
    from epicat.campaign.resolve import resolve_association
    from epicat.store.open import open_store

    begin = time.monotonic()
    opened = open_store(options.store)
    with warnings_as_messages():
        campaign = resolve_association(options, opened, report, compare=not explain)
    if explain:
        for contradiction in campaign.design.contradictions():
            report(f"warning: {contradiction}")
        from epicat.pipeline.store_tasks.explain import explain as lines_about

        for line in lines_about(campaign, opened, explain):
            typer.echo(line)
        return
    run_campaign(campaign, options, opened, begin=begin, as_json=as_json)
    if not as_json:
        report_next_steps(options.store)
