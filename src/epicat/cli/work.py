"""``epicat work``: run one unit of a submission, in a job."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from epicat.cli.messages import report
from epicat.errors import AwayError, StoreError

if TYPE_CHECKING:
    from epicat.campaign.campaign import Campaign
    from epicat.pipeline.outcome import Outcome
    from epicat.pipeline.plan import Unit

__all__ = ["work"]

_RETRY = 75
"""EX_TEMPFAIL of sysexits.h; the job definitions retry on it."""


_Plan = Annotated[
    str, typer.Option(metavar="MANIFEST", help="Manifest of units: s3://BUCKET/.../NAME.units.")
]
_Index = Annotated[
    int,
    typer.Option(
        min=0, envvar="AWS_BATCH_JOB_ARRAY_INDEX", help="Index of the unit in the manifest."
    ),
]
_Attempt = Annotated[
    int, typer.Option(min=1, envvar="AWS_BATCH_JOB_ATTEMPT", help="Number of this attempt.")
]
_Tries = Annotated[
    int, typer.Option(min=1, envvar="EPICAT_TRIES", help="Number of the last attempt.")
]
_AllowMissing = Annotated[
    bool,
    typer.Option(
        "--allow-missing/--strict",
        help="Whether a failure of the last attempt is recorded with exit status 0, so that "
        "dependent jobs run with the results that exist.",
    ),
]
_Workers = Annotated[int, typer.Option(min=1, help="Worker processes.")]
_TimeLimit = Annotated[float | None, typer.Option(min=1.0, help="Timeout of the unit in seconds.")]


def work(
    plan: _Plan,
    index: _Index = 0,
    attempt: _Attempt = 1,
    tries: _Tries = 3,
    allow_missing: _AllowMissing = True,
    workers: _Workers = 1,
    time_limit: _TimeLimit = None,
) -> None:
    """Run one unit of a submission and print its outcome as JSON.

    Jobs on a cluster or in a cloud run this.  Problems with data are recorded in the ledger, with
    exit status 0.  A unit that fails otherwise or is interrupted exits with status 75 for another
    attempt; if the last attempt fails, it is recorded as failed.
    """
    from epicat.pipeline.jobs.submission import Submission
    from epicat.pipeline.process_pool import Pool
    from epicat.pipeline.single_unit import run_unit

    submission, name = Submission.from_manifest(plan)
    is_last = attempt >= tries
    try:
        unit = submission.unit(name, index)
        campaign = submission.campaign()
        report(f"{unit.name}; attempt {attempt} of {tries}")
        outcomes = run_unit(unit, Pool(campaign, workers), workers, time_limit)
        typer.echo(json.dumps(_counted(unit, outcomes)))
        failed = [outcome for outcome in outcomes if outcome.failure]
        for outcome in failed:
            report(f"{outcome.unit.name} failed: {outcome.failure}")
        if failed and is_last:
            _record(campaign, failed)
    except (AwayError, StoreError) as error:
        if is_last:
            raise
        report(f"epicat: {error}")
        raise typer.Exit(_RETRY) from error
    except KeyboardInterrupt as interrupt:  # SIGTERM as well: a Spot interruption
        report("epicat: interrupted; finished work is kept, another attempt does the rest")
        raise typer.Exit(_RETRY) from interrupt
    if failed and not (is_last and allow_missing):
        raise typer.Exit(1 if is_last else _RETRY)


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
        "found": sum(outcome.n_rows for outcome in outcomes),
        "seconds": round(max(outcome.seconds for outcome in outcomes), 3),
        "failures": [outcome.failure for outcome in outcomes if outcome.failure],
    }


def _record(campaign: Campaign, failed: list[Outcome]) -> None:
    """Record failures in the ledger, so that the next submission retries them."""
    from epicat.pipeline.runner import mark_failed
    from epicat.store.open import open_store

    store = open_store(campaign.store)
    for outcome in failed:
        mark_failed(store, campaign, outcome)
