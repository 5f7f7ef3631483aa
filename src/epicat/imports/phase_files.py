"""Phase files with fixed words: NonLinLoc ``.obs`` and ``.hyp``, hypoDD ``phase.dat``, REAL picks.

========================  =========================================================================
NonLinLoc ``.obs``        a line for each arrival; any other line, such as an empty one, ends an
                          event, which has no origin (http://alomax.net/nlloc, Phase Files)
NonLinLoc ``.hyp``        ``GEOGRAPHIC OT ...`` with the origin, then such lines after ``PHASE``
hypoDD ``phase.dat``      ``# YR MO DY HR MN SC LAT LON DEP MAG EH EZ RMS ID``, then ``STA TT WGHT
                          PHA`` (Waldhauser 2001, USGS Open-File Report 01-113)
REAL                      files ``YYYYMMDD/NET.STA.P.txt``: seconds of the day, weight, amplitude
========================  =========================================================================
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from epicat._util.table_file import shorten
from epicat.imports.raw import RawEvent, RawFile, RawPick
from epicat.time import SECOND_NS, day_start

__all__ = ["is_hypodd", "is_nonlinloc", "read_hypodd", "read_nonlinloc", "read_real"]

_ARRIVAL = re.compile(
    r"\s*(?P<label>\S+)\s+(?P<band>\S+)\s+(?P<component>\S+)\s+\S\s+(?P<phase>\S+)\s+\S\s+"
    r"(?P<date>\d{8})\s+(?P<clock>\d{3,4})\s+(?P<second>-?\d+\.?\d*)\s+(?:GAU|BOX|FIX|NONE)\s"
)
_ORIGIN = re.compile(
    r"GEOGRAPHIC\s+OT\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(-?[\d.]+)\s+Lat\s+(\S+)\s+"
    r"Long\s+(\S+)\s+Depth\s+(\S+)"
)
_REAL_NAME = re.compile(r"(?P<network>\w+)\.(?P<station>[\w-]+)\.(?P<phase>[PS])\.txt")
_NO_ORIGIN = RawEvent("", 0, math.nan, math.nan, math.nan)


def is_nonlinloc(lines: Sequence[str]) -> bool:
    """Return whether lines are of a NonLinLoc phase or hypocenter file."""
    return any(line.startswith("NLLOC ") or _ARRIVAL.match(line) for line in lines)


def read_nonlinloc(lines: Iterable[str]) -> RawFile:
    """Read ``.obs`` or ``.hyp``, also with many events; origins of ``.obs`` are NaN."""
    found = RawFile()
    event = _NO_ORIGIN
    picks: list[RawPick] = []

    def finish() -> None:
        nonlocal event, picks
        if picks or not math.isnan(event.latitude):
            name = event.name or str(len(found.events) + 1)
            found.events.append(replace(event, name=name, picks=tuple(picks)))
        event, picks = _NO_ORIGIN, []

    in_hypocenter = False
    for at, line in enumerate(lines, 1):
        if line.startswith("NLLOC ") or (not line.strip() and not in_hypocenter):
            finish()
        in_hypocenter = (in_hypocenter or line.startswith("NLLOC ")) and not line.startswith(
            "END_NLLOC"
        )
        try:
            if arrival := _ARRIVAL.match(line):
                picks.append(_nonlinloc_pick(f"line {at}", arrival))
            elif line.startswith("PUBLIC_ID"):
                event = replace(event, name=line.split()[-1])
            elif line.startswith("GEOGRAPHIC"):
                event = _nonlinloc_origin(line, event.name)
        except ValueError as error:
            found.rejected.append(f"line {at}: {error}")
    finish()
    return found


def _nonlinloc_pick(label: str, arrival: re.Match[str]) -> RawPick:
    clock = arrival["clock"].zfill(4)
    time_ns = _time_ns(arrival["date"], clock[:2], clock[2:], arrival["second"])
    band, component = (arrival[name].strip("?") for name in ("band", "component"))
    channel = component if len(component) == 3 else band
    return RawPick(label, tuple(arrival["label"].split(".")), arrival["phase"], time_ns,
                   None, channel)  # fmt: skip


def _nonlinloc_origin(line: str, name: str) -> RawEvent:
    found = _ORIGIN.match(line)
    if found is None:
        raise ValueError(f"{shorten(line)} has no origin time, latitude, longitude and depth")
    year, month, day, hour, minute, second = found.groups()[:6]
    time_ns = _time_ns(f"{year}{month:0>2}{day:0>2}", hour, minute, second)
    latitude, longitude, depth = (float(text) for text in found.groups()[6:])
    return RawEvent(name, time_ns, latitude, longitude, depth)


def _time_ns(date: str, hour: str, minute: str, second: str) -> int:
    """Return a time whose seconds may be negative, or 60 and more."""
    day = datetime.strptime(date, "%Y%m%d").replace(tzinfo=UTC)
    moment = day + timedelta(hours=int(hour), minutes=int(minute))
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    seconds = since.days * 86_400 + since.seconds
    return seconds * SECOND_NS + round(float(second) * 1e6) * 1000


def is_hypodd(lines: Sequence[str]) -> bool:
    """Return whether lines are of hypoDD's ``phase.dat``."""
    first = next((line for line in lines if line.strip()), "")
    return first.lstrip().startswith("#") and _hypodd_numbers(first) is not None


