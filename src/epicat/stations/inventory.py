"""From the channels of an inventory to stations: one row for each place, named for the keys."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from epicat.errors import InputError
from epicat.geo import distance_azimuth
from epicat.model import EVER, Orientation, Span, Station
from epicat.time import parse_time

__all__ = [
    "SHOWN",
    "ChannelEpoch",
    "check_codes",
    "direction_of",
    "epoch_of",
    "merged",
    "number",
    "place_of",
    "some",
    "to_stations",
    "with_names",
]

SHOWN = 10
"""How many bad rows, files or ids a message names."""

_SAME_PLACE_KM = 1.0
_PICKABLE = re.compile("[FGDCESHB][HLNPG].?")
"""10 Hz and more, and an instrument that records ground motion."""
_OPTIONAL = re.compile("[A-Za-z0-9-]{0,8}")
"""Codes of locations and channels."""


@dataclass(frozen=True, slots=True)
class ChannelEpoch:
    """A channel in one of its epochs, as inventories have it."""

    network: str
    """Network code."""
    station: str
    """Station code."""
    location: str
    """Location code, possibly empty."""
    channel: str
    """Channel code; empty where an inventory goes no deeper than stations."""
    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east."""
    elevation_m: float
    """Metres above sea level."""
    epoch: Span
    """When it operates, within `EVER`; all of it where that is unknown."""
    azimuth_deg: float | None = None
    """Direction of the channel, clockwise from north, 0 to 360; None if unknown."""
    dip_deg: float | None = None
    """Direction of the channel, downwards from the horizontal, -90 to 90; None if unknown."""

    @property
    def id(self) -> str:
        """``NET.STA.LOC``, with a trailing dot for an empty location."""
        return f"{self.network}.{self.station}.{self.location}"


@lru_cache(maxsize=4096)
def epoch_of(start: str, end: str) -> Span:
    """Return the span between two times of an inventory, each possibly empty, within `EVER`.

    Raises `ValueError` for what is no time.
    """
    first = parse_time(start) if start else EVER.start_ns
    last = parse_time(end) if end else EVER.end_ns
    return Span(max(first, EVER.start_ns), min(last, EVER.end_ns))


def check_codes(network: str, station: str, *others: str) -> None:
    """Raise `ValueError` for codes that are none: they become parts of keys and of paths.

    ``others`` are location and channel, which may be empty and have hyphens.
    """
    plain = all(code.isascii() and code.isalnum() for code in (network, station))
    if not (plain and all(map(_OPTIONAL.fullmatch, others))):
        codes = ".".join((network, station, *others))
        raise ValueError(f"codes {codes[:60]!r} are not letters and digits")


def place_of(latitude: str, longitude: str, elevation: str) -> tuple[float, float, float]:
    """Return the numbers of a place; raise `ValueError` for what is none."""
    return (
        number(latitude, "latitude", 90),
        number(longitude, "longitude", 180),
        number(elevation or "0", "elevation", 9000),
    )


def direction_of(azimuth: str, dip: str) -> tuple[float, float] | tuple[None, None]:
    """Return azimuth (0 to 360) and dip (-90 to 90) in degrees; both None if one is unusable.

    A vertical channel needs no azimuth.  Values outside the standard's ranges, such as -999, stand
    for unknown ones.
    """
    try:
        tilt = float(dip)
        heading = float(azimuth) if azimuth or abs(tilt) != 90 else 0.0
    except ValueError:
        return None, None
    if not (abs(tilt) <= 90 and abs(heading) <= 360):
        return None, None
    return heading % 360, tilt


