"""``epicat work``: one unit of a submission, as a job does it."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from epicat.cli.progress import say
from epicat.errors import AwayError, StoreError

if TYPE_CHECKING:
    from epicat.campaign.campaign import Campaign
    from epicat.pipeline.plan import Unit
    from epicat.pipeline.worker import Outcome

__all__ = ["work"]

_TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits.h; the job definitions try again upon it."""


def work(
    plan: Annotated[
        str, typer.Option(metavar="MANIFEST", help="Manifest of units: s3://BUCKET/.../NAME.units.")
    ],
    index: Annotated[
        int,
        typer.Option(min=0, envvar="AWS_BATCH_JOB_ARRAY_INDEX", help="Which unit of the manifest."),
    ] = 0,
    attempt: Annotated[
        int, typer.Option(min=1, envvar="AWS_BATCH_JOB_ATTEMPT", help="Which attempt this is.")
    ] = 1,
    tries: Annotated[
        int, typer.Option(min=1, envvar="EPICAT_TRIES", help="The attempt that is the last.")
    ] = 3,
    allow_missing: Annotated[
        bool,
        typer.Option(
            "--allow-missing/--strict",
            help="Whether a last try that fails is recorded and leaves with 0, so that what "
            "depends on it goes on with what there is.",
        ),
    ] = True,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    time_limit: Annotated[
        float | None, typer.Option(min=1.0, help="Seconds after which the unit has failed.")
    ] = None,
) -> None:
    """Do one unit of a submission; its outcome is a line of JSON on stdout.

    Jobs on a cluster or in a cloud run this.  Trouble with data is kept in the ledger and leaves
    with 0.  A unit that fails otherwise, or is interrupted, leaves with 75 for another attempt;
    one that fails at the last is recorded as failed.
    """
    from epicat.pipeline.process_pool import Pool
    from epicat.pipeline.single_unit import do_alone
    from epicat.pipeline.submission import Submission

    submission, name = Submission.holding(plan)
    is_last = attempt >= tries
    try:
        unit = submission.unit(name, index)
        campaign = submission.campaign()
        say(f"{unit.name}; attempt {attempt} of {tries}")
        outcomes = do_alone(unit, Pool(campaign, workers), workers, time_limit)
        typer.echo(json.dumps(_counted(unit, outcomes)))
        failed = [outcome for outcome in outcomes if outcome.failure]
        for outcome in failed:
            say(f"{outcome.unit.name} failed: {outcome.failure}")
        if failed and is_last:
            _record(campaign, failed)
    except (AwayError, StoreError) as error:
        if is_last:
            raise
        say(f"epicat: {error}")
        raise typer.Exit(_TRY_AGAIN) from error
    except KeyboardInterrupt as interrupt:  # SIGTERM as well: a Spot interruption
        say("epicat: interrupted; what is done is kept, another attempt does the rest")
        raise typer.Exit(_TRY_AGAIN) from interrupt
    if failed and not (is_last and allow_missing):
        raise typer.Exit(1 if is_last else _TRY_AGAIN)


def _counted(unit: Unit, outcomes: list[Outcome]) -> dict[str, object]:
    statuses: Counter[str] = Counter()
    for outcome in outcomes:
        statuses.update(outcome.statuses)
    return {
        "unit": unit.name,
        "stage": unit.stage.value,
        "keys": len(unit.keys),
        "statuses": statuses,
        "unchanged": sum(outcome.unchanged for outcome in outcomes),
        "found": sum(outcome.found for outcome in outcomes),
        "seconds": round(max(outcome.seconds for outcome in outcomes), 3),
        "failures": [outcome.failure for outcome in outcomes if outcome.failure],
    }


def _record(campaign: Campaign, failed: list[Outcome]) -> None:
    """Keep in the ledger what failed, so that the next submission finds it due."""
    from epicat.pipeline.runner import mark_failed
    from epicat.store.open import open_store

    store = open_store(campaign.store)
    for outcome in failed:
        mark_failed(store, campaign, outcome)
