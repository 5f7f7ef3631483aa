"""Tables of travel times in the format of PyOcto, cached in a folder named by their content."""

from __future__ import annotations

import math
import os
import shutil
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from numpy.typing import NDArray

from epicat.errors import InputError
from epicat.model import digest_of
from epicat.velocity.layers import LayerModel
from epicat.velocity.travel_times import travel_times

__all__ = ["StationTables", "station_tables"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_FORMAT = 3
"""Part of the name of every folder of tables: raise it when the times or the files change."""
_HEAD_BYTES = 16
"""Bytes of a file before its times."""
_MARGIN = 2
"""Nodes of a table beyond what was asked for, on each side."""


@dataclass(frozen=True, slots=True)
class _Grid:
    """The nodes of one station's table, as PyOcto wants them: the same numbers for every one."""

    spacing_km: float
    """Distance between nodes, both ways."""
    nx: int
    """Nodes in distance, the first below the station."""
    nz: int
    """Nodes in depth."""
    above: int
    """Nodes above the station: PyOcto's ``n_padding``."""

    def distance_km(self) -> F64:
        """Distances of the nodes, shape (nx,)."""
        return np.arange(self.nx) * self.spacing_km

    def depth_km(self, station_depth_km: float) -> F64:
        """Depths of the nodes below sea level, shape (nz,); node ``above`` is the station's."""
        return station_depth_km + (np.arange(self.nz) - self.above) * self.spacing_km


def station_tables(
    model: LayerModel,
    elevations_m: Mapping[str, float],
    *,
    max_distance_km: float,
    depth_range_km: tuple[float, float],
    spacing_km: float,
    cache: Path,
) -> Path:
    """Return a folder of travel-time tables for ``pyocto.StationSpecificVelocityModel1D``.

    It holds ``{id}.pyocto`` for each id of ``elevations_m`` (metres above sea level) and
    ``n_padding``.  Every table covers ``max_distance_km`` and ``depth_range_km`` (km below sea
    level) and two nodes more.  PyOcto's stations must have z = -elevation / 1000.

    PyOcto interpolates linearly between nodes.  At a distance r from the station in a uniform
    earth this is late by ``spacing² / (8 r v)`` seconds at most, and by 0.15 ``spacing / v`` in
    the cells next to it: for 0.5 km and 5 km/s 15 ms there, 1 ms from 6 km on.  A point beyond
    the table in distance or below it is dropped from PyOcto's location in silence, and above it
    PyOcto does not check at all: ``max_distance_km`` must reach across the whole search box and
    ``depth_range_km`` must hold its depths.

    The folder in ``cache`` is named by all that it depends on and found again without work.  It
    appears complete or not at all: many processes may ask for it, and be killed, at any time (a
    kill leaves a folder whose name begins with a dot, which is ignored).  Raises `InputError`
    for elevations, distances or ids that cannot be used.
    """
    depths = {name: _depth(name, elevation) for name, elevation in elevations_m.items()}
    grid = _grid(list(depths.values()), max_distance_km, depth_range_km, spacing_km)
    folder = cache / digest_of(_FORMAT, model.digest, grid, repr(sorted(depths.items())))
    if not folder.is_dir():
        _build(folder, model, grid, depths)
    return folder


def _depth(name: str, elevation_m: float) -> float:
    """Depth in km below sea level of a station."""
    if not math.isfinite(elevation_m):
        raise InputError(
            f"station {name}: its elevation is {elevation_m}, a number of metres above sea level "
            "is needed; correct the list of stations or leave the station out"
        )
    if Path(name).name != name:
        raise InputError(
            f"station {name!r}: its name cannot be that of a file; remove slashes from it"
        )
    return -float(elevation_m) / 1000.0


def _grid(
    stations: list[float], max_distance: float, depth_range: tuple[float, float], spacing: float
) -> _Grid:
    top, bottom = depth_range
    if not (stations and 0 < spacing < math.inf and 0 <= max_distance < math.inf and top <= bottom):
        raise InputError(
            f"no travel-time tables for {len(stations)} stations, distances up to "
            f"{max_distance:g} km, depths {top:g} to {bottom:g} km and a spacing of {spacing:g} km;"
            " give at least one station, a spacing above 0 and depths that rise"
        )
    above = _nodes_within(max(stations) - top, spacing)
    below = _nodes_within(bottom - min(stations), spacing)
    nx = _nodes_within(max_distance, spacing) + 1
    return _Grid(float(spacing), nx, above + 1 + below, above)


def _nodes_within(length: float, spacing: float) -> int:
    return max(0, math.ceil(length / spacing)) + _MARGIN


def _build(folder: Path, model: LayerModel, grid: _Grid, depths: Mapping[str, float]) -> None:
    """Write the tables next to ``folder``, then rename them, unless another process was faster."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _write(draft, model, grid, depths)
        draft.chmod(0o755)
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write(draft: Path, model: LayerModel, grid: _Grid, depths: Mapping[str, float]) -> None:
    made: dict[float, Path] = {}
    for name, depth in depths.items():
        table = draft / f"{name}.pyocto"
        if depth in made:
            _link(made[depth], table)
        else:
            table.write_bytes(_table(model, grid, depth))
            made[depth] = table
    (draft / "n_padding").write_bytes(struct.pack("i", grid.above))


def _link(source: Path, target: Path) -> None:
    """Give a file a second name, or a copy where the file system has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _table(model: LayerModel, grid: _Grid, station_depth_km: float) -> bytes:
    """One table: nx, nz, spacing, then P and S times in seconds, distance by distance."""
    x, z = grid.distance_km(), grid.depth_km(station_depth_km)
    p, s = (travel_times(model, phase, station_depth_km, x, z) for phase in ("P", "S"))
    return struct.pack("iid", grid.nx, grid.nz, grid.spacing_km) + p.tobytes() + s.tobytes()


@dataclass(frozen=True, slots=True)
class StationTables:
    """Tables that were written by `station_tables`, in memory."""

    spacing_km: float
    """Distance between nodes, both ways."""
    above_km: float
    """Height of the first node of a table above its station."""
    seconds: NDArray[np.float32]
    """Travel times, shape (tables, 2, nx, nz): of P, then of S; by distance and depth.

    Right to 0.03 ms after 500 s.
    """

    @classmethod
    def read(cls, folder: Path, names: Sequence[str]) -> StationTables:
        """Read the tables of some stations."""
        paths = [folder / f"{name}.pyocto" for name in names]
        with paths[0].open("rb") as file:
            nx, nz, spacing = struct.unpack("iid", file.read(_HEAD_BYTES))
        (above,) = struct.unpack("i", (folder / "n_padding").read_bytes())
        seconds = np.empty((len(paths), 2, nx, nz), np.float32)
        for table, path in zip(seconds, paths, strict=True):
            table[:] = np.fromfile(path, offset=_HEAD_BYTES).reshape(2, nx, nz)
        return cls(spacing, above * spacing, seconds)

    def times(self, table: I64, phase: I64, distance_km: F64, below_km: F64) -> F64:
        """Interpolate linearly, as PyOcto does.

        ``table`` and ``phase`` (n,) say which table; ``distance_km`` and ``below_km``, the depth
        below its first node, have the shape (..., n) of the result.  NaN beyond the table.
        """
        nx, nz = self.seconds.shape[2:]
        column, row = distance_km / self.spacing_km, below_km / self.spacing_km
        i = np.minimum(column.astype(np.int64), nx - 2)
        j = np.clip(row.astype(np.int64), 0, nz - 2)
        along, down = column - i, row - j
        flat, first = self.seconds.ravel(), ((2 * table + phase) * nx + i) * nz + j
        near = (1 - down) * flat[first] + down * flat[first + 1]
        far = (1 - down) * flat[first + nz] + down * flat[first + nz + 1]
        return np.asarray(np.where(along <= 1, (1 - along) * near + along * far, np.nan))
