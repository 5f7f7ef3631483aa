"""``epicat associate``: events from the picks that a store has."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from epicat.cli import options as o
from epicat.cli import quality as q
from epicat.cli.progress import do, say, warnings_as_talk

__all__ = ["associate"]


def associate(
    start: o.Start,
    end: o.End,
    extent: o.ExtentText,
    store: o.StoreText,
    design: Annotated[
        str | None,
        typer.Option("--run", help="Beginning of the run's digest; needed if there are several."),
    ] = None,
    select: o.Select = None,
    exclude: o.Exclude = None,
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
    max_picks_per_hour: q.MaxPicksPerHour = None,
    max_picks_per_day: q.MaxPicksPerDay = None,
    min_stations: q.MinStations = None,
    max_gap: q.MaxGap = None,
    max_rms: q.MaxRms = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; default: one for each core.")
    ] = None,
    window_days: o.WindowDays = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Summary as JSON on stdout.")] = False,
) -> None:
    """Associate picks that the store has, at the store's stations inside EXTENT, into events.

    The picks are those of a run of `run`, or of a file that `picks import` brought.  Nothing is
    picked.  Other settings are another associator, whose events live beside the others'.
    """
    asked = o.gather_association(dict(locals()))
    from epicat.config import Cut  # noqa: PLC0415 - heavy
    from epicat.run.runner import make_plan  # noqa: PLC0415
    from epicat.store.open import open_store  # noqa: PLC0415
    from epicat.stored import settle_association  # noqa: PLC0415

    begin = time.monotonic()
    opened = open_store(store)
    with warnings_as_talk():
        campaign = settle_association(asked, opened, say)
    if campaign.span != asked.span:
        say("START and END are widened to whole UTC days")
    planned = make_plan(campaign, Cut(window_days=window_days), opened, recheck=False)
    say(f"run {campaign.run.digest}, associator {campaign.design.digest}")
    say(campaign.design.described())
    do(campaign, planned, opened, workers, begin=begin, as_json=as_json)
