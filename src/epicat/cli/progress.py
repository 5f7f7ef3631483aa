"""Run a plan with a progress display on stderr."""

from __future__ import annotations

import json
import shlex
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from epicat.cli.messages import counted, format_flags, report, report_next, waiting
from epicat.cli.progress_display import RunProgress
from epicat.ledger import Stage

if TYPE_CHECKING:
    from epicat.campaign.campaign import Campaign
    from epicat.campaign.options import AssociationOptions, CampaignOptions
    from epicat.model import Span
    from epicat.pipeline.executors import Executor
    from epicat.pipeline.process_pool import Pool
    from epicat.pipeline.runner import Plan, Summary
    from epicat.pipeline.stream import StreamedPlan
    from epicat.store.base import Store

__all__ = [
    "progress_of",
    "report_campaign",
    "report_next_steps",
    "run_campaign",
    "run_streamed",
    "warned_if_running",
]


_SHORT = 500
"""Station-days that are tried in seconds, so that they are recorded even if all are empty."""


def run_campaign(
    campaign: Campaign,
    options: CampaignOptions | AssociationOptions,
    store: Store,
    *,
    begin: float,
    pool: Pool | None = None,
    recheck: bool = False,
    as_json: bool = False,
) -> None:
    """Run what is due of a campaign on this machine; exit with status 1 on failures.

    ``begin`` is the start of the command on the monotonic clock; ``pool`` has been assigned the
    campaign.
    """
    from epicat.pipeline.local import run_plan
    from epicat.pipeline.runner import make_plan

    with warned_if_running(store, campaign):
        report_campaign(campaign, options.span)
        plan = make_plan(campaign, options.partition, store, recheck=recheck)
        is_warned = _check_archive(campaign, plan)
        workers = options.partition.workers
        _show_run(
            plan,
            lambda progress: run_plan(campaign, plan, store, progress, workers=workers, pool=pool),
            campaign=campaign, is_warned=is_warned, begin=begin, as_json=as_json,
            kept=_kept(store, campaign),
        )  # fmt: skip


@contextmanager
def warned_if_running(store: Store, campaign: Campaign) -> Iterator[None]:
    """Mark a campaign as being run, and say at once if another process is running it."""
    from epicat.store.lease import held

    with held(store, campaign.identity) as other:
        if other is not None:
            report(
                f"warning: this campaign is already being run by {other}; both do the same work, "
                "and the catalog is correct: Ctrl-C stops this one"
            )
        yield


def _kept(store: Store, campaign: Campaign) -> int:
    """Return how many station-days an interrupted run has finished but not committed."""
    from epicat.store.journal import count_kept

    run = campaign.run.digest

    def committed() -> Iterator[str]:  # the ledger is read only if something is kept
        yield from (entry.key for entry in store.ledger(Stage.PICK, run))

    return count_kept(store, run, committed())


def _check_archive(campaign: Campaign, plan: Plan | StreamedPlan) -> bool:
    """Say at once that the archive has nothing of a new campaign; return whether that was said.

    Raises `ArchiveError` for a long one, whose station-days need not be tried one by one; those of
    a short one are recorded as without data.
    """
    from epicat.errors import ArchiveError
    from epicat.pipeline.first_look import look_at_archive
    from epicat.pipeline.stages.read_day import where_looked

    if campaign.bundle is not None and not plan.station_days:
        raise ArchiveError(_without_stations(campaign))
    if plan.done_before or not plan.n_keys(Stage.PICK):
        return False
    with waiting(f"listing {campaign.archive}"):
        found = look_at_archive(campaign)
    if found.has_objects:
        return False
    which = f"all {found.total:,}" if found.is_complete else f"{found.looked:,} of {found.total:,}"
    text = (
        f"the archive has no object of {which} station-days that were looked for: "
        f"{where_looked(campaign)}; check --archive, --layout, EXTENT and the time range"
    )
    if found.is_complete and found.total > _SHORT:
        raise ArchiveError(text)
    report(f"warning: {text}")
    return True


def _without_stations(campaign: Campaign) -> str:
    """Return the message for days on which no station operates."""
    from epicat.model import EVER
    from epicat.time import iso

    station = campaign.stations[0]
    first, last = (iso(t)[:10] for t in (campaign.span.start_ns, campaign.span.end_ns))
    epochs = ", ".join(
        f"from {iso(e.start_ns)[:10]}"
        + (f" to {iso(e.end_ns)[:10]}" if e.end_ns < EVER.end_ns else "")
        for e in station.epochs
    )
    return (
        f"none of the {len(campaign.stations):,} stations operates between {first} and {last} "
        f"according to the station list ({station.id}: {epochs}); check the time range and "
        "--stations"
    )


def run_streamed(
    campaign: Campaign,
    plan: StreamedPlan,
    store: Store,
    make_executor: Callable[[], Executor],
    *,
    begin: float,
    as_json: bool,
) -> None:
    """Run a streamed plan on an executor; exit with status 1 on failures."""
    from epicat.pipeline.runner import run

    is_warned = _check_archive(campaign, plan)
    _show_run(
        plan,
        lambda progress: run(campaign, plan, store, make_executor, progress),
        campaign=campaign, is_warned=is_warned, begin=begin, as_json=as_json,
    )  # fmt: skip


