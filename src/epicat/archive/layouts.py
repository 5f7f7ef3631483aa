"""How archives name their objects.  Pure functions: no disk, no network.

A layout gives the folder to list (`Layout.prefix`) and parses a name (`Layout.parse`).  Names are
never constructed: a folder is listed, and the names in it are parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, Protocol, TypeVar

from epicat.errors import NameChoiceError

__all__ = [
    "LAYOUTS",
    "Earthscope",
    "Entry",
    "Geonet",
    "Layout",
    "Ncedc",
    "Scedc",
    "Sds",
    "choose_layout",
    "newest",
]


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry:
    """The codes and the day in an object's name.  The record headers take precedence."""

    network: str
    """Network code."""
    station: str
    """Station code."""
    location: str
    """Location code, possibly empty; also empty if names of this layout contain none."""
    channel: str
    """Channel code; empty if one object holds all channels."""
    day: date
    """The UTC day that the object is filed under."""
    version: str = ""
    """Version in the name; empty in archives without versions."""


class Layout(Protocol):
    """The naming scheme of an archive."""

    def prefix(self, network: str, station: str, day: date) -> str:
        """Folder, ending in ``/``, that holds the station's objects of the day."""
        ...

    def parse(self, key: str) -> Entry | None:
        """Parse a key; return None if it is not a name of this layout."""
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
    said = found.groupdict()
    return Entry(
        network=found["network"],
        station=found["station"],
        location=said.get("location") or "",
        channel=said.get("channel") or "",
        day=day,
        version=said.get("version") or "",
    )


# A name that contradicts its folder (another year or network) is not a name of the layout.
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
        """Parse a key; return None if it is not an NCEDC name."""
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
        """Parse a key; return None if it is not an SDS name."""
        return _entry(self._name.fullmatch(key))


@dataclass(frozen=True, slots=True)
class Scedc:
    """The Southern California Earthquake Data Center's bucket: codes by position, padded.

    ``continuous_waveforms/{YYYY}/{YYYY}_{DDD}/{NET}{STA__}{CHA}{LO}_{YYYY}{DDD}.ms``, station and
    location padded with ``_`` to five and two letters.  A day's folder holds all networks.
    """

    _name = re.compile(
        r"continuous_waveforms/(?P<year>[0-9]{4})/(?P=year)_(?P<ordinal>[0-9]{3})/"
        r"(?P<codes>[^./]{12})_(?P=year)(?P=ordinal)\.ms"
    )

    def prefix(self, network: str, station: str, day: date) -> str:
        """Folder of one day; it holds the stations of all networks, several thousand objects."""
        del network, station
        return f"continuous_waveforms/{day.year:04d}/{day.year:04d}_{day.timetuple().tm_yday:03d}/"

    def parse(self, key: str) -> Entry | None:
        """Parse a key; return None if it is not an SCEDC name."""
        found = self._name.fullmatch(key)
        day = found and _day(found["year"], found["ordinal"])
        if not found or not day:
            return None
        codes = found["codes"]
        network, station, location = (c.rstrip("_") for c in (codes[:2], codes[2:7], codes[10:]))
        channel = codes[7:10]
        if not network or not station or "_" in channel:
            return None
        return Entry(network, station, location, channel, day)


@dataclass(frozen=True, slots=True)
class Earthscope:
    """EarthScope's bucket: one object holds all channels and locations of a station-day.

    ``miniseed/{NET}/{YYYY}/{DDD}/{STA}.{NET}.{YYYY}.{DDD}``, in the restricted tier with a version
    at the end, such as ``#2``.
    """

    _name = re.compile(
        r"miniseed/(?P<network>[^./#]+)/(?P<year>[0-9]{4})/(?P<ordinal>[0-9]{3})/"
        r"(?P<station>[^./#]+)\.(?P=network)\.(?P=year)\.(?P=ordinal)(?:#(?P<version>[^/#]+))?"
    )

    def prefix(self, network: str, station: str, day: date) -> str:
        """Folder of one network and day; it holds all of the network's stations."""
        del station
        return f"miniseed/{network}/{day.year:04d}/{day.timetuple().tm_yday:03d}/"

    def parse(self, key: str) -> Entry | None:
        """Parse a key; return None if it is not an EarthScope name."""
        return _entry(self._name.fullmatch(key))


@dataclass(frozen=True, slots=True)
class Geonet:
    """GeoNet's open bucket, New Zealand.

    ``waveforms/miniseed/{YYYY}/{YYYY}.{DDD}/{STA}.{NET}/{YYYY}.{DDD}.{STA}.{LOC}-{CHA}.{NET}.D``
    """

    _name = re.compile(
        r"waveforms/miniseed/(?P<year>[0-9]{4})/(?P=year)\.(?P<ordinal>[0-9]{3})/"
        r"(?P<station>[^./]+)\.(?P<network>[^./]+)/(?P=year)\.(?P=ordinal)\.(?P=station)\."
        r"(?P<location>[^./]*)-(?P<channel>[^-./]+)\.(?P=network)\.D"
    )

    def prefix(self, network: str, station: str, day: date) -> str:
        """Folder of one station and day."""
        name = f"{day.year:04d}.{day.timetuple().tm_yday:03d}"
        return f"waveforms/miniseed/{day.year:04d}/{name}/{station}.{network}/"

    def parse(self, key: str) -> Entry | None:
        """Parse a key; return None if it is not a GeoNet name."""
        return _entry(self._name.fullmatch(key))


LAYOUTS: Final[dict[str, Layout]] = {
    "ncedc": Ncedc(),
    "scedc": Scedc(),
    "earthscope": Earthscope(),
    "geonet": Geonet(),
    "sds": Sds(),
}
"""The layouts with codes in the names; ``files`` reads the headers instead."""


def newest(named: Iterable[tuple[Entry, T]]) -> list[T]:
    """Drop older versions of the same object."""
    best: dict[Entry, tuple[tuple[list[int], str], T]] = {}
    for entry, item in named:
        what, age = replace(entry, version=""), _age(entry.version)
        if what not in best or best[what][0] < age:
            best[what] = age, item
    return [item for _, item in best.values()]


def _age(version: str) -> tuple[list[int], str]:
    """Return a sort key: numbers compare as numbers, and any version follows none."""
    return [int(number) for number in re.findall(r"[0-9]+", version)], version


def choose_layout(name: str) -> Layout | None:
    """Return the layout of a name, None for ``files``; raise `NameChoiceError` for others."""
    if name == "files":
        return None
    try:
        return LAYOUTS[name]
    except KeyError:
        raise NameChoiceError("layout", name, [*LAYOUTS, "files"]) from None
