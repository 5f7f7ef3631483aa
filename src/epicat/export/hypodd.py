"""HypoDD's ``phase.dat``, what ph2dt reads: travel times, event by event, in free format.

::

    # YR MO DY HR MN SC LAT LON DEP MAG EH EZ RMS ID
    STA TT WGHT PHA
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from typing import IO

import pyarrow as pa

from epicat.export.labels import Labels
from epicat.export.origin import Origin
from epicat.export.quakes import Part, Quake, Written
from epicat.export.stream import quakes
from epicat.model import Arrival
from epicat.time import iso

__all__ = ["write_hypodd"]

_LABEL = 7
"""Characters of a station label that ph2dt keeps."""


def write_hypodd(
    parts: Iterable[Part], stations: pa.Table, file: IO[str], *companions: IO[str]
) -> Written:
    """Write ``phase.dat``, the event of each number as CSV, and ``station.dat``.

    Events are numbered from 1 in the order of time, since hypoDD's ids are integers.
    """
    ids, places = companions
    labels = Labels(stations)
    names = csv.writer(ids, lineterminator="\n")
    names.writerow(("id", "event_id"))
    number = arrivals = early = 0
    for number, quake in enumerate(quakes(parts), start=1):
        names.writerow((number, quake.event_id))
        origin = quake.origin
        lines = [_line(labels.at(r.trace_id, r.time_ns).label, r, origin) for r in origin.arrivals
                 if _travel_us(r, origin) >= 0]  # fmt: skip
        file.write(_header(number, quake))
        file.writelines(lines)
        arrivals += len(lines)
        early += len(origin.arrivals) - len(lines)
    for place in labels.places:
        places.write(
            f"{place.label:<7} {place.latitude:z.6f} {place.longitude:z.6f} "
            f"{place.elevation_m:z.1f}\n"
        )
    return Written(number, arrivals, _notes(early, labels))


def _header(number: int, quake: Quake) -> str:
    """Return the line of an event; unknown magnitudes and errors are 0 in this format.

    EH is the semi-major axis of the horizontal error ellipse, EZ the standard error of the depth.
    """
    origin = quake.origin
    date, _, clock = iso(origin.time_ns).removesuffix("Z").partition("T")
    rms = origin.rms_s if math.isfinite(origin.rms_s) else 0.0
    errors = origin.errors
    widths = f"{errors.major_km:.4f} {errors.depth_km:.4f}" if errors else "0.0 0.0"
    return (
        f"# {date.replace('-', ' ')} {clock.replace(':', ' ')} {origin.latitude:z.6f} "
        f"{origin.longitude:z.6f} {origin.depth_km:z.4f} {_size(quake)} {widths} {rms:.4f} "
        f"{number}\n"
    )


def _size(quake: Quake) -> str:
    return f"{quake.magnitude:z.2f}" if quake.magnitude else "0.0"


def _line(label: str, arrival: Arrival, origin: Origin) -> str:
    return (
        f"{label:<7} {_travel_us(arrival, origin) / 1e6:.6f} {_weight(arrival):.4f} "
        f"{arrival.phase[:1]}\n"
    )


def _travel_us(arrival: Arrival, origin: Origin) -> int:
    """Return the travel time in microseconds, between the two times as they are written."""
    return _micros(arrival.time_ns) - _micros(origin.time_ns)


def _micros(time_ns: int) -> int:
    return (time_ns + 500) // 1000


def _weight(arrival: Arrival) -> float:
    """Return the probability that a located pick belongs to its event, else its confidence.

    1 for a pick with neither.
    """
    confidence = arrival.inlier_probability
    if confidence is None:
        confidence = arrival.confidence
    if confidence is None or not math.isfinite(confidence):
        return 1.0
    return min(max(confidence, 0.0), 1.0)


def _notes(early: int, labels: Labels) -> tuple[str, ...]:
    long = [p.label for p in labels.places if len(p.label) > _LABEL]
    notes = list(labels.notes())
    if early:
        notes.append(f"{early} arrival(s) before their origin time are left out")
    if long:
        notes.append(
            f"{len(long)} station label(s) have more than {_LABEL} letters, which hypoDD cuts "
            f"off: {', '.join(long[:10])}"
        )
    return tuple(notes)
