"""Travel times for PyOcto: what its search and its location need of the tables of a network.

PyOcto keeps a table for each station, 16 bytes a node.  As long as these are small, it has them
all.  Else its search, which asks for no time beyond the cutoff, gets tables that end there; and its
location one table for all sites, with the median difference of each from it.  Picks are matched
to events with the full tables later.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epicat.association.station_tables import StationTables

__all__ = ["SearchTables", "SpeedModels"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_MOST_BYTES = 32e6
"""Memory for the tables of all sites of a search, across the box."""
_SAMPLES = 20
"""Distances, and depths, at which the tables of two sites are compared."""
_NO_CORRECTION_KM_S = 1e10
"""PyOcto corrects for elevations by a velocity at the surface; this one makes it nothing."""


@dataclass(frozen=True, slots=True)
class SpeedModels:
    """PyOcto's velocity models of a search."""

    search: Any
    """For the search."""
    location: Any
    """For the location."""
    top_km: float
    """Depth of zero in both."""


@dataclass(frozen=True, slots=True)
class SearchTables:
    """The tables of travel times of some sites."""

    tables: StationTables
    """Tables, one for each depth at which there are sites, in the order of depth."""
    top_km: F64
    """Depth of the first node of each table."""
    table: I64
    """Table of each site, shape (sites,)."""

    def take(self, sites: I64) -> SearchTables:
        """Return the tables of some of the sites."""
        return replace(self, table=self.table[sites])

    def models(
        self, place_km: F64, z_km: tuple[float, float], tolerance_s: float, cutoff_km: float
    ) -> SpeedModels:
        """Return PyOcto's models for sites at ``place_km`` (sites, 3) and a range of depths."""
        top = float(self.top_km[self._middle])
        is_small = 8 * self.tables.seconds[0].size * len(self.table) <= _MOST_BYTES
        with TemporaryDirectory(prefix="epicat-") as name:
            folder, across_km = Path(name), np.inf if is_small else cutoff_km
            search = self._of_sites(folder, place_km, z_km, across_km)
            location = search if is_small else self._of_all(folder, place_km, z_km, cutoff_km)
        search.set_tolerance(tolerance_s)
        search.set_association_cutoff_distance(cutoff_km)
        return SpeedModels(search, location, top)

    @property
    def _middle(self) -> int:
        """Number of the table of the site with the median depth."""
        return int(np.sort(self.table)[len(self.table) // 2])

    def _of_sites(
        self, folder: Path, place_km: F64, z_km: tuple[float, float], across_km: float
    ) -> Any:
        """Return a model with a table for each site, up to a distance."""
        from pyocto import _core

        spacing = self.tables.spacing_km
        columns = slice(math.ceil(across_km / spacing) + 2 if np.isfinite(across_km) else None)
        start = {}
        for number in np.unique(self.table).tolist():
            first, last = ((z - self.top_km[number]) / spacing for z in z_km)
            rows = slice(max(math.floor(first), 0), math.ceil(last) + 2)
            seconds = self.tables.seconds[number, :, columns, rows]
            (folder / f"{number}.pyocto").write_bytes(_file(seconds, spacing))
            start[number] = float(self.top_km[number] + rows.start * spacing)
        (folder / "n_padding").write_bytes(struct.pack("i", 0))
        model = _core.StationSpecificVelocityModel1D(str(folder))
        for number, (x, y, _) in zip(self.table.tolist(), place_km.tolist(), strict=True):
            below = start[number] - float(self.top_km[self._middle])
            model.add_station(_core.Station(str(number), x, y, below, 0.0, 0.0))
        return model

    def _of_all(
        self, folder: Path, place_km: F64, z_km: tuple[float, float], cutoff_km: float
    ) -> Any:
        """Return a model with one table for all sites."""
        from pyocto import _core

        path = folder / "location"
        path.write_bytes(_file(self.tables.seconds[self._middle], self.tables.spacing_km))
        model = _core.VelocityModel1D(str(path))
        model.surface_p_velocity = model.surface_s_velocity = _NO_CORRECTION_KM_S
        later = self._later_s(z_km, cutoff_km)
        for number, (x, y, _) in zip(self.table.tolist(), place_km.tolist(), strict=True):
            model.add_station(_core.Station(str(number), x, y, 0.0, *later[number].tolist()))
        return model

    def _later_s(self, z_km: tuple[float, float], cutoff_km: float) -> F64:
        """Return how much later arrivals are at the sites of each table, shape (tables, 2).

        The median over the places within the cutoff; 0 for the table of the location.
        """
        x, z = np.linspace(0, cutoff_km, _SAMPLES), np.linspace(*z_km, _SAMPLES)
        distance, depth = np.meshgrid(x, z)
        count = len(self.top_km)
        number, phase = np.divmod(np.arange(2 * count), 2)
        below = depth[..., None] - self.top_km[number]
        shape = below.shape
        times = self.tables.times(
            number, phase, np.broadcast_to(distance[..., None], shape), below
        ).reshape(-1, count, 2)
        return np.asarray(np.nanmedian(times - times[:, [self._middle]], axis=0))


def _file(seconds: NDArray[np.floating[Any]], spacing_km: float) -> bytes:
    """Return PyOcto's file of a table with the shape (2, nx, nz)."""
    nx, nz = seconds.shape[1:]
    return struct.pack("iid", nx, nz, spacing_km) + seconds.astype(np.float64).tobytes()
