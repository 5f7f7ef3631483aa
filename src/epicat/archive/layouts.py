"""How archives name their objects.  Pure: nothing here touches a disk or a network.

A layout says where to look (`Layout.prefix`) and what a name means (`Layout.parse`).
Names are never guessed: a folder is listed, and what is there is parsed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Protocol

from epicat.errors import NameChoiceError

__all__ = ["LAYOUTS", "Entry", "Layout", "Ncedc", "Sds", "choose_layout"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What the name of an object says about it.  Headers have the last word."""

    network: str
    """Network code."""
    station: str
    """Station code."""
    location: str
    """Location code, possibly empty."""
    channel: str
    """Channel code."""
    day: date
    """The UTC day that the object is filed under."""


class Layout(Protocol):
    """The naming of one archive."""

    def prefix(self, network: str, station: str, day: date) -> str:
        """Folder, ending in ``/``, that holds the station's objects of the day."""
        ...

    def parse(self, key: str) -> Entry | None:
        """Return what a key says, or None if it is none of this layout's names."""
        ...


def _day(year: str, ordinal: str) -> date | None:
    number = int(ordinal)
    last = 366 if _is_leap(int(year)) else 365
    if int(year) < 1 or not 1 <= number <= last:
        return None
    return date(int(year), 1, 1) + timedelta(days=number - 1)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _entry(found: re.Match[str] | None) -> Entry | None:
    if found is None:
        return None
    day = _day(found["year"], found["ordinal"])
    if day is None:
        return None
    return Entry(found["network"], found["station"], found["location"], found["channel"], day)


# One letter repeated in the folder and in the name must agree; a name that contradicts its
# folder is none of the layout's.
_CODES = r"(?P<station>[^./]+)\.(?P<network>[^./]+)\.(?P<channel>[^./]+)\.(?P<location>[^./]*)"


@dataclass(frozen=True, slots=True)
class Ncedc:
    """The Northern California Earthquake Data Center's bucket, and folders like it.

    ``continuous_waveforms/{NET}/{YYYY}/{YYYY}.{DDD}/{STA}.{NET}.{CHA}.{LOC}.D.{YYYY}.{DDD}``
    """

    _name = re.compile(
        r"continuous_waveforms/(?P<net>[^./]+)/(?P<year>[0-9]{4})/(?P=year)\.(?P<ordinal>[0-9]{3})/"
        + _CODES.replace("(?P<network>[^./]+)", "(?P<network>(?P=net))")
        + r"\.D\.(?P=year)\.(?P=ordinal)"
    )

    def prefix(self, network: str, station: str, day: date) -> str:
        """Folder of one network and day; it holds all of the network's stations."""
        del station
        ordinal = day.timetuple().tm_yday
        return f"continuous_waveforms/{network}/{day.year:04d}/{day.year:04d}.{ordinal:03d}/"

    def parse(self, key: str) -> Entry | None:
        """Return what a key says, or None if it is no NCEDC name."""
        return _entry(self._name.fullmatch(key))


@dataclass(frozen=True, slots=True)
class Sds:
    """The SeisComP Data Structure.

    ``{YYYY}/{NET}/{STA}/{CHA}.D/{NET}.{STA}.{LOC}.{CHA}.D.{YYYY}.{DDD}``
    """

    _name = re.compile(
        r"(?P<year>[0-9]{4})/(?P<network>[^./]+)/(?P<station>[^./]+)/(?P<channel>[^./]+)\.D/"
        r"(?P=network)\.(?P=station)\.(?P<location>[^./]*)\.(?P=channel)\.D\."
        r"(?P=year)\.(?P<ordinal>[0-9]{3})"
    )

    def prefix(self, network: str, station: str, day: date) -> str:
        """Folder of one station and year."""
        return f"{day.year:04d}/{network}/{station}/"

    def parse(self, key: str) -> Entry | None:
        """Return what a key says, or None if it is no SDS name."""
        return _entry(self._name.fullmatch(key))


LAYOUTS: Final[dict[str, Layout]] = {"ncedc": Ncedc(), "sds": Sds()}
"""The layouts whose names tell all; ``files`` reads headers instead."""


def choose_layout(name: str) -> Layout | None:
    """Return the layout of a name, None for ``files``; raise `NameChoiceError` for no layout."""
    if name == "files":
        return None
    try:
        return LAYOUTS[name]
    except KeyError:
        raise NameChoiceError("layout", name, [*LAYOUTS, "files"]) from None
