"""Do a plan on this machine, and show how far it is on stderr."""

from __future__ import annotations

import json
import os
import time
import warnings
from typing import TYPE_CHECKING, Any, Self

import typer

from epicat.cli.quality_options import told_flags

if TYPE_CHECKING:
    from epicat.campaign.campaign import Campaign
    from epicat.pipeline.plan import Unit
    from epicat.pipeline.runner import Plan, Summary
    from epicat.pipeline.worker import Outcome
    from epicat.store.base import Store

__all__ = ["do", "say", "warnings_as_talk"]


def do(
    campaign: Campaign,
    plan: Plan,
    store: Store,
    workers: int | None,
    *,
    begin: float,
    as_json: bool,
) -> None:
    """Do a plan with a process on each core, or as many as asked for; leave with 1 if it failed.

    ``begin`` is when the command began, by the monotonic clock.
    """
    from epicat.pipeline.process_pool import Pool
    from epicat.pipeline.runner import run

    say(_described(plan))
    with _Progress(plan) as progress:
        made = run(
            campaign,
            plan,
            store,
            lambda: Pool(campaign, workers or len(os.sched_getaffinity(0))),
            progress,
        )
    seconds = time.monotonic() - begin
    if as_json:
        designs = {"run": campaign.run.digest, "associator": campaign.design.digest}
        typer.echo(json.dumps({**designs, **_counted(made, plan, seconds)}))
    elif not plan.is_empty:
        _report(made, plan, seconds)
    if made.has_failures:
        raise typer.Exit(1)


def say(text: str) -> None:
    """Tell a person something: on stderr, since stdout is for data."""
    typer.echo(text, err=True)


class warnings_as_talk(warnings.catch_warnings):  # noqa: N801 - a context manager, used as one
    """Show warnings as lines for a person, without the place in the code."""

    def __enter__(self) -> None:
        super().__enter__()
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_, **__: say(f"warning: {message}")


def _described(plan: Plan) -> str:
    due = plan.station_days - plan.done_before
    blocks = sum(len(unit.keys) for unit in plan.associating)
    days = f"{plan.station_days} station-days and their " if plan.station_days else ""
    if plan.is_empty:
        return f"nothing to do: all {days}blocks are done"
    if not plan.station_days:
        return f"{blocks} blocks to associate"
    return (
        f"{plan.station_days} station-days, {plan.done_before} done before, {due} to pick; "
        f"{blocks} blocks to associate"
    )


class _Progress:
    """Bars on a terminal, a line now and then elsewhere: the runner's `Listener`."""

    def __init__(self, plan: Plan) -> None:
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
        self._counts = {"pick": 0, "associate": 0}
        self._found = {"pick": 0, "associate": 0}
        self._tasks: dict[str, Any] = {}
        if plan.station_days:
            self._add("pick", "picking", plan.picking)
        self._add("associate", "associating", plan.associating)

    def _add(self, stage: str, words: str, units: tuple[Unit, ...]) -> None:
        total = sum(len(unit.keys) for unit in units)
        self._tasks[stage] = self._bars.add_task(words, total=total, rate="", found="")

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def planned(self, plan: Plan) -> None:
        """Told at the start; the bars are there already."""
        del plan

    def finished(self, outcome: Outcome) -> None:
        """Move the bar of the unit's stage."""
        stage = outcome.unit.stage.value
        self._counts[stage] += len(outcome.unit.keys)
        self._found[stage] += outcome.found
        rate = self._counts[stage] / max(time.monotonic() - self._begin, 1e-3)
        words = ("station-days/s", "picks") if stage == "pick" else ("blocks/s", "events")
        self._bars.update(
            self._tasks[stage],
            advance=len(outcome.unit.keys),
            rate=f"{rate:.2f} {words[0]},",
            found=f"{self._found[stage]:,} {words[1]}",
        )


def _counted(made: Summary, plan: Plan, seconds: float) -> dict[str, Any]:
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


def _report(made: Summary, plan: Plan, seconds: float) -> None:
    for failure in made.failures:
        say(f"failed: {failure}")
    days = ", ".join(f"{count} {name}" for name, count in sorted(made.station_days.items()))
    picks = f"{made.picks:,} picks ({days or 'no station-day was due'}) and "
    say(f"{picks if plan.station_days else ''}{made.events:,} events in {seconds:.1f} s")
    if made.flags:
        say(f"quality control: {told_flags(made.flags, made.rejected)}")
    if set(made.station_days) == {"no data"}:
        say("no station had data: is this the right --archive, --layout and span?")
    if made.has_failures:
        say("some of it failed: see `epicat status`; the same command tries it again")
