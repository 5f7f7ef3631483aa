from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from epicat.errors import InputError
from epicat.imports.picks import read_picks
from epicat.imports.raw import ReadingOptions
from epicat.model import Pick, Station
from epicat.time import parse_time

NOON = parse_time("2019-07-06T12:00:00")


def written(folder: Path, *lines: str, name: str = "picks.csv") -> Path:
    path = folder / name
    path.write_text("\n".join((*lines, "")))
    return path


@pytest.mark.parametrize(
    ("header", "row", "trace_id", "channel"),
    [
        ("station,channel,phase,time,prob,amp", "CI.WRV2,HN,S,{t},0.5,1e-5", "CI.WRV2.*", "HN"),
        ("trace_id,phase,time,confidence", "CI.WRV2.2C,s,{t},0.5", "CI.WRV2.2C", ""),
        ("trace_id,phase,time,confidence", "CI.WRV2.,S,{t},0.5", "CI.WRV2.", ""),
        ("trace_id,phase,time,confidence", "CI.WRV2.--,S,{t},0.5", "CI.WRV2.", ""),
        ("id,timestamp,prob,amp,type", "CI.WRV2..HNZ,{t},0.5,,S", "CI.WRV2.", "HN"),
        ("Station_ID,phase_time,phase_score,phase_type", "CI.WRV2..HN,{t},0.5,S", "CI.WRV2.", "HN"),
        ("network,station,location,channel,phase,time,probability", "CI,WRV2,,HNE,S,{t},0.5",
         "CI.WRV2.", "HN"),
        ("trace_id,start_time,end_time,peak_time,peak_value,phase",
         "CI.WRV2.,2019-07-06T11:59:59.9Z,2019-07-06T12:00:00.2Z,{t},0.5,S", "CI.WRV2.", ""),
        ("net,sta,phase,time,score", "CI,WRV2,S,{t},0.5", "CI.WRV2.*", ""),
        ("\ufeffid,station,phase,time,prob", "7,CI.WRV2,S,{t},0.5", "CI.WRV2.*", ""),
    ],
)  # fmt: skip
def test_headers_vary(tmp_path, header, row, trace_id, channel):
    path = written(tmp_path, header, row.format(t="2019-07-06T12:00:00.000000Z"))
    assert read_picks(path).picks == (Pick(NOON, trace_id, channel, "S", 0.5, NOON, NOON),)


def test_without_confidence_it_is_one(tmp_path):
    (pick,) = read_picks(written(tmp_path, "station,phase,time", "A.B,P,2019-07-06")).picks
    assert pick.confidence == 1


def test_picks_come_in_the_order_of_time_and_the_most_confident_of_equal_ones_stays(tmp_path):
    found = read_picks(
        written(
            tmp_path,
            "station,channel,phase,time,prob",
            "A.B,HHZ,P,2019-07-06T12:00:01,0.5",
            "A.B,HHN,P,2019-07-06T12:00:01Z,0.7",
            "A.B,HHE,P,2019-07-06T12:00:01,0.6",
            "A.B,HNE,P,2019-07-06T12:00:01,0.1",
            "A.B,HHZ,P,2019-07-06T12:00:00,0.5",
        )
    )
    assert [(p.band, p.confidence) for p in found.picks] == [
        ("HH", 0.5), ("HH", 0.7), ("HN", 0.1),
    ]  # fmt: skip
    assert found.duplicates == 2


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("WRV2,P,2019-07-06,1", "station 'WRV2' is not NET.STA or NET.STA.LOC"),
        (",P,2019-07-06,1", "station '' is not NET.STA"),
        ("A.B.C.D.E,P,2019-07-06,1", "station 'A.B.C.D.E' is not"),
        ("../x,P,2019-07-06,1", "station '../x' is not"),
        ("A.B,P,soon,1", "'soon' is not a time"),
        ("A.B,P,,1", "'' is not a time"),
        ("A.B,P,2019-07-06,high", "confidence 'high' is not a number"),
        ("A.B,P,2019-07-06,1.5", "confidence 1.5 is not between 0 and 1"),
        ("A.B,,2019-07-06,1", "it has no phase"),
        ("A.B,P,1850-01-01,1", "its time is not between 1900 and 2200"),
    ],
)
def test_bad_rows_are_left_out_and_named_by_their_line(tmp_path, row, reason):
    header = "station,phase,time,prob"
    found = read_picks(written(tmp_path, header, "A.B,P,2019-07-06,1", row))
    assert len(found.picks) == 1
    (note,) = found.notes
    assert note.startswith(f"1 rows left out: line 3: {reason}")


