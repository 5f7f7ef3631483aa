"""Read a file of events in any of the formats of `epicat.imports`, recognised by content."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from epicat._util.lists import list_some
from epicat._util.table_file import read_table_file
from epicat.errors import InputError
from epicat.imports.event_table import add_arrivals, is_event_table, read_event_table
from epicat.imports.phase_files import is_hypodd, is_nonlinloc, read_hypodd, read_nonlinloc
from epicat.imports.picks import read_body, text_lines
from epicat.imports.raw import Interpreter, RawEvent, RawFile, ReadingOptions
from epicat.imports.seismic_xml import read_seismic_xml
from epicat.model import Pick, Station
from epicat.time import SECOND_NS

__all__ = ["EventFile", "ReadEvent", "read_events", "read_raw_events"]

_HEAD = 50
_DEPTH_KM = 10.0
"""Depth of an event whose file gives none: the usual fixed depth of crustal events."""
_VP_VS = 1.73
_TRAVEL_S = 2.0


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """An event of a file with its picks."""

    name: str
    """Its identity in the file."""
    time_ns: int
    """Origin time, nanoseconds since 1970, UTC."""
    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east."""
    depth_km: float
    """Kilometres below sea level."""
    magnitude: float | None
    """Magnitude of the kind ``magnitude_type``; None if unknown."""
    magnitude_type: str
    """Kind of the magnitude as the file has it."""
    picks: tuple[Pick, ...]
    """Its arrivals, in order of time."""


@dataclass(frozen=True, slots=True)
class EventFile:
    """What a file of events holds."""

    events: tuple[ReadEvent, ...]
    """In order of time."""
    picks: tuple[Pick, ...]
    """All picks, also those of no event, in order of time, each once."""
    sha256: str
    """SHA-256 of the file, and of its arrivals' file."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What else decides the result, such as the network of bare station names."""
    notes: tuple[str, ...] = ()
    """What was left out or assumed, for the user."""


def read_events(
    path: Path, options: ReadingOptions | None = None, arrivals: Path | None = None
) -> EventFile:
    """Read events with their arrivals.

    Formats are QuakeML, SeisComP's XML, hypoDD ``phase.dat``, NonLinLoc ``.obs`` and ``.hyp``, and
    tables of events; ``arrivals`` is a table of the arrivals of the latter.  Events without an
    origin (``.obs``) are placed at the station of their first arrival, among ``options.stations``.
    Raises `InputError` for a file that cannot be read or that has no event.
    """
    given = options or ReadingOptions()
    raw, digest = read_raw_events(path, arrivals)
    interpreter = Interpreter(given, raw.rejected)
    notes: dict[str, list[str]] = {}
    events = []
    for row in raw.events:
        picks = tuple(sorted({p for r in row.picks if (p := interpreter.pick(r)) is not None}))
        complete = _complete(row, picks, given.stations, notes)
        if complete is not None:
            events.append(_event(complete, picks))
    others = [p for r in raw.picks if (p := interpreter.pick(r)) is not None]
    messages = (
        *raw.notes,
        *interpreter.messages(),
        *(f"{note}: {list_some(names)}" for note, names in notes.items()),
    )
    if not events:
        reasons = "".join(f"\n  {message}" for message in messages)
        raise InputError(f"events {str(path)!r}: there is no event in it{reasons}")
    every = {p for e in events for p in e.picks} | set(others)
    return EventFile(
        events=tuple(sorted(events, key=lambda e: (e.time_ns, e.name))),
        picks=tuple(sorted(every)),
        sha256=digest,
        settings=interpreter.settings,
        notes=messages,
    )


def read_raw_events(path: Path, arrivals: Path | None = None) -> tuple[RawFile, str]:
    """Return the events of a file as they are, and its SHA-256; raise `InputError`."""
    body = read_body(path, "events")
    try:
        raw = _read(body)
    except ValueError as error:
        raise InputError(f"events {str(path)!r}: {error}") from error
    digest = hashlib.sha256(body)
    if arrivals is not None:
        more = read_body(arrivals, "arrivals")
        digest.update(more)
        try:
            add_arrivals(raw, read_table_file(more))
        except ValueError as error:
            raise InputError(f"arrivals {str(arrivals)!r}: {error}") from error
    return raw, digest.hexdigest()


def _read(body: bytes) -> RawFile:
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return read_seismic_xml(body)
    table = read_table_file(body)
    if table.delimiter and not is_event_table(table.header):
        lines = text_lines(body)
        if is_hypodd(lines[:_HEAD]):
            return read_hypodd(lines)
        if is_nonlinloc(lines[:_HEAD]):
            return read_nonlinloc(lines)
    return read_event_table(table)


def _event(row: RawEvent, picks: tuple[Pick, ...]) -> ReadEvent:
    return ReadEvent(row.name, row.time_ns, row.latitude, row.longitude, row.depth_km,
                     row.magnitude, row.magnitude_type, picks)  # fmt: skip


def _complete(
    row: RawEvent,
    picks: Sequence[Pick],
    stations: Sequence[Station],
    notes: dict[str, list[str]],
) -> RawEvent | None:
    """Return an event with a hypocenter, or None if there is nothing to place it by."""
    if math.isnan(row.latitude):
        origin = _first_guess(picks, stations)
        if origin is None:
            note = "left out, no origin and no station of its arrivals is known"
            notes.setdefault(note, []).append(row.name)
            return None
        note = "no origin, placed at the station of the first arrival (locate these events)"
        notes.setdefault(note, []).append(row.name)
        return replace(row, time_ns=origin[0], latitude=origin[1], longitude=origin[2],
                       depth_km=_DEPTH_KM)  # fmt: skip
    if math.isnan(row.depth_km):
        notes.setdefault(f"no depth, taken as {_DEPTH_KM:g} km", []).append(row.name)
        return replace(row, depth_km=_DEPTH_KM)
    return row


def _first_guess(
    picks: Sequence[Pick], stations: Sequence[Station]
) -> tuple[int, float, float] | None:
    """Return origin time and epicentre: that of the station with the first arrival.

    The time is that of Wadati's diagram with vp/vs 1.73 where stations have P and S.
    """
    by_name = {f"{s.network}.{s.code}": s for s in reversed(stations)}
    known = [p for p in sorted(picks) if p.trace_id.rpartition(".")[0] in by_name]
    if not known:
        return None
    first: dict[tuple[str, str], int] = {}
    for pick in known:
        first.setdefault((pick.trace_id, pick.phase), pick.time_ns)
    origins = [
        first[trace, "P"] - (s_ns - first[trace, "P"]) / (_VP_VS - 1)
        for (trace, phase), s_ns in first.items()
        if phase == "S" and (trace, "P") in first and s_ns > first[trace, "P"]
    ]
    latest = known[0].time_ns
    time_ns = (
        min(round(median(origins)), latest) if origins else latest - round(_TRAVEL_S * SECOND_NS)
    )
    position = by_name[known[0].trace_id.rpartition(".")[0]].position_at(latest)
    return time_ns, position.latitude, position.longitude
