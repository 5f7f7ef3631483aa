"""``epicat plan``: what a run would do."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from epicat.cli import options as o
from epicat.cli import quality as q

__all__ = ["plan"]


def plan(
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
    stations_per_unit: o.StationsPerUnit = 1,
    days_per_unit: o.DaysPerUnit = 10,
    window_days: o.WindowDays = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Units as JSON lines.")] = False,
) -> None:
    """Show the units of work that `run` with the same arguments would do.  Writes nothing."""
    asked = o.gather(dict(locals()))
    from epicat.config import Cut, settle  # noqa: PLC0415 - heavy
    from epicat.run.runner import make_plan  # noqa: PLC0415
    from epicat.store.open import find_store  # noqa: PLC0415

    cut = Cut(
        stations_per_unit=stations_per_unit, days_per_unit=days_per_unit, window_days=window_days
    )
    campaign = settle(asked, lambda text: typer.echo(text, err=True))
    planned = make_plan(campaign, cut, find_store(store), recheck=recheck)
    if not as_json:
        typer.echo(campaign.design.described(), err=True)
        typer.echo(
            f"{planned.station_days} station-days, {planned.done_before} done before; "
            f"{len(planned.picking)} units of picking, {len(planned.associating)} of association",
            err=True,
        )
    for unit in (*planned.picking, *planned.associating):
        if as_json:
            needs = [unit.needs.start_ns, unit.needs.end_ns] if unit.needs else None
            line = {"stage": unit.stage.value, "keys": unit.keys, "needs": needs}
            typer.echo(json.dumps(line))
        else:
            typer.echo(unit.name)
