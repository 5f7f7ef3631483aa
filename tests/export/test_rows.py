from __future__ import annotations

import csv
import io
from dataclasses import replace

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from epicat.export.rows import write_csv
from epicat.ledger import BlockEntry, ObjectRead, StationDayEntry, Status
from epicat.model import EVER, Orientation, Placement, Span, Station
from epicat.stations import read_stations
from epicat.table_rows import (
    arrivals_table,
    events_table,
    ledger_table,
    picks_table,
    stations_by_position,
    stations_table,
)
from epicat.tables import EXPORT_COLUMNS
from epicat.testing.store_contract import event_at, pick_at
from epicat.time import parse_time

NOON = parse_time("2019-06-21T12:00:00Z")


def written(table, columns):
    file = io.StringIO(newline="")
    write_csv(table, columns, file)
    return file.getvalue()


def test_picks():
    table = picks_table([pick_at(NOON + 12_345_678, confidence=0.98768)], "d", "k")
    header, row = written(table, EXPORT_COLUMNS["picks"]).splitlines()
    assert header == "pick_id,trace_id,band,phase,time,confidence"
    assert row.split(",")[1:] == [
        "NC.KBG.00", "HH", "P", "2019-06-21T12:00:00.012346Z", "0.9877",
    ]  # fmt: skip


def test_events():
    header, row = written(
        events_table([event_at(NOON)], "d", "k"), EXPORT_COLUMNS["events"]
    ).splitlines()
    assert header == (
        "event_id,time,latitude,longitude,depth_km,n_p,n_s,n_stations,rms_s,gap_deg,dmin_km"
    )
    assert row.split(",")[1:] == [
        "2019-06-21T12:00:00.000000Z", "40.25000", "-124.50000", "7.500", "1", "0", "1",
        "0.125", "271.0", "11.500",
    ]  # fmt: skip


def test_arrivals():
    table = arrivals_table([event_at(NOON)], "d", "k")
    header, row = written(table, EXPORT_COLUMNS["arrivals"]).splitlines()
    assert header == ("event_id,pick_id,trace_id,phase,time,residual_s,distance_km,azimuth_deg")
    assert row.split(",")[2:] == [
        "NC.KBG.00", "P", "2019-06-21T12:00:02.000000Z", "-0.125", "11.500", "359.5",
    ]  # fmt: skip


def test_stations():
    station = Station("NC", "KBG", "", ("HHZ", "HHN"), 40.123456, -124.0, 12.34, "NC.KBG")
    header, row = written(stations_table([station]), EXPORT_COLUMNS["stations"]).splitlines()
    assert header == (
        "id,network_code,station_code,location_code,channels,latitude,longitude,elevation"
    )
    assert next(csv.reader([row])) == [
        "NC.KBG.", "NC", "KBG", "", "HHZ,HHN", "40.12346", "-124.00000", "12.3",
    ]  # fmt: skip


def test_the_ledger_names_its_objects():
    entry = StationDayEntry(
        "d", "NC.KBG/2019.172", Status.READ_ERROR, "g", 1,
        reason='a, "quoted"\nreason', objects=(ObjectRead("x/y", "e"), ObjectRead("z", "e", "bad")),
    )  # fmt: skip
    text = written(ledger_table([entry]), ("key", "status", "reason", "objects"))
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row == {
        "key": "NC.KBG/2019.172", "status": "read error", "reason": 'a, "quoted"\nreason',
        "objects": "x/y;z",
    }  # fmt: skip


def test_what_a_stage_does_not_have_is_empty():
    entry = BlockEntry("d", "2019-06-21T12:00:00.000000Z", Status.NO_EVENTS, "g", 1, n_sites=4)
    columns = ("archive", "objects", "samples", "channels", "n_picks", "n_sites", "n_events")
    assert written(ledger_table([entry]), columns).splitlines()[1] == ",,,,,4,0"


def test_flags_are_words():
    text = written(events_table([event_at(NOON)], "d", "k"), ("edge",))
    assert text == "edge\ntrue\n"


def test_no_rows_are_a_header():
    assert written(picks_table([], "d", "k"), ("pick_id", "time")) == "pick_id,time\n"


@given(st.integers(0, 4 * 10**18))
def test_times_are_rounded_to_the_nearest_microsecond(time_ns):
    text = written(picks_table([pick_at(time_ns)], "d", "k"), ("time",)).splitlines()[1]
    assert text.endswith("Z")
    assert abs(parse_time(text) - time_ns) <= 500


def test_tables_in_many_pieces_lose_no_row():
    pieces = [picks_table([pick_at(NOON + n)], "d", "k") for n in range(500)]
    whole = pa.concat_tables([*pieces, *[picks_table([], "d", "k")] * 3])
    lines = written(whole, ("pick_id",)).splitlines()
    assert lines[1:] == whole["pick_id"].to_pylist()


def test_a_negative_zero_is_zero():
    table = arrivals_table([event_at(NOON)], "d", "k")
    at = table.schema.get_field_index("residual_s")
    table = table.set_column(at, table.schema.field(at), pa.array([-1e-9]))
    assert written(table, ("residual_s",)) == "residual_s\n0.000\n"


def test_positions_of_stations_that_moved_are_rows_that_can_be_imported(tmp_path):
    old = Placement(Span(EVER.start_ns, parse_time("2024-06-02")), 40.0, -124.0, 10.0)
    new = Placement(Span(parse_time("2024-06-02"), EVER.end_ns), 40.2, -124.0, -50.0, 60.0)
    axis = Orientation("HH1", EVER, 17.0, 0.0)
    moved = Station("NC", "KBG", "00", ("HH1",), 40.2, -124.0, -50.0, "NC.KBG", (), 60.0,
                    (old, new), (axis,))  # fmt: skip
    table = stations_table([moved, Station("NC", "KCT", "", (), 40.0, -124.0, 5.0, "NC.KCT")])
    file = io.StringIO()
    write_csv(table, table.column_names, file)
    assert ".. 2024-06-02T00:00:00.000000Z 40.0 -124.0 10.0 0.0;2024-06-02" in file.getvalue()
    assert "HH1 .. .. 17.0 0.0" in file.getvalue()
    columns = [*EXPORT_COLUMNS["stations"], "start_date", "end_date"]
    with (tmp_path / "stations.csv").open("w") as out:
        write_csv(stations_by_position(table), columns, out)
    kbg, kct = read_stations(tmp_path / "stations.csv")
    assert kbg.placements == (old, replace(new, depth_m=0.0))
    assert kct.placements == ()
