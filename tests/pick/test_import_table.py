from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from epicat.errors import InputError
from epicat.model import Pick
from epicat.pick.import_table import read_picks
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
        ("A.B,Pn,2019-07-06,1", "phase 'Pn' is not P or S"),
        ("A.B,P,soon,1", "'soon' is not a time"),
        ("A.B,P,,1", "'' is not a time"),
        ("A.B,P,2019-07-06,", "confidence '' is not a number"),
        ("A.B,P,2019-07-06,1.5", "confidence 1.5 is not between 0 and 1"),
        ("A.B,P,2019-07-06,nan", "confidence nan is not between 0 and 1"),
        ("A.B", "phase '' is not P or S"),
    ],
)
def test_bad_rows_are_named_by_their_line(tmp_path, row, reason):
    header = "station,phase,time,prob"
    with pytest.raises(InputError, match=re.escape(f"line 3: {reason}")):
        read_picks(written(tmp_path, header, "A.B,P,2019-07-06,1", row))


def test_ten_bad_rows_are_shown(tmp_path):
    path = written(tmp_path, "station,phase,time", *["A.B,X,2019-07-06"] * 25)
    with pytest.raises(InputError, match=r"line 11: .*\n.*and 15 more") as caught:
        read_picks(path)
    assert "line 12" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "no column trace_id (or station), phase, time; it has no header"),
        (b"station,phase\n", "no column time; it has station, phase; wanted: trace_id,channel"),
        (b"station,phase,time\n", "there is no pick in it"),
        (b"\xff\xfe", "not a text file in UTF-8"),
    ],
)
def test_what_is_no_table_of_picks(tmp_path, body, told):
    path = tmp_path / "picks.csv"
    path.write_bytes(body)
    with pytest.raises(InputError, match=re.escape(told)):
        read_picks(path)


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_picks(tmp_path / "nothing.csv")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
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
    with pytest.raises(InputError, match="row 2: station '' is not"):
        read_picks(tmp_path / "picks.PQ")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read_picks(written(tmp_path, "station,phase,time", name="picks.parquet"))


def test_the_picks_of_an_hour(realdata):
    found = read_picks(realdata / "ridgecrest" / "picks.csv")
    assert len(found.picks) + found.duplicates == 13885
    assert len({p.trace_id for p in found.picks}) == 20
    assert found.columns == {
        "station": "station", "channel": "channel", "phase": "phase", "time": "time",
        "confidence": "prob",
    }  # fmt: skip
