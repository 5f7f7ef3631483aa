"""FDSN station web services (https://www.fdsn.org/webservices/): stations, and responses."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from http.client import HTTPException, IncompleteRead
from io import BytesIO
from typing import Final
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from epicat._util.lists import batched
from epicat._util.table_file import read_table_file, shorten
from epicat.archive.registry import DATA_CENTERS
from epicat.errors import ArchiveError, InputError
from epicat.fs.retry import Patience, retry
from epicat.geo import Extent
from epicat.stations.channel_epoch import Inventory
from epicat.stations.responses import ChannelResponse
from epicat.stations.stationxml import read_stationxml_responses
from epicat.stations.table import is_station_table, read_table

__all__ = [
    "SERVICES",
    "query_urls",
    "read_service",
    "read_service_responses",
    "read_text",
    "response_urls",
]

SERVICES: Final = DATA_CENTERS
"""URLs of data centres, by the names that users choose."""

_PATH = "/fdsnws/station/1/query"
_TIMEOUT_S = 60.0
_WAITS_S = (2.0, 8.0, 16.0)
_LONGEST_S = 60.0
_TRANSIENT = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR,
              HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE,
              HTTPStatus.GATEWAY_TIMEOUT)  # fmt: skip
_LARGEST = 500 * 2**20
_STATIONS = 40
"""Stations of one request for responses, which keeps URLs and answers short."""


def read_service(where: str, extent: Extent | None) -> Inventory:
    """Request all channels inside an extent, at all times, from a service by its name or URL.

    Raises `ArchiveError` if the service does not answer, and `InputError` for an answer that is
    not station text.
    """
    found = Inventory()
    for url in query_urls(SERVICES.get(where.casefold(), where), extent):
        found.add(read_text(_answer(url), url))
    return found


def read_service_responses(
    where: str, stations: Iterable[tuple[str, str]]
) -> list[ChannelResponse]:
    """Request the responses of stations, given by network and station code.

    Raises `ArchiveError` if the service does not answer, and `InputError` for an answer that is
    not StationXML.
    """
    found: list[ChannelResponse] = []
    for url in response_urls(SERVICES.get(where.casefold(), where), stations):
        body = _answer(url)
        try:
            found += read_stationxml_responses(BytesIO(body.encode())) if body.strip() else []
        except ValueError as error:
            raise InputError(f"responses from {url}: {error}") from error
    return found


def query_urls(base: str, extent: Extent | None) -> list[str]:
    """Return the URLs to request: one, or two for an extent across the date line.

    ``base`` is the URL of a data centre, of its station service, or of a query with parameters
    such as ``network=NC``.
    """
    fixed = {"level": "channel", "format": "text", "nodata": "204"}
    boxes = _boxes(extent) if extent else [{}]
    return [_query(base, fixed | box) for box in boxes]


def response_urls(base: str, stations: Iterable[tuple[str, str]]) -> list[str]:
    """Return the URLs that request the responses of stations, by network and station code."""
    by_network: dict[str, set[str]] = defaultdict(set)
    for network, station in stations:
        by_network[network].add(station)
    fixed = {"level": "response", "format": "xml", "nodata": "204"}
    return [
        _query(base, {**fixed, "network": network, "station": ",".join(some)})
        for network, codes in sorted(by_network.items())
        for some in batched(sorted(codes), _STATIONS)
    ]


def _query(base: str, fixed: Mapping[str, str]) -> str:
    """Return the URL of a query with parameters that take precedence over its own."""
    parts = urlsplit(base)
    if not parts.netloc:
        raise InputError(f"stations {base!r} is not a URL; write for example {SERVICES['ncedc']}")
    if "@" in parts.netloc:
        host = parts.netloc.rpartition("@")[2]
        raise InputError(
            f"stations {parts.scheme}://...@{host}: user and password are not accepted, "
            "since the URL is shown and stored; leave them out, or give --stations a file"
        )
    path = parts.path.rstrip("/")
    if not path.endswith("/query"):
        head, found, _ = path.partition("/fdsnws/")
        path = f"{path}/query" if found and path.endswith("/1") else head + _PATH
    own = dict(parse_qsl(parts.query)) | dict(fixed)
    return urlunsplit((parts.scheme, parts.netloc, path, urlencode(own), ""))


def _boxes(extent: Extent) -> list[dict[str, str]]:
    """Return the parameters of an extent; a box of the service cannot cross the date line."""
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
    """Return the body of an answer, empty for "no data"; retry a few times.

    Waits for as long as the server asks for, up to a minute, else longer each time.
    """
    waits = (wait * random.uniform(0.5, 1.0) for wait in _WAITS_S)  # noqa: S311 - no secret
    try:
        return retry(partial(_fetched, url), _is_transient, waits)
    except HTTPError as error:
        problem = _refusal(error)
        cause: Exception = error
    except HTTPException as error:
        problem, cause = f"the answer is incomplete or invalid ({error!r})", error
    except OSError as error:
        problem, cause = f"it cannot be reached: {getattr(error, 'reason', error)}", error
    raise ArchiveError(
        f"stations from {url}: {problem}; try again later, or give --stations a file"
    ) from cause


def _is_transient(error: Exception) -> bool | float:
    """Whether an error may pass, or the seconds that the server asks to wait."""
    if not isinstance(error, HTTPError):
        return isinstance(error, HTTPException | OSError)
    if error.code not in _TRANSIENT:
        return False
    asked_s = _seconds(error.headers.get("Retry-After", ""))
    return True if asked_s is None else asked_s


def _refusal(error: HTTPError) -> str:
    with error, suppress(OSError, HTTPException):
        said = error.read(2000).decode(errors="replace").strip().splitlines()
        return f"it answered {error.code} {error.reason}" + (f": {said[0][:200]}" if said else "")
    return f"it answered {error.code} {error.reason}"


def _seconds(retry_after: str) -> float | None:
    """Return the seconds of ``Retry-After``; a date, which few servers send, is ignored."""
    return min(float(retry_after), _LONGEST_S) if retry_after.strip().isdecimal() else None


def _fetched(url: str) -> str:
    request = Request(url, headers={"User-Agent": "epicat"})  # noqa: S310 - only http(s) gets here
    stall_s = min(_TIMEOUT_S, 2 * Patience.from_environment().stall_s)
    with urlopen(request, timeout=stall_s) as answer:  # noqa: S310 - see above # nosec B310
        body: bytes = answer.read(_LARGEST + 1)
        # With a size limit, Python does not report a body that is cut short.
        if answer.length and len(body) <= _LARGEST:
            raise IncompleteRead(body, answer.length)
        if not body and answer.status != HTTPStatus.NO_CONTENT:
            raise IncompleteRead(body)
    if len(body) > _LARGEST:
        raise InputError(f"stations from {url}: more than {_LARGEST >> 20} MB; ask for less")
    return body.decode(errors="replace")


def read_text(text: str, where: str) -> Inventory:
    """Read the text format, at the level of channels or of stations.

    Raises `InputError` for another kind of answer.
    """
    if not text.strip():
        return Inventory()
    try:
        table = read_table_file(text.encode())
        if table.delimiter == "|" and is_station_table(table.header):
            return read_table(table)
    except ValueError:
        pass
    raise InputError(
        f"stations from {where}: the answer is not FDSN station text; it starts with "
        f"{shorten(text.lstrip().splitlines()[0])}"
    )
