"""``epicat run``: waveforms to a catalog, on this machine."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from epicat.cli import options as o
from epicat.cli import quality as q
from epicat.cli.progress import do, say, warnings_as_talk

__all__ = ["run"]


def run(
    start: o.Start,
    end: o.End,
    extent: o.ExtentText,
    archive: o.Archive,
    stations: o.Stations,
    store: o.StoreText,
    layout: o.Layout = None,
    archive_region: o.ArchiveRegion = None,
    archive_endpoint: o.ArchiveEndpoint = None,
    archive_signed: o.ArchiveSigned = None,
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
    min_segment: q.MinSegment = None,
    max_gap_share: q.MaxGapShare = None,
    max_dead_share: q.MaxDeadShare = None,
    dead_range: q.DeadRange = None,
    max_clipped_share: q.MaxClippedShare = None,
    max_picks_per_hour: q.MaxPicksPerHour = None,
    max_picks_per_day: q.MaxPicksPerDay = None,
    min_stations: q.MinStations = None,
    max_gap: q.MaxGap = None,
    max_rms: q.MaxRms = None,
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
    from epicat.run.runner import make_plan  # noqa: PLC0415
    from epicat.store.open import open_store  # noqa: PLC0415

    begin = time.monotonic()
    cut = Cut(
        stations_per_unit=stations_per_unit, days_per_unit=days_per_unit, window_days=window_days
    )
    with warnings_as_talk():
        campaign = settle(asked, say)
    if campaign.span != asked.span:
        say("START and END are widened to whole UTC days")
    opened = open_store(store, create=True)
    planned = make_plan(campaign, cut, opened, recheck=recheck)
    say(f"run {campaign.run.digest}, associator {campaign.design.digest}")
    say(campaign.design.described())
    do(campaign, planned, opened, workers, begin=begin, as_json=as_json)
