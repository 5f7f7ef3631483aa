"""Phase files of other programs, and the catalogs that epicat itself writes."""

from __future__ import annotations

import math

import pytest

from epicat.errors import InputError
from epicat.imports.events import read_events
from epicat.imports.picks import read_picks
from epicat.imports.raw import ReadingOptions
from epicat.model import Station
from epicat.time import parse_time

NOON = parse_time("2019-07-06T12:00:00Z")
STATIONS = (
    Station("NC", "KBG", "", (), 40.0, -124.0, 100.0),
    Station("NC", "KCT", "", (), 40.3, -124.0, 100.0),
)
OBS = (
    "PUBLIC_ID smi:local/one\n"
    "KBG    HH   ?    ? P      ? 20190706 1200  1.5000 GAU  1e-01 -1 -1 -1\n"
    "KBG    HH   ?    ? S      ? 20190706 1200  2.9600 GAU  2e-01 -1 -1 -1\n"
    "KCT    HH   ?    ? Pn     ? 20190706 1159 65.0000 GAU  1e-01 -1 -1 -1\n"
    "\n"
    "KBG    ?    EHZ  i P1     c 20190706 1300  0.0000 GAU  1e-01 -1 -1 -1 1\n"
)
HYP = (
    'NLLOC "./loc/x" "LOCATED" "Location completed."\n'
    'SIGNATURE "x"\n'
    "GEOGRAPHIC  OT 2019 07 06  12 00 -0.500000  Lat 40.100000 Long -124.050000 Depth 7.250000\n"
    "PHASE ID Ins Cmp On Pha FM Date HrMn Sec Err ErrMag Coda Amp Per PriorWt > TTpred\n"
    "KBG    HH   ?    ? P      ? 20190706 1200  1.5000 GAU  1e-01 -1 -1 -1"
    " 1.0000 >  2.0 0.1\n"
    "END_PHASE\n"
    "END_NLLOC\n"
)
PHASE_DAT = (
    "# 2019 07 06 11 59 59.500000 40.100000 -124.050000 7.2500 1.7 0.0 0.0 0.1000 12\n"
    "KBG     2.000000 0.8000 P\n"
    "KCT     3.000000 -1.0000 S\n"
)


def write(folder, text, name="file"):
    (folder / name).write_text(text)
    return folder / name


def test_nonlinloc_observations_without_origins_are_placed_at_the_first_station(tmp_path):
    found = read_events(write(tmp_path, OBS), ReadingOptions(stations=STATIONS))
    first, second = found.events
    assert first.name == "smi:local/one"
    assert [(p.trace_id, p.phase, p.time_ns - NOON) for p in first.picks] == [
        ("NC.KBG.*", "P", 1_500_000_000), ("NC.KBG.*", "S", 2_960_000_000),
        ("NC.KCT.*", "P", 5_000_000_000),
    ]  # fmt: skip
    # Wadati: 1.5 s less (2.96 - 1.5) / 0.73
    assert (first.latitude, first.longitude) == (40.0, -124.0)
    assert first.time_ns == pytest.approx(NOON - 500_000_000, abs=2_000)
    assert (second.picks[0].band, second.picks[0].phase) == ("EH", "P")
    assert any("no origin, placed at the station" in note for note in found.notes)
    assert any("phases read: P1 as P (1), Pn as P (1)" in note for note in found.notes)


def test_events_without_origin_or_station_are_left_out(tmp_path):
    with pytest.raises(InputError, match="no origin and no station of its arrivals is known"):
        read_events(write(tmp_path, OBS), ReadingOptions(network="NC"))


def test_nonlinloc_hypocenters(tmp_path):
    found = read_events(write(tmp_path, HYP * 2), ReadingOptions(network="NC"))
    assert len(found.events) == 2
    event = found.events[0]
    assert (event.latitude, event.longitude, event.depth_km) == (40.1, -124.05, 7.25)
    assert event.time_ns == NOON - 500_000_000
    assert [p.trace_id for p in event.picks] == ["NC.KBG.*"]


