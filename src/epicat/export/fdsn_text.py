"""The text format of the FDSN event web service: one line for each event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

import pyarrow as pa

from epicat.export.quakes import Part, Quake, Written
from epicat.export.stream import quakes
from epicat.time import iso

__all__ = ["write_fdsn_text"]

_HEADER = (
    "#EventID|Time|Latitude|Longitude|Depth/km|Author|Catalog|Contributor|ContributorID"
    "|MagType|Magnitude|MagAuthor|EventLocationName\n"
)


def write_fdsn_text(
    parts: Iterable[Part], stations: pa.Table, file: IO[str], *companions: IO[str]
) -> Written:
    """Write one line for each event."""
    del stations, companions
    events = 0
    file.write(_HEADER)
    for quake in quakes(parts):
        file.write(_line(quake))
        events += 1
    return Written(events)


def _line(quake: Quake) -> str:
    """Return the line; times of the format are UTC without ``Z``, and fields contain no ``|``."""
    origin = quake.origin
    time = iso(origin.time_ns).removesuffix("Z")
    place = f"{origin.latitude:z.6f}|{origin.longitude:z.6f}|{origin.depth_km:z.4f}"
    name = _without_bars(quake.event_id)
    catalog = _without_bars(quake.catalog or quake.associator)
    kind = _without_bars(quake.magnitude_type)
    size = "||" if quake.magnitude is None else f"{kind}|{quake.magnitude:z.2f}|epicat"
    return f"{name}|{time}|{place}|epicat|{catalog}|epicat|{name}|{size}|\n"


def _without_bars(text: str) -> str:
    return " ".join(text.replace("|", " ").split())