def test_ten_bad_rows_are_shown(tmp_path):
    path = written(tmp_path, "station,phase,time", *["A,P,2019-07-06"] * 25)
    with pytest.raises(InputError, match=r"there is no pick in it\n.*line 11: .* and 15 more") as e:
        read_picks(path)
    assert "line 12" not in str(e.value)


def test_other_phases_are_left_out_and_counted(tmp_path):
    rows = ("A.B,P,2019-07-06", "A.B,Lg,2019-07-06", "A.B,pP,2019-07-06", "A.B,Pn,2019-07-06T01")
    found = read_picks(written(tmp_path, "station,phase,time", *rows))
    assert [p.phase for p in found.picks] == ["P", "P"]
    assert "phases read: Pn as P (1)" in found.notes
    assert "left out, phases other than P and S: Lg (1), pP (1)" in found.notes
    found = read_picks(tmp_path / "picks.csv", ReadingOptions(regional_phases=False))
    assert len(found.picks) == 1
    assert found.settings == {"phases": "P and S only"}


@pytest.mark.parametrize("missing", ["", "nan", "NaN"])
def test_an_empty_confidence_is_a_missing_one(tmp_path, missing):
    found = read_picks(written(tmp_path, "station,phase,time,prob", f"A.B,P,2019-07-06,{missing}"))
    assert [p.confidence for p in found.picks] == [1]
    assert found.notes == ("1 picks have no confidence: taken as 1",)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("1562414400.5", "seconds"),
        ("1562414400500", "milliseconds"),
        ("1.5624144005e9", "seconds"),
        ("1562414400500000", "microseconds"),
        ("1562414400500000000", "nanoseconds"),
        ("2019-07-06T12:00:00.500000000Z", ""),
        ("2019-07-06 12:00:00.5", ""),
    ],
)
def test_numbers_of_time_whose_size_shows_the_unit(tmp_path, text, unit):
    found = read_picks(written(tmp_path, "station,phase,time", f"A.B,P,{text}"))
    assert found.picks[0].time_ns == NOON + 500_000_000
    assert (f"times read as {unit} since 1970" in found.notes) == bool(unit)


@pytest.mark.parametrize("text", ["43200", "0", "-5.5", "20190706120000", "17", "1e30", "2019.187"])
def test_a_number_of_unknown_unit_is_refused(tmp_path, text):
    path = written(tmp_path, "station,phase,time", "A.B,P,2019-07-06", f"A.B,P,{text}")
    with pytest.raises(InputError, match=r"line 3: time .*the unit of this number cannot be told"):
        read_picks(path)


def test_two_units_in_one_file_are_refused(tmp_path):
    path = written(tmp_path, "station,phase,time", "A.B,P,1562414400", "A.B,P,1562414400000")
    with pytest.raises(InputError, match=r"looks like milliseconds since 1970, earlier ones like"):
        read_picks(path)


def test_nanoseconds_of_texts_are_kept(tmp_path):
    path = written(tmp_path, "station,phase,time", "A.B,P,2019-07-06T12:00:00.123456789Z")
    assert read_picks(path).picks[0].time_ns == NOON + 123_456_789


def test_bare_names_take_the_given_network_or_that_of_the_station_list(tmp_path):
    path = written(tmp_path, "station,phase,time", "KBG,P,2019-07-06", "ARC,P,2019-07-06")
    found = read_picks(path, ReadingOptions(network="NC"))
    assert {p.trace_id for p in found.picks} == {"NC.KBG.*", "NC.ARC.*"}
    assert found.settings == {"network": "NC"}
    rows = [
        Station(n, c, "", (), 0, 0, 0) for n, c in (("NC", "KBG"), ("BK", "ARC"), ("NC", "ARC"))
    ]
    found = read_picks(path, ReadingOptions(stations=tuple(rows)))
    assert {p.trace_id for p in found.picks} == {"NC.KBG.*"}
    assert "line 3: station 'ARC' is in networks BK, NC of the station list; give" in found.notes[0]
    assert set(found.settings) == {"stations"}


def test_eqtransformers_table(tmp_path):
    header = (
        "file_name,network,station,instrument_type,station_lat,station_lon,station_elv,"
        "event_start_time,event_end_time,detection_probability,detection_uncertainty,"
        "p_arrival_time,p_probability,p_uncertainty,p_snr,s_arrival_time,s_probability,"
        "s_uncertainty,s_snr"
    )
    rows = (
        "B921_PB_EH,PB,B921 ,EH,35.5,-117.4,694.0,2019-09-01 00:02:22.8,2019-09-01 00:02:32.8,"
        "0.96,,2019-09-01 00:02:24.218300,0.61,,16.3,2019-09-01 00:02:26.758300,0.58,,14.5",
        "CA06_GS_HH,GS,CA06,HH,35.6,-117.6,700.0,2019-09-01 00:02:22.8,2019-09-01 00:02:32.8,"
        "0.96,,2019-09-01 00:02:24.218300,,,16.3,,,,",
    )
    found = read_picks(written(tmp_path, header, *rows))
    assert [(p.trace_id, p.band, p.phase, p.confidence) for p in found.picks] == [
        ("GS.CA06.*", "HH", "P", 1), ("PB.B921.*", "EH", "P", 0.61), ("PB.B921.*", "EH", "S", 0.58),
    ]  # fmt: skip


