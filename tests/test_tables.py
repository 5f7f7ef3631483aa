from __future__ import annotations

import pyarrow as pa
import pytest

from epicat.model import EVER, Orientation, Placement, Span, Station
from epicat.table_rows import (
    arrivals_table,
    entries_of,
    events_table,
    ledger_table,
    picks_table,
    stations_of,
    stations_table,
)
from epicat.tables import EXPORT_COLUMNS, SCHEMAS, STATIONS, TABLES
from epicat.testing.store_contract import entry_of, event_at, pick_at
from epicat.time import parse_time
from support.tiny_network import stations

NOON = parse_time("2019-06-21T12:00:00Z")


def test_what_other_programs_rely_on():
    assert {name: ",".join(EXPORT_COLUMNS[name]) for name in TABLES} == {
        "events": "event_id,time,latitude,longitude,depth_km,n_p,n_s,n_stations,rms_s,gap_deg,"
        "dmin_km",
        "picks": "pick_id,trace_id,band,phase,time,confidence",
        "arrivals": "event_id,pick_id,trace_id,phase,time,residual_s,distance_km,azimuth_deg",
        "origins": "origin_id,event_id,time,latitude,longitude,depth_km,time_error_s,major_km,"
        "minor_km,azimuth_deg,depth_error_km,depth_low_km,depth_high_km,quality,n_p,n_s,"
        "n_stations,effective_picks,rms_s,gap_deg,secondary_gap_deg,dmin_km,edge,depth_fixed,"
        "moved_km",
        "origin_arrivals": "origin_id,event_id,pick_id,trace_id,phase,time,residual_s,term_s,"
        "sigma_s,inlier_probability,distance_km,azimuth_deg,added,takeoff_deg",
        "amplitudes": "amplitude_id,trace_id,band,codes,time,n_picks",
        "envelopes": "amplitude_id,trace_id,band,time,step_s",
        "magnitudes": "magnitude_id,event_id,time,type,value,standard_error,mad,median,n_used,"
        "n_bounds,law",
        "station_magnitudes": "station_magnitude_id,magnitude_id,event_id,pick_id,trace_id,time,"
        "distance_km,value,is_bound,correction,weight,flag,amplitude_mm,noise_mm,period_s",
    }
    assert EXPORT_COLUMNS["stations"] == (
        "id", "network_code", "station_code", "location_code", "channels", "latitude",
        "longitude", "elevation",
    )  # fmt: skip
    assert {"key", "status", "reason", "objects"} <= set(EXPORT_COLUMNS["ledger"])


@pytest.mark.parametrize("table", TABLES)
def test_exported_columns_are_columns(table):
    assert set(EXPORT_COLUMNS[table]) <= set(SCHEMAS[table].names)
    assert set(EXPORT_COLUMNS["ledger"]) <= set(ledger_table([]).column_names)


def test_no_rows_are_a_table():
    assert picks_table([], "d", "k").schema == SCHEMAS["picks"]
    assert events_table([], "d", "k").schema == SCHEMAS["events"]
    assert arrivals_table([], "d", "k").schema == SCHEMAS["arrivals"]
    assert stations_of(stations_table([])) == []
    assert entries_of(ledger_table([])) == []


def test_times_keep_their_nanoseconds():
    rows = picks_table([pick_at(NOON + 123_456_789)], "d", "k")
    times = [rows[c].cast(pa.int64()).to_pylist()[0] for c in ("onset", "time", "end")]
    assert times == [NOON + 123_456_789 + n for n in (-7, 0, 11)]


def test_ids_depend_on_the_pick_and_its_run_only():
    one = picks_table([pick_at(NOON)], "run", "key")["pick_id"][0]
    assert picks_table([pick_at(NOON, confidence=0.9)], "run", "other key")["pick_id"][0] == one
    assert picks_table([pick_at(NOON)], "other run", "key")["pick_id"][0] != one
    assert picks_table([pick_at(NOON + 1)], "run", "key")["pick_id"][0] != one


def test_rows_do_not_depend_on_the_order_given():
    events = [event_at(NOON + n) for n in range(4)]
    for make in (events_table, arrivals_table):
        assert make(events[::-1], "d", "k").equals(make(events, "d", "k"))


def test_events_count_their_phases_and_stations():
    row = events_table([event_at(NOON)], "d", "k").to_pylist()[0]
    assert (row["n_p"], row["n_s"], row["n_stations"]) == (1, 0, 1)


def test_stations_and_entries_come_back_as_they_were():
    rows = stations(locations=("", "00"))
    assert stations_of(stations_table(rows[::-1])) == sorted(rows)
    entries = [entry_of("B", "g", 2), entry_of("A", "g", 1)]
    assert entries_of(ledger_table(entries)) == entries


def test_placements_and_orientations_of_stations_survive_a_round_trip():
    moved = Station(
        "NC", "KBG", "00", ("HH1",), 40.1, -124.2, -80.0, "NC.KBG", depth_m=120.0,
        placements=(
            Placement(Span(EVER.start_ns, parse_time("2019-06-01")), 40.0, -124.0, 30.0),
            Placement(Span(parse_time("2019-06-02"), EVER.end_ns), 40.1, -124.2, -80.0, 120.0),
        ),
        orientations=(Orientation("HH1", Span(parse_time("2019-06-02"), EVER.end_ns), 17.5, 0.0),),
    )  # fmt: skip
    assert stations_of(stations_table([moved])) == [moved]


def test_a_table_of_stations_without_the_newer_columns_is_read():
    station = Station("NC", "KBG", "", ("HHZ",), 40.0, -124.0, 30.0, "NC.KBG")
    table = stations_table([station])
    older = table.select(table.column_names[:9])
    nulls = dict.fromkeys(table.column_names[9:])
    rows = pa.Table.from_pylist([{**r, **nulls} for r in older.to_pylist()], schema=STATIONS)
    assert stations_of(rows) == [station]
