"""Run a plan with a progress display on stderr."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import typer

from epicat.cli.messages import format_flags, report
from epicat.model import Stage

if TYPE_CHECKING:
    from epicat.campaign.campaign import Campaign
    from epicat.campaign.options import AssociationOptions, CampaignOptions
    from epicat.model import Span
    from epicat.pipeline.executors import Executor
    from epicat.pipeline.outcome import Outcome
    from epicat.pipeline.process_pool import Pool
    from epicat.pipeline.runner import Plan, Summary
    from epicat.pipeline.stream import StreamedPlan
    from epicat.store.base import Store

__all__ = ["progress_of", "report_campaign", "run_campaign", "run_streamed"]

_EARLY = 20
"""Station-days after which a run without any data is reported."""


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

    report_campaign(campaign, options.span)
    plan = make_plan(campaign, options.partition, store, recheck=recheck)
    workers = options.partition.workers
    _show_run(
        plan,
        lambda progress: run_plan(campaign, plan, store, progress, workers=workers, pool=pool),
        campaign=campaign, begin=begin, as_json=as_json,
    )  # fmt: skip


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

    _show_run(
        plan,
        lambda progress: run(campaign, plan, store, make_executor, progress),
        campaign=campaign, begin=begin, as_json=as_json,
    )  # fmt: skip


def _show_run(
    plan: Plan | StreamedPlan,
    run: Callable[[_Progress], Summary],
    *,
    campaign: Campaign,
    begin: float,
    as_json: bool,
) -> None:
    """Run a plan with a progress display, and show its summary."""
    report(_described(plan))
    with _Progress(plan) as progress:
        made = run(progress)
    seconds = time.monotonic() - begin
    if as_json:
        designs = {"run": campaign.run.digest, "associator": campaign.design.digest}
        typer.echo(json.dumps({**designs, **_counted(made, plan, seconds)}))
    elif not plan.is_empty:
        _report_summary(made, plan, seconds)
    if made.is_without_data and not plan.done_before:
        report(_without_data(made.station_days, campaign))
    if made.has_failures or (made.is_without_data and not plan.done_before):
        raise typer.Exit(1)


def report_campaign(campaign: Campaign, span: Span) -> None:
    """Report the digests of a campaign, how it associates, and whether ``span`` was widened."""
    from epicat.store.catalogs import default_name

    if campaign.span != span:
        report("START and END are widened to whole UTC days")
    name = campaign.name or default_name(campaign.run.model_dump(mode="json"))
    report(f"catalog {name} (run {campaign.run.digest}, associator {campaign.design.digest})")
    for text in campaign.design.report():
        report(text)


def _described(plan: Plan | StreamedPlan) -> str:
    due = plan.station_days - plan.done_before
    blocks = plan.n_keys(Stage.ASSOCIATE)
    days = f"{plan.station_days} station-days and their " if plan.station_days else ""
    if plan.is_empty:
        return f"nothing to do: all {days}blocks are done"
    if not plan.station_days:
        return f"{blocks} blocks to associate"
    return (
        f"{plan.station_days} station-days, {plan.done_before} already done, {due} to pick; "
        f"{blocks} blocks to associate"
    )


def progress_of(plan: Plan) -> _Progress:
    """Return a progress display of a plan, to be entered."""
    return _Progress(plan)


class _Progress:
    """A listener with bars on a terminal, and occasional lines elsewhere."""

    def __init__(self, plan: Plan | StreamedPlan) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._bars = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]} {task.fields[found]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=plan.is_empty,
        )
        self._begin = time.monotonic()
        self._done_before = plan.done_before
        self._statuses: Counter[str] = Counter()
        self._has_warned = False
        self._counts = {"pick": 0, "associate": 0}
        self._found = {"pick": 0, "associate": 0}
        self._tasks: dict[str, Any] = {}
        if plan.station_days:
            self._add("pick", "picking", plan.n_keys(Stage.PICK))
        if plan.n_keys(Stage.ASSOCIATE) or not plan.n_keys(Stage.PICK):
            self._add("associate", "associating", plan.n_keys(Stage.ASSOCIATE))

    def _add(self, stage: str, words: str, total: int) -> None:
        self._tasks[stage] = self._bars.add_task(words, total=total, rate="", found="")

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def planned(self, plan: Plan | StreamedPlan) -> None:
        """Ignore the plan: the bars are already shown."""
        del plan

    def finished(self, outcome: Outcome) -> None:
        """Advance the bar of the unit's stage."""
        self._warn_without_data(outcome)
        stage = outcome.unit.stage.value
        self._counts[stage] += len(outcome.unit.keys)
        self._found[stage] += outcome.n_rows
        rate = self._counts[stage] / max(time.monotonic() - self._begin, 1e-3)
        words = ("station-days/s", "picks") if stage == "pick" else ("blocks/s", "events")
        self._bars.update(
            self._tasks[stage],
            advance=len(outcome.unit.keys),
            rate=f"{rate:.2f} {words[0]},",
            found=f"{self._found[stage]:,} {words[1]}",
        )

    def _warn_without_data(self, outcome: Outcome) -> None:
        """Report once, early in a campaign, that no station-day has data."""
        from epicat.pipeline.runner import is_without_data

        if outcome.unit.stage == Stage.PICK:
            self._statuses.update(outcome.statuses)
        if self._statuses.total() >= _EARLY and not self._has_warned:
            self._has_warned = True
            if is_without_data(self._statuses) and not self._done_before:
                report(_without_data(self._statuses))


def _without_data(counts: Counter[str], campaign: Campaign | None = None) -> str:
    """Return the message for a run without any data."""
    from epicat.model import Status
    from epicat.pipeline.read_day import where_looked

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
