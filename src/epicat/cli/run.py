"""``epicat run``: waveforms to a catalog, on this machine or a Dask cluster."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from epicat.campaign.options import CampaignOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.cli.early_pool import pool_for
from epicat.cli.messages import report, waiting, warnings_as_messages
from epicat.cli.picker_download import prepare_with_progress
from epicat.cli.progress import (
    progress_of,
    report_campaign,
    report_next_steps,
    run_campaign,
    run_streamed,
    warned_if_running,
)
from epicat.cli.short_help import COMMON
from epicat.errors import InputError

if TYPE_CHECKING:
    from epicat.campaign.campaign import Campaign
    from epicat.pipeline.process_pool import Pool

__all__ = ["Recheck", "make_catalog", "run"]

Recheck = Annotated[
    bool,
    typer.Option("--recheck", help="Check finished days for changed objects, and repeat those."),
]


_Executor = Annotated[
    Literal["pool", "dask"],
    typer.Option(help="Processes of this machine, or the workers of a Dask cluster."),
]
_Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS|FILE.json",
        help="Scheduler of a running Dask cluster.  Default: a cluster on this machine, with "
        "--workers processes.",
    ),
]


@takes(CampaignOptions, common=COMMON)
def run(
    given: Values,
    recheck: Recheck = False,
    executor: _Executor = "pool",
    scheduler: _Scheduler = None,
    as_json: Annotated[bool, typer.Option("--json", help="Summary as JSON on stdout.")] = False,
) -> None:
    """Pick the stations inside EXTENT and associate the picks into events.

    Results are stored as they are made.  The same command again does only what is missing, so it
    resumes after Ctrl-C or a crash.  Whole UTC days are processed.
    """
    options = make_options(CampaignOptions, given)
    if executor == "dask":
        _run_on_dask(options, scheduler, recheck=recheck, as_json=as_json)
    elif scheduler is not None:
        raise InputError("--scheduler needs --executor dask")
    else:
        make_catalog(options, recheck=recheck, as_json=as_json)
    if not as_json:
        report_next_steps(options.store)


def make_catalog(
    options: CampaignOptions, *, recheck: bool = False, as_json: bool = False
) -> Campaign:
    """Run a campaign on this machine with a progress display; exit with status 1 on failures."""
    from epicat._util.processes import usable_cores

    with pool_for(options.partition.workers or usable_cores()) as pool:
        return _run_in(pool, options, recheck=recheck, as_json=as_json)


def _run_in(pool: Pool, options: CampaignOptions, *, recheck: bool, as_json: bool) -> Campaign:
    from epicat.store.open import open_store

    begin = time.monotonic()
    campaign = _resolved(options)
    store = open_store(options.store, create=True)
    pool.assign(campaign)
    run_campaign(campaign, options, store, begin=begin, pool=pool, recheck=recheck, as_json=as_json)
    return campaign


def _run_on_dask(
    options: CampaignOptions, scheduler: str | None, *, recheck: bool, as_json: bool
) -> None:
    from epicat._util.processes import usable_cores
    from epicat.pipeline.dask.cluster import connected
    from epicat.pipeline.jobs.submission import with_absolute_paths
    from epicat.pipeline.stream import StreamedPlan
    from epicat.store.open import open_store

    begin = time.monotonic()
    workers = options.partition.workers or usable_cores()
    campaign = with_absolute_paths(_resolved(options))
    store = open_store(campaign.store, create=True)
    with warned_if_running(store, campaign), connected(scheduler, workers, report) as cluster:
        report_campaign(campaign, options.span)
        plan = StreamedPlan.from_store(campaign, options.partition, store, recheck=recheck)
        from epicat.pipeline.dask.executor import DaskExecutor

        run_streamed(
            campaign, plan, store, lambda: DaskExecutor(cluster, campaign, report),
            begin=begin, as_json=as_json,
        )  # fmt: skip


def _resolved(options: CampaignOptions) -> Campaign:
    from epicat.association.associate_options import AUTO_VELOCITY
    from epicat.campaign.resolve import resolve
    from epicat.pick.openvino.runtime import check_precision
    from epicat.store.mongo.address import is_mongo
    from epicat.store.open import find_store

    with warnings_as_messages():
        # Fail fast before the slow model compilation.
        check_precision(options.pick.precision)
        if is_mongo(options.store):
            find_store(options.store)
        if options.associate.velocity == AUTO_VELOCITY:
            return _with_fitted_velocity(options)
        with waiting("reading stations and settings"):
            return resolve(options, report, prepare_with_progress)


def _with_fitted_velocity(options: CampaignOptions) -> Campaign:
    """Return the campaign with the velocity model of its store, or fit one to its first days."""
    from epicat._util.processes import usable_cores
    from epicat.campaign.resolve import resolve
    from epicat.pipeline.process_pool import Pool
    from epicat.pipeline.store_tasks.sample_velocity import sample_velocity
    from epicat.store.open import open_store

    settings = options.associate.model_copy(update={"velocity": None})
    start = options.model_copy(update={"associate": settings})
    campaign = resolve(start, report, prepare_with_progress)
    fitted = sample_velocity(
        campaign,
        (settings, options.partition),
        open_store(options.store, create=True),
        lambda part: Pool(part, options.partition.workers or usable_cores()),
        progress_of,
        report,
    )
    return resolve(options, prepare=prepare_with_progress, velocity=fitted.model)
