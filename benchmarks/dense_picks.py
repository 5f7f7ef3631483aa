"""Dense picks of known earthquakes: an hour of Ridgecrest, and synthetic ones."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epicat.association.associate_options import AssociateOptions
from epicat.association.associator import SitePick, site_picks
from epicat.association.design import Design, make_design
from epicat.association.sites import SiteIndex
from epicat.geo import Extent, Plane
from epicat.imports.picks import read_picks
from epicat.stations import Patterns, find_stations
from epicat.table_rows import picks_table
from epicat.time import SECOND_NS, parse_time
from epicat.velocity.layers import LayerModel

__all__ = ["Dense", "made_up", "real"]

_EXTENT = Extent.parse("35.2,36.3,-118.2,-117.0")
_HOUR = parse_time("2019-07-06T08:00:00")
_PERIOD_NS = (3600 + 420) * SECOND_NS
_VP, _VS = 6.0, 3.46
_DEPTHS, _LAYERS = (0.0, 5.5, 16.0, 32.0), (5.5, 6.3, 6.7, 7.8)


@dataclass(frozen=True, slots=True)
class Dense:
    """Picks, the design to associate them with, and known earthquakes."""

    name: str
    """What they are."""
    design: Design
    """How they are associated."""
    picks: list[SitePick]
    """In the order of time."""
    times_ns: NDArray[np.int64]
    """Origin times that are known."""
    places_km: NDArray[np.float64]
    """Their epicenters on the design's plane, shape (events, 2)."""


def real(folder: Path, hours: int) -> Dense:
    """Return the picks of the Ridgecrest hour, repeated at least seven minutes apart.

    Known events are ComCat's reviewed ones, a third of those in the picks.
    """
    layers = LayerModel(_DEPTHS, _LAYERS, tuple(v / 1.73 for v in _LAYERS), constant=True)
    design, index = _design(folder, AssociateOptions(), layers)
    hour = site_picks(picks_table(read_picks(folder / "picks.csv").picks, "", ""), index)
    with (folder / "comcat_reviewed.csv").open(encoding="utf-8") as file:
        known = list(csv.DictReader(file))
    times = np.array([parse_time(row["time"]) for row in known])
    latitude, longitude = (
        np.array([float(r[n]) for r in known]) for n in ("latitude", "longitude")
    )
    places = np.column_stack(design.plane.to_xy(latitude, longitude))
    random = np.random.default_rng(3)
    shifts = [n * _PERIOD_NS + int(random.integers(0, 200 * SECOND_NS)) for n in range(hours)]
    picks = [
        replace(pick, time_ns=pick.time_ns + shift, pick_id=f"{shift}-{pick.pick_id}")
        for shift in shifts
        for pick in hour
    ]
    return Dense(
        f"Ridgecrest, one hour {hours} times",
        design,
        sorted(picks, key=lambda pick: (pick.time_ns, pick.pick_id)),
        np.concatenate([times + shift for shift in shifts]),
        np.concatenate([places] * hours),
    )


def made_up(folder: Path, hours: int, rate: int) -> Dense:
    """Return picks of synthetic earthquakes at the Ridgecrest sites, ``rate`` per hour.

    In twelve clusters; arrival errors of 0.1 s, fewer arrivals with distance and for small
    events; three noise picks per ten arrivals.
    """
    options = AssociateOptions(p_velocity=_VP, s_velocity=_VS)
    design, _ = _design(folder, options, None)
    random = np.random.default_rng(5)
    count = hours * rate
    seconds = np.sort(random.uniform(0, hours * 3600, count))
    centres = random.uniform((-20, -20, 4), (20, 20, 10), (12, 3))
    places = centres[random.integers(0, 12, count)] + random.normal(0, (4, 4, 2), (count, 3))
    places[:, 2] = np.clip(places[:, 2], 1, 18)
    reach_km = 25 + 45 * random.exponential(0.5, count)
    x, y = design.plane.to_xy([s[1] for s in design.sites], [s[2] for s in design.sites])
    sites = np.column_stack([x, y, [-s[3] / 1000 for s in design.sites]])
    away = np.linalg.norm(places[:, None] - sites, axis=2)
    picks = []
    for phase, velocity in (("P", _VP), ("S", _VS)):
        arrivals = seconds[:, None] + away / velocity + random.normal(0, 0.1, away.shape)
        seen = random.uniform(size=away.shape) < 0.95 * np.exp(-((away / reach_km[:, None]) ** 2))
        at = np.nonzero(seen)[1]
        picks += _picks(design, phase, arrivals[seen], at)
        noise = round(0.3 * len(at))
        when, where = random.uniform(0, hours * 3600, noise), random.integers(0, len(sites), noise)
        picks += _picks(design, phase, when, where)
    times = _HOUR + np.round(seconds * SECOND_NS).astype(np.int64)
    ordered = sorted(picks, key=lambda pick: (pick.time_ns, pick.pick_id))
    return Dense(
        f"made up, {rate} an hour for {hours} hours", design, ordered, times, places[:, :2]
    )


def _design(
    folder: Path, options: AssociateOptions, layers: LayerModel | None
) -> tuple[Design, SiteIndex]:
    with warnings.catch_warnings(action="ignore"):  # that there are no elevations
        rows = find_stations(str(folder / "stations.csv"), _EXTENT, Patterns((), ()))
    index = SiteIndex.from_stations(rows, Plane(*_EXTENT.center), options.site_radius_m)
    return make_design(options, "", _EXTENT, index.sites, layers), index


def _picks(
    design: Design, phase: str, seconds: NDArray[np.float64], at: Sequence[int] | NDArray[np.int64]
) -> list[SitePick]:
    names = [design.sites[site][0] for site in at]
    times = (_HOUR + np.round(seconds * SECOND_NS).astype(np.int64)).tolist()
    return [
        SitePick(time, f"{name} {phase} {time}", f"{name}.", "HH", name, phase, 0.5)
        for time, name in zip(times, names, strict=True)
    ]
