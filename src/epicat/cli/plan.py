"""``epicat plan``: the work that a run would do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from epicat.campaign.options import CampaignOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.cli.messages import counted, report
from epicat.cli.picker_download import prepare_with_progress
from epicat.cli.run import Recheck
from epicat.cli.short_help import COMMON
from epicat.errors import InputError

__all__ = ["plan"]


@takes(CampaignOptions, common=COMMON)
def plan(
    given: Values,
    recheck: Recheck = False,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Write the units as arrays of jobs, for a workflow engine that runs "
            "`epicat work`: manifests and arrays.json.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Units as JSON lines.")] = False,
) -> None:
    """Show the units of work that `run` would do with the same arguments, or write them.

    Nothing is written without --to.
    """
    options = make_options(CampaignOptions, given)
    if to is not None:
        _write(options, to, recheck=recheck, as_json=as_json)
        return
    from epicat.campaign.resolve import resolve
    from epicat.pipeline.runner import make_plan
    from epicat.store.open import find_store

    campaign = resolve(options, report, prepare_with_progress)
    plan = make_plan(campaign, options.partition, find_store(options.store), recheck=recheck)
    if not as_json:
        for text in campaign.design.report():
            report(text)
        report(
            f"{counted(plan.station_days, 'station-day')}, {plan.done_before} already done; "
            f"{counted(len(plan.picking), 'unit')} of picking, "
            f"{len(plan.associating)} of association"
        )
    for unit in (*plan.picking, *plan.associating):
        if as_json:
            needs = [unit.needs.start_ns, unit.needs.end_ns] if unit.needs else None
            line = {"stage": unit.stage.value, "keys": unit.keys, "needs": needs}
            typer.echo(json.dumps(line))
        else:
            typer.echo(unit.name)


def _write(options: CampaignOptions, folder: str, *, recheck: bool, as_json: bool) -> None:
    """Write a plan to a folder, and record the run in the store."""
    from epicat.campaign.resolve import resolve
    from epicat.pipeline.jobs.job_arrays import plan_job_arrays
    from epicat.pipeline.jobs.submission import Submission, with_absolute_paths
    from epicat.pipeline.ledger_view import LedgerView
    from epicat.pipeline.runner import write_records
    from epicat.store.open import open_store

    submission = Submission(folder if ":" in folder else str(Path(folder).absolute()))
    if submission.has_campaign():
        raise InputError(f"--to {folder!r}: the folder has a plan already; give another folder")
    campaign = with_absolute_paths(resolve(options, report, prepare_with_progress))
    store = open_store(campaign.store, create=True)
    ledger = LedgerView.from_store(store, campaign)
    write_records(campaign, store)
    submission.write_campaign(campaign)
    arrays = plan_job_arrays(campaign, options.partition, ledger, recheck=recheck)
    written = submission.write_arrays(arrays)
    units = sum(array["units"] for array in written)
    report(f"{len(written):,} arrays with {units:,} units, each for `epicat work`")
    typer.echo(json.dumps({"arrays": written}) if as_json else submission.location)
