"""Stations from a list in CSV, the tutorial's form first of all.

``id,network_code,station_code,location_code,channels,latitude,longitude,elevation`` with
``id`` = ``NET.STA.LOC``.  An ``id`` may stand for the codes, or the codes for the ``id``; an
``id`` of two parts leaves the location open.  ``start_date`` and ``end_date`` may say when a
station operates, in one row for each epoch.  Other columns are left alone.
"""

from __future__ import annotations

import csv
import io
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from epicat.errors import InputError
from epicat.model import ANY_LOCATION, EVER, Span, Station
from epicat.stations.inventory import (
    SHOWN,
    check_codes,
    epoch_of,
    merged,
    place_of,
    some,
    with_names,
)
from epicat.time import DAY_NS

__all__ = ["read_stations"]

_ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "trace_id"),
    "network": ("network_code", "network", "net"),
    "station": ("station_code", "station", "sta"),
    "location": ("location_code", "location", "loc"),
    "channels": ("channels", "channel"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "long"),
    "elevation": ("elevation", "elevation_m", "elev"),
    "start": ("start_date", "startdate", "start_time", "starttime", "start"),
    "end": ("end_date", "enddate", "end_time", "endtime", "end"),
}


def read_stations(path: Path) -> list[Station]:
    """Read a list of stations.

    Raises `InputError` that names every bad row by its line.  A missing elevation becomes 0 m
    with a warning.  Rows of one id with dates are its epochs, and it stands where it stood last;
    without dates a repeated id keeps its first row, with a warning.
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
        known = stations.setdefault(station.id, station)
        if known.epochs and station.epochs:
            stations[station.id] = _joined(known, station)
        elif known is not station:
            remarks["more than one row, the first is used"].append(station.id)
    if bad:
        more = f"\n  and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        raise InputError(f"stations {str(path)!r}:\n  " + "\n  ".join(bad[:SHOWN]) + more)
    if not stations:
        raise InputError(f"stations {str(path)!r}: there is no station in it")
    for remark, ids in remarks.items():
        warnings.warn(f"stations {str(path)!r}: {remark}: {some(ids)}", stacklevel=2)
    return with_names(stations.values())


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
    latitude, longitude, elevation_m = place_of(cell["latitude"], cell["longitude"], elevation)
    return (
        Station(
            network=network,
            code=code,
            location=location,
            channels=tuple(c.strip() for c in cell.get("channels", "").split(",") if c.strip()),
            latitude=latitude,
            longitude=longitude,
            elevation_m=elevation_m,
            epochs=_epochs(cell.get("start", ""), cell.get("end", "")),
        ),
        not elevation,
    )


def _epochs(start: str, end: str) -> tuple[Span, ...]:
    """Return the epoch of a row; an end without a time of day includes that day."""
    epoch = epoch_of(start, end)
    if end and ":" not in end:
        epoch = Span(epoch.start_ns, min(epoch.end_ns + DAY_NS, EVER.end_ns))
    if epoch.end_ns <= epoch.start_ns:
        raise ValueError(f"end {end!r} is not after start {start!r}")
    return merged([epoch])


def _joined(one: Station, other: Station) -> Station:
    """Return a station with the epochs and channels of both, at the place of the later one."""
    later = max(one, other, key=lambda s: (s.epochs[-1].end_ns, s.epochs[-1].start_ns))
    return replace(
        later,
        channels=tuple(dict.fromkeys((*one.channels, *other.channels))),
        epochs=merged((*one.epochs, *other.epochs)),
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
    check_codes(*codes[:2], *(code for code in codes[2:] if code != ANY_LOCATION))
    return codes
