"""The data of a figure: events and stations as arrays, the box of the map, and the depth axis."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from epicat.errors import InputError
from epicat.geo import Extent

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "F64",
    "I64",
    "LONGEST_SECTION",
    "POOR_GAP_DEG",
    "Depths",
    "Quakes",
    "Sites",
    "View",
    "depth_axis",
    "map_size",
    "map_view",
    "read_quakes",
    "read_sites",
    "round_below",
]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

POOR_GAP_DEG = 180.0
"""Events with a larger azimuthal gap lie outside of their network."""


@dataclass(frozen=True, slots=True)
class Quakes:
    """Events as arrays in drawing order: by decreasing magnitude, then by decreasing depth."""

    time_ns: I64
    """Origin times."""
    latitude: F64
    """Degrees north."""
    longitude: F64
    """Degrees east."""
    depth: F64
    """Kilometres below sea level."""
    magnitude: F64
    """Magnitudes; NaN if unknown."""
    gap: F64
    """Azimuthal gaps in degrees; NaN if unknown."""
    edge: NDArray[np.bool_]
    """Whether an event is at the edge of the search box."""
    quality: NDArray[np.str_]
    """Quality class of the location, ``A`` to ``D``; empty if an event was not located."""
    ellipse: F64
    """Semi-major and semi-minor axis in km and azimuth in degrees of the error ellipse.

    Shape (events, 3); NaN if unknown.
    """
    depth_range: F64
    """Ends of the depth interval in km below sea level, shape (events, 2); NaN if unknown."""
    has_depth: NDArray[np.bool_]
    """Whether the depth follows from the picks: it is not fixed, and of a location if there are."""
    label: str = "Event"
    """Name in the legend."""

    @classmethod
    def from_epicenters(cls, time_ns: I64, latitude: F64, longitude: F64) -> Quakes:
        """Make events of which nothing but times and epicenters is known."""
        blank, no = np.full(len(time_ns), np.nan), np.zeros(len(time_ns), dtype=bool)
        return cls(
            time_ns, latitude, longitude, blank, blank, blank,
            edge=no,
            quality=np.full(len(time_ns), ""),
            ellipse=np.full((len(time_ns), 3), np.nan),
            depth_range=np.full((len(time_ns), 2), np.nan),
            has_depth=no,
        )  # fmt: skip

    @property
    def has_magnitudes(self) -> bool:
        """Whether at least half of the events have a magnitude."""
        return bool(len(self)) and float(np.isfinite(self.magnitude).mean()) >= 0.5

    @property
    def is_located(self) -> bool:
        """Whether the places are those of a location, as a rule with a quality class."""
        return bool((self.quality != "").any())

    @property
    def is_poor(self) -> NDArray[np.bool_]:
        """Whether the epicenter is poorly constrained.

        Classes C and D, and events without one; without locations an azimuthal gap above 180
        degrees.
        """
        if self.is_located:
            return ~np.isin(self.quality, ("A", "B"))
        return np.asarray(np.nan_to_num(self.gap) > POOR_GAP_DEG)

    def take(self, rows: NDArray[Any]) -> Quakes:
        """Return some of the events."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "label"}
        return Quakes(**{name: values[rows] for name, values in arrays.items()}, label=self.label)

    def __len__(self) -> int:
        return len(self.time_ns)


@dataclass(frozen=True, slots=True)
class Sites:
    """Stations by name, each once."""

    names: tuple[str, ...]
    latitude: F64
    longitude: F64

    def __len__(self) -> int:
        return len(self.names)


def read_quakes(events: pa.Table, label: str = "Event") -> Quakes:
    """Read a table of events; raise `InputError` for a position that is not finite.

    ``label`` is their name in the legend.  A table without a column ``edge`` has no edge events.
    """
    latitude, longitude, depth = (
        events[name].to_numpy() for name in ("latitude", "longitude", "depth_km")
    )
    known = np.isfinite(latitude) & np.isfinite(longitude) & np.isfinite(depth)
    if not known.all():
        name = events["event_id"][int(np.argmin(known))].as_py()
        raise InputError(f"event {name} cannot be drawn: its position is not a number")
    time_ns = events["time"].cast("int64").to_numpy()
    magnitude, gap = _optional(events, "magnitude"), _optional(events, "gap_deg")
    size = -np.nan_to_num(magnitude, nan=-np.inf)
    order = np.lexsort((longitude, latitude, time_ns, -depth, size))
    quality = _texts(events, "quality")
    found = Quakes(
        time_ns, latitude, longitude, depth, magnitude, gap,
        edge=_flags(events, "edge"),
        quality=quality,
        ellipse=_together(events, "major_km", "minor_km", "azimuth_deg"),
        depth_range=_together(events, "depth_low_km", "depth_high_km"),
        has_depth=~_flags(events, "depth_fixed") & ((quality != "") | (quality == "").all()),
        label=label,
    )  # fmt: skip
    return found.take(order)


def _optional(events: pa.Table, name: str) -> F64:
    """Return a column as numbers; NaN where it is null, or if the table does not have it."""
    if name not in events.column_names:
        return np.full(events.num_rows, np.nan)
    return np.asarray(events[name].to_numpy(), dtype=float)


def _together(events: pa.Table, *names: str) -> F64:
    return np.column_stack([_optional(events, name) for name in names])


