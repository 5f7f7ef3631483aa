"""``epicat associate``: events from the picks that a store has."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from epicat.campaign.options import AssociationOptions
from epicat.campaign.parse import Values, asked
from epicat.cli.campaign_args import takes
from epicat.cli.progress import do, say, warnings_as_talk

__all__ = ["associate"]


@takes(AssociationOptions, without=("stations_per_unit", "days_per_unit"))
def associate(
    given: Values,
    as_json: Annotated[bool, typer.Option("--json", help="Summary as JSON on stdout.")] = False,
) -> None:
    """Associate picks that the store has, at the store's stations inside EXTENT, into events.

    The picks are those of a run of `run`, or of a file that `picks import` brought.  Nothing is
    picked.  Other settings are another associator, whose events live beside the others'.
    """
    options = asked(AssociationOptions, given)
    from epicat.campaign.resolve import resolve_association
    from epicat.pipeline.runner import make_plan
    from epicat.store.open import open_store

    begin = time.monotonic()
    opened = open_store(options.store)
    with warnings_as_talk():
        campaign = resolve_association(options, opened, say)
    if campaign.span != options.span:
        say("START and END are widened to whole UTC days")
    plan = make_plan(campaign, options.partition, opened, recheck=False)
    say(f"run {campaign.run.digest}, associator {campaign.design.digest}")
    say(campaign.design.described())
    do(campaign, plan, opened, options.partition.workers, begin=begin, as_json=as_json)
