"""Associate picks that are in memory: no store, no campaign file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epicat._util.files import cache_folder
from epicat.association.associate_options import AUTO_VELOCITY, AssociateOptions
from epicat.association.associator import Associator
from epicat.association.design import Design
from epicat.association.sites import SiteIndex
from epicat.campaign.resolve import resolve_design
from epicat.campaign.velocity import PickSample
from epicat.catalog.results import Events, Picks
from epicat.errors import InputError
from epicat.geo import Extent
from epicat.model import Event, Pick, Span, Station, digest_of
from epicat.pipeline.stages.associate_block import BlockAssociator
from epicat.tables import PICKS
from epicat.velocity.layers import LayerModel

__all__ = ["around", "as_table", "associate", "busiest_day"]

_MARGIN_DEG = 0.05
"""Added on all sides of the stations where no extent is given, about 5 km."""


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


def as_table(picks: Picks | pa.Table | Iterable[Pick]) -> tuple[pa.Table, str]:
    """Return picks as rows, and the digest of their run."""
    if isinstance(picks, pa.Table):
        missing = sorted(set(PICKS.names) - set(picks.column_names))
        if missing:
            raise InputError(
                f"the table of picks lacks {', '.join(missing)}; it needs the columns of a "
                f"store's picks: {', '.join(PICKS.names)}"
            )
        runs = pc.unique(picks["design"]).to_pylist()
        if len(runs) > 1:
            raise InputError(
                f"the table holds picks of {len(runs)} runs, {', '.join(sorted(runs))}: associate "
                "those of one run, such as Catalog.picks gives"
            )
        return picks.select(PICKS.names), runs[0] if runs else digest_of("no picks")
    if not isinstance(picks, Picks):
        some = tuple(sorted(picks))
        picks = Picks(some, digest_of("picks in memory", *(p.id("") for p in some)))
    return picks.table(), picks.run


def busiest_day(picks: pa.Table) -> PickSample | None:
    """Return the picks of the UTC day that has the most."""
    if not picks.num_rows:
        return None
    days = pc.floor_temporal(picks["time"], unit="day")
    counts = {row["values"]: row["counts"] for row in pc.value_counts(days).to_pylist()}
    day = min(counts, key=lambda start: (-counts[start], start))
    rows = picks.filter(pc.equal(days, pa.scalar(day, days.type)))
    ordered = rows.sort_by([("time", "ascending"), ("pick_id", "ascending")])
    return PickSample(f"{day:%Y-%m-%d}", lambda count: ordered.slice(0, count))


def around(stations: Sequence[Station]) -> Extent:
    """Return a box around stations, in any of their positions."""
    positions = [position for station in stations for position in station.positions]
    latitudes, longitudes = [p.latitude for p in positions], [p.longitude for p in positions]
    return Extent.around(latitudes, longitudes, _MARGIN_DEG)


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
