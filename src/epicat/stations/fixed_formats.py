"""Station lists without a header, whose form is fixed by the program that reads them.

========================  =========================================================================
Hypoinverse (format 2)    columns 1-5 station, 7-8 network, 11-13 channel, 16-26 latitude and
                          27-38 longitude in degrees and minutes, 39-42 elevation in metres,
                          81-82 location (Klein 2002, USGS Open-File Report 02-171)
hypoDD ``station.dat``    station, latitude, longitude, and possibly elevation in metres
REAL ``station.dat``      longitude, latitude, network, station, channel, elevation in kilometres
NonLinLoc                 ``GTSRCE`` or ``LOCSRCE`` label, ``LATLON``, latitude, longitude, depth
                          and elevation in kilometres; also ``LATLONDM``
========================  =========================================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from epicat.model import ANY_LOCATION, EVER
from epicat.stations.channel_epoch import ChannelEpoch, Inventory, check_codes, parse_position
from epicat.stations.table import NO_ELEVATION, NO_NETWORK, UNKNOWN_NETWORK

__all__ = ["FORMATS", "read_fixed", "recognise"]

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_HYPODD = re.compile(rf"\s*(\S+)\s+({_NUMBER})\s+({_NUMBER})(?:\s+({_NUMBER}))?\s*")
_REAL = re.compile(rf"\s*({_NUMBER})\s+({_NUMBER})\s+(\S+)\s+(\S+)\s+(\S+)\s+({_NUMBER})\s*")
_NLL = re.compile(r"\s*(?:GTSRCE|LOCSRCE)\s+(\S+)\s+(LATLON|LATLONDM|LATLONDS|XYZ)\s+(.*)")
_SIGNS: Mapping[str, int] = {"N": 1, "S": -1, "E": 1, "W": -1}


def recognise(lines: Iterable[str]) -> str:
    """Return the name of the format of a list's lines, or an empty text if it is none of them."""
    data = [line for line in lines if line.strip() and not _is_comment(line)][:20]
    if any(_NLL.match(line) for line in data):
        return "nonlinloc"
    for name in ("hypoinverse", "real", "hypodd"):
        matches = sum(_is_row(name, line) for line in data)
        if data and matches * 2 > len(data):
            return name
    return ""


def read_fixed(lines: Iterable[str], form: str, network: str = "") -> Inventory:
    """Read a list in one of `FORMATS`; ``network`` is the code where the list has none."""
    inventory = Inventory(keeps_all_channels=True)
    for at, line in enumerate(lines, 1):
        if not line.strip() or _is_comment(line):
            continue
        if form == "nonlinloc" and not _NLL.match(line):
            continue  # other statements of a control file
        try:
            row = FORMATS[form](line)
            code = row.pop("network") or network
            if not code:
                code = UNKNOWN_NETWORK
            channel = _channel(row, code)
        except ValueError as error:
            inventory.rejected.append(f"line {at}: {error}")
            continue
        inventory.channels.append(channel)
        if code == UNKNOWN_NETWORK and not network:
            inventory.notes[NO_NETWORK].append(channel.id)
        if not row.get("elevation"):
            inventory.notes[NO_ELEVATION].append(channel.id)
    return inventory


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith(("#", "*", "!"))


def _is_row(form: str, line: str) -> bool:
    if form == "hypodd":
        return _HYPODD.fullmatch(line) is not None
    if form == "real":
        return _REAL.fullmatch(line) is not None
    try:
        _hypoinverse(line)
    except ValueError:
        return False
    return True


def _channel(row: Mapping[str, str], network: str) -> ChannelEpoch:
    location = row.get("location", ANY_LOCATION)
    location = "" if location == "--" else location
    channel = row.get("channel", "")
    station = row["station"]
    check_codes(network, station, *(c for c in (location,) if c != ANY_LOCATION), channel)
    latitude, longitude, elevation = parse_position(
        row["latitude"], row["longitude"], row.get("elevation", "")
    )
    depth = float(row.get("depth") or 0.0)
    return ChannelEpoch(
        network, station, location, channel, latitude, longitude, elevation, EVER, depth
    )