def test_phasenets_first_form(tmp_path):
    header = "fname,t0,p_idx,p_prob,s_idx,s_prob"
    row = 'NC.MCV..EHZ.0361.npz,2019-07-06T12:00:00,"[100, 250]","[0.5 0.6]",[],[]'
    found = read_picks(written(tmp_path, header, row))
    assert [(p.trace_id, p.time_ns - NOON, p.confidence) for p in found.picks] == [
        ("NC.MCV.", 10**9, 0.5), ("NC.MCV.", 25 * 10**8, 0.6),
    ]  # fmt: skip
    path = written(tmp_path, "fname,itp,tp_prob,its,ts_prob", "a.npz,[100],[0.5],[],[]")
    with pytest.raises(InputError, match="sample numbers of a file whose start time the table"):
        read_picks(path)


def test_json_of_phasenet(tmp_path):
    path = tmp_path / "picks.json"
    path.write_text(
        '[{"id": "CI.CCC..BH", "timestamp": "2019-07-06T12:00:00", "prob": 0.8, "type": "p"}]'
    )
    (pick,) = read_picks(path).picks
    assert (pick.trace_id, pick.band, pick.phase, pick.time_ns) == ("CI.CCC.", "BH", "P", NOON)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "no column trace_id (or station), phase, time; the header is empty"),
        (b"station,phase\n", "no column time; the header is 'station, phase'; expected: trace_id"),
        (b"station,phase,time\n", "there is no pick in it"),
        (b"\0\1\2", "not a text file"),
    ],
)
def test_what_is_not_a_table_of_picks(tmp_path, body, message):
    path = tmp_path / "picks.csv"
    path.write_bytes(body)
    with pytest.raises(InputError, match=re.escape(message)):
        read_picks(path)


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_picks(tmp_path / "nothing.csv")
    with pytest.raises(InputError, match=r"there are no files NET\.STA\.P\.txt"):
        read_picks(tmp_path)


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/Los_Angeles"])
def test_parquet(tmp_path, unit, zone):
    scale = {"ms": 10**6, "us": 1000, "ns": 1}[unit]
    columns = {
        "trace_id": ["A.B.", "A.C.00"],
        "phase": ["P", "S"],
        "time": pa.array([NOON // scale, NOON // scale + 1], pa.timestamp(unit, zone)),
        "confidence": pa.array([0.25, 0.75], pa.float32()),
    }
    pq.write_table(pa.table(columns), tmp_path / "picks.parquet")
    one, other = read_picks(tmp_path / "picks.parquet").picks
    assert one == Pick(NOON, "A.B.", "", "P", 0.25, NOON, NOON)
    assert (other.trace_id, other.time_ns) == ("A.C.00", NOON + scale)


def test_parquet_with_texts_and_holes(tmp_path):
    columns = {"station": ["A.B", None], "phase": ["P", "S"], "time": ["2019-07-06T12:00"] * 2}
    pq.write_table(pa.table(columns), tmp_path / "picks.PQ")
    found = read_picks(tmp_path / "picks.PQ")
    assert len(found.picks) == 1
    assert "row 2: station '' is not" in found.notes[0]
    (tmp_path / "broken").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read_picks(tmp_path / "broken")


def test_integers_of_parquet_are_seconds_if_their_size_shows_it(tmp_path):
    columns = {"station": ["A.B"], "phase": ["P"], "time": pa.array([NOON // 10**9], pa.int64())}
    pq.write_table(pa.table(columns), tmp_path / "picks")
    found = read_picks(tmp_path / "picks")
    assert found.picks[0].time_ns == NOON
    assert "times read as seconds since 1970" in found.notes


def test_the_picks_of_an_hour(realdata):
    found = read_picks(realdata / "ridgecrest" / "picks.csv")
    assert len(found.picks) + found.duplicates == 13885
    assert len({p.trace_id for p in found.picks}) == 20
    assert found.columns == {
        "station": "station", "channel": "channel", "phase": "phase", "time": "time",
        "confidence": "prob",
    }  # fmt: skip
