"""Associate picks that are in memory: no store, no campaign file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa

from epicat._util.files import cache_folder
from epicat.association.associate_options import AUTO_VELOCITY, AssociateOptions
from epicat.association.associator import Associator
from epicat.association.design import Design
from epicat.association.sites import SiteIndex
from epicat.campaign.resolve import resolve_design
from epicat.catalog.results import Events, Picks
from epicat.errors import InputError
from epicat.geo import Extent
from epicat.model import Event, Pick, Span, Station
from epicat.pipeline.in_memory.pick_rows import around, as_table, busiest_day
from epicat.pipeline.stages.associate_block import BlockAssociator
from epicat.velocity.layers import LayerModel

__all__ = ["associate"]


def associate(
    picks: Picks | pa.Table | Iterable[Pick],
    stations: Iterable[Station],
    *,
    velocity: LayerModel | str | Path | None = None,
    extent: Extent | None = None,
    options: AssociateOptions | None = None,
) -> Events:
    """Associate picks into events with PyOcto, as `epicat associate` does.

    Events do not depend on how the picks were made or in which order they come: the same picks,
    stations and settings give the same events and ids.

    Parameters
    ----------
    picks
        `Picks` of `pick_stream`, an Arrow table with the columns of a store's ``picks`` (such as
        `Catalog.picks` returns), or any iterable of `Pick`.
    stations
        The stations, for example from `load_stations`; picks at other stations are left out.
    velocity
        A layered model, or what ``--velocity`` takes; None: constant velocities.
    extent
        Where events are looked for; None: a box around the stations.
    options
        All other settings, as in the table ``[associate]`` of a campaign file.

    Returns
    -------
    Events
        In the order of time, rejected ones included (`Event.rejected` gives the reason).

    Raises
    ------
    InputError
        If there are no stations, none has picks, or settings contradict each other.

    Examples
    --------
    >>> import epicat as ec
    >>> stations = ec.load_stations("stations.csv")
    >>> picks = ec.open_catalog("catalog").picks()
    >>> events = ec.associate(picks, stations)
    >>> events[0].depth_km > 0
    True

    """
    rows = tuple(stations)
    if not rows:
        raise InputError("no stations: picks are associated at the places of stations")
    table, run = as_table(picks)
    made = options or AssociateOptions()
    layers = velocity if isinstance(velocity, LayerModel) else None
    if velocity is not None and layers is None:
        made = made.model_copy(update={"velocity": str(velocity)})
    box = extent or around(rows)
    sample = busiest_day(table) if made.velocity == AUTO_VELOCITY else None
    design = resolve_design(made, run, box, list(rows), layers or sample)
    index = SiteIndex.from_stations(rows, design.plane, made.site_radius_m)
    return Events(tuple(_associate(table, design, index)), design.digest, table)


def _associate(picks: pa.Table, design: Design, index: SiteIndex) -> list[Event]:
    """Associate block by block, as the pipeline does: the same picks give the same events."""
    if not picks.num_rows:
        return []
    ordered = picks.sort_by([("time", "ascending"), ("pick_id", "ascending")])
    times = ordered["time"].cast(pa.int64()).to_numpy()

    def read(span: Span) -> pa.Table:
        low, high = np.searchsorted(times, [span.start_ns, span.end_ns])
        return ordered.slice(low, high - low)

    blocks = BlockAssociator(design, index, read, Associator(design, cache_folder("traveltimes")))
    # An event is at most the halo before its first pick.
    first = (int(times[0]) - design.halo_ns) // design.block_ns
    last = int(times[-1]) // design.block_ns
    length = design.block_ns
    spans = (Span(n * length, (n + 1) * length) for n in range(first, last + 1))
    return [event for span in spans for event in blocks.associate(span).events]
