"""QuakeML 1.2 (BED) with picks and arrivals, written as text, event by event.

The same tables give the same bytes: the file has no creation time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import chain
from statistics import median
from typing import IO

import pyarrow as pa

from epicat.export.origin import LEVEL, Ellipsoid, Errors, Origin, is_used
from epicat.export.quakeml_elements import (
    codes,
    creation,
    escaped,
    number,
    text,
    uri,
    waveform,
)
from epicat.export.quakeml_magnitudes import preferred_magnitude, sizes_as_quakeml
from epicat.export.quakes import Part, Quake, Written
from epicat.export.stream import quakes
from epicat.model import Arrival
from epicat.time import iso

__all__ = ["write_quakeml"]

_KM_PER_DEGREE = math.pi * 6371 / 180
"""The spherical earth of 6371 km, as in ObsPy's ``kilometers2degrees``."""
_LONGEST_CODE = 8

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml/1.2" \
xmlns="http://quakeml.org/xmlns/bed/1.2">
<eventParameters publicID="{catalog}">
{name}{creation}
"""
_TAIL = "</eventParameters>\n</q:quakeml>\n"
_EDGE = "The hypocenter lies at the edge of the search box: do not trust its position."

_POLARITIES = {
    1: "<polarity>positive</polarity>",
    -1: "<polarity>negative</polarity>",
    0: "<polarity>undecidable</polarity>",
}


def write_quakeml(
    parts: Iterable[Part], stations: pa.Table, file: IO[str], *companions: IO[str]
) -> Written:
    """Write a document with one ``event`` for each event."""
    del stations, companions
    stream = quakes(parts)
    first = next(stream, None)
    catalog = uri("catalog", first.associator if first else "empty")
    name = f"<description>{text(first.catalog)}</description>\n" if first and first.catalog else ""
    file.write(_HEAD.format(catalog=catalog, name=name, creation=creation()))
    events = arrivals = 0
    long: set[str] = set()
    for quake in chain([first] if first else [], stream):
        file.write(_event(quake))
        events += 1
        arrivals += len(quake.origin.arrivals)
        long.update(r.trace_id for r in _picks(quake) if _too_long(r))
    file.write(_TAIL)
    return Written(events, arrivals, _notes(long))


def _event(quake: Quake) -> str:
    best = quake.origin
    return (
        f'<event publicID="{uri("event", quake.event_id)}">\n'
        f"<preferredOriginID>{uri('origin', best.name)}</preferredOriginID>\n"
        f"{preferred_magnitude(quake)}"
        "<type>earthquake</type><typeCertainty>suspected</typeCertainty>\n"
        f"{creation()}\n{_comments(quake)}"
        f"{''.join(_pick(pick, quake.polarities) for pick in _picks(quake))}"
        f"{''.join(_origin(origin, quake) for origin in quake.origins)}"
        f"{_magnitude(uri('origin', best.name), quake)}{sizes_as_quakeml(quake)}</event>\n"
    )


def _picks(quake: Quake) -> list[Arrival]:
    """Return the arrivals of all origins, each pick once: as in the best origin that has it."""
    found = {a.pick_id: a for origin in reversed(quake.origins) for a in origin.arrivals}
    return sorted(found.values(), key=lambda a: (a.time_ns, a.pick_id))


def _comments(quake: Quake) -> str:
    errors = quake.origin.errors
    texts = [_EDGE] if quake.origin.edge else []
    if quake.rejected:
        texts.append(f"Rejected: {quake.rejected}")
    if errors and errors.unmet:
        texts.append(f"After the location the picks no longer meet: {errors.unmet}")
    if quake.verdict:
        status, by, comment = quake.verdict
        texts.append(f"Review by {by}: {status}{'; ' if comment else ''}{comment}")
    return "".join(f"<comment><text>{text(one)}</text></comment>\n" for one in texts)


def _magnitude(origin: str, quake: Quake) -> str:
    if quake.magnitude is None or quake.size is not None:
        return ""
    return (
        f'<magnitude publicID="{uri("magnitude", quake.event_id)}">'
        f"<mag><value>{quake.magnitude:z.2f}</value></mag><type>{text(quake.magnitude_type)}</type>"
        f"<originID>{origin}</originID>{creation()}</magnitude>\n"
    )


def _origin(origin: Origin, quake: Quake) -> str:
    errors = origin.errors
    arrivals = [_arrival(origin, arrival) for arrival in origin.arrivals]
    kind = "operator assigned" if errors and errors.is_depth_fixed else "from location"
    method = uri("location" if errors else "associator", origin.method)
    return (
        f'<origin publicID="{uri("origin", origin.name)}">\n'
        f"{_hypocenter(origin)}"
        f"<depthType>{kind}</depthType><methodID>{method}</methodID>\n"
        f"{_uncertainty(errors) if errors else ''}"
        f"{_quality(origin)}<type>hypocenter</type>"
        f"{_evaluation(quake)}"
        f"{_class(errors) if errors else ''}"
        f"{creation()}\n{''.join(arrivals)}</origin>\n"
    )


def _evaluation(quake: Quake) -> str:
    """Return mode and status: manual where a reviewer has decided."""
    verdict = quake.verdict.status if quake.verdict else ""
    is_manual = verdict in ("accepted", "rejected")
    status = "rejected" if quake.rejected else "preliminary"
    if is_manual:
        status = "reviewed" if verdict == "accepted" else "rejected"
    return (
        f"<evaluationMode>{'manual' if is_manual else 'automatic'}</evaluationMode>"
        f"<evaluationStatus>{status}</evaluationStatus>\n"
    )


def _class(errors: Errors) -> str:
    fixed = "; the depth is fixed" if errors.is_depth_fixed else ""
    return f"<comment><text>Quality class {text(errors.quality)}{fixed}</text></comment>\n"


def _hypocenter(origin: Origin) -> str:
    """Return time and place, with their standard errors if there are any."""
    time = north = east = depth = ""
    if errors := origin.errors:
        square = errors.covariance_km2
        widths = max(math.cos(math.radians(origin.latitude)), 1e-6)
        north_deg = math.sqrt(square[1, 1]) / _KM_PER_DEGREE
        east_deg = math.sqrt(square[0, 0]) / _KM_PER_DEGREE / widths
        time = _standard_error(errors.time_s, 4)
        north, east = _standard_error(north_deg, 6), _standard_error(east_deg, 6)
        depth = (
            number("uncertainty", errors.depth_km * 1000, 1)
            + number("lowerUncertainty", (origin.depth_km - errors.depth_low_km) * 1000, 1)
            + number("upperUncertainty", (errors.depth_high_km - origin.depth_km) * 1000, 1)
            + _level()
        )
    return (
        f"<time><value>{iso(origin.time_ns)}</value>{time}</time>\n"
        f"<latitude><value>{origin.latitude:z.6f}</value>{north}</latitude>"
        f"<longitude><value>{origin.longitude:z.6f}</value>{east}</longitude>"
        f"<depth><value>{origin.depth_km * 1000:z.1f}</value>{depth}</depth>\n"
    )


def _standard_error(value: float, decimals: int) -> str:
    error = number("uncertainty", value, decimals)
    return error + _level() if error else ""


@cache
def _level() -> str:
    return f"<confidenceLevel>{LEVEL:g}</confidenceLevel>"


def _uncertainty(errors: Errors) -> str:
    """Return ellipse and ellipsoid; lengths in metres."""
    solid = Ellipsoid.from_covariance(errors.covariance_km2)
    lengths = (
        ("semiMajorAxisLength", solid.major_km * 1000),
        ("semiMinorAxisLength", solid.minor_km * 1000),
        ("semiIntermediateAxisLength", solid.intermediate_km * 1000),
        ("majorAxisPlunge", solid.plunge_deg),
        ("majorAxisAzimuth", solid.azimuth_deg),
        ("majorAxisRotation", solid.rotation_deg),
    )
    ellipsoid = "".join(number(name, value, 2) for name, value in lengths)
    return (
        "<originUncertainty>"
        f"{number('minHorizontalUncertainty', errors.minor_km * 1000, 1)}"
        f"{number('maxHorizontalUncertainty', errors.major_km * 1000, 1)}"
        f"{number('azimuthMaxHorizontalUncertainty', errors.azimuth_deg, 2)}"
        f"<confidenceEllipsoid>{ellipsoid}</confidenceEllipsoid>"
        f"<preferredDescription>uncertainty ellipse</preferredDescription>{_level()}"
        "</originUncertainty>\n"
    )


def _quality(origin: Origin) -> str:
    distances = sorted(a.distance_km for a in origin.arrivals if math.isfinite(a.distance_km))
    used = [a for a in origin.arrivals if is_used(a)]
    counts = f"<usedPhaseCount>{len(used)}</usedPhaseCount>"
    stations = origin.n_stations
    secondary = ""
    if errors := origin.errors:
        stations = len({a.trace_id.rpartition(".")[0] for a in used})
        counts = f"<associatedPhaseCount>{len(origin.arrivals)}</associatedPhaseCount>{counts}"
        counts += f"<associatedStationCount>{origin.n_stations}</associatedStationCount>"
        secondary = number("secondaryAzimuthalGap", errors.secondary_gap_deg, 2)
    middle = (
        f"{number('maximumDistance', distances[-1] / _KM_PER_DEGREE, 6)}"
        f"{number('medianDistance', median(distances) / _KM_PER_DEGREE, 6)}"
        if distances
        else ""
    )
    return (
        f"<quality>{counts}<usedStationCount>{stations}</usedStationCount>"
        f"{number('standardError', origin.rms_s, 4)}"
        f"{number('azimuthalGap', origin.gap_deg, 2)}{secondary}"
        f"{number('minimumDistance', origin.dmin_km / _KM_PER_DEGREE, 6)}{middle}</quality>\n"
    )


def _arrival(origin: Origin, arrival: Arrival) -> str:
    pick = escaped(arrival.pick_id)
    corrected = weight = takeoff = ""
    if arrival.inlier_probability is not None:
        corrected = number("timeCorrection", arrival.term_s or 0.0, 4)
        weight = number("timeWeight", arrival.inlier_probability, 4)
    if arrival.takeoff_deg is not None:
        takeoff = f"<takeoffAngle>{number('value', arrival.takeoff_deg, 2)}</takeoffAngle>"
    return (
        f'<arrival publicID="{uri("arrival", origin.name)}/{pick}">'
        f"<pickID>smi:local/epicat/pick/{pick}</pickID><phase>{text(arrival.phase)}</phase>"
        f"{corrected}{number('azimuth', arrival.azimuth_deg, 2)}"
        f"{number('distance', arrival.distance_km / _KM_PER_DEGREE, 6)}"
        f"{takeoff}{number('timeResidual', arrival.residual_s, 4)}{weight}</arrival>\n"
    )


def _pick(arrival: Arrival, polarities: Mapping[str, int]) -> str:
    polarity = _POLARITIES.get(polarities.get(arrival.pick_id, 2), "")
    error = "" if arrival.sigma_s is None else _standard_error(arrival.sigma_s, 4)
    return (
        f'<pick publicID="{uri("pick", arrival.pick_id)}">'
        f"<time><value>{iso(arrival.time_ns)}</value>{error}</time>"
        f"{waveform(arrival.trace_id, arrival.band)}{_method(arrival.run)}"
        f"<phaseHint>{text(arrival.phase)}</phaseHint>{polarity}"
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


def _too_long(arrival: Arrival) -> bool:
    trace = arrival.trace_id
    return len(trace) > _LONGEST_CODE and any(len(c) > _LONGEST_CODE for c in codes(trace))


def _notes(long: Iterable[str]) -> tuple[str, ...]:
    names = sorted(long)
    if not names:
        return ()
    return (
        f"{len(names)} trace(s) have a code of more than {_LONGEST_CODE} letters, which the schema "
        f"of QuakeML 1.2 does not allow: {', '.join(names[:10])}",
    )