def _show_run(
    plan: Plan | StreamedPlan,
    run: Callable[[RunProgress], Summary],
    *,
    campaign: Campaign,
    is_warned: bool,
    begin: float,
    as_json: bool,
    kept: int = 0,
) -> None:
    """Run a plan with a progress display, and show its summary.

    ``kept``: station-days that an interrupted run has finished.
    """
    report(_described(plan, kept))
    made = _watched(plan, run, None if is_warned else campaign)
    seconds = time.monotonic() - begin
    if as_json:
        designs = {"run": campaign.run.digest, "associator": campaign.design.digest}
        typer.echo(json.dumps({**designs, **_counted(made, plan, seconds)}))
    elif not plan.is_empty:
        _report_summary(made, plan, seconds)
    if made.is_without_data and not plan.done_before:
        report(_without_data(made.station_days, None if is_warned else campaign))
    if made.has_failures or (made.is_without_data and not plan.done_before):
        raise typer.Exit(1)


def report_next_steps(store: str, *, has_picture: bool = False) -> None:
    """Print what to do with a new catalog, of which there may be a picture already."""
    place = f"--store {shlex.quote(store)}"
    plot = (f"epicat plot {place} -o events.png", "map, depth sections and events over time")
    report_next(
        [
            *([] if has_picture else [plot]),
            (f"epicat view {place}", "events, picks and waveforms in a browser"),
            (f"epicat export {place} -o events.csv", "the catalog as a table"),
            (f"epicat status {place}", "what became of each station-day, with reasons"),
        ]
    )


def _watched(
    plan: Plan | StreamedPlan, run: Callable[[RunProgress], Summary], campaign: Campaign | None
) -> Summary:
    """Run a plan with a progress display; ``campaign`` is that of an early warning, if any."""

    def warn(counts: Counter[str]) -> None:
        if campaign is not None:
            report(_without_data(counts, campaign))

    with RunProgress(plan, warn) as progress:
        return run(progress)


def report_campaign(campaign: Campaign, span: Span) -> None:
    """Report the digests of a campaign, how it associates, and whether ``span`` was widened."""
    from epicat.store.catalogs import default_name

    if campaign.span != span:
        report("START and END are widened to whole UTC days")
    name = campaign.name or default_name(campaign.run.model_dump(mode="json"))
    report(f"catalog {name} (run {campaign.run.digest}, associator {campaign.design.digest})")
    for text in campaign.design.report():
        report(text)


def _described(plan: Plan | StreamedPlan, kept: int) -> str:
    due = plan.station_days - plan.done_before
    blocks = counted(plan.n_keys(Stage.ASSOCIATE), "block")
    station_days = counted(plan.station_days, "station-day")
    days = f"{station_days} and their " if plan.station_days else ""
    if plan.is_empty:
        return f"nothing to do: all {days}blocks are done"
    if not plan.station_days:
        return f"{blocks} to associate"
    again = f" ({kept} of them finished by an interrupted run)" if kept and due else ""
    return (
        f"{station_days}, {plan.done_before} already done, {due} to pick{again}; "
        f"{blocks} to associate"
    )


def progress_of(plan: Plan) -> RunProgress:
    """Return a progress display of a plan, to be entered."""
    return RunProgress(plan, lambda counts: report(_without_data(counts)))


def _without_data(counts: Counter[str], campaign: Campaign | None = None) -> str:
    """Return the message for a run without any data."""
    from epicat.ledger import Status
    from epicat.pipeline.stages.read_day import where_looked

    place = where_looked(campaign) if campaign else ""
    where = f"{place}; " if place else ""

    unread = counts[Status.READ_ERROR.value]
    if unread == counts.total():
        what = f"none of {unread} station-days could be read"
    elif unread:
        what = f"{unread} of {counts.total()} station-days could not be read, all others are empty"
    else:
        what = f"none of {counts.total()} station-days has data"
    advice = "check --archive, --layout and the time range; `epicat status` lists reasons"
    return f"{what}: {where}{advice}"


def _counted(made: Summary, plan: Plan | StreamedPlan, seconds: float) -> dict[str, Any]:
    return {
        "seconds": round(seconds, 3),
        "done_before": plan.done_before,
        "station_days": dict(made.station_days),
        "blocks": dict(made.blocks),
        "unchanged": made.unchanged,
        "picks": made.picks,
        "events": made.events,
        "rejected": made.rejected,
        "flags": dict(sorted(made.flags.items())),
        "failures": made.failures,
    }


def _report_summary(made: Summary, plan: Plan | StreamedPlan, seconds: float) -> None:
    for failure in made.failures:
        report(f"failed: {failure}")
    days = ", ".join(f"{count} {name}" for name, count in sorted(made.station_days.items()))
    picks = f"{made.picks:,} picks ({days or 'no station-day was due'}) and "
    report(f"{picks if plan.station_days else ''}{made.events:,} events in {seconds:.1f} s")
    if made.flags:
        report(f"quality control: {format_flags(made.flags, made.rejected)}")
    if made.has_failures:
        report("some work failed (see `epicat status`); run the same command again to retry")
