"""Epochs and moves in station lists; the rest is in tests/stations/test_stations.py."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from epicat.model import EVER, Placement, Span
from epicat.stations import find_stations, move_messages, read_stations
from epicat.time import parse_time

HEADER = "id,latitude,longitude,elevation,start_date,end_date"


def written(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "stations.csv"
    path.write_text("\n".join((header, *rows, "")))
    return path


def span(start: str, end: str) -> Span:
    return Span(parse_time(start), parse_time(end))


@pytest.mark.parametrize(
    ("start", "end", "epochs"),
    [
        ("", "", ()),
        ("2019-06-21", "", (Span(parse_time("2019-06-21"), EVER.end_ns),)),
        ("2019.172", "2019.180", (span("2019-06-21", "2019-06-30"),)),
        ("2019-06-21T12Z", "2019-06-21T13:00", (span("2019-06-21T12:00", "2019-06-21T13:00"),)),
        ("2019-06-21", "2019-06-21", (span("2019-06-21", "2019-06-22"),)),
        ("", "3000-01-01", ()),
    ],
)  # fmt: skip
def test_a_row_may_say_when_a_station_operates(tmp_path, start, end, epochs):
    (station,) = read_stations(written(tmp_path, f"XX.A.,1,2,3,{start},{end}"))
    assert station.epochs == epochs


def test_other_names_of_the_columns(tmp_path):
    header = "id,lat,lon,elev,StartTime,EndTime"
    (station,) = read_stations(written(tmp_path, "XX.A.,1,2,3,2019.001,2019.002", header=header))
    assert station.epochs == (span("2019-01-01", "2019-01-03"),)


@pytest.mark.filterwarnings("error")
def test_rows_of_one_id_are_its_epochs(tmp_path):
    rows = ("XX.A.,1.005,2,3,2019-01-01,", "XX.A.,1,2,3,2001-01-01,2004-12-31")
    for order in (rows, rows[::-1]):
        (station,) = read_stations(written(tmp_path, *order))
        assert station.epochs == (
            span("2001-01-01", "2005-01-01"), Span(parse_time("2019-01-01"), EVER.end_ns),
        )  # fmt: skip
        assert station.latitude == 1.005


def test_a_station_that_moved_has_a_placement_for_each_epoch(tmp_path):
    rows = ("XX.A.,1.2,2,3,2019-01-01,", "XX.A.,1,2,3,2001-01-01,2004-12-31")
    (station,) = read_stations(written(tmp_path, *rows))
    assert station.placements == (
        Placement(span("2001-01-01", "2005-01-01"), 1, 2, 3),
        Placement(Span(parse_time("2019-01-01"), EVER.end_ns), 1.2, 2, 3),
    )
    (message,) = move_messages([station])
    assert "1 stations moved by more than 1 km; each pick is placed" in message
    assert "XX.A." in message
    assert move_messages([station], span("2018-01-01", "2020-01-01"))
    assert move_messages([station], span("2019-01-01", "2020-01-01")) == []


def test_bad_dates_are_named_by_their_line(tmp_path):
    rows = (
        "XX.A.,1,2,3,soon,",
        "XX.B.,1,2,3,2019-02-01,2019-01-01",
        "XX.C.,1,2,3,,2019-01-01T24:60",
    )
    with pytest.warns(UserWarning, match="left out") as caught:
        (station,) = read_stations(written(tmp_path, *rows, "XX.D.,1,2,3,,"))
    assert station.id == "XX.D."
    text = str(caught[0].message)
    assert "line 2: 'soon' is not a time" in text
    assert "line 3: end '2019-01-01' is not after start '2019-02-01'" in text
    assert "line 4: '2019-01-01T24:60' is not a time" in text


def test_five_thousand_rows_take_no_time(tmp_path):
    rows = [f"XX.S{n}.,{n % 90},{n % 180},3,2001-01-01,2019.{1 + n % 365:03d}" for n in range(5000)]
    path = written(tmp_path, *rows)
    began = time.process_time()
    assert len(find_stations(str(path))) == 5000
    assert time.process_time() - began < 3
