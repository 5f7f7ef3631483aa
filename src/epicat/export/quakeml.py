"""QuakeML 1.2 (BED) with picks and arrivals, written as text, event by event.

The same tables give the same bytes: the file has no creation time.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from itertools import chain
from typing import IO

import pyarrow as pa

from epicat.export.quakes import Part, Quake, Written, quakes
from epicat.model import ANY_LOCATION, Arrival
from epicat.time import iso

__all__ = ["uri", "write_quakeml"]

_KM_PER_DEGREE = math.pi * 6371 / 180
"""The spherical earth of 6371 km, as in ObsPy's ``kilometers2degrees``."""
_LONGEST_CODE = 8

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml/1.2" \
xmlns="http://quakeml.org/xmlns/bed/1.2">
<eventParameters publicID="{catalog}">
{creation}
"""
_TAIL = "</eventParameters>\n</q:quakeml>\n"
_EDGE = (
    "<comment><text>The hypocenter lies at the edge of the search box: do not trust its position."
    "</text></comment>\n"
)

_NOT_IN_URI = re.compile(r"[^A-Za-z0-9.*()_'-]")
"""Characters that QuakeML does not allow in an identifier."""
_OUTSIDE_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_quakeml(
    parts: Iterable[Part], stations: pa.Table, file: IO[str], *companions: IO[str]
) -> Written:
    """Write a document with one ``event`` for each event."""
    del stations, companions
    stream = quakes(parts)
    first = next(stream, None)
    catalog = uri("catalog", first.associator if first else "empty")
    file.write(_HEAD.format(catalog=catalog, creation=_creation()))
    events = arrivals = 0
    long: set[str] = set()
    for quake in chain([first] if first else [], stream):
        file.write(_event(quake))
        events += 1
        arrivals += len(quake.arrivals)
        long.update(r.trace_id for r in quake.arrivals if _too_long(r))
    file.write(_TAIL)
    return Written(events, arrivals, _notes(long))


def uri(kind: str, name: str) -> str:
    """Return the QuakeML resource identifier of an event, pick, run, ...

    >>> uri("event", "mzxw6ytboi")
    'smi:local/epicat/event/mzxw6ytboi'
    """
    return f"smi:local/epicat/{kind}/{escaped(name)}"


def escaped(name: str) -> str:
    """Replace characters that an identifier must not contain by their code between tildes.

    >>> escaped("NC KBG")
    'NC~20~KBG'
    """
    return _NOT_IN_URI.sub(lambda letter: f"~{ord(letter[0]):x}~", name)


def _event(quake: Quake) -> str:
    origin = uri("origin", quake.event_id)
    picks = [_pick(arrival) for arrival in quake.arrivals]
    return (
        f'<event publicID="{uri("event", quake.event_id)}">\n'
        f"<preferredOriginID>{origin}</preferredOriginID>\n"
        "<type>earthquake</type><typeCertainty>suspected</typeCertainty>\n"
        f"{_creation()}\n{_EDGE if quake.edge else ''}{_rejection(quake)}"
        f"{''.join(picks)}{_origin(origin, quake)}{_magnitude(origin, quake)}</event>\n"
    )


def _magnitude(origin: str, quake: Quake) -> str:
    if quake.magnitude is None:
        return ""
    return (
        f'<magnitude publicID="{uri("magnitude", quake.event_id)}">'
        f"<mag><value>{quake.magnitude:z.2f}</value></mag><type>{_text(quake.magnitude_type)}</type>"
        f"<originID>{origin}</originID>{_creation()}</magnitude>\n"
    )


def _rejection(quake: Quake) -> str:
    if not quake.rejected:
        return ""
    return f"<comment><text>Rejected: {_text(quake.rejected)}</text></comment>\n"


def _origin(name: str, quake: Quake) -> str:
    arrivals = [_arrival(quake, arrival) for arrival in quake.arrivals]
    return (
        f'<origin publicID="{name}">\n'
        f"<time><value>{iso(quake.time_ns)}</value></time>\n"
        f"<latitude><value>{quake.latitude:z.6f}</value></latitude>"
        f"<longitude><value>{quake.longitude:z.6f}</value></longitude>"
        f"<depth><value>{quake.depth_km * 1000:z.1f}</value></depth>\n"
        f"<depthType>from location</depthType>"
        f"<methodID>{uri('associator', quake.associator)}</methodID>\n"
        f"{_quality(quake)}<type>hypocenter</type>"
        "<evaluationMode>automatic</evaluationMode>"
        f"<evaluationStatus>{'rejected' if quake.rejected else 'preliminary'}</evaluationStatus>\n"
        f"{_creation()}\n{''.join(arrivals)}</origin>\n"
    )


def _quality(quake: Quake) -> str:
    return (
        f"<quality><usedPhaseCount>{len(quake.arrivals)}</usedPhaseCount>"
        f"<usedStationCount>{quake.n_stations}</usedStationCount>"
        f"{_number('standardError', quake.rms_s, 4)}"
        f"{_number('azimuthalGap', quake.gap_deg, 2)}"
        f"{_number('minimumDistance', quake.dmin_km / _KM_PER_DEGREE, 6)}</quality>\n"
    )


def _arrival(quake: Quake, arrival: Arrival) -> str:
    pick = escaped(arrival.pick_id)
    return (
        f'<arrival publicID="{uri("arrival", quake.event_id)}/{pick}">'
        f"<pickID>smi:local/epicat/pick/{pick}</pickID><phase>{_text(arrival.phase)}</phase>"
        f"{_number('azimuth', arrival.azimuth_deg, 2)}"
        f"{_number('distance', arrival.distance_km / _KM_PER_DEGREE, 6)}"
        f"{_number('timeResidual', arrival.residual_s, 4)}</arrival>\n"
    )


def _pick(arrival: Arrival) -> str:
    return (
        f'<pick publicID="{uri("pick", arrival.pick_id)}">'
        f"<time><value>{iso(arrival.time_ns)}</value></time>"
        f"{_waveform(arrival.trace_id, arrival.band)}{_method(arrival.run)}"
        f"<phaseHint>{_text(arrival.phase)}</phaseHint>"
        f"<evaluationMode>automatic</evaluationMode>{_confidence(arrival)}</pick>\n"
    )


@cache
def _method(run: str | None) -> str:
    return f"<methodID>{uri('run', run)}</methodID>" if run else ""


def _confidence(arrival: Arrival) -> str:
    """Return a comment, since QuakeML has no element for a probability."""
    if arrival.confidence is None or not math.isfinite(arrival.confidence):
        return ""
    return f"<comment><text>probability {arrival.confidence:.4f}</text></comment>"


@cache
def _waveform(trace_id: str, channel: str | None) -> str:
    network, station, location = (_text(c) for c in _codes(trace_id))
    place = "" if location == ANY_LOCATION else f' locationCode="{location}"'
    band = f' channelCode="{_text(channel)}"' if channel else ""
    return f'<waveformID networkCode="{network}" stationCode="{station}"{place}{band}/>'


def _codes(trace_id: str) -> tuple[str, str, str]:
    network, station, location, *_ = [*trace_id.split("."), "", ""]
    return network, station, location


def _too_long(arrival: Arrival) -> bool:
    trace = arrival.trace_id
    return len(trace) > _LONGEST_CODE and any(len(c) > _LONGEST_CODE for c in _codes(trace))


def _number(name: str, value: float, decimals: int) -> str:
    """Return an element, or nothing for what is not a number."""
    return f"<{name}>{value:z.{decimals}f}</{name}>" if math.isfinite(value) else ""


@cache
def _creation() -> str:
    made_by = _text(version("epicat"))
    return f"<creationInfo><agencyID>epicat</agencyID><version>{made_by}</version></creationInfo>"


@cache
def _text(text: str) -> str:
    return html.escape(_OUTSIDE_XML.sub("\N{REPLACEMENT CHARACTER}", text))


def _notes(long: Iterable[str]) -> tuple[str, ...]:
    names = sorted(long)
    if not names:
        return ()
    return (
        f"{len(names)} trace(s) have a code of more than {_LONGEST_CODE} letters, which the schema "
        f"of QuakeML 1.2 does not allow: {', '.join(names[:10])}",
    )
