"""Stations from a list in CSV, the tutorial's form first of all.

``id,network_code,station_code,location_code,channels,latitude,longitude,elevation`` with
``id`` = ``NET.STA.LOC``.  An ``id`` may stand for the codes, or the codes for the ``id``; an
``id`` of two parts leaves the location open.  Other columns are left alone.
"""

from __future__ import annotations

import csv
import io
import math
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from epicat.errors import InputError
from epicat.geo import Extent, distance_azimuth
from epicat.model import ANY_LOCATION, Station

__all__ = ["read_stations", "select", "with_names"]

_ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "trace_id"),
    "network": ("network_code", "network", "net"),
    "station": ("station_code", "station", "sta"),
    "location": ("location_code", "location", "loc"),
    "channels": ("channels", "channel"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "long"),
    "elevation": ("elevation", "elevation_m", "elev"),
}
_SHOWN = 10
_SAME_PLACE_KM = 1.0


def read_stations(path: Path) -> list[Station]:
    """Read a list of stations.

    Raises `InputError` that names every bad row by its line.  A missing elevation becomes 0 m
    with a warning; a repeated id keeps its first row, with a warning.
    """
    header, rows = _table(path)
    columns = _columns(path, header)
    stations: dict[str, Station] = {}
    bad: list[str] = []
    remarks: dict[str, list[str]] = defaultdict(list)
    for line, row in rows:
        try:
            station, without_elevation = _station(row, columns)
        except ValueError as error:
            bad.append(f"line {line}: {error}")
            continue
        if without_elevation:
            remarks["no elevation, taken as 0 m"].append(station.id)
        if stations.setdefault(station.id, station) is not station:
            remarks["more than one row, the first is used"].append(station.id)
    if bad:
        more = f"\n  and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
        raise InputError(f"stations {str(path)!r}:\n  " + "\n  ".join(bad[:_SHOWN]) + more)
    if not stations:
        raise InputError(f"stations {str(path)!r}: there is no station in it")
    for remark, ids in remarks.items():
        warnings.warn(f"stations {str(path)!r}: {remark}: {_some(ids)}", stacklevel=2)
    return with_names(stations.values())


def _some(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return ", ".join(ids[:_SHOWN]) + more


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"stations {str(path)!r}: not a text file in UTF-8") from error
    except OSError as error:
        raise InputError(f"stations {str(path)!r}: cannot be read: {error.strerror}") from error


def _table(path: Path) -> tuple[Sequence[str], list[tuple[int, dict[str, str]]]]:
    """Return the header, and each row with the number of its line."""
    reader = csv.DictReader(io.StringIO(_text(path)))
    try:
        return reader.fieldnames or [], [(reader.line_num, row) for row in reader]
    except csv.Error as error:  # such as a quotation mark that is never closed
        raise InputError(f"stations {str(path)!r}: line {reader.line_num}: {error}") from error


def _columns(path: Path, header: Sequence[str]) -> dict[str, str]:
    names = {name.strip().casefold(): name for name in header if name}
    found = {
        what: names[alias]
        for what, aliases in _ALIASES.items()
        for alias in reversed(aliases)
        if alias in names
    }
    missing = [what for what in ("latitude", "longitude") if what not in found]
    if "id" not in found and not {"network", "station"} <= set(found):
        missing.insert(0, "id (or network_code and station_code)")
    if missing:
        raise InputError(
            f"stations {str(path)!r}: no column {', '.join(missing)}; it has "
            f"{', '.join(header) or 'no header'}; wanted: id,network_code,station_code,"
            "location_code,channels,latitude,longitude,elevation"
        )
    return found


def _station(row: Mapping[str, str | None], columns: Mapping[str, str]) -> tuple[Station, bool]:
    cell = {what: (row.get(name) or "").strip() for what, name in columns.items()}
    network, code, location = _codes(cell, "location" in columns)
    elevation = cell.get("elevation", "")
    return (
        Station(
            network=network,
            code=code,
            location=location,
            channels=tuple(c.strip() for c in cell.get("channels", "").split(",") if c.strip()),
            latitude=_number(cell["latitude"], "latitude", 90),
            longitude=_number(cell["longitude"], "longitude", 180),
            elevation_m=_number(elevation or "0", "elevation", 9000),
        ),
        not elevation,
    )


def _codes(cell: Mapping[str, str], has_location: bool) -> tuple[str, str, str]:
    if cell.get("network") and cell.get("station") and not cell.get("id"):
        location = cell["location"] if has_location else ANY_LOCATION
        codes = (cell["network"], cell["station"], location)
    else:
        parts = cell.get("id", "").split(".")
        if len(parts) not in (2, 3, 4):
            raise ValueError(f"id {cell.get('id', '')!r} is not NET.STA.LOC")
        codes = (parts[0], parts[1], parts[2] if len(parts) > 2 else ANY_LOCATION)
    if not all(c.isascii() and c.isalnum() for c in codes[:2]) or not _is_location(codes[2]):
        raise ValueError(f"codes {'.'.join(codes)!r} are not letters and digits")
    return codes


def _is_location(code: str) -> bool:
    return code in ("", ANY_LOCATION) or (code.isascii() and code.replace("-", "").isalnum())


def _number(text: str, what: str, limit: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{what} {text!r} is not a number") from None
    if not math.isfinite(value) or abs(value) > limit:
        raise ValueError(f"{what} {text} is not between -{limit:g} and {limit:g}")
    return value


def select(stations: Iterable[Station], extent: Extent) -> list[Station]:
    """Return the stations inside an extent, in the order of their ids.

    Raises `InputError` if there is none.
    """
    everything = list(stations)
    chosen = [s for s in everything if extent.contains(s.latitude, s.longitude)]
    if not chosen:
        lats = [s.latitude for s in everything]
        lons = [s.longitude for s in everything]
        raise InputError(
            f"no station of {len(everything)} lies inside {extent}; they span "
            f"{min(lats):g},{max(lats):g},{min(lons):g},{max(lons):g} (minlat,maxlat,minlon,maxlon)"
        )
    return sorted(chosen)


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
    distance, _ = distance_azimuth(one.latitude, one.longitude, other.latitude, other.longitude)
    return bool(np.all(distance <= _SAME_PLACE_KM))
