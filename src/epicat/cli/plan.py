"""``epicat plan``: the work that a run would do."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from epicat.campaign.options import CampaignOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.cli.messages import report
from epicat.cli.picker_download import prepare_with_progress
from epicat.cli.run import Recheck
from epicat.cli.short_help import COMMON

__all__ = ["plan"]


@takes(CampaignOptions, common=COMMON)
def plan(
    given: Values,
    recheck: Recheck = False,
    as_json: Annotated[bool, typer.Option("--json", help="Units as JSON lines.")] = False,
) -> None:
    """Show the units of work that `run` would do with the same arguments; write nothing."""
    options = make_options(CampaignOptions, given)
    from epicat.campaign.resolve import resolve
    from epicat.pipeline.runner import make_plan
    from epicat.store.open import find_store

    campaign = resolve(options, report, prepare_with_progress)
    plan = make_plan(campaign, options.partition, find_store(options.store), recheck=recheck)
    if not as_json:
        for text in campaign.design.report():
            report(text)
        report(
            f"{plan.station_days} station-days, {plan.done_before} already done; "
            f"{len(plan.picking)} units of picking, {len(plan.associating)} of association"
        )
    for unit in (*plan.picking, *plan.associating):
        if as_json:
            needs = [unit.needs.start_ns, unit.needs.end_ns] if unit.needs else None
            line = {"stage": unit.stage.value, "keys": unit.keys, "needs": needs}
            typer.echo(json.dumps(line))
        else:
            typer.echo(unit.name)
