"""A store with a synthetic catalog of any size: events with locations, magnitudes and arrivals.

Aftershocks decay by Omori's law on two crossing faults, above a constant background; magnitudes
follow Gutenberg and Richter.  No waveforms are made: rows are written as a run would write them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epicat.amplitude.rows import Envelope, InstrumentAmplitudes, to_rows
from epicat.ledger import (
    BlockEntry,
    LocateEntry,
    MagnitudeEntry,
    MeasureEntry,
    StationDayEntry,
    Status,
)
from epicat.model import Span, Station, digest_of
from epicat.store.base import Store, new_generation
from epicat.store.invocations import Invocation, record_invocation
from epicat.store.open import open_store
from epicat.store.responses import StoredResponse, put_responses
from epicat.table_rows import stations_table
from epicat.tables import SCHEMAS, TableName
from epicat.time import DAY_NS, day_name, day_of, iso, parse_time

RUN, ASSOCIATOR, LOCATION = "runrunrunrunrun2", "associatorassoc2", "locationlocatio2"
AMPLITUDE, MAGNITUDE = "amplitudeamplit2", "magnitudemagnit2"
START_NS = parse_time("2019-07-04")
HOSTILE = "<img src=x onerror=window.hacked=1>"
_CENTER = (35.7, -117.6)


@dataclass(frozen=True)
class Wanted:
    """What the store has."""

    events: int = 300
    days: int = 20
    readings: int = 12
    """Arrivals of an event; an even number."""
    magnitudes: bool = True
    located: bool = True
    measured: bool = False
    """Whether there are amplitudes, responses, first motions and station magnitudes."""
    fixed: int = 0
    """Origins whose depth is fixed; with some, all have a covariance of east and depth."""
    stations: tuple[str, ...] = tuple(f"S{n:02d}" for n in range(16))
    center: tuple[float, float] = _CENTER
    seed: int = 1


def write_store(folder: Path | str, wanted: Wanted | None = None) -> Store:
    """Write a store and return it."""
    wanted = wanted or Wanted()
    store = open_store(str(folder), create=True)
    rng = np.random.default_rng(wanted.seed)
    stations = _stations(wanted, rng)
    store.put_stations(stations_table(stations))
    store.put_record("run", RUN, {"picker": {"name": "PhaseNet"}, "weights": "original"})
    store.put_record("associator", ASSOCIATOR, {"run": RUN, "n_picks": 10})
    layers = [[0.0, 5.5, 3.18], [5.5, 6.3, 3.64], [16.0, 6.7, 3.87], [32.0, 7.8, 4.51]]
    location = {"associator": ASSOCIATOR, "layers": layers, "constant_layers": True,
                "z_km": [-2.0, 25.0]}  # fmt: skip
    store.put_record("location", LOCATION, location)
    tables = _tables(wanted, stations, rng)
    generation = new_generation()
    for name, rows in tables.items():
        if rows.num_rows:
            store.replace(name, rows, generation)
    _mark(store, tables, wanted, generation)
    if wanted.measured:
        _measure(store, tables, stations, rng)
    span = Span(START_NS, START_NS + wanted.days * DAY_NS)
    names = tuple(station.name for station in stations)
    made = Invocation(RUN, ASSOCIATOR, layout="sds", span=span, stations=names)
    record_invocation(store, made)
    return store


def _stations(wanted: Wanted, rng: np.random.Generator) -> list[Station]:
    found = []
    for number, code in enumerate(wanted.stations):
        angle, radius = 2.4 * number, 0.08 * np.sqrt(number + 0.5)
        lat = wanted.center[0] + radius * np.sin(angle)
        lon = (wanted.center[1] + radius * np.cos(angle) * 1.2 + 180) % 360 - 180
        height = float(rng.uniform(0, 1500))
        found.append(
            Station("XX", code, "00", ("HHE", "HHN", "HHZ"), lat, lon, height, f"XX.{code}")
        )
    return found


def _tables(
    wanted: Wanted, stations: list[Station], rng: np.random.Generator
) -> dict[TableName, pa.Table]:
    n = wanted.events
    decayed = wanted.days * DAY_NS * (np.expm1(rng.uniform(0, 4, n)) / np.expm1(4))
    steady = rng.uniform(0, wanted.days * DAY_NS, n)
    time = START_NS + np.sort(np.where(rng.uniform(size=n) < 0.7, decayed, steady)).astype(np.int64)
    along, fault = rng.normal(0, 0.09, n), rng.uniform(size=n) < 0.6
    azimuth = np.where(fault, np.radians(320), np.radians(50))
    lat = wanted.center[0] + along * np.cos(azimuth) + rng.normal(0, 0.006, n)
    lon = wanted.center[1] + along * np.sin(azimuth) * 1.2 + rng.normal(0, 0.006, n)
    lon = (lon + 180) % 360 - 180
    depth = np.clip(rng.gamma(6, 1.1, n), 0.2, 18)
    magnitude = np.round(np.clip(0.4 + rng.exponential(1 / np.log(10), n), 0, 6.9), 2)
    place = {
        "event_id": [digest_of(wanted.seed, i) for i in range(n)],
        "time": time, "latitude": lat, "longitude": lon, "depth_km": depth,
        "n_p": np.full(n, wanted.readings // 2), "n_s": np.full(n, wanted.readings // 2),
        "n_stations": np.full(n, wanted.readings // 2), "rms_s": rng.gamma(4, 0.02, n),
        "gap_deg": np.clip(rng.normal(110, 45, n), 30, 330), "dmin_km": rng.gamma(3, 2, n),
        "rejected": [("gap 310 above 300" if r else None) for r in rng.uniform(size=n) < 0.03],
        "key": _blocks(time),
    }  # fmt: skip
    sizes = {"magnitude": magnitude, "magnitude_type": ["ML"] * n} if wanted.magnitudes else {}
    moved = {**place, "latitude": lat + rng.normal(0, 0.01, n), "depth_km": depth + 1.0}
    associated = moved if wanted.located else place
    origins = {
        **place, "origin_id": [f"o{i:015d}" for i in range(n)],
        "time_error_s": rng.gamma(3, 0.03, n), "major_km": rng.gamma(4, 0.2, n) + 0.3,
        "minor_km": rng.gamma(4, 0.08, n) + 0.1, "azimuth_deg": rng.uniform(0, 180, n),
        "depth_error_km": rng.gamma(4, 0.3, n) + 0.2,
        "quality": rng.choice(["A", "B", "C", "D"], n, p=[0.5, 0.3, 0.15, 0.05]),
    }  # fmt: skip
    if wanted.fixed:
        is_fixed = np.arange(n) < wanted.fixed
        tilted = 0.4 * origins["minor_km"] * origins["depth_error_km"]
        origins |= {"depth_fixed": is_fixed, "depth_km": np.where(is_fixed, 10.0, depth),
                    "cov_ez_km2": tilted}  # fmt: skip
    arrivals, picks = _arrivals(wanted, place, stations, rng)
    return {
        "picks": _table("picks", picks, RUN),
        "events": _table("events", {**associated, **sizes}, ASSOCIATOR),
        "arrivals": _table("arrivals", arrivals, ASSOCIATOR),
        "origins": _table("origins", origins if wanted.located else {}, LOCATION),
        "origin_arrivals": _table("origin_arrivals", arrivals if wanted.located else {}, LOCATION),
    }


def _blocks(time: np.ndarray) -> list[str]:
    return [iso(int(day) * DAY_NS) for day in time // DAY_NS]


def _arrivals(wanted, place, stations, rng):  # type: ignore[no-untyped-def]
    n, sites = wanted.events, wanted.readings // 2
    number = np.repeat(np.arange(n), wanted.readings)
    lats, lons = (np.array([getattr(s, x) for s in stations]) for x in ("latitude", "longitude"))
    chosen = (np.arange(n)[:, None] + np.arange(sites)[None, :]) % len(stations)
    at = np.repeat(chosen, 2, axis=1).ravel()
    dy = (lats[at] - place["latitude"][number]) * 111.195
    dx = (lons[at] - place["longitude"][number] + 180) % 360 - 180
    dx = dx * 111.195 * np.cos(np.radians(lats[at]))
    distance = np.hypot(dx, dy)
    is_s = np.tile([False, True], n * sites)
    travel = np.hypot(distance, place["depth_km"][number]) / np.where(is_s, 3.5, 6.0)
    residual = rng.normal(0, 0.08, len(at)) + 0.03 * (at % 4)
    time = place["time"][number] + ((travel + residual) * 1e9).astype(np.int64)
    ids = [f"p{i:015d}" for i in range(len(at))]
    trace = [stations[i].id for i in at]
    phase = np.where(is_s, "S", "P")
    rows = {
        "event_id": np.array(place["event_id"])[number], "pick_id": ids, "trace_id": trace,
        "phase": phase, "time": time, "residual_s": residual, "distance_km": distance,
        "azimuth_deg": np.degrees(np.arctan2(dx, dy)) % 360, "sigma_s": np.full(len(at), 0.1),
        "inlier_probability": np.clip(1 - np.abs(residual), 0, 1),
        "term_s": 0.03 * (at % 4), "origin_id": [f"o{i:015d}" for i in number],
        "key": np.array(place["key"])[number] if n else [],
    }  # fmt: skip
    days = [f"{stations[i].name}/{day_name(day_of(int(t)))}" for i, t in zip(at, time, strict=True)]
    picks = {
        "pick_id": ids, "trace_id": trace, "band": ["HH"] * len(at), "phase": phase, "time": time,
        "confidence": rng.uniform(0.3, 1, len(at)), "onset": time, "end": time, "key": days,
    }  # fmt: skip
    return rows, picks


def _table(name: TableName, known: dict[str, object], design: str) -> pa.Table:
    count = len(known.get("time", ()))  # type: ignore[arg-type]
    arrays = []
    for field in SCHEMAS[name]:
        if field.name == "design":
            arrays.append(pa.repeat(design, count))
        elif field.name in known:
            arrays.append(pa.array(known[field.name]).cast(field.type))
        elif field.nullable:
            arrays.append(pa.nulls(count, field.type))
        else:
            blank = "" if pa.types.is_string(field.type) else 0
            arrays.append(pa.repeat(pa.scalar(blank).cast(field.type), count))
    return pa.Table.from_arrays(arrays, schema=SCHEMAS[name])


def _mark(store: Store, tables: dict[TableName, pa.Table], wanted: Wanted, generation: str) -> None:
    entries: list[object] = []
    counts = {
        name: dict(zip(*[c.to_pylist() for c in t["key"].value_counts().flatten()], strict=True))
        if t.num_rows
        else {}
        for name, t in tables.items()
    }
    days = [day_name(day_of(START_NS + k * DAY_NS)) for k in range(wanted.days)]
    common = {"generation": generation, "marked_ns": START_NS}
    for code in wanted.stations:
        for number, day in enumerate(days):
            key = f"XX.{code}/{day}"
            picked = counts["picks"].get(key, 0)
            gone = (number + len(code)) % 11 == 5 and not picked
            status = Status.NO_DATA if gone else Status.DONE if picked else Status.NO_PICKS
            entries.append(StationDayEntry(
                RUN, key, status, **common, reason="no object for this day" if gone else "",
                samples=0 if gone else 25_920_000, n_picks=picked, archive="/archive", layout="sds",
                channels="" if gone else "00.HH[ZNE]"))  # fmt: skip
    for key, number in counts["events"].items():
        entries.append(BlockEntry(ASSOCIATOR, key, Status.DONE, **common, n_events=number))
        if wanted.located:
            entries.append(LocateEntry(LOCATION, key, Status.DONE, **common, n_origins=number))
    store.mark(entries)  # type: ignore[arg-type]


def first_motion(number: int) -> int:
    """Return the first motion of the pick of this number: up, down, undecided, ..."""
    return (1, -1, 0)[number // 2 % 3]


def _measure(
    store: Store, tables: dict[TableName, pa.Table], stations: list[Station],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Write amplitudes, responses and station magnitudes for the picks of a store."""
    store.put_record("amplitude", AMPLITUDE, {"run": RUN})
    magnitude = {"associator": ASSOCIATOR, "location": LOCATION, "amplitudes": AMPLITUDE}
    store.put_record("magnitude", MAGNITUDE, {**magnitude, "law": {"name": "iaspei"}})
    put_responses(store, [
        StoredResponse(f"{s.id}.{code}", "2010-01-01T00:00:00Z", "", "M/S", 6.3e8, 3, False, "")
        for s in stations for code in s.channels
    ])  # fmt: skip
    generation = new_generation()
    _measure_picks(store, tables["picks"], generation)
    _size_events(store, tables, rng, generation)


