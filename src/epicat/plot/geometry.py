"""Where it is drawn: the box of the map and the axis of depth, in degrees and kilometres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from epicat.geo import Extent
from epicat.plot.data import F64, Quakes, Sites

__all__ = ["Depths", "View", "depth_axis", "map_size", "map_view", "round_below"]

_KM_PER_DEGREE = 111.195
_SECTION = (1.55, 2.0)
"""Shortest and longest depth axis in inches; the legend needs the former."""


@dataclass(frozen=True, slots=True)
class View:
    """The box of the map; ``east`` is larger than ``west``, and may be larger than 180."""

    south: float
    north: float
    west: float
    east: float

    @property
    def width_km(self) -> float:
        """Length of the middle parallel."""
        return (self.east - self.west) * self.km_per_degree_east

    @property
    def height_km(self) -> float:
        """Length of a meridian."""
        return (self.north - self.south) * _KM_PER_DEGREE

    @property
    def km_per_degree_east(self) -> float:
        """Length of one degree of longitude on the middle parallel."""
        middle = np.radians((self.south + self.north) / 2)
        return _KM_PER_DEGREE * max(float(np.cos(middle)), 0.01)

    def unwrapped(self, longitude: F64) -> F64:
        """Return longitudes within half a turn of the middle."""
        return _near(longitude, (self.west + self.east) / 2)

    def grown(self, east_km: float, north_km: float) -> View:
        """Return the view with this much added in all, half on each side."""
        east, north = east_km / self.km_per_degree_east / 2, north_km / _KM_PER_DEGREE / 2
        return View(self.south - north, self.north + north, self.west - east, self.east + east)


@dataclass(frozen=True, slots=True)
class Depths:
    """The depth axis of the sections."""

    top: float
    """Upper end in km below sea level."""
    bottom: float
    """Lower end in km below sea level."""
    exaggeration: float
    """Scale of depth over scale of the map."""
    inches: float
    """Length on paper."""


def map_view(quakes: Quakes, sites: Sites, extent: Extent | None) -> View:
    """Choose the box of the map: all events and stations, and the extent, with a margin."""
    latitude = np.concatenate([quakes.latitude, sites.latitude])
    longitude = np.concatenate([quakes.longitude, sites.longitude])
    if extent is None and not len(latitude):
        extent = Extent(-90, 90, -180, 180)
    if extent is None:
        longitude = _near(longitude, _middle_longitude(longitude))
    else:
        width = extent.width_deg or 360.0
        inside = _near(longitude, extent.west + width / 2)
        longitude = np.concatenate([inside, [extent.west, extent.west + width]])
        latitude = np.concatenate([latitude, [extent.south, extent.north]])
    tight = View(latitude.min(), latitude.max(), longitude.min(), longitude.max())
    return _shaped(tight, margin=0.12 if extent is None else 0.04)


def _near(longitude: F64, middle: float) -> F64:
    return np.asarray((longitude - middle + 180) % 360 - 180 + middle)


def _middle_longitude(longitude: F64) -> float:
    """Middle of the shortest arc that holds all the longitudes."""
    around = np.unique(longitude % 360)
    gaps = np.diff(around, append=around[0] + 360)
    widest = int(np.argmax(gaps))
    start = around[(widest + 1) % len(around)]
    return float((start + (360 - gaps[widest]) / 2 + 180) % 360 - 180)


def _shaped(view: View, margin: float) -> View:
    """Add the margin, and whatever a map of a reasonable size and shape needs."""
    margin_km = max(margin * max(view.width_km, view.height_km), 0.01)
    view = view.grown(margin_km, margin_km)
    view = view.grown(max(5 - view.width_km, 0), max(5 - view.height_km, 0))
    wide = max(0.65 * view.height_km - view.width_km, 0)
    tall = max(view.width_km / 2 - view.height_km, 0)
    return view.grown(wide, tall)


def map_size(view: View) -> tuple[float, float]:
    """Return width and height of the map in inches."""
    shape = view.width_km / view.height_km
    width = min(4.7, 5.6 * shape)
    return width, width / shape


def depth_axis(depth: F64, km_per_inch: float) -> Depths:
    """Choose the depth axis: at the scale of the map, unless little or too much would be seen."""
    low, high = (float(depth.min()), float(depth.max())) if len(depth) else (0.0, 20.0)
    most = _SECTION[1] * km_per_inch
    surface = low <= high - low or max(high, 0) - min(low, 0) <= most
    if surface:
        low, high = min(low, 0.0), max(high, 0.0)
    need = 1.15 * max(high - low, 1.0, (0.01 if surface else 0.35) * most)
    room = most / need
    exaggeration = 1.0 if 1 <= room <= 3.2 else round_below(room, (1, 2, 3, 4, 5, 6, 8))
    inches = min(max(need * exaggeration / km_per_inch, _SECTION[0]), _SECTION[1])
    length = inches * km_per_inch / exaggeration
    top = low - 0.05 * length if surface else (low + high - length) / 2
    return Depths(top, top + length, exaggeration, inches)


def round_below(value: float, factors: tuple[int, ...] = (1, 2, 5)) -> float:
    """Largest of the factors times a power of ten that is not larger.

    >>> round_below(7.3), round_below(0.3)
    (5.0, 0.2)
    """
    power = float(10.0 ** np.floor(np.log10(value) + 1e-12))
    factor = max(n for n in factors if n <= value / power * (1 + 1e-9))
    return float(f"{factor * power:.6g}")