def test_hypodd(tmp_path):
    found = read_events(write(tmp_path, PHASE_DAT), ReadingOptions(network="NC"))
    (event,) = found.events
    assert (event.name, event.magnitude, event.depth_km) == ("12", 1.7, 7.25)
    assert [(p.trace_id, p.phase, p.confidence, p.time_ns - NOON) for p in event.picks] == [
        ("NC.KBG.*", "P", 0.8, 1_500_000_000), ("NC.KCT.*", "S", 1.0, 2_500_000_000),
    ]  # fmt: skip


def test_reals_picks(tmp_path):
    day = tmp_path / "20190706"
    day.mkdir()
    write(day, "43200.0 0.9 1e-6\n43201.5 5 0\nbad\n", "NC.KBG.P.txt")
    write(day, "43203.25 0.5 1e-6\n", "NC.KBG.S.txt")
    found = read_picks(tmp_path)
    assert [(p.trace_id, p.phase, p.confidence, p.time_ns - NOON) for p in found.picks] == [
        ("NC.KBG.*", "P", 0.9, 0), ("NC.KBG.*", "P", 1.0, 1_500_000_000),
        ("NC.KBG.*", "S", 0.5, 3_250_000_000),
    ]  # fmt: skip
    assert any("NC.KBG.P.txt line 3" in note for note in found.notes)
    assert len(read_picks(day / "NC.KBG.S.txt").picks) == 1
    write(tmp_path, "1 1 1\n", "NC.KBG.P.txt")
    with pytest.raises(InputError, match="not in a folder named by its day"):
        read_picks(tmp_path / "NC.KBG.P.txt")


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("#EventID|Time|Latitude|Longitude|Depth/km|Author|Catalog|Contributor|ContributorID|"
         "MagType|Magnitude|MagAuthor|EventLocationName",
         "one|2019-07-06T12:00:00.000|40.1|-124.05|7.25|x|x|x|one|ml|1.7|x|Off, Cape"),
        ("time,latitude,longitude,depth,mag,magType,nst,id,place",
         '2019-07-06T12:00:00.000Z,40.1,-124.05,7.25,1.7,ml,4,one,"24km S of Trona, CA"'),
        ("EventID,DT,X,Y,Z,COA,ML", "one,2019-07-06T12:00:00Z,-124.05,40.1,7.25,4.9,1.7"),
        ("time,magnitude,longitude,latitude,depth(m),event_index",
         "2019-07-06T12:00:00.000,1.7,-124.05,40.1,7250,one"),
        ("idx,time,x,y,z,picks,latitude,longitude,depth,mag",
         "one,1562414400.0,1,2,7.25,8,40.1,-124.05,7.25,1.7"),
    ],
)  # fmt: skip
def test_tables_of_events(tmp_path, header, row):
    (event,) = read_events(write(tmp_path, f"{header}\n{row}\n")).events
    assert (event.name, event.time_ns, event.latitude, event.longitude, event.depth_km,
            event.magnitude) == ("one", NOON, 40.1, -124.05, 7.25, 1.7)  # fmt: skip


def test_a_table_of_arrivals_belongs_to_a_table_of_events(tmp_path):
    events = write(tmp_path, "event_id,time,lat,lon,depth\na,2019-07-06T12:00:00,40,-124,\n", "e")
    rows = "a,NC.KBG.,P,2019-07-06T12:00:01\nb,NC.KBG.,P,2019-07-06T13:00:01\n"
    arrivals = write(tmp_path, f"event_id,trace_id,phase,time\n{rows}", "a")
    found = read_events(events, arrivals=arrivals)
    assert [len(e.picks) for e in found.events] == [1]
    assert len(found.picks) == 2
    assert found.events[0].depth_km == 10
    assert any("no depth, taken as 10 km: a" in note for note in found.notes)
    with pytest.raises(InputError, match="no column event_id that names the event"):
        read_events(events, arrivals=write(tmp_path, "trace_id,phase,time\n", "n"))


def test_what_is_not_a_catalog(tmp_path):
    for text in ("", "hello\n", "a,b\n1,2\n", "<a/>", "<a>", "# 1 2 3\n"):
        with pytest.raises(InputError) as caught:
            read_events(write(tmp_path, text))
        assert len(str(caught.value)) < 500
    assert not math.isnan(NOON)