def _measure_picks(store: Store, picks: pa.Table, generation: str) -> None:
    by_key: dict[str, list[dict[str, object]]] = defaultdict(list)
    plain = picks.set_column(picks.column_names.index("time"), "time",
                             picks["time"].cast(pa.int64()))  # fmt: skip
    for row in plain.to_pylist():
        by_key[row["key"]].append(row)
    entries, parts = [], []
    for key, rows in by_key.items():
        rows.sort(key=lambda row: row["time"])
        times = np.array([row["time"] for row in rows])
        shape = (len(rows), 3, 3)
        motions = [first_motion(int(str(row["pick_id"])[1:])) for row in rows]
        found = InstrumentAmplitudes(
            str(rows[0]["trace_id"]), "HH", "ZNE", int(times[0] // DAY_NS * DAY_NS), times,
            tuple(str(row["phase"]) for row in rows), np.full(shape, 0.1), np.full(shape, 0.2),
            np.full((len(rows), 3), 0.01), np.zeros(shape, np.uint8),
            np.array(motions, np.int8), np.full(len(rows), 5.0),
        )  # fmt: skip
        quiet = np.zeros(1440, np.uint8)
        envelope = Envelope(found.trace_id, "HH", found.day_ns, 60, quiet, quiet)
        parts.append(to_rows([(found, envelope)], AMPLITUDE, key)[0])
        entries.append(MeasureEntry(AMPLITUDE, key, Status.DONE, generation, START_NS,
                                    n_instruments=1, n_amplitudes=len(rows)))  # fmt: skip
    store.replace("amplitudes", pa.concat_tables(parts), generation)
    store.mark(entries)


def _size_events(
    store: Store, tables: dict[TableName, pa.Table], rng: np.random.Generator, generation: str
) -> None:
    events, arrivals = tables["events"], tables["arrivals"]
    common = {"time": events["time"], "event_id": events["event_id"], "key": events["key"]}
    sizes = {
        **common, "magnitude_id": [f"m{i:015d}" for i in range(events.num_rows)],
        "type": ["ML"] * events.num_rows, "value": events["magnitude"], "law": ["iaspei"] *
        events.num_rows, "standard_error": np.full(events.num_rows, 0.1),
    }  # fmt: skip
    first = arrivals.filter(pc.equal(arrivals["phase"], "P"))
    at = pc.index_in(first["event_id"], value_set=events["event_id"].combine_chunks())
    site = pc.cast(pc.utf8_slice_codeunits(first["pick_id"], -1), pa.int64()).to_numpy()
    value = events["magnitude"].take(at.combine_chunks()).to_numpy()
    value = value + rng.normal(0, 0.1, first.num_rows) + 0.05 * (site % 4)
    own = {
        "time": first["time"], "event_id": first["event_id"], "key": first["key"],
        "trace_id": first["trace_id"], "distance_km": first["distance_km"], "value": value,
        "station_magnitude_id": [f"s{i:015d}" for i in range(first.num_rows)],
        "magnitude_id": pc.binary_join_element_wise("m", pc.cast(at, pa.string()), ""),
        "is_bound": np.arange(first.num_rows) % 9 == 8, "pick_id": first["pick_id"],
        "weight": np.where(np.arange(first.num_rows) % 9 == 8, 0.0, 1.0),
    }  # fmt: skip
    store.replace("magnitudes", _table("magnitudes", sizes, MAGNITUDE), generation)
    store.replace("station_magnitudes", _table("station_magnitudes", own, MAGNITUDE), generation)
    counts = dict(zip(*[c.to_pylist() for c in events["key"].value_counts().flatten()],
                      strict=True))  # fmt: skip
    store.mark([
        MagnitudeEntry(MAGNITUDE, key, Status.DONE, generation, START_NS, n_magnitudes=count)
        for key, count in counts.items()
    ])  # fmt: skip
