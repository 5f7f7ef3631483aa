"""Tables of events, arrivals and picks like those of an associator, of any size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from epicat.export.quakes import Part
from epicat.model import Arrival, Event, Pick, Station
from epicat.table_rows import arrivals_table, events_table, picks_table, stations_table
from epicat.tables import ARRIVALS, EVENTS, PICKS
from epicat.time import SECOND_NS, parse_time
from support.tiny_network import stations

START = parse_time("2019-07-04T17:33:49.123456Z")
RUN, ASSOCIATOR = "run", "associator"
STATIONS = stations_table(stations())
IDS: list[str] = STATIONS["id"].to_pylist()

Row = tuple[str, str, int, float]
"""Station, phase, nanoseconds after the origin, residual in seconds."""


def arrival(pick: Pick, residual_s: float = 0.0) -> Arrival:
    return Arrival(pick.id(RUN), pick.trace_id, pick.phase, pick.time_ns, residual_s, 12.345, 67.89)


def event(
    rows: Iterable[Row],
    time_ns: int = START,
    place: tuple[float, float, float] = (-40.0, 175.0, 8.5),
    rms_s: float = 0.12,
    edge: bool = False,
) -> tuple[Event, list[Pick]]:
    """Return an event at latitude, longitude and depth in km, and its picks."""
    given = list(rows)
    picks = [
        Pick(time_ns + after, name, "HH", phase, 0.75, time_ns + after, time_ns + after)
        for name, phase, after, _ in given
    ]
    arrivals = tuple(arrival(p, row[3]) for p, row in zip(picks, given, strict=True))
    sites = len({arrival.trace_id for arrival in arrivals})
    event = Event(time_ns, *place, 0.0, 0.0, rms_s, 101.5, 12.345, sites, edge, arrivals)
    return event, picks


def part(*found: tuple[Event, Sequence[Pick]]) -> Part:
    events = [e for e, _ in found]
    picks = {pick.id(RUN): pick for _, some in found for pick in some}
    return Part(
        events_table(events, ASSOCIATOR, "block"),
        arrivals_table(events, ASSOCIATOR, "block"),
        picks_table(picks.values(), RUN, "day"),
    )


def network(*codes: str, names: Sequence[str] | None = None) -> pa.Table:
    """Return a table of stations ``NET.STA.LOC`` at different places."""
    rows = []
    for at, code in enumerate(codes):
        net, sta, loc = code.split(".")
        name = names[at] if names else f"{net}.{sta}"
        rows.append(Station(net, sta, loc, (), 10.0 + at, 20.0 + at, 30.0 * at, name))
    return stations_table(rows)


def many(count: int, readings: int = 14, first: int = 0) -> Part:
    """Return events 10 s apart with half their readings P and half S, by arrays alone."""
    generator = np.random.default_rng(first)
    number = np.arange(first, first + count)
    origin = START + number * 10 * SECOND_NS
    of_event = np.repeat(number, readings)
    travel = generator.uniform(1, 20, len(of_event))
    time = pa.array(np.repeat(origin, readings) + (travel * SECOND_NS).astype(np.int64))
    picks = _names("p", np.arange(first * readings, (first + count) * readings))
    sites = pa.array(IDS).take(pa.array(np.tile(np.arange(readings) // 2 % len(IDS), count)))
    phases = pa.array(["P", "S"]).take(pa.array(np.tile(np.arange(readings) % 2, count)))
    events = {
        "event_id": _names("e", number),
        "time": origin,
        "latitude": generator.uniform(-41, -39, count),
        "longitude": generator.uniform(174, 176, count),
        "depth_km": generator.uniform(-1, 20, count),
        "n_stations": np.full(count, (readings + 1) // 2),
        "rms_s": generator.uniform(0, 0.5, count),
        "gap_deg": generator.uniform(30, 300, count),
        "dmin_km": generator.uniform(1, 30, count),
        "edge": np.zeros(count, bool),
        "design": pa.repeat(ASSOCIATOR, count),
    }
    arrivals = {
        "event_id": _names("e", of_event),
        "pick_id": picks,
        "trace_id": sites,
        "phase": phases,
        "time": time,
        "residual_s": generator.normal(0, 0.2, len(time)),
        "distance_km": generator.uniform(1, 100, len(time)),
        "azimuth_deg": generator.uniform(0, 360, len(time)),
        "design": pa.repeat(ASSOCIATOR, len(time)),
    }
    of_picks = {
        **{name: arrivals[name] for name in ("pick_id", "trace_id", "phase", "time")},
        "band": pa.repeat("HH", len(time)),
        "confidence": generator.uniform(0.3, 1, len(time)),
        "design": pa.repeat(RUN, len(time)),
    }
    return Part(_table(events, EVENTS), _table(arrivals, ARRIVALS), _table(of_picks, PICKS))


def _names(prefix: str, numbers: np.ndarray) -> pa.Array:
    return pa.array([f"{prefix}{n:015d}" for n in numbers])


def _table(known: dict[str, object], schema: pa.Schema) -> pa.Table:
    count = len(known["time"])  # type: ignore[arg-type]
    arrays = [
        pa.array(known[f.name]).cast(f.type) if f.name in known else _blank(f, count)
        for f in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _blank(field: pa.Field, count: int) -> pa.Array:
    kind = field.type
    if field.nullable:
        return pa.nulls(count, kind)
    return pa.repeat(pa.scalar("" if pa.types.is_string(kind) else 0).cast(kind), count)
