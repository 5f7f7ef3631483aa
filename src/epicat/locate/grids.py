"""Travel times by interpolation: one grid for each phase and sensor depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.velocity.layers import LayerModel, Phase
from epicat.velocity.travel_times import travel_time_tables

__all__ = ["PHASES", "TravelTimeGrids"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

PHASES: tuple[Phase, Phase] = ("P", "S")
"""Phases in the order of their numbers."""
_CORE_KM = 0.05
"""Added to distances in quadrature, so that slowness is finite at the sensor."""
_DEPTH_DECIMALS = 3
"""Sensor depths in km that agree to the metre share a grid."""
_AT_ONCE = 64
"""Sensor depths whose grids are computed at once, so that memory stays small."""


@dataclass(frozen=True, slots=True)
class TravelTimeGrids:
    """Travel time over distance on regular grids of epicentral distance and source depth.

    The quotient is a mean slowness.  It varies little, so that linear interpolation between
    nodes is far more accurate than that of the time: exact in a uniform earth.
    """

    spacing_km: float
    """Distance between nodes, both ways."""
    top_km: float
    """Depth of the first node below sea level."""
    n_distance: int
    """Nodes in epicentral distance, from 0."""
    n_depth: int
    """Nodes in depth."""
    slowness: F64
    """Time over distance in s/km, flat: sensor depths, phases, distances, depths."""
    grid_of: I64
    """Number of the grid of each sensor's P phase, shape (sensors,); that of S is the next."""
    sensor_depth_km: F64
    """Depth of each sensor as its grid has it, shape (sensors,)."""

    @classmethod
    def from_model(
        cls,
        model: LayerModel,
        sensor_depth_km: F64,
        *,
        max_distance_km: float,
        depth_range_km: tuple[float, float],
        spacing_km: float = 0.5,
    ) -> TravelTimeGrids:
        """Compute the grids of sensors at ``sensor_depth_km`` (n,), in km below sea level.

        They cover epicentral distances up to ``max_distance_km`` and sources in
        ``depth_range_km``.  Times come from `travel_time_tables`, which is exact in uniform layers.
        """
        depths, of_sensor = np.unique(
            np.round(sensor_depth_km, _DEPTH_DECIMALS), return_inverse=True
        )
        top, bottom = depth_range_km
        x = np.arange(int(np.ceil(max_distance_km / spacing_km)) + 2) * spacing_km
        z = top + np.arange(int(np.ceil((bottom - top) / spacing_km)) + 2) * spacing_km
        grids = np.empty((len(depths), len(PHASES), len(x), len(z)))
        for first in range(0, len(depths), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            length = _length(x[:, None], z - depths[part, None, None])
            for p, phase in enumerate(PHASES):
                grids[part, p] = travel_time_tables(model, phase, depths[part], x, z) / length
        return cls(
            spacing_km=float(spacing_km),
            top_km=float(top),
            n_distance=len(x),
            n_depth=len(z),
            slowness=grids.reshape(-1),
            grid_of=len(PHASES) * of_sensor.astype(np.int64),
            sensor_depth_km=depths[of_sensor],
        )

    @property
    def grid_size(self) -> int:
        """Nodes of one grid."""
        return self.n_distance * self.n_depth

    def times(self, first: I64, offset: tuple[F64, F64], rise: F64, depth: F64) -> F64:
        """Interpolate travel times in seconds.

        ``first`` is the first node of each pick's grid, ``offset`` the east and north component
        of source minus sensor in km, ``rise`` the depth of the source below the sensor and
        ``depth`` that of the source; they broadcast against each other.
        """
        squared = offset[0] * offset[0]
        squared += offset[1] * offset[1]
        node, along, down = self._cell(first, np.sqrt(squared), depth)
        near, near_change, far, far_change = self._corners(node)
        near += down * near_change
        far += down * far_change
        far -= near
        far *= along
        near += far
        squared += rise * rise
        squared += _CORE_KM**2
        near *= np.sqrt(squared)
        return near

    def times_and_slopes(
        self, first: I64, offset: tuple[F64, F64], rise: F64, depth: F64
    ) -> tuple[F64, list[F64]]:
        """Interpolate travel times, and their derivatives in s/km by x, y and depth.

        Arguments as in `times`.
        """
        distance = np.sqrt(offset[0] * offset[0] + offset[1] * offset[1])
        node, along, down = self._cell(first, distance, depth)
        near, near_change, far, far_change = self._corners(node)
        by_depth = near_change + along * (far_change - near_change)
        near = near + down * near_change
        change = far + down * far_change - near
        mean = near + along * change
        length = _length(distance, rise)
        # The slope by distance over distance: it stays finite above the source.
        outward = mean / length
        outward += change * length / (self.spacing_km * np.maximum(distance, _CORE_KM))
        downward = by_depth * length / self.spacing_km + mean * rise / length
        return mean * length, [outward * offset[0], outward * offset[1], downward]

    def _cell(self, first: I64, distance: F64, depth: F64) -> tuple[I64, F64, F64]:
        """Return the near upper node of each cell, and the place in the cell, 0 to 1."""
        along = distance * (1 / self.spacing_km)
        column = np.minimum(along.astype(np.int64), self.n_distance - 2)
        along -= column
        down = (depth - self.top_km) * (1 / self.spacing_km)
        row = np.clip(down.astype(np.int64), 0, self.n_depth - 2)
        column *= self.n_depth
        return column + (row + first), along, down - row

    def _corners(self, node: I64) -> tuple[F64, F64, F64, F64]:
        """Return slowness at the near and far side of cells, and how it changes with depth."""
        near = self.slowness.take(node)
        near_change = self.slowness.take(node + 1) - near
        far_node = node + self.n_depth
        far = self.slowness.take(far_node)
        return near, near_change, far, self.slowness.take(far_node + 1) - far


def _length(distance: F64, rise: F64) -> F64:
    return np.asarray(np.sqrt(distance * distance + rise * rise + _CORE_KM**2))
