"""The FDSN event web service of a catalog: ``/fdsnws/event/1``, formats xml and text.

FDSN Web Service Specifications, version 1.2 (2019), https://www.fdsn.org/webservices/.  The
content is that of the exports ``quakeml`` and ``fdsn-text``.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from epicat.errors import InputError
from epicat.export.formats import FORMATS
from epicat.geo import distance_azimuth
from epicat.model import EVER, Span
from epicat.time import parse_time

if TYPE_CHECKING:
    from epicat.catalog.catalog import Catalog
    from epicat.export.quakes import Part

__all__ = ["WADL", "EventQuery", "answer", "parts_of"]

_ALIASES: Final[Mapping[str, str]] = {
    "starttime": "start", "endtime": "end", "minlatitude": "minlat", "maxlatitude": "maxlat",
    "minlongitude": "minlon", "maxlongitude": "maxlon", "latitude": "lat", "longitude": "lon",
    "minmagnitude": "minmag", "maxmagnitude": "maxmag",
}  # fmt: skip
_NUMBERS: Final = ("minlat", "maxlat", "minlon", "maxlon", "mindepth", "maxdepth", "minmag",
                   "maxmag", "lat", "lon", "minradius", "maxradius")  # fmt: skip
_OTHERS: Final = ("start", "end", "eventid", "limit", "offset", "orderby", "format", "nodata",
                  "includearrivals", "includeallorigins", "includeallmagnitudes",
                  "magnitudetype")  # fmt: skip
_ORDERS: Final = {
    "time": [("time", "descending")],
    "time-asc": [("time", "ascending")],
    "magnitude": [("magnitude", "descending")],
    "magnitude-asc": [("magnitude", "ascending")],
}
_KM_PER_DEGREE: Final = 111.195
_MOVED_NS: Final = 600 * 1_000_000_000
"""A location does not move the time of an event farther."""
_BEGIN: Final = {"xml": r"^(?=<event publicID=)", "text": r"^(?=[^#\n])"}
_END: Final = {"xml": "</event>\n", "text": "\n"}
_FORMATS: Final = {"xml": ("quakeml", "application/xml"), "text": ("fdsn-text", "text/plain")}


@dataclass(frozen=True, slots=True)
class EventQuery:
    """A query of the service."""

    numbers: Mapping[str, float]
    """Limits by the short name of the parameter."""
    start_ns: int | None = None
    """Earliest origin time."""
    end_ns: int | None = None
    """Latest origin time."""
    event_id: str = ""
    """The only event; empty for all."""
    magnitude_type: str = ""
    """The only kind of magnitude; empty for all."""
    limit: int | None = None
    """Most events."""
    offset: int = 1
    """The first event, from 1."""
    order: str = "time"
    """A key of the orders of the specification."""
    form: str = "xml"
    """``xml`` or ``text``."""
    no_data: int = 204
    """Status if there is no event: 204 or 404."""

    @classmethod
    def from_parameters(cls, given: Iterable[tuple[str, str]]) -> EventQuery:
        """Read the parameters of an address; raise `InputError` for what the service has not."""
        values: dict[str, str] = {}
        for name, value in given:
            short = _ALIASES.get(name.casefold(), name.casefold())
            if short not in (*_NUMBERS, *_OTHERS):
                raise InputError(f"the service has no parameter {name!r}")
            values[short] = value.strip()
        return cls(
            numbers={name: _number(name, values[name]) for name in _NUMBERS if values.get(name)},
            start_ns=_time(values.get("start")),
            end_ns=_time(values.get("end")),
            event_id=values.get("eventid", "").rpartition("/")[2],
            magnitude_type=values.get("magnitudetype", ""),
            limit=_count("limit", values.get("limit")),
            offset=_count("offset", values.get("offset")) or 1,
            order=_chosen("orderby", values.get("orderby") or "time", _ORDERS),
            form=_chosen("format", values.get("format") or "xml", _FORMATS),
            no_data=int(_chosen("nodata", values.get("nodata") or "204", ("204", "404"))),
        )

    def apply(self, events: pa.Table) -> pa.Table:
        """Return the events of the catalog that fit, in order."""
        keep = _within(events["time"].cast(pa.int64()), self.start_ns, self.end_ns)
        for column, low, high in (("latitude", "minlat", "maxlat"), ("depth_km", "mindepth",
                                  "maxdepth"), ("magnitude", "minmag", "maxmag")):  # fmt: skip
            limits = (self.numbers.get(low), self.numbers.get(high))
            keep = pc.and_(keep, _within(events[column], *limits))
        keep = pc.and_(keep, self._between_longitudes(events["longitude"]))
        if self.event_id:
            keep = pc.and_(keep, pc.equal(events["event_id"], self.event_id))
        if self.magnitude_type:
            kind = pc.equal(pc.utf8_lower(events["magnitude_type"]), self.magnitude_type.casefold())
            keep = pc.and_(keep, pc.fill_null(kind, False))
        found = self._near(events.filter(keep)).sort_by(_ORDERS[self.order])
        return found.slice(self.offset - 1, self.limit)

    def _between_longitudes(self, longitude: pa.ChunkedArray) -> pa.ChunkedArray:
        """Compare; a minimum above the maximum means the other side of the date line."""
        low, high = self.numbers.get("minlon"), self.numbers.get("maxlon")
        if low is not None and high is not None and low > high:
            return pc.or_(_within(longitude, low, None), _within(longitude, None, high))
        return _within(longitude, low, high)

    def _near(self, events: pa.Table) -> pa.Table:
        """Keep events within the radii around a point, in degrees."""
        low, high = self.numbers.get("minradius"), self.numbers.get("maxradius")
        if low is None and high is None:
            return events
        here = (self.numbers.get("lat", 0.0), self.numbers.get("lon", 0.0))
        km, _ = distance_azimuth(
            *here, events["latitude"].to_numpy(), events["longitude"].to_numpy()
        )
        degrees = pa.chunked_array([pa.array(km.ravel() / _KM_PER_DEGREE)])
        return events.filter(_within(degrees, low, high))


def answer(catalog: Catalog, query: EventQuery) -> tuple[bytes, str] | None:
    """Return content and media type of the answer; None if no event fits."""
    events = query.apply(catalog.events(_span(query)))
    if not events.num_rows:
        return None
    name, media = _FORMATS[query.form]
    text = io.StringIO()
    times = pc.min_max(events["time"].cast(pa.int64())).as_py()
    near = Span(times["min"], times["max"] + 1).widened(_MOVED_NS)
    parts = parts_of(catalog.parts(span=near), events["event_id"].combine_chunks())
    FORMATS[name].write(parts, catalog.stations(), text)
    ordered = _in_order(text.getvalue(), query.form, events["event_id"].to_pylist())
    return ordered.encode(), media


def _span(query: EventQuery) -> Span | None:
    """Return the span to read, so that a query of a day does not read a century."""
    if query.start_ns is None and query.end_ns is None:
        return None
    begin, end = EVER.start_ns, EVER.end_ns
    if query.start_ns is not None:
        begin = min(max(begin, query.start_ns), end)
    if query.end_ns is not None:
        end = min(end, query.end_ns + 1)
    return Span(begin, max(end, begin + 1))


def _in_order(text: str, form: str, ids: Sequence[str]) -> str:
    """Put the events of an export, which are in the order of time, into the order of ``ids``."""
    pieces = re.split(_BEGIN[form], text, flags=re.MULTILINE)
    head, last = pieces[0], pieces.pop()
    tail_at = last.rfind(_END[form]) + len(_END[form])
    found = [*pieces[1:], last[:tail_at]]
    rank = {name: at for at, name in enumerate(ids)}
    found.sort(key=lambda piece: rank[_name_of(piece, form)])
    return "".join([head, *found, last[tail_at:]])


def _name_of(piece: str, form: str) -> str:
    if form == "text":
        return piece.partition("|")[0]
    return piece.partition('"')[2].partition('"')[0].rpartition("/")[2]


def parts_of(parts: Iterable[Part], ids: pa.Array) -> Iterator[Part]:
    """Give the parts with the events of some ids, in the order of time."""
    for part in parts:
        own = part.events.filter(pc.is_in(part.events["event_id"], value_set=ids))
        if own.num_rows:
            yield replace(part, events=own)


def _within(values: pa.ChunkedArray, low: float | None, high: float | None) -> pa.ChunkedArray:
    """Compare; unknown values fit only where there is no limit."""
    if low is None and high is None:
        return pc.or_kleene(pc.is_null(values), pa.scalar(True))
    keep = pc.is_valid(values)
    if low is not None:
        keep = pc.and_(keep, pc.greater_equal(values, low))
    if high is not None:
        keep = pc.and_(keep, pc.less_equal(values, high))
    return pc.fill_null(keep, False)


def _time(text: str | None) -> int | None:
    return parse_time(text) if text else None


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{name} {text!r} is not a number")
    return value


def _count(name: str, text: str | None) -> int | None:
    if not text:
        return None
    if not text.isdigit() or int(text) < 1:
        raise InputError(f"{name} {text!r} is not a positive whole number")
    return int(text)


def _chosen(name: str, value: str, allowed: Iterable[str]) -> str:
    if value not in allowed:
        raise InputError(f"{name} {value!r} is not available: {', '.join(allowed)}")
    return value


def _wadl() -> str:
    kinds = {"start": "xs:dateTime", "end": "xs:dateTime"}
    long = {short: name for name, short in _ALIASES.items()}
    names = [*_NUMBERS, *_OTHERS]
    parameters = "".join(
        f'<param name="{long.get(name, name)}" style="query" '
        f'type="{kinds.get(name, "xs:double" if name in _NUMBERS else "xs:string")}"/>'
        for name in names
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><application '
        'xmlns="http://wadl.dev.java.net/2009/02" xmlns:xs="http://www.w3.org/2001/XMLSchema">'
        '<resources base="fdsnws/event/1/"><resource path="query"><method id="query" name="GET">'
        f"<request>{parameters}</request></method></resource></resources></application>"
    )


WADL: Final = _wadl()
"""The description of the service, from which clients learn its parameters."""
