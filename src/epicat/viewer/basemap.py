"""The land under the events: all of it coarsely, and in detail around the events."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from epicat.errors import InputError
from epicat.plot.coastline import Land, land_in
from epicat.plot.data import F64, View

__all__ = ["basemap", "read_overlay"]

_COARSE_DEG = 0.2
_DETAILS = 4_000
"""Details of the region: its width divided by this."""
_AROUND = 2.0
"""The detailed region is this many times as wide and high as the view."""
_LARGEST_LATITUDE = 85.0
_LINES = {"LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
"""Kinds of GeoJSON that are drawn, and how deep their lines are nested."""


def basemap(view: View) -> dict[str, Any]:
    """Return the land as the page reads it: ``world`` and, in detail, ``region``.

    Each has ``box`` (west, south, east, north in degrees), ``unit`` in degrees, and ``polygons``
    and ``coasts``: lists of lines.  A line is a list of longitudes and latitudes in turn, in whole
    units: those of the first point, then the steps from point to point.
    """
    middle = (view.west + view.east) / 2
    world = View(-_LARGEST_LATITUDE, _LARGEST_LATITUDE, middle - 180, middle + 180)
    wide, high = ((_AROUND - 1) * x for x in (view.width_km, view.height_km))
    grown = view.grown(wide, high)
    region = View(
        max(grown.south, world.south),
        min(grown.north, world.north),
        max(grown.west, world.west),
        min(grown.east, world.east),
    )
    return {
        "world": _part(world, _COARSE_DEG),
        "region": _part(region, (region.east - region.west) / _DETAILS),
    }


def _part(view: View, resolution_deg: float) -> dict[str, Any]:
    land: Land = land_in(view, resolution_deg)
    unit = resolution_deg / 4
    return {
        "box": [view.west, view.south, view.east, view.north],
        "unit": unit,
        "polygons": [_steps(line, unit) for line in land.polygons],
        "coasts": [_steps(line, unit) for line in land.coasts],
    }


def _steps(line: F64, unit: float) -> list[int]:
    points = np.rint(line / unit).astype(np.int64)
    return [int(v) for v in np.diff(points, axis=0, prepend=np.zeros((1, 2), np.int64)).ravel()]


def _flat(line: F64, decimals: int) -> list[float]:
    return [float(v) for v in np.round(line, decimals).ravel()]


def read_overlay(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a GeoJSON file, for example faults: their name and ``line``.

    Raises `InputError` if the file is not GeoJSON, or has neither lines nor polygons.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the overlay {path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"the overlay {path} is not valid JSON: {error}") from error
    try:
        found = [item for feature in _features(content) for item in _lines(feature)]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"the overlay {path} is not valid GeoJSON (RFC 7946)") from error
    if not found:
        raise InputError(f"the overlay {path} has neither lines nor polygons")
    return found


def _features(content: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    if content["type"] == "FeatureCollection":
        yield from content["features"]
    elif content["type"] == "Feature":
        yield content
    else:
        yield {"geometry": content}


def _lines(feature: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    geometry = feature.get("geometry") or {"type": "nothing"}
    properties = feature.get("properties") or {}
    name = str(properties.get("name") or properties.get("Name") or "")
    if geometry["type"] == "GeometryCollection":
        for inner in geometry["geometries"]:
            yield from _lines({"geometry": inner, "properties": properties})
        return
    depth = _LINES.get(geometry["type"])
    if depth is None:
        return
    for line in _unnested(geometry["coordinates"], depth):
        points = np.array([[float(p[0]), float(p[1])] for p in line])
        if len(points) > 1 and np.isfinite(points).all():
            yield {"name": name, "line": _flat(points, 5)}


def _unnested(coordinates: Any, depth: int) -> Iterable[Any]:
    if depth == 1:
        yield coordinates
        return
    for inner in coordinates:
        yield from _unnested(inner, depth - 1)
