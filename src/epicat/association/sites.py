"""Sites: what an associator counts as one station, and where each of its sensors is.

Location codes, band codes and instruments of several networks within a radius are one site:
their picks never count twice towards the minimum number of picks of an event.  A site has one
position for sensors that are practically together, and one for each of the others, such as a
borehole sensor below a surface sensor.  A station that moved belongs to a site for each epoch.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from epicat.association.complete_linkage import complete_linkage
from epicat.geo import Plane
from epicat.model import EVER, Placement, Span, Station
from epicat.time import iso

__all__ = ["Site", "SiteIndex", "count_sites"]

_SAME_POSITION_KM = 0.1
"""Sensors of one site within this distance have one position: 0.02 s for a P wave."""
_SAME_ELEVATION_M = 10.0
"""Likewise for elevations: a sample at 100 Hz or less."""

_Key = tuple[int, str]
"""An era of a place: its number (0 for the last one) and the name of the place."""


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """One position of a site, with a name that an associator knows it by."""

    name: str
    """Name of its first station in alphabetical order; unique."""
    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east."""
    elevation_m: float
    """Metres above sea level."""
    group: str = ""
    """The site that it counts as: the name of its first position."""
    epoch: Span = EVER
    """When there was a sensor, if one of them moved; else `EVER`."""


@dataclass(frozen=True, slots=True)
class _Deployment:
    """A row of the station list at one of its positions."""

    row: Station
    position: Placement
    era: Span
    """Until when, and since when, the stations of its place were where they were."""
    key: _Key


class SiteIndex:
    """The sites of a campaign, and the site of each trace."""

    def __init__(
        self,
        sites: Sequence[Site],
        by_trace: Mapping[str, Sequence[tuple[int, Site]]],
        joined: Sequence[tuple[str, ...]] = (),
    ) -> None:
        self.sites = tuple(sites)
        """All positions, in the order of names."""
        self.joined = tuple(joined)
        """Names of the stations that are one site, for each site with several."""
        self._by_trace = by_trace

    @classmethod
    def from_stations(cls, stations: Iterable[Station], plane: Plane, radius_m: float) -> SiteIndex:
        """Make sites of stations: two of them at one site are at most ``radius_m`` apart.

        All location codes of a place (`Station.name`) are at the same site.
        """
        deployments = _deployments(sorted(stations, key=lambda s: (s.name, s.id)), radius_m)
        sites: list[Site] = []
        by_trace: dict[str, dict[int, Site]] = defaultdict(dict)
        joined = []
        for members in _groups(deployments, plane, radius_m / 1000):
            for deployment, site in _positions(members, plane, radius_m):
                sites.append(site)
                by_trace[deployment.row.id].setdefault(deployment.era.start_ns, site)
            names = sorted({deployment.row.name for deployment in members})
            joined += [tuple(names)] if len(names) > 1 else []
        begins = {trace: sorted(eras.items()) for trace, eras in by_trace.items()}
        for deployment in deployments:  # a location code that the station list lacks
            begins.setdefault(
                f"{deployment.row.network}.{deployment.row.code}", begins[deployment.row.id]
            )
        return cls(sorted(set(sites)), begins, sorted(joined))

    def site(self, trace_id: str, time_ns: int | None = None) -> Site | None:
        """Return the site of a trace ``NET.STA.LOC`` at a time, by default the last one.

        None if the campaign has no such station.  A location code that the station list does not
        name is at the station's position.
        """
        eras = self._by_trace.get(trace_id) or self._by_trace.get(".".join(trace_id.split(".")[:2]))
        if eras is None:
            return None
        if time_ns is None or len(eras) == 1:
            return eras[-1][1]
        return eras[max(bisect_right(eras, time_ns, key=lambda era: era[0]) - 1, 0)][1]

    def __contains__(self, trace_id: str) -> bool:
        return self.site(trace_id) is not None


def count_sites(sites: Iterable[Site]) -> int:
    """Return the number of sites that exist at one time, at most."""
    groups: dict[str, list[Span]] = defaultdict(list)
    for site in sites:
        groups[site.group or site.name].append(site.epoch)
    spans = [(min(e.start_ns for e in g), max(e.end_ns for e in g)) for g in groups.values()]
    starts, ends = (sorted(times) for times in zip(*spans, strict=True)) if spans else ([], [])
    return max((bisect_right(starts, t) - bisect_right(ends, t) for t in starts), default=0)


