"""Physical sites: what an associator counts as one station.

Location codes, band codes and instruments of other networks that stand in one place are one
site: their picks never count twice towards the minimum number of an event's picks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from epicat.geo import Plane
from epicat.model import Station

__all__ = ["Site", "SiteIndex"]


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """A place with one or more stations."""

    name: str
    """Name of its first station in alphabetical order."""
    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east."""
    elevation_m: float
    """Metres above sea level."""


class SiteIndex:
    """The sites of a campaign, and the site of each trace."""

    def __init__(self, sites: Sequence[Site], by_trace: Mapping[str, Site]) -> None:
        self.sites = tuple(sites)
        self._by_trace = by_trace

    @classmethod
    def from_stations(cls, stations: Iterable[Station], plane: Plane, radius_m: float) -> SiteIndex:
        """Make sites of the stations that stand within ``radius_m`` of each other."""
        rows = sorted(stations, key=lambda s: (s.name, s.id))
        x, y = plane.to_xy([s.latitude for s in rows], [s.longitude for s in rows])
        groups = _groups(np.column_stack([x, y]), [s.name for s in rows], radius_m / 1000)
        sites: dict[int, Site] = {}
        by_trace: dict[str, Site] = {}
        for group, row in zip(groups.tolist(), rows, strict=True):
            place = Site(row.name, row.latitude, row.longitude, row.elevation_m)
            site = sites.setdefault(group, place)
            by_trace[row.id] = site
            by_trace.setdefault(f"{row.network}.{row.code}", site)
        return cls(sorted(sites.values()), by_trace)

    def site(self, trace_id: str) -> Site | None:
        """Return the site of a trace ``NET.STA.LOC``, or None if it is none of the campaign's.

        A location code that the list of stations does not name is at the station's place.
        """
        exact = self._by_trace.get(trace_id)
        return exact or self._by_trace.get(".".join(trace_id.split(".")[:2]))


def _groups(
    xy: np.ndarray[tuple[int, ...], np.dtype[np.float64]], names: Sequence[str], radius_km: float
) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return the number of each point's group: chained by the radius or by a name."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import KDTree

    pairs = KDTree(xy).query_pairs(radius_km, output_type="ndarray") if radius_km > 0 else []
    first = {name: i for i, name in reversed(list(enumerate(names)))}
    same_name = [(first[name], at) for at, name in enumerate(names)]
    ends = np.concatenate([np.reshape(part, (-1, 2)) for part in (pairs, same_name)]).astype(
        np.int64
    )
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(names),) * 2)
    _, groups = connected_components(graph, directed=False)
    return np.asarray(groups, np.int64)