def _texts(events: pa.Table, name: str) -> NDArray[np.str_]:
    """Return a column as texts; empty where it is null, or if the table does not have it."""
    known = name in events.column_names
    values = events[name].to_pylist() if known else [None] * events.num_rows
    return np.array([value or "" for value in values], dtype=str)


def _flags(events: pa.Table, name: str) -> NDArray[np.bool_]:
    """Return a column as booleans; false where it is null, or if the table does not have it."""
    known = name in events.column_names
    values = events[name].to_pylist() if known else [None] * events.num_rows
    return np.array([bool(value) for value in values], dtype=bool)


def read_sites(stations: pa.Table) -> Sites:
    """Read a table of stations; raise `InputError` for a position that is not finite."""
    columns = ("station", "network_code", "station_code", "latitude", "longitude")
    rows = zip(*(stations[name].to_pylist() for name in columns), strict=True)
    first: dict[str, tuple[float, float]] = {}
    for name, network, code, latitude, longitude in rows:
        first.setdefault(name or f"{network}.{code}", (latitude, longitude))
    names = tuple(sorted(first))
    places = np.array([first[name] for name in names], float).reshape(-1, 2)
    if not np.isfinite(places).all():
        name = names[int(np.argmin(np.isfinite(places).all(axis=1)))]
        raise InputError(f"station {name} cannot be drawn: its position is not a number")
    return Sites(names, places[:, 0], places[:, 1])


_KM_PER_DEGREE = 111.195
LONGEST_SECTION = 2.0
_SHORTEST_SECTION = 1.55
"""Shortest and longest depth axis in inches; the legend needs the former."""


@dataclass(frozen=True, slots=True)
class View:
    """The box of the map in degrees; ``east`` is larger than ``west`` and may exceed 180."""

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
    def km_per_degree_north(self) -> float:
        """Length of one degree of latitude."""
        return _KM_PER_DEGREE

    @property
    def km_per_degree_east(self) -> float:
        """Length of one degree of longitude on the middle parallel."""
        middle = np.radians((self.south + self.north) / 2)
        return _KM_PER_DEGREE * max(float(np.cos(middle)), 0.01)

    def unwrapped(self, longitude: F64) -> F64:
        """Return longitudes within 180 degrees of the center of the map."""
        return _near(longitude, (self.west + self.east) / 2)

    def grown(self, east_km: float, north_km: float) -> View:
        """Return the view enlarged by these lengths, half on each side."""
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
    """Ratio of the depth scale to the map scale."""
    inches: float
    """Length of the axis in inches."""


def map_view(quakes: Quakes, sites: Sites, extent: Extent | None) -> View:
    """Choose the box of the map: all events, all stations and the extent, with a margin."""
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
    """Center of the shortest arc that contains all longitudes."""
    around = np.unique(longitude % 360)
    gaps = np.diff(around, append=around[0] + 360)
    widest = int(np.argmax(gaps))
    start = around[(widest + 1) % len(around)]
    return float((start + (360 - gaps[widest]) / 2 + 180) % 360 - 180)


def _shaped(view: View, margin: float) -> View:
    """Add the margin, and enlarge the map to a minimum size and a reasonable aspect ratio."""
    margin_km = max(margin * max(view.width_km, view.height_km), 0.01)
    view = view.grown(margin_km, margin_km)
    view = view.grown(max(5 - view.width_km, 0), max(5 - view.height_km, 0))
    wide = max(0.65 * view.height_km - view.width_km, 0)
    tall = max(view.width_km / 2 - view.height_km, 0)
    return view.grown(wide, tall)


def map_size(view: View, room: float) -> tuple[float, float]:
    """Return width and height in inches of a map that is at most ``room`` wide."""
    shape = view.width_km / view.height_km
    width = min(room, 1.2 * room * shape)
    return width, width / shape


def depth_axis(depth: F64, km_per_inch: float, longest: float = LONGEST_SECTION) -> Depths:
    """Choose the depth axis: at the scale of the map, unless it would be too short or too long.

    ``longest`` is the length in inches that the page has room for.
    """
    low, high = (float(depth.min()), float(depth.max())) if len(depth) else (0.0, 20.0)
    most = longest * km_per_inch
    surface = low <= high - low or max(high, 0) - min(low, 0) <= most
    if surface:
        low, high = min(low, 0.0), max(high, 0.0)
    need = 1.15 * max(high - low, 1.0, (0.01 if surface else 0.35) * most)
    room = most / need
    exaggeration = 1.0 if 1 <= room <= 3.2 else round_below(room, (1, 2, 3, 4, 5, 6, 8))
    inches = min(max(need * exaggeration / km_per_inch, _SHORTEST_SECTION), longest)
    length = inches * km_per_inch / exaggeration
    top = low - 0.05 * length if surface else (low + high - length) / 2
    return Depths(top, top + length, exaggeration, inches)


def round_below(value: float, factors: tuple[int, ...] = (1, 2, 5)) -> float:
    """Largest of the factors times a power of ten that does not exceed the value.

    >>> round_below(7.3), round_below(0.3)
    (5.0, 0.2)
    """
    power = float(10.0 ** np.floor(np.log10(value) + 1e-12))
    factor = max(n for n in factors if n <= value / power * (1 + 1e-9))
    return float(f"{factor * power:.6g}")
