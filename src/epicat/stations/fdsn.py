"""The FDSN station service (https://www.fdsn.org/webservices/), in its text format."""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPException, IncompleteRead
from typing import Final
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from epicat.errors import ArchiveError, InputError
from epicat.fs.retry import Patience
from epicat.geo import Extent
from epicat.stations.inventory import (
    SHOWN,
    ChannelEpoch,
    check_codes,
    direction_of,
    epoch_of,
    place_of,
    some,
)

__all__ = ["SERVICES", "query_urls", "read_service", "read_text"]

SERVICES: Final[dict[str, str]] = {
    "earthscope": "https://service.earthscope.org",
    "eth": "https://eida.ethz.ch",
    "geofon": "https://geofon.gfz.de",
    "geonet": "https://service.geonet.org.nz",
    "ingv": "https://webservices.ingv.it",
    "ncedc": "https://service.ncedc.org",
    "orfeus": "https://www.orfeus-eu.org",
    "resif": "https://ws.resif.fr",
    "scedc": "https://service.scedc.caltech.edu",
}
"""Data centres by the name that users choose."""

_PATH = "/fdsnws/station/1/query"
_WANTED = ("network", "station", "location", "channel", "latitude", "longitude", "elevation",
           "starttime", "endtime")  # fmt: skip
_OPTIONAL = ("azimuth", "dip")
_TIMEOUT_S = 60.0
_WAITS_S = (2.0, 8.0, 16.0)
_LONGEST_S = 60.0
_PASSING = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY,
            HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)  # fmt: skip
_LARGEST = 500 * 2**20


def read_service(where: str, extent: Extent | None) -> list[ChannelEpoch]:
    """Ask a service, by its name or address, for all channels inside an extent, at all times.

    Raises `ArchiveError` if it does not answer, and `InputError` for an answer that cannot be
    used.
    """
    urls = query_urls(SERVICES.get(where.casefold(), where), extent)
    return [row for url in urls for row in _with_codes(read_text(_answer(url), url), url)]


def _with_codes(rows: Iterable[ChannelEpoch], where: str) -> Iterator[ChannelEpoch]:
    """Leave out what has no proper codes, with a warning: nobody here can mend a service."""
    odd: dict[str, None] = {}
    for row in rows:
        try:
            check_codes(row.network, row.station, row.location, row.channel)
        except ValueError:
            odd.setdefault(repr(f"{row.id}.{row.channel}"[:60]))
        else:
            yield row
    if odd:
        warnings.warn(
            f"stations from {where}: left out, since their codes are not letters and digits: "
            f"{some(list(odd))}",
            stacklevel=2,
        )


def query_urls(base: str, extent: Extent | None) -> list[str]:
    """Return the addresses to ask: one, or two for an extent across the date line.

    ``base`` is the address of a data centre, of its station service, or a query with
    parameters of its own, such as ``network=NC``.
    """
    parts = urlsplit(base)
    if not parts.netloc:
        raise InputError(f"stations {base!r} is no address; write for example {SERVICES['ncedc']}")
    if "@" in parts.netloc:
        host = parts.netloc.rpartition("@")[2]
        raise InputError(
            f"stations {parts.scheme}://...@{host}: user and password are not taken, "
            "since an address is shown and kept; leave them out, or give --stations a file"
        )
    path = parts.path.rstrip("/")
    if not path.endswith("/query"):
        head, found, _ = path.partition("/fdsnws/")
        path = f"{path}/query" if found and path.endswith("/1") else head + _PATH
    fixed = {"level": "channel", "format": "text", "nodata": "204"}
    own = dict(parse_qsl(parts.query)) | fixed
    boxes = _boxes(extent) if extent else [{}]
    return [
        urlunsplit((parts.scheme, parts.netloc, path, urlencode(own | box), "")) for box in boxes
    ]


def _boxes(extent: Extent) -> list[dict[str, str]]:
    """Return the parameters of an extent.  The service knows no box across the date line."""
    sides = [(extent.west, extent.east)]
    if extent.west > extent.east:
        sides = [(extent.west, 180.0), (-180.0, extent.east)]
    return [
        {
            "minlatitude": f"{extent.south:g}",
            "maxlatitude": f"{extent.north:g}",
            "minlongitude": f"{west:g}",
            "maxlongitude": f"{east:g}",
        }
        for west, east in sides
    ]


