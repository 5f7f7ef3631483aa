"""Fit a velocity model to picks that are in memory: no store, no campaign file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from epicat.association.associate_options import AssociateOptions
from epicat.association.fit_model import FittedModel
from epicat.association.sites import SiteIndex
from epicat.campaign.velocity import check_layered
from epicat.campaign.velocity import fit_velocity as fit_to_sample
from epicat.catalog.results import Picks
from epicat.errors import InputError
from epicat.geo import Extent, Plane
from epicat.model import Pick, Station
from epicat.pipeline.in_memory.pick_rows import around, as_table, busiest_day

__all__ = ["fit_velocity"]


def fit_velocity(
    picks: Picks | pa.Table | Iterable[Pick],
    stations: Iterable[Station],
    *,
    velocity: str | Path | None = None,
    extent: Extent | None = None,
    options: AssociateOptions | None = None,
) -> FittedModel:
    """Fit a one-dimensional velocity model to picks, as ``associate(velocity="auto")`` does.

    The picks of the UTC day that has the most are associated; P velocities of bands of depth, one
    vp/vs and the hypocenters follow from them (see `FittedModel`).

    Parameters
    ----------
    picks, stations
        As `associate` takes them.
    velocity
        Name or file of the model that the fit begins with; None: that of the region.
    extent
        Where events are looked for; None: a box around the stations.
    options
        All other settings, as in the table ``[associate]`` of a campaign file.

    Raises
    ------
    InputError
        If there are no stations, no picks, constant velocities, or fewer than ten events with
        eight picks each.

    Examples
    --------
    >>> import epicat as ec
    >>> stations = ec.load_stations("stations.csv")
    >>> picks = ec.open_catalog("catalog").picks()
    >>> fitted = ec.fit_velocity(picks, stations)
    >>> 1.5 < fitted.vp_vs < 2.2
    True
    >>> events = ec.associate(picks, stations, velocity=fitted.model)

    """
    rows = tuple(stations)
    if not rows:
        raise InputError("no stations: a velocity model is fitted to picks at their places")
    given = options or AssociateOptions()
    if velocity is not None:
        given = given.model_copy(update={"velocity": str(velocity)})
    check_layered(given)
    box = extent or around(rows)
    sample = busiest_day(as_table(picks)[0])
    if sample is None:
        raise InputError("no picks: a velocity model is fitted to the picks of ten events or more")
    reports: list[str] = []
    index = SiteIndex.from_stations(rows, Plane(*box.center), given.site_radius_m)
    fitted = fit_to_sample(given, box, index, sample, reports.append)
    if fitted is None:
        raise InputError(
            f"{reports[-1]}: it needs ten events with eight picks each on one day; give more picks"
        )
    return fitted
