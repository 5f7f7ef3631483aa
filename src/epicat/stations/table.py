"""Station lists that are tables with a header: text, Parquet or JSON.

The tutorial's form is ``id,network_code,station_code,location_code,channels,latitude,longitude,
elevation`` with ``id`` = ``NET.STA.LOC``.  An ``id`` may stand for the codes, or the codes for
the ``id``; an ``id`` of two parts leaves the location open.  FDSN station text, at the level of
channels or stations, and the lists of GaMMA, PyOcto, QuakeFlow, EQTransformer and QuakeMigrate are
tables of this kind with other names.  Columns that are not needed are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from epicat._util.table_file import TableFile, find_columns, shorten
from epicat.model import ANY_LOCATION, EVER, Span
from epicat.stations.channel_epoch import (
    ChannelEpoch,
    Inventory,
    check_codes,
    parse_direction,
    parse_epoch,
    parse_number,
    parse_position,
)
from epicat.time import DAY_NS

__all__ = ["NO_ELEVATION", "NO_NETWORK", "UNKNOWN_NETWORK", "is_station_table", "read_table"]

UNKNOWN_NETWORK: Final = "XX"
"""The code that the FDSN keeps for unregistered networks, where a list has no network codes."""
NO_NETWORK: Final = f"no network code, taken as {UNKNOWN_NETWORK} (--network of `stations import`)"
NO_ELEVATION: Final = "no elevation, taken as 0 m"

_ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "trace_id", "station_id", "seed_id", "sta_id"),
    "network": ("network_code", "network", "net", "knetwk"),
    "station": ("station_code", "station", "sta", "station_name", "name", "kstnm"),
    "location": ("location_code", "location", "loc"),
    "channels": ("channels", "channel", "channel_code", "cha", "chan"),
    "latitude": ("latitude", "lat", "latitude_deg", "station_lat", "stla", "lat_deg"),
    "longitude": ("longitude", "lon", "long", "lng", "longitude_deg", "station_lon", "stlo",
                  "lon_deg"),
    "elevation": ("elevation", "elevation_m", "elev", "elev_m", "elv", "station_elv", "stel",
                  "altitude", "altitude_m", "height_m"),
    "elevation_km": ("elevation_km", "elev_km", "altitude_km"),
    "depth": ("depth", "depth_m", "sensor_depth", "burial_depth", "stdp"),
    "depth_km": ("depth_km",),
    "azimuth": ("azimuth", "azimuth_deg", "azi"),
    "dip": ("dip", "dip_deg"),
    "start": ("start_date", "startdate", "start_time", "starttime", "start"),
    "end": ("end_date", "enddate", "end_time", "endtime", "end"),
    "coordinates": ("coords", "coordinates"),
}  # fmt: skip
_WANTED = "id,network_code,station_code,location_code,channels,latitude,longitude,elevation"
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_LOWEST_KM = 9.0
_BAND_CODE = re.compile("[A-Z0-9]{1,2}")


def is_station_table(header: Iterable[str]) -> bool:
    """Return whether a header names positions."""
    found = find_columns(header, _ALIASES)
    return {"latitude", "longitude"} <= set(found) or "coordinates" in found


def read_table(table: TableFile, network: str = "") -> Inventory:
    """Read the rows of a table; ``network`` is the code where the list has none.

    Raises `ValueError` if a column is missing.
    """
    columns = _columns(table.header)
    inventory = Inventory(keeps_all_channels=table.delimiter != "|")
    rows = [(label, row) for label, row in table.rows]
    unit = _quakemigrate_unit(table.header, columns, [row for _, row in rows])
    for label, row in rows:
        cells = {what: row.get(name, "") for what, name in columns.items()}
        try:
            if set(row) == {""} and row[""]:
                raise ValueError(row[""])
            channels, notes = _channels(_texts(cells, table.delimiter), network, unit)
        except ValueError as error:
            inventory.rejected.append(f"{label}: {error}")
            continue
        inventory.channels += channels
        for note in notes:
            inventory.notes[note].append(channels[0].id)
    return inventory


def _columns(header: Sequence[str]) -> dict[str, str]:
    found = find_columns(header, _ALIASES)
    if "coordinates" in found:  # EQTransformer's JSON: latitude, longitude and elevation
        return found
    missing = [what for what in ("latitude", "longitude") if what not in found]
    if not {"id", "station"} & set(found):
        missing.insert(0, "id (or network_code and station_code)")
    if missing:
        names = ", ".join(header)
        raise ValueError(
            f"no column {', '.join(missing)}; the header is "
            f"{shorten(names) if names else 'empty'}; expected for example {_WANTED}"
        )
    return found


def _texts(cells: Mapping[str, Any], delimiter: str) -> dict[str, str]:
    """Return the cells as text, with points for decimal commas where these cannot separate."""
    values = cells.get("coordinates")
    if isinstance(values, (list, tuple)):
        names = ("latitude", "longitude", "elevation")
        cells = {**cells, **dict(zip(names, values, strict=False))}
    texts = {
        what: ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value).strip()
        for what, value in cells.items()
    }
    if delimiter in (";", "\t", " ") and _DECIMAL_COMMA.fullmatch(texts.get("latitude", "")):
        for what, text in texts.items():
            if _DECIMAL_COMMA.fullmatch(text):
                texts[what] = text.replace(",", ".")
    return texts


def _quakemigrate_unit(
    header: Sequence[str], columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]
) -> str:
    """Return the unit of elevations, ``m`` or ``km``: QuakeMigrate's lists may have either.

    They name their stations ``Name``.  Raises `ValueError` if the numbers do not show the unit.
    """
    is_quakemigrate = {name.strip() for name in header} == {
        "Name", "Latitude", "Longitude", "Elevation"
    }  # fmt: skip
    if not is_quakemigrate:
        return "m"
    texts = [str(row.get(columns["elevation"], "")).strip() for row in rows]
    fractions = [len(text.partition(".")[2].rstrip("0")) for text in texts]
    numbers = []
    for text in texts:
        try:
            numbers.append(abs(float(text or 0)))
        except ValueError:
            continue
    if max(numbers, default=0) > _LOWEST_KM or not any(fractions):
        return "m"
    if max(fractions) >= 3:
        return "km"
    raise ValueError(
        f"elevations up to {max(numbers):g}: metres or kilometres?  Name the column elevation_m "
        "or elevation_km"
    )


def _channels(
    cell: Mapping[str, str], network: str, unit: str
) -> tuple[list[ChannelEpoch], list[str]]:
    """Return the channels of a row, and what was assumed about it."""
    (own_network, station, location, band), notes = _codes(cell, network)
    elevation = cell.get("elevation", "")
    scale = 1000.0 if unit == "km" else 1.0
    if not elevation and cell.get("elevation_km"):
        elevation, scale = cell["elevation_km"], 1000.0
    if scale != 1.0 and elevation:
        elevation = repr(parse_number(elevation, "elevation", _LOWEST_KM) * scale)
        notes += ["elevations read as kilometres"] if unit == "km" else []
    latitude, longitude, up = parse_position(cell["latitude"], cell["longitude"], elevation)
    depth = _depth(cell)
    if not elevation:
        notes.append(NO_ELEVATION if not depth else f"{NO_ELEVATION} minus the depth")
        up -= depth
    names = [c.strip() for c in re.split(r"[,;\s]+", cell.get("channels", "")) if c.strip()]
    names = names or ([band] if band else [""])
    check_codes(own_network, station, *names)
    epoch = _epoch(cell.get("start", ""), cell.get("end", ""))
    azimuth, dip = parse_direction(cell.get("azimuth", ""), cell.get("dip", ""))
    rows = [
        ChannelEpoch(own_network, station, location, name, latitude, longitude, up, epoch, depth,
                     azimuth, dip)
        for name in names
    ]  # fmt: skip
    return rows, notes


def _depth(cell: Mapping[str, str]) -> float:
    """Return the depth of the sensor below the ground in metres."""
    if cell.get("depth_km"):
        return parse_number(cell["depth_km"], "depth", _LOWEST_KM) * 1000
    return parse_number(cell.get("depth") or "0", "depth", 9000)


def _epoch(start: str, end: str) -> Span:
    """Return the epoch of a row; an end without a time of day includes that day."""
    epoch = parse_epoch(start, end)
    if end and ":" not in end and "T" not in end.upper():
        epoch = Span(epoch.start_ns, min(epoch.end_ns + DAY_NS, EVER.end_ns))
    if epoch.end_ns <= epoch.start_ns:
        raise ValueError(f"end {shorten(end)} is not after start {shorten(start)}")
    return epoch


def _codes(cell: Mapping[str, str], network: str) -> tuple[tuple[str, str, str, str], list[str]]:
    """Return network, station, location and the channel that an id may hold."""
    own = cell.get("network", "")
    name = cell.get("station", "")
    identity = next((t for t in (cell.get("id", ""), name) if "." in t), cell.get("id", ""))
    if "." in identity:
        parts = identity.split(".")
        if not 2 <= len(parts) <= 4:
            raise ValueError(f"id {shorten(identity)} is not NET.STA.LOC")
    else:
        location = cell.get("location", "") if "location" in cell else ANY_LOCATION
        station = name or identity
        if "network" in cell and not (own or network):
            raise ValueError(f"station {shorten(station)} has no network code")
        if not station:
            raise ValueError(f"id {shorten(identity)} is not NET.STA.LOC")
        parts = [own or network or UNKNOWN_NETWORK, station, location]
    notes = [] if "." in identity or own or network else [NO_NETWORK]
    network_code, station, location, band = (*parts, *(ANY_LOCATION, "")[len(parts) - 2 :])
    location = "" if location == "--" else location
    check_codes(network_code, station, *(c for c in (location, band) if c and c != ANY_LOCATION))
    return (network_code, station, location, band), notes