def _answer(url: str) -> str:
    """Return what a service answers; nothing if it has nothing.  Tries a few times.

    Waits as long as a server asks for, up to a minute, else longer each time.
    """
    for wait in (*_WAITS_S, None):
        asked_s = None
        try:
            return _fetched(url)
        except HTTPError as error:
            trouble, asked_s = _refusal(error), _seconds(error.headers.get("Retry-After", ""))
            passing = error.code in _PASSING
        except HTTPException as error:
            trouble, passing = f"its answer broke off or made no sense ({error!r})", True
        except OSError as error:
            trouble, passing = f"it cannot be reached: {getattr(error, 'reason', error)}", True
        if wait is None or not passing:
            break
        jittered = wait * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        time.sleep(jittered if asked_s is None else asked_s)
    raise ArchiveError(
        f"stations from {url}: {trouble}; try again later, or give --stations a file"
    )


def _refusal(error: HTTPError) -> str:
    with error, suppress(OSError, HTTPException):
        said = error.read(2000).decode(errors="replace").strip().splitlines()
        return f"it answered {error.code} {error.reason}" + (f": {said[0]}" if said else "")
    return f"it answered {error.code} {error.reason}"


def _seconds(retry_after: str) -> float | None:
    """Return what ``Retry-After`` asks for; a date, which few servers send, is not read."""
    return min(float(retry_after), _LONGEST_S) if retry_after.strip().isdecimal() else None


def _fetched(url: str) -> str:
    request = Request(url, headers={"User-Agent": "epicat"})  # noqa: S310 - http(s) alone gets here
    stall_s = min(_TIMEOUT_S, 2 * Patience.given().stall_s)
    with urlopen(request, timeout=stall_s) as answer:  # noqa: S310 - see above # nosec B310
        body: bytes = answer.read(_LARGEST + 1)
        # Python takes half a body for a whole one if it was asked for so many bytes at most.
        if answer.length and len(body) <= _LARGEST:
            raise IncompleteRead(body, answer.length)
        if not body and answer.status != HTTPStatus.NO_CONTENT:
            raise IncompleteRead(body)
    if len(body) > _LARGEST:
        raise InputError(f"stations from {url}: more than {_LARGEST >> 20} MB; ask for less")
    return body.decode(errors="replace")


def read_text(text: str, where: str) -> Iterator[ChannelEpoch]:
    """Read the text format at the level of channels.

    Raises `InputError` that names every bad line.
    """
    lines = text.splitlines()
    if not lines:
        return
    columns = _columns(lines[0], where)
    bad = []
    for number, line in enumerate(lines[1:], 2):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            yield _row(line, columns)
        except ValueError as error:
            bad.append(f"line {number}: {error}")
    if bad:
        more = f"\n  and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        raise InputError(f"stations from {where}:\n  " + "\n  ".join(bad[:SHOWN]) + more)


def _columns(header: str, where: str) -> dict[str, int]:
    names = [name.strip().casefold() for name in header.lstrip("#").split("|")]
    missing = [name for name in _WANTED if name not in names]
    if missing:
        raise InputError(
            f"stations from {where}: this is not the text of a station service at the level of "
            f"channels, no column {', '.join(missing)}; it starts with {header[:80]!r}"
        )
    return {name: names.index(name) for name in (*_WANTED, *_OPTIONAL) if name in names}


def _row(line: str, columns: dict[str, int]) -> ChannelEpoch:
    cells = [cell.strip() for cell in line.split("|")]
    if len(cells) <= max(columns.values()):
        raise ValueError(f"{len(cells)} columns where there should be more: {line[:60]!r}")
    cell = {name: cells[at] for name, at in columns.items()}
    latitude, longitude, elevation = place_of(
        cell["latitude"], cell["longitude"], cell["elevation"]
    )
    azimuth, dip = direction_of(cell.get("azimuth", ""), cell.get("dip", ""))
    return ChannelEpoch(
        network=cell["network"],
        station=cell["station"],
        location=cell["location"].replace("--", ""),
        channel=cell["channel"],
        latitude=latitude,
        longitude=longitude,
        elevation_m=elevation,
        epoch=epoch_of(cell["starttime"], cell["endtime"]),
        azimuth_deg=azimuth,
        dip_deg=dip,
    )