def _hypoinverse(line: str) -> dict[str, str]:
    latitude = _degrees(line[15:17], line[17:25], line[25:26] or "N", "NS")
    longitude = _degrees(line[26:29], line[29:37], line[37:38] or "W", "EW")
    return {
        "station": line[:5].strip(),
        "network": line[6:8].strip(),
        "channel": line[10:13].strip(),
        "latitude": repr(latitude),
        "longitude": repr(longitude),
        "elevation": line[38:42].strip(),
        "location": line[80:82].strip() or ANY_LOCATION,
    }


def _degrees(degrees: str, minutes: str, hemisphere: str, letters: str) -> float:
    """Return decimal degrees; a blank hemisphere is north or west, as Hypoinverse has it."""
    letter = {" ": "N" if letters == "NS" else "W"}.get(hemisphere, hemisphere.upper())
    if letter not in letters:
        raise ValueError(f"hemisphere {hemisphere!r} is not one of {', '.join(letters)}")
    return _SIGNS[letter] * (float(int(degrees)) + _minutes(minutes))


def _minutes(text: str) -> float:
    value = float(text)
    if not 0 <= value < 60:
        raise ValueError(f"minutes {value:g} are not between 0 and 60")
    return value / 60


def _hypodd(line: str) -> dict[str, str]:
    found = _HYPODD.fullmatch(line)
    if found is None:
        raise ValueError("expected: station latitude longitude elevation")
    station, latitude, longitude, elevation = found.groups(default="")
    return {"station": station, "network": "", "latitude": latitude, "longitude": longitude,
            "elevation": elevation}  # fmt: skip


def _real(line: str) -> dict[str, str]:
    found = _REAL.fullmatch(line)
    if found is None:
        raise ValueError("expected: longitude latitude network station channel elevation_km")
    longitude, latitude, network, station, channel, elevation = found.groups()
    return {"station": station, "network": network, "channel": channel, "latitude": latitude,
            "longitude": longitude, "elevation": _metres(elevation)}  # fmt: skip


def _metres(kilometres: str) -> str:
    return repr(round(float(kilometres) * 1000, 3))


def _nonlinloc(line: str) -> dict[str, str]:
    found = _NLL.match(line)
    if found is None:
        raise ValueError("expected: GTSRCE label LATLON latitude longitude depth elevation")
    label, kind, rest = found.groups()
    parts = rest.split()
    if kind == "LATLON" and len(parts) >= 4:
        latitude, longitude, depth, elevation = parts[:4]
    elif kind == "LATLONDM" and len(parts) >= 8:
        latitude = repr(_signed(parts[0], parts[1], parts[2]))
        longitude = repr(_signed(parts[3], parts[4], parts[5]))
        depth, elevation = parts[6:8]
    else:
        raise ValueError(f"{kind} with {len(parts)} fields is not supported; use LATLON")
    # NonLinLoc's depth and elevation are added: the sensor is at elevation minus depth.
    return {"station": label, "network": "", "latitude": latitude, "longitude": longitude,
            "elevation": repr(round((float(elevation) - float(depth)) * 1000, 3)),
            "depth": repr(round(float(depth) * 1000, 3))}  # fmt: skip


def _signed(degrees: str, minutes: str, letter: str) -> float:
    if letter.upper() not in _SIGNS:
        raise ValueError(f"direction {letter!r} is not one of N, S, E, W")
    return _SIGNS[letter.upper()] * (float(degrees) + _minutes(minutes))


FORMATS: Final[Mapping[str, Callable[[str], dict[str, str]]]] = {
    "hypoinverse": _hypoinverse,
    "hypodd": _hypodd,
    "real": _real,
    "nonlinloc": _nonlinloc,
}
"""Readers of a line, by the name of the format."""