def number(text: str, what: str, limit: float) -> float:
    """Return a number between plus and minus a limit; raise `ValueError` for anything else."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{what} {text!r} is not a number") from None
    if not abs(value) <= limit:
        raise ValueError(f"{what} {text} is not between -{limit:g} and {limit:g}")
    return value


def merged(epochs: Iterable[Span]) -> tuple[Span, ...]:
    """Return the union of epochs; nothing if that is all of time, since then they tell nothing."""
    union: list[Span] = []
    for epoch in sorted(epochs):
        if union and epoch.start_ns <= union[-1].end_ns:
            union[-1] = Span(union[-1].start_ns, max(union[-1].end_ns, epoch.end_ns))
        else:
            union.append(epoch)
    return () if union == [EVER] else tuple(union)


def to_stations(channels: Iterable[ChannelEpoch], where: str) -> list[Station]:
    """Return the stations of an inventory's channels: one for each location code.

    Channels that no picker can use (slow ones, pressure, state of health) do not count.  A
    station that has moved stands where it stood last.  Raises `InputError` if none is left;
    warns of what is left out and of moves over a kilometre.
    """
    rows: dict[str, list[ChannelEpoch]] = defaultdict(list)
    useless: dict[str, None] = {}
    for row in channels:
        usable = not row.channel or _PICKABLE.fullmatch(row.channel)
        if usable and row.epoch.start_ns < row.epoch.end_ns:
            rows[row.id].append(row)
        else:
            useless.setdefault(row.id)
    left_out = [name for name in useless if name not in rows]
    if not rows:
        raise InputError(f"stations {where!r}: there is no station in it{_with(left_out)}")
    if left_out:
        warnings.warn(f"stations {where!r}: left out{_with(left_out)}", stacklevel=2)
    moved = sorted(name for name, group in rows.items() if _has_moved(group))
    if moved:
        warnings.warn(
            f"stations {where!r}: moved by more than {_SAME_PLACE_KM:g} km under the same codes, "
            f"the last place is used: {some(moved)}",
            stacklevel=2,
        )
    return with_names(_station(group) for group in rows.values())


def _with(left_out: Sequence[str]) -> str:
    return f", no channel that can be picked: {some(left_out)}" if left_out else ""


def _station(rows: Sequence[ChannelEpoch]) -> Station:
    last = max(rows, key=lambda row: (row.epoch.end_ns, row.epoch.start_ns, row.channel))
    return Station(
        network=last.network,
        code=last.station,
        location=last.location,
        channels=tuple(sorted({row.channel for row in rows if row.channel})),
        latitude=last.latitude,
        longitude=last.longitude,
        elevation_m=last.elevation_m,
        epochs=merged(row.epoch for row in rows),
        orientations=_orientations(rows),
    )


def _orientations(rows: Sequence[ChannelEpoch]) -> tuple[Orientation, ...]:
    """Return the directions of channels by epoch, in order, each once."""
    known = {
        Orientation(row.channel, row.epoch, row.azimuth_deg, row.dip_deg)
        for row in rows
        if row.channel and row.azimuth_deg is not None and row.dip_deg is not None
    }
    return tuple(sorted(known))


def _has_moved(rows: Sequence[ChannelEpoch]) -> bool:
    places = sorted({(row.latitude, row.longitude) for row in rows})
    if len(places) == 1:
        return False
    latitudes, longitudes = zip(*places, strict=True)
    distances, _ = distance_azimuth(latitudes[0], longitudes[0], latitudes, longitudes)
    return bool(distances.max() > _SAME_PLACE_KM)


def some(ids: Sequence[str]) -> str:
    """Return the first ids of a list in words."""
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return ", ".join(ids[:SHOWN]) + more


def with_names(stations: Iterable[Station]) -> list[Station]:
    """Name the places: ``NET.STA``, or with a location where one code has places 1 km apart."""
    codes: dict[str, list[Station]] = defaultdict(list)
    for station in sorted(stations):
        codes[f"{station.network}.{station.code}"].append(station)
    return [named for code, rows in codes.items() for named in _named(code, rows)]


def _named(code: str, rows: Sequence[Station]) -> list[Station]:
    places: list[list[Station]] = []
    for row in rows:
        near = next((place for place in places if _are_near(place[0], row)), None)
        if near is None:
            places.append([row])
        else:
            near.append(row)
    if len(places) == 1:
        return [replace(row, name=code) for row in rows]
    return [replace(row, name=place[0].id) for place in places for row in place]


def _are_near(one: Station, other: Station) -> bool:
    if (one.latitude, one.longitude) == (other.latitude, other.longitude):
        return True  # most are: not worth a geodesic
    distance, _ = distance_azimuth(one.latitude, one.longitude, other.latitude, other.longitude)
    return bool(np.all(distance <= _SAME_PLACE_KM))