def _deployments(rows: Sequence[Station], radius_m: float) -> list[_Deployment]:
    """Return the positions of all rows, place by place, the last era of a place first."""
    places: dict[str, list[Station]] = defaultdict(list)
    for row in rows:
        places[row.name].append(row)
    return [
        deployment
        for name, members in places.items()
        for deployment in _eras(name, members, radius_m)
    ]


def _eras(name: str, rows: Sequence[Station], radius_m: float) -> Iterable[_Deployment]:
    """Give the deployments of a place in each era: a span in which none of its sensors moved."""
    moves = {moment for row in rows for moment in _moves(row, radius_m)}
    edges = [EVER.start_ns, *sorted(moves), EVER.end_ns]
    spans = [Span(a, b) for a, b in pairwise(edges)][::-1]
    for number, era in enumerate(spans):
        for row in rows:
            yield _Deployment(row, row.position_at(era.end_ns - 1), era, (number, name))


def _moves(row: Station, radius_m: float) -> Iterable[int]:
    """Give the times at which a sensor moved: by more than the radius, or up or down."""
    if not row.placements:
        return
    limit_km = max(radius_m / 1000, _SAME_POSITION_KM)
    at = row.placements[-1]
    for earlier, later in zip(row.placements[-2::-1], row.placements[:0:-1], strict=True):
        if not _are_together(at, earlier, limit_km):
            yield later.epoch.start_ns
            at = earlier


def _are_together(one: Placement, other: Placement, limit_km: float) -> bool:
    x, y = Plane(one.latitude, one.longitude).to_xy(other.latitude, other.longitude)
    return bool(np.hypot(x, y) <= limit_km) and (
        abs(one.elevation_m - other.elevation_m) <= _SAME_ELEVATION_M
    )


def _groups(
    deployments: Sequence[_Deployment], plane: Plane, radius_km: float
) -> list[list[_Deployment]]:
    """Return the deployments of each site: all those of a place in an era, by the first one."""
    eras: dict[_Key, list[_Deployment]] = defaultdict(list)
    for deployment in deployments:
        eras[deployment.key].append(deployment)
    first = [members[0].position for members in eras.values()]
    x, y = plane.to_xy([p.latitude for p in first], [p.longitude for p in first])
    labels = complete_linkage(np.column_stack([x, y]), radius_km)
    groups: dict[int, list[_Deployment]] = defaultdict(list)
    for label, members in zip(labels, eras.values(), strict=True):
        groups[label] += members
    return list(groups.values())


def _positions(
    members: Sequence[_Deployment], plane: Plane, radius_m: float
) -> list[tuple[_Deployment, Site]]:
    """Return each deployment of a site with its position: that of the first deployment nearby."""
    ordered = sorted(members, key=lambda s: (s.key[0], s.row.name, s.row.id))
    x, y = plane.to_xy(
        [s.position.latitude for s in ordered], [s.position.longitude for s in ordered]
    )
    limit_km = max(radius_m / 1000, _SAME_POSITION_KM)
    heads: list[int] = []
    of_head: dict[int, list[int]] = defaultdict(list)
    for at, deployment in enumerate(ordered):
        head = next(
            (
                h
                for h in heads
                if np.hypot(x[at] - x[h], y[at] - y[h]) <= limit_km
                and abs(deployment.position.elevation_m - ordered[h].position.elevation_m)
                <= _SAME_ELEVATION_M
            ),
            at,
        )
        heads += [at] if head == at else []
        of_head[head].append(at)
    group = _name(ordered[0], is_first=True)
    sites = {
        head: replace(
            _site(ordered[head], is_first=head == heads[0], group=group),
            epoch=_hull(ordered[at].era for at in of_head[head]),
        )
        for head in heads
    }
    return [(ordered[at], sites[head]) for head in heads for at in of_head[head]]


def _site(deployment: _Deployment, *, is_first: bool, group: str) -> Site:
    p = deployment.position
    return Site(_name(deployment, is_first=is_first), p.latitude, p.longitude, p.elevation_m, group)


def _name(deployment: _Deployment, *, is_first: bool) -> str:
    """Return a name that no other position has, also as that of a file."""
    name = deployment.row.name if is_first else deployment.row.id
    if deployment.era.end_ns == EVER.end_ns:
        return name
    moment = iso(deployment.era.end_ns).replace("-", "").replace(":", "").split(".")[0]
    return f"{name}@until-{moment}"


def _hull(spans: Iterable[Span]) -> Span:
    all_spans = list(spans)
    return Span(min(s.start_ns for s in all_spans), max(s.end_ns for s in all_spans))
