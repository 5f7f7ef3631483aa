"""``epicat run``: waveforms to a catalog, on this machine."""

from __future__ import annotations

import json
import os
import time
import warnings
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from epicat.cli import options as o

if TYPE_CHECKING:
    from epicat.plan import Unit
    from epicat.run.runner import Planned, Summary
    from epicat.work import Outcome

__all__ = ["run"]


def run(
    start: o.Start,
    end: o.End,
    extent: o.ExtentText,
    archive: o.Archive,
    layout: o.Layout,
    stations: o.Stations,
    store: o.StoreText,
    select: o.Select = None,
    exclude: o.Exclude = None,
    model: o.Model = "PhaseNet",
    weight: o.Weight = "original",
    p_threshold: o.PThreshold = None,
    s_threshold: o.SThreshold = None,
    recheck: o.Recheck = False,
    velocity: o.Velocity = None,
    velocity_layers: o.VelocityLayers = "gradient",
    p_velocity: o.PVelocity = None,
    s_velocity: o.SVelocity = None,
    min_depth: o.MinDepth = None,
    max_depth: o.MaxDepth = None,
    margin: o.Margin = None,
    site_radius: o.SiteRadius = 100.0,
    block_hours: o.BlockHours = 6.0,
    halo: o.Halo = None,
    views: o.Views = True,
    pyocto: o.PyOcto = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; default: one for each core.")
    ] = None,
    stations_per_unit: o.StationsPerUnit = 1,
    days_per_unit: o.DaysPerUnit = 10,
    window_days: o.WindowDays = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Summary as JSON on stdout.")] = False,
) -> None:
    """Pick the stations inside EXTENT and associate the picks into events.

    Results go to the store as they are made.  Running the same command again does only what
    is missing; it goes on after Ctrl-C or a crash.  Whole UTC days are processed.
    """
    asked = o.gather(dict(locals()))
    from epicat.config import Cut, settle  # noqa: PLC0415 - heavy
    from epicat.run.pool import Pool  # noqa: PLC0415
    from epicat.run.runner import make_plan  # noqa: PLC0415
    from epicat.run.runner import run as run_plan  # noqa: PLC0415
    from epicat.store.open import open_store  # noqa: PLC0415

    begin = time.monotonic()
    cut = Cut(
        stations_per_unit=stations_per_unit, days_per_unit=days_per_unit, window_days=window_days
    )
    with _warnings_as_talk():
        campaign = settle(asked, _say)
    if campaign.span != asked.span:
        _say("START and END are widened to whole UTC days")
    opened = open_store(store, create=True)
    planned = make_plan(campaign, cut, opened, recheck=recheck)
    _say(f"run {campaign.run.digest}, associator {campaign.design.digest}")
    _say(campaign.design.described())
    _say(_described(planned))
    with _Progress(planned) as progress:
        made = run_plan(
            campaign,
            planned,
            opened,
            lambda: Pool(campaign, workers or len(os.sched_getaffinity(0))),
            progress,
        )
    seconds = time.monotonic() - begin
    if as_json:
        designs = {"run": campaign.run.digest, "associator": campaign.design.digest}
        typer.echo(json.dumps({**designs, **_counted(made, planned, seconds)}))
    elif not planned.is_empty:
        _report(made, seconds)
    if made.has_failures:
        raise typer.Exit(1)


def _say(text: str) -> None:
    typer.echo(text, err=True)


class _warnings_as_talk(warnings.catch_warnings):  # noqa: N801 - a context manager, used as one
    """Show warnings as lines for a person, without the place in the code."""

    def __enter__(self) -> None:
        super().__enter__()
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_, **__: _say(f"warning: {message}")


def _described(planned: Planned) -> str:
    due = planned.station_days - planned.done_before
    blocks = sum(len(unit.keys) for unit in planned.associating)
    if planned.is_empty:
        return f"nothing to do: all {planned.station_days} station-days and their blocks are done"
    return (
        f"{planned.station_days} station-days, {planned.done_before} done before, {due} to pick; "
        f"{blocks} blocks to associate"
    )


class _Progress:
    """Bars on a terminal, a line now and then elsewhere: the runner's `Listener`."""

    def __init__(self, planned: Planned) -> None:
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import (  # noqa: PLC0415
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
            disable=planned.is_empty,
        )
        self._begin = time.monotonic()
        self._counts = {"pick": 0, "associate": 0}
        self._found = {"pick": 0, "associate": 0}
        self._tasks: dict[str, Any] = {}
        self._add("pick", "picking", planned.picking)
        self._add("associate", "associating", planned.associating)

    def _add(self, stage: str, words: str, units: tuple[Unit, ...]) -> None:
        total = sum(len(unit.keys) for unit in units)
        self._tasks[stage] = self._bars.add_task(words, total=total, rate="", found="")

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def planned(self, planned: Planned) -> None:
        """Told at the start; the bars are there already."""
        del planned

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


def _counted(made: Summary, planned: Planned, seconds: float) -> dict[str, Any]:
    return {
        "seconds": round(seconds, 3),
        "done_before": planned.done_before,
        "station_days": dict(made.station_days),
        "blocks": dict(made.blocks),
        "unchanged": made.unchanged,
        "picks": made.picks,
        "events": made.events,
        "failures": made.failures,
    }


def _report(made: Summary, seconds: float) -> None:
    for failure in made.failures:
        _say(f"failed: {failure}")
    days = ", ".join(f"{count} {name}" for name, count in sorted(made.station_days.items()))
    _say(
        f"{made.picks:,} picks ({days or 'no station-day was due'}) and {made.events:,} events "
        f"in {seconds:.1f} s"
    )
    if set(made.station_days) == {"no data"}:
        _say("no station had data: is this the right --archive, --layout and span?")
    if made.has_failures:
        _say("some of it failed: see `epicat status`; the same command tries it again")
