"""NonLinLoc's phase file (``NLLOC_OBS``): a block for each event, a line for each arrival.

After the description at http://alomax.net/nlloc, Formats, Phase Files, with the columns that ObsPy
writes and reads: the instrument unknown, the band code as the component.  Fields are separated by
blanks; a line that is not an arrival, such as an empty one, ends an event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import IO

import pyarrow as pa

from epicat.export.labels import Labels
from epicat.export.quakeml_elements import uri
from epicat.export.quakes import Part, Written
from epicat.export.stream import quakes
from epicat.model import Arrival
from epicat.time import iso

__all__ = ["UNCERTAINTY_S", "write_nonlinloc"]

UNCERTAINTY_S: Mapping[str, float] = {"P": 0.1, "S": 0.2}
"""Standard error in seconds of a pick that was not located: pickers do not report theirs."""

_TICK_NS = 100_000
"""The format has four decimals of a second."""
_OLD_LABEL = 6


def write_nonlinloc(
    parts: Iterable[Part], stations: pa.Table, file: IO[str], *companions: IO[str]
) -> Written:
    """Write the arrivals, and the stations as statements for Grid2Time's control file."""
    labels = Labels(stations)
    events = arrivals = 0
    long: set[str] = set()
    for quake in quakes(parts):
        file.write(f"PUBLIC_ID {uri('event', quake.event_id)}\n")
        for arrival in quake.origin.arrivals:
            label = labels.at(arrival.trace_id, arrival.time_ns).label
            if len(label) > _OLD_LABEL:
                long.add(label)
            file.write(_line(label, arrival))
        file.write("\n")
        events += 1
        arrivals += len(quake.origin.arrivals)
    for statements in companions:
        _write_stations(labels, statements)
    return Written(events, arrivals, (*labels.notes(), *_notes(long)))


def _line(label: str, arrival: Arrival) -> str:
    ticks = (arrival.time_ns + _TICK_NS // 2) // _TICK_NS
    time = iso(ticks * _TICK_NS)  # 2019-06-21T12:30:59.123400Z; never 60 s
    date, clock, second = time[:10].replace("-", ""), time[11:13] + time[14:16], time[17:24]
    error = arrival.sigma_s or UNCERTAINTY_S.get(arrival.phase[:1], UNCERTAINTY_S["S"])
    return (
        f"{label:<6} ?    {arrival.band or '?':<4} ? {arrival.phase:<6} ? {date} {clock} "
        f"{second:>7} GAU {error:9.2e} {-1:9.2e} {-1:9.2e} {-1:9.2e}\n"
    )


def _write_stations(labels: Labels, file: IO[str]) -> None:
    for place in labels.places:
        file.write(
            f"GTSRCE {place.label} LATLON {place.latitude:z.6f} {place.longitude:z.6f} "
            f"0.0 {place.elevation_m / 1000:z.4f}\n"
        )


def _notes(long: Iterable[str]) -> tuple[str, ...]:
    names = sorted(long)
    if not names:
        return ()
    return (
        f"{len(names)} station label(s) have more than {_OLD_LABEL} letters, which NonLinLoc "
        f"before 2010 cuts off: {', '.join(names[:10])}",
    )
