"""The coastline: land polygons of Natural Earth, clipped to a map.

``coastline.npz`` has the 1:10m land polygons of Natural Earth 4.1 (public domain), as packed by
``tools/coastline.py`` from the npm package world-atlas 2.0.2; see ``coastline.LICENSE.txt``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from epicat.plot.data import F64, View

__all__ = ["Land", "land_in"]

_POLE = -89.9
"""Edges that reach the South Pole close the ring of Antarctica and are not coast."""


@dataclass(frozen=True, slots=True)
class Land:
    """The land of a map in degrees, with longitudes as in the view."""

    polygons: tuple[F64, ...]
    """Closed rings, (n, 2), clipped to the view; holes have the opposite orientation."""
    coasts: tuple[F64, ...]
    """Lines along the coast, (n, 2), that cross the view."""


@cache
def _rings() -> tuple[tuple[F64, ...], F64]:
    """Return all rings as longitude and latitude, (n, 2), and their (west, south, east, north)."""
    with np.load(BytesIO((files("epicat.plot") / "coastline.npz").read_bytes())) as data:
        transform, counts, starts = data["transform"], data["counts"], data["starts"]
        steps = np.ascontiguousarray(data["steps"].transpose(0, 2, 1)).view("<i2")[..., 0].T
    ends = np.cumsum(counts - 1)
    rings = []
    for start, begin, end in zip(starts, [0, *ends[:-1]], ends, strict=True):
        grid = np.cumsum(np.vstack([start, steps[begin:end].astype(np.int64)]), axis=0)
        rings.append(transform[:2] + transform[2:] * grid)
    boxes = np.array([[*ring.min(axis=0), *ring.max(axis=0)] for ring in rings])
    return tuple(rings), boxes


def land_in(view: View, resolution_deg: float) -> Land:
    """Return the land of a map; details below a resolution in degrees are omitted."""
    rings, boxes = _rings()
    polygons: list[F64] = []
    coasts: list[F64] = []
    for turn in (-360.0, 0.0, 360.0):
        west, south, east, north = boxes.T
        overlaps = (west + turn < view.east) & (east + turn > view.west)
        overlaps &= (south < view.north) & (north > view.south)
        overlaps &= np.maximum(east - west, north - south) > resolution_deg
        for number in np.flatnonzero(overlaps):
            ring = _thinned(rings[number], resolution_deg)
            if len(ring) < 4:
                continue
            offset = np.array([turn, 0.0])
            coasts += [line + offset for line in _coasts(ring, view, turn)]
            clipped = _clipped(ring[:-1] + offset, view)
            if len(clipped):
                polygons.append(np.vstack([clipped, clipped[:1]]))
    return Land(tuple(polygons), tuple(coasts))


def _thinned(ring: F64, resolution: float) -> F64:
    """Drop points in the same cell of a grid as the point before; the ends stay."""
    cells = np.floor(ring / resolution)
    keep = np.concatenate([[True], (np.diff(cells, axis=0) != 0).any(axis=1)])
    keep[-1] = True
    return np.asarray(ring[keep])


def _coasts(ring: F64, view: View, turn: float) -> list[F64]:
    """Return the lines of a ring that may cross the view."""
    one, other = ring[:-1], ring[1:]
    low, high = np.minimum(one, other), np.maximum(one, other)
    is_seen = (low[:, 0] + turn <= view.east) & (high[:, 0] + turn >= view.west)
    is_seen &= (low[:, 1] <= view.north) & (high[:, 1] >= view.south)
    runs = _runs(is_seen & (low[:, 1] > _POLE))
    return [ring[begin : end + 1] for begin, end in runs]


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return begin and end of each run of true values."""
    changes = np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8))
    begins, ends = np.flatnonzero(changes == 1), np.flatnonzero(changes == -1)
    return list(zip(begins.tolist(), ends.tolist(), strict=True))


def _clipped(polygon: F64, view: View) -> F64:
    """Clip an open ring to a rectangle (Sutherland and Hodgman 1974, CACM 17, 32)."""
    sides = ((0, view.west, 1.0), (0, view.east, -1.0), (1, view.south, 1.0), (1, view.north, -1.0))
    for axis, limit, sign in sides:
        if not len(polygon):
            break
        polygon = _half_plane(polygon, axis, limit, sign)
    return polygon


def _half_plane(polygon: F64, axis: int, limit: float, sign: float) -> F64:
    """Keep the part of an open ring where ``sign * (coordinate - limit)`` is at least 0."""
    after = np.roll(polygon, -1, axis=0)
    here, there = sign * (polygon[:, axis] - limit), sign * (after[:, axis] - limit)
    is_inside, crosses = here >= 0, (here >= 0) != (there >= 0)
    share = np.where(crosses, here / np.where(crosses, here - there, 1.0), 0.0)
    crossing = polygon + share[:, None] * (after - polygon)
    points = np.stack([polygon, crossing], axis=1).reshape(-1, 2)
    return np.asarray(points[np.stack([is_inside, crosses], axis=1).ravel()])
