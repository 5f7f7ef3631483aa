"""Channels as station lists have them, one row for each epoch, and the checks of their fields."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache

from epicat._util.lists import list_some
from epicat._util.table_file import shorten
from epicat.model import EVER, Span
from epicat.time import parse_time

__all__ = [
    "ChannelEpoch",
    "Inventory",
    "check_codes",
    "parse_direction",
    "parse_epoch",
    "parse_number",
    "parse_position",
]

_NETWORK = re.compile("[A-Za-z0-9]{1,32}")
_STATION = re.compile("[A-Za-z0-9-]{1,32}")
_OPTIONAL = re.compile("[A-Za-z0-9-]{0,8}")
"""Codes of locations and channels."""


@dataclass(frozen=True, slots=True)
class ChannelEpoch:
    """A channel during one of its epochs."""

    network: str
    """Network code."""
    station: str
    """Station code."""
    location: str
    """Location code, possibly empty; ``*`` if the list does not name one."""
    channel: str
    """Channel code; empty if the list has stations only."""
    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east."""
    elevation_m: float
    """Elevation as the list gives it, metres above sea level: by the standard of the sensor."""
    epoch: Span
    """When it operates, within `EVER`; all of it if unknown."""
    depth_m: float = 0.0
    """Depth of the sensor below the ground, metres."""
    azimuth_deg: float | None = None
    """Azimuth of the channel, clockwise from north; None if unknown."""
    dip_deg: float | None = None
    """Dip of the channel, downwards from the horizontal; None if unknown."""
    ground_m: float | None = None
    """Elevation of the ground at the station, metres above sea level; None if unknown."""

    @property
    def id(self) -> str:
        """``NET.STA.LOC``, with a trailing dot for an empty location."""
        return f"{self.network}.{self.station}.{self.location}"


@dataclass(slots=True)
class Inventory:
    """Everything that was read of a station list, usable or not."""

    channels: list[ChannelEpoch] = field(default_factory=list)
    """Rows that can be used."""
    rejected: list[str] = field(default_factory=list)
    """Rows that cannot, each by its place in the list with the reason."""
    notes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Assumptions about rows, with the ids of the stations concerned."""
    keeps_all_channels: bool = False
    """Whether channels that cannot be picked stay as well: a list made by hand is a choice."""

    def add(self, other: Inventory) -> None:
        """Take in the rows and notes of another one."""
        self.channels += other.channels
        self.rejected += other.rejected
        for note, ids in other.notes.items():
            self.notes[note] += ids

    def messages(self) -> list[str]:
        """Return what the user should know about the reading, one sentence each."""
        found = []
        if self.rejected:
            found.append(f"left out: {list_some(self.rejected, '; ')}")
        for note, ids in self.notes.items():
            found.append(f"{note}: {list_some(list(dict.fromkeys(ids)))}")
        return found


@lru_cache(maxsize=4096)
def parse_epoch(start: str, end: str) -> Span:
    """Return the span between two times of a station list, each possibly empty, within `EVER`.

    Raises `ValueError` for an invalid time.
    """
    for text in (start, end):
        if len(text) > 40:
            raise ValueError(f"{shorten(text)} is not a time")
    first = parse_time(start) if start else EVER.start_ns
    last = parse_time(end) if end else EVER.end_ns
    return Span(max(first, EVER.start_ns), min(last, EVER.end_ns))


def check_codes(network: str, station: str, *others: str) -> None:
    """Raise `ValueError` for invalid codes: they become parts of keys and of paths.

    ``others`` are location and channel, which may be empty.  Letters, digits and hyphens are
    allowed (FDSN source identifiers), hyphens not in network codes.
    """
    plain = _NETWORK.fullmatch(network) and _STATION.fullmatch(station)
    if not (plain and all(map(_OPTIONAL.fullmatch, others))):
        codes = ".".join((network, station, *others))
        raise ValueError(f"codes {shorten(codes)} are not letters and digits")


def parse_position(latitude: str, longitude: str, elevation: str) -> tuple[float, float, float]:
    """Return degrees north, degrees east and metres; a missing elevation is 0 m.

    Raises `ValueError` for what is not a number or out of range.
    """
    return (
        parse_number(latitude, "latitude", 90),
        parse_number(longitude, "longitude", 180),
        parse_number(elevation or "0", "elevation", 9000),
    )


def parse_direction(azimuth: str, dip: str) -> tuple[float, float] | tuple[None, None]:
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


def parse_number(text: str, what: str, limit: float) -> float:
    """Return a number between plus and minus a limit; raise `ValueError` for anything else."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{what} {shorten(text)} is not a number") from None
    if not abs(value) <= limit:
        raise ValueError(f"{what} {shorten(text)[1:-1]} is not between -{limit:g} and {limit:g}")
    return value
