from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from epicat.export.hypodd import write_hypodd
from epicat.export.quakes import Part, Written
from epicat.model import Station
from epicat.table_rows import stations_table
from epicat.time import SECOND_NS, parse_time
from support.located_catalog import locate
from support.tiny_catalog import ASSOCIATOR, IDS, STATIONS, event, many, part

ROWS = [(IDS[0], "P", 2_345_678_000, 0.1), (IDS[0], "S", 4_100_000_000, -0.2)]


def written(*parts: Part, stations: object = STATIONS) -> tuple[str, str, str, Written]:
    files = [io.StringIO() for _ in range(3)]
    told = write_hypodd(parts, stations, *files)
    text, ids, places = (file.getvalue() for file in files)
    return text, ids, places, told


def test_an_event_is_a_header_and_travel_times() -> None:
    found = event(ROWS, place=(-40.5, 175.25, 8.5), rms_s=0.1234)
    text, ids, places, told = written(part(found))
    assert text.splitlines() == [
        "# 2019 07 04 17 33 49.123456 -40.500000 175.250000 8.5000 0.0 0.0 0.0 0.1234 1",
        "ST00    2.345678 0.7500 P",
        "ST00    4.100000 0.7500 S",
    ]
    assert ids == f"id,event_id\n1,{found[0].id(ASSOCIATOR)}\n"
    assert places.splitlines()[0].split()[0] == "ST00"
    assert len(places.splitlines()) == 8
    assert told == Written(1, 2)


def test_a_located_event_has_errors_and_probabilities() -> None:
    known = event(ROWS, place=(-40.0, 175.0, 8.5))
    origins, arrivals = locate(known[0], associator=ASSOCIATOR)
    text, *_ = written(replace(part(known), origins=origins, origin_arrivals=arrivals))
    header, *lines = text.splitlines()
    assert header.split()[7:14] == ["-39.990000", "175.010000", "9.5000", "0.0", "0.8500", "0.7420",
                                    "0.0500"]  # fmt: skip
    assert {line.split()[2] for line in lines} == {"0.9000"}


def test_an_empty_catalog_is_an_empty_file() -> None:
    text, ids, _, told = written()
    assert (text, ids, told) == ("", "id,event_id\n", Written(0))


def test_arrivals_before_the_origin_are_left_out_with_a_warning() -> None:
    rows = [(IDS[0], "P", -5_000, 0.0), (IDS[1], "P", -400, 0.0), (IDS[2], "P", 0, 0.0)]
    text, _, _, told = written(part(event(rows, parse_time("2020-01-01"))))
    assert [line.split()[0] for line in text.splitlines()[1:]] == ["ST01", "ST02"]
    assert "1 arrival(s) before" in told.notes[0]
    assert told.arrivals == 2


def test_travel_times_cross_midnight_and_seconds_never_round_to_sixty() -> None:
    midnight = parse_time("2020-01-01")
    rows = [(IDS[0], "P", 12 * SECOND_NS, 0.0)]
    text = written(part(event(rows, midnight - 2 * SECOND_NS)))[0].splitlines()
    assert text[0].startswith("# 2019 12 31 23 59 58.000000 ")
    assert text[1].split()[1] == "12.000000"
    text = written(part(event(rows, midnight - 1)))[0].splitlines()
    assert text[0].startswith("# 2020 01 01 00 00 00.000000 ")


@pytest.mark.parametrize(
    ("confidence", "weight"), [(math.nan, "1.0000"), (0.5, "0.5000"), (1.5, "1.0000")]
)
def test_the_weight_is_the_confidence(confidence: float, weight: str) -> None:
    found, picks = event(ROWS[:1])
    text = written(part((found, [replace(picks[0], confidence=confidence)])))[0]
    assert text.splitlines()[1].split()[2] == weight


def test_a_missing_pick_has_full_weight() -> None:
    whole = part(event(ROWS))
    text = written(replace(whole, picks=whole.picks.slice(0, 0)))[0]
    assert [line.split()[2] for line in text.splitlines()[1:]] == ["1.0000"] * 2


@given(
    time_ns=st.integers(0, 2**61),
    place=st.tuples(st.floats(-90, 90), st.floats(-180, 180), st.floats(-9, 700)),
    rms=st.floats(0, 9) | st.sampled_from([math.nan, math.inf]),
    after=st.lists(st.integers(0, 200 * SECOND_NS), max_size=4, unique=True),
)
@example(0, (0.0, -180.0, -4.0), math.nan, [0])
def test_obspy_reads_it(
    time_ns: int, place: tuple[float, float, float], rms: float, after: list[int]
) -> None:
    pytest.importorskip("obspy")
    from obspy import read_events

    rows = [(IDS[0], "PS"[a % 2], a, 0.0) for a in sorted(after)]
    text = written(part(event(rows, time_ns, place, rms)))[0]
    (read,) = _read(read_events, text)
    origin = read.origins[0]
    assert abs(origin.time._ns - time_ns) <= 1_000
    assert origin.latitude == pytest.approx(place[0], abs=1e-6)
    assert origin.longitude == pytest.approx(place[1], abs=1e-6)
    assert origin.depth == pytest.approx(place[2] * 1000, abs=0.051)
    assert [pick.phase_hint for pick in read.picks] == [row[1] for row in rows]
    for pick, row in zip(read.picks, rows, strict=True):
        assert abs(pick.time._ns - time_ns - row[2]) <= 2_000
    assert [a.time_weight for a in origin.arrivals] == [0.75] * len(rows)


def test_numbers_map_back_to_the_events() -> None:
    pytest.importorskip("obspy")
    from obspy import read_events

    text, ids, _, _ = written(many(40, readings=6), many(40, readings=6, first=40))
    names = {row["id"]: row["event_id"] for row in csv.DictReader(io.StringIO(ids))}
    read = _read(read_events, text)
    assert [names[e.resource_id.id.rpartition("/")[2]] for e in read] == [
        f"e{n:015d}" for n in range(80)
    ]


def test_each_station_is_listed_once() -> None:
    stations = [Station("AA", "X", loc, (), 10.0, 20.0, 0.0, "AA.X") for loc in ("00", "10")]
    stations.append(Station("BB", "LONGCODE", "", (), 12.0, 22.0, 60.0, "BB.LONGCODE"))
    _, _, places, told = written(stations=stations_table(stations))
    assert [line.split() for line in places.splitlines()] == [
        ["X", "10.000000", "20.000000", "0.0"],
        ["LONGCODE", "12.000000", "22.000000", "60.0"],
    ]
    assert "LONGCODE" in told.notes[0]


def _read(read_events, text: str):  # type: ignore[no-untyped-def]
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:  # ObsPy reads this format from a path only
        path = Path(folder) / "phase.dat"
        path.write_text(text)
        return read_events(str(path), format="HYPODDPHA")