def _hypodd_numbers(line: str) -> list[float] | None:
    try:
        numbers = [float(text) for text in line.replace("#", " ").split()]
    except ValueError:
        return None
    return numbers if len(numbers) >= 14 else None


def read_hypodd(lines: Iterable[str]) -> RawFile:
    """Read ``phase.dat``; a magnitude of 0.0 is the format's word for unknown."""
    found = RawFile()
    for at, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            if line.lstrip().startswith("#"):
                found.events.append(_hypodd_event(line))
            elif found.events:
                event = found.events[-1]
                pick = _hypodd_pick(f"line {at}", line, event.time_ns)
                found.events[-1] = replace(event, picks=(*event.picks, pick))
            else:
                raise ValueError("it precedes the first event")
        except ValueError as error:
            found.rejected.append(f"line {at}: {error}")
    return found


def _hypodd_event(line: str) -> RawEvent:
    numbers = _hypodd_numbers(line)
    if numbers is None:
        raise ValueError(f"{shorten(line)} is not an event of phase.dat")
    year, month, day, hour, minute = (int(n) for n in numbers[:5])
    time_ns = _time_ns(f"{year:04d}{month:02d}{day:02d}", str(hour), str(minute), repr(numbers[5]))
    latitude, longitude, depth, magnitude = numbers[6:10]
    name = line.rsplit(maxsplit=1)[-1]
    return RawEvent(name, time_ns, latitude, longitude, depth, magnitude or None)


def _hypodd_pick(label: str, line: str, origin_ns: int) -> RawPick:
    parts = line.split()
    if len(parts) != 4:
        raise ValueError(f"{shorten(line)} is not: station, travel time, weight, phase")
    station, travel_s, weight, phase = parts
    value = abs(float(weight))  # hypoDD: a negative weight keeps a pick in any case
    time_ns = origin_ns + round(float(travel_s) * 1e6) * 1000
    return RawPick(label, tuple(station.split(".")), phase, time_ns, value if value <= 1 else None)


def read_real(path: Path) -> RawFile:
    """Read REAL's picks: one file, or all below a folder; a folder's name is the day.

    Raises `ValueError` if there is none.
    """
    found = RawFile()
    files = [path] if path.is_file() else sorted(path.rglob("*.txt"))
    for file in files:
        name = _REAL_NAME.fullmatch(file.name)
        if name is None:
            continue
        try:
            day = datetime.strptime(file.resolve().parent.name, "%Y%m%d").date()
        except ValueError:
            raise ValueError(
                f"{file.name} is not in a folder named by its day, as 20190706"
            ) from None
        start_ns = day_start(day)
        for at, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
            if line.strip():
                _add_real(found, f"{file.name} line {at}", line, (name, start_ns))
    if not found.picks and not found.rejected:
        raise ValueError("there are no files NET.STA.P.txt or NET.STA.S.txt (REAL)")
    return found


def _add_real(found: RawFile, label: str, line: str, where: tuple[re.Match[str], int]) -> None:
    name, start_ns = where
    try:
        seconds, *rest = (float(text) for text in line.split())
    except ValueError:
        found.rejected.append(f"{label}: {shorten(line)} is not: seconds, weight, amplitude")
        return
    confidence = rest[0] if rest and 0 <= rest[0] <= 1 else None
    time_ns = start_ns + round(seconds * 1e6) * 1000
    codes = (name["network"], name["station"])
    found.picks.append(RawPick(label, codes, name["phase"], time_ns, confidence))
