"""Predicted travel times from places to the sites of a network."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epicat.association.search_tables import SearchTables
from epicat.association.station_tables import StationTables

__all__ = ["SiteTimes"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


class SiteTimes:
    """Predicted travel times from a place to all sites."""

    def __init__(
        self, names: tuple[str, ...], place_km: F64, speed: tuple[float, float] | Path
    ) -> None:
        """``place_km`` (sites, 3) is east, north and depth of the sites named ``names``.

        ``speed`` are constant velocities of P and S, or the folder of the sites' tables.
        """
        self._place_km = place_km
        self._speed = speed
        depths, self._group = np.unique(place_km[:, 2], return_inverse=True)
        # Sites of one depth share a table.
        first = [int(np.flatnonzero(self._group == g)[0]) for g in range(len(depths))]
        self._examples = [names[n] for n in first]

    def times(self, place_km: tuple[float, float, float]) -> F64:
        """Travel times in s, shape (2, sites): of P, then of S; NaN beyond the tables."""
        sites = np.arange(len(self._place_km))
        place = np.array([place_km])
        return np.stack([self.at(place, sites, np.full(len(sites), n))[0] for n in (0, 1)])

    def at(self, places_km: F64, site: I64, phase: I64) -> F64:
        """Travel times in s from ``places_km`` (places, 3) to sites, shape (places, n).

        ``site`` (n,) are numbers of sites, and ``phase`` (n,) is 0 for P and 1 for S.  NaN
        beyond the tables.
        """
        offset = self._place_km[site] - places_km[:, None]
        distance = np.hypot(offset[..., 0], offset[..., 1])
        if not isinstance(self._speed, Path):
            return np.asarray(np.hypot(distance, offset[..., 2]) / np.array(self._speed)[phase])
        group = self._group[site]
        return self._tables.times(group, phase, distance, places_km[:, 2:] - self._tops[group])

    def for_search(self, sites: I64) -> tuple[float, float] | SearchTables:
        """Return constant velocities of P and S, or the tables of some of the sites."""
        if not isinstance(self._speed, Path):
            return self._speed
        return SearchTables(self._tables, self._tops, self._group).take(sites)

    def distance_km(self, place_km: tuple[float, float, float]) -> F64:
        """Horizontal distances of the sites from a place, shape (sites,)."""
        offset = self._place_km - np.array(place_km)
        return np.asarray(np.hypot(offset[:, 0], offset[:, 1]))

    def depth_km(self, place_km: tuple[float, float, float]) -> float:
        """Depth of a place below the highest site."""
        return float(place_km[2] - self._place_km[:, 2].min())

    @cached_property
    def _tables(self) -> StationTables:
        return StationTables.read(Path(str(self._speed)), self._examples)

    @cached_property
    def _tops(self) -> F64:
        """Depth of the first node of each group's table."""
        return np.asarray(np.unique(self._place_km[:, 2]) - self._tables.above_km)
