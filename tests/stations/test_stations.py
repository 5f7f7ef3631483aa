from __future__ import annotations

import math
import time
import warnings
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from epicat.errors import InputError
from epicat.geo import Extent
from epicat.model import ANY_LOCATION, Station
from epicat.stations import read_stations, select, with_names

HEADER = "id,network_code,station_code,location_code,channels,latitude,longitude,elevation"
ROW = 'BK.ARC.,BK,ARC,,"BHE,BHN,BHZ",40.87772,-124.077377,30.1'


def written(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path = folder / "stations.csv"
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


@pytest.fixture(autouse=True)
def _warnings_are_errors() -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_a_row_of_the_tutorials_list(tmp_path: Path) -> None:
    (station,) = read_stations(written(tmp_path, HEADER, ROW))
    assert station == Station(
        "BK", "ARC", "", ("BHE", "BHN", "BHZ"), 40.87772, -124.077377, 30.1, "BK.ARC"
    )
    assert station.id == "BK.ARC."


def test_the_list_of_northern_california(realdata: Path) -> None:
    began = time.process_time()
    stations = read_stations(realdata / "ncedc_stations.csv")
    chosen = select(stations, Extent.parse("39,41,-125,-123"))
    assert time.process_time() - began < 3  # about one second
    assert len(stations) == 4964
    assert len({s.id for s in stations}) == 4964
    assert len({s.id for s in chosen}) == 133
    assert len({s.name for s in chosen}) == 89
    assert chosen == sorted(chosen)
    assert all(39 <= s.latitude <= 41 and -125 <= s.longitude <= -123 for s in chosen)


def test_a_list_with_ids_of_two_parts_leaves_the_location_open(realdata: Path) -> None:
    stations = read_stations(realdata / "holuhraun" / "stations.csv")
    assert len(stations) == 12
    assert {s.location for s in stations} == {ANY_LOCATION}
    assert {s.network for s in stations} == {"Z7"}
    assert {s.name for s in stations} == {f"Z7.{s.code}" for s in stations}
    assert all(s.channels == () for s in stations)
    dyjn = next(s for s in stations if s.code == "DYJN")
    assert (dyjn.latitude, dyjn.longitude, dyjn.elevation_m) == (64.6836, -17.13372, 1381.0)


def test_a_list_without_elevations_and_with_bands_in_its_ids(realdata: Path) -> None:
    with pytest.warns(UserWarning, match="no elevation, taken as 0 m"):
        stations = read_stations(realdata / "ridgecrest" / "stations.csv")
    assert {s.elevation_m for s in stations} == {0}
    assert "CI.CCC" in {s.name for s in stations}
    # Co-located instruments of one station have one row: the first.
    assert len({s.id for s in stations}) == len(stations)


def test_a_missing_elevation_is_zero_with_a_warning(tmp_path: Path) -> None:
    path = written(tmp_path, "id,latitude,longitude,elevation", "XX.AAA.,1,2,", "XX.BBB.,1,3,5")
    with pytest.warns(UserWarning, match=r"no elevation, taken as 0 m: XX\.AAA\.$"):
        stations = read_stations(path)
    assert [s.elevation_m for s in stations] == [0, 5]


def test_rows_of_one_station_join(tmp_path: Path) -> None:
    header = "network,station,channel,latitude,longitude,elevation"
    rows = (f"XX,A,{c},1,2,3" for c in ("HHZ", "HHN", "HHE"))
    (station,) = read_stations(written(tmp_path, header, *rows))
    assert station.channels == ("HHZ", "HHN", "HHE")


def test_rows_of_one_time_at_two_places_use_the_first_and_say_so(tmp_path: Path) -> None:
    path = written(tmp_path, "id,latitude,longitude,elevation", "XX.AAA.,1,2,3", "XX.AAA.,5,6,7")
    with pytest.warns(UserWarning, match=r"more than 1 km apart, and one .*: XX\.AAA\."):
        (station,) = read_stations(path)
    assert station.latitude == 1


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("id,latitude,longitude,elevation", "XX.AAA.00,1,2,3"),
        ("ID , Latitude,LONGITUDE,Elevation", "XX.AAA.00, 1 ,2,3"),
        ("trace_id,lat,lon,elev", "XX.AAA.00,1,2,3"),
        ("network,station,location,latitude,longitude,elevation_m", "XX,AAA,00,1,2,3"),
        ("net,sta,loc,lat,long,elev", "XX,AAA,00,1,2,3"),
        ("id,net,sta,loc,lat,lon,elev", ",XX,AAA,00,1,2,3"),
        ("\ufeffid,lat,lon,elev,note", "XX.AAA.00,1,2,3,an umlaut: ä"),
        ("id,lat,lon,elev", "XX.AAA.00.HH,1,2,3"),
    ],
)
def test_headers_vary(tmp_path: Path, header: str, row: str) -> None:
    (station,) = read_stations(written(tmp_path, header, row))
    assert (station.id, station.latitude, station.longitude, station.elevation_m) == (
        "XX.AAA.00", 1, 2, 3,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("XX.AAA.,north,2,3", "latitude 'north' is not a number"),
        ("XX.AAA.,,2,3", "latitude '' is not a number"),
        ("XX.AAA.,91,2,3", "latitude 91 is not between -90 and 90"),
        ("XX.AAA.,nan,2,3", "latitude nan is not between"),
        ("XX.AAA.,1,inf,3", "longitude inf is not between"),
        ("XX.AAA.,1,236,3", "longitude 236 is not between -180 and 180"),
        ("XX.AAA.,1,2,high", "elevation 'high' is not a number"),
        ("XX.AAA.,1,2,99999", "elevation 99999 is not between"),
        ("A.B.C.D.E,1,2,3", "id 'A.B.C.D.E' is not NET.STA.LOC"),
        ("XX.AAA.,1,2,3,4,5", "it has 6 fields, the header 4"),
        (",1,2,3", "id '' is not NET.STA.LOC"),
        ("X/X.AAA.,1,2,3", "codes 'X/X.AAA' are not letters and digits"),
        (".AAA.,1,2,3", "codes '.AAA' are not letters and digits"),
        ("XX.AAA.0/,1,2,3", "codes 'XX.AAA.0/' are not letters and digits"),
        ("XX.AAA.", "latitude '' is not a number"),
    ],
)
def test_a_bad_row_is_left_out_and_named_by_its_line(tmp_path: Path, row: str, reason: str) -> None:
    path = written(tmp_path, "id,latitude,longitude,elevation", "XX.OK.,1,2,3", row)
    with pytest.warns(UserWarning, match="left out") as caught:
        (station,) = read_stations(path)
    assert station.id == "XX.OK."
    assert f"left out: line 3: {reason}" in str(caught[0].message)
    assert str(path) in str(caught[0].message)


def test_every_bad_row_is_counted_and_the_first_ten_are_shown(tmp_path: Path) -> None:
    rows = [f"XX.S{n:02d}.,bad,2,3" for n in range(25)]
    with pytest.raises(InputError) as caught:
        read_stations(written(tmp_path, "id,latitude,longitude,elevation", *rows))
    text = str(caught.value)
    assert "line 2:" in text
    assert "line 11:" in text
    assert "line 12:" not in text
    assert "and 15 more" in text


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        ("code;north;east", "id (or network_code and station_code), latitude, longitude"),
        ("id,latitude", "longitude"),
        ("network_code,latitude,longitude", "id (or network_code and station_code)"),
        ("", "the header is empty"),
    ],
)
def test_a_missing_column_is_named_with_those_that_are_there(
    tmp_path: Path, header: str, missing: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_stations(written(tmp_path, header))
    assert missing in str(caught.value)
    assert HEADER in str(caught.value)


def test_what_is_not_a_station_list_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_stations(tmp_path / "nothing.csv")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_stations(tmp_path)
    with pytest.raises(InputError, match="not a text file: its first line contains zero"):
        read_stations(written(tmp_path, "\0\1\2", HEADER))
    with pytest.raises(InputError, match="no station can be used"):
        read_stations(written(tmp_path, HEADER))


def test_a_quotation_mark_that_is_never_closed_costs_one_row(tmp_path: Path) -> None:
    rows = [ROW.replace("ARC", f"S{n}") for n in range(4000)]
    rows[5] = rows[5].replace('BHZ"', "BHZ")
    with pytest.warns(UserWarning, match="left out: line 7: latitude '' is not a number$"):
        assert len(read_stations(written(tmp_path, HEADER, *rows))) == 3999


def test_latin_1_is_read(tmp_path: Path) -> None:
    (station,) = read_stations(
        written(tmp_path, f"{HEADER},site", f"{ROW},Köln", encoding="latin-1")
    )
    assert station.id == "BK.ARC."


@given(
    st.one_of(
        st.text(max_size=200),
        st.text(alphabet='XA.,"\n19-\0;', max_size=120).map(
            lambda text: f"id,latitude,longitude,elevation\n{text}"
        ),
    )
)
@example("id,latitude,longitude\nXX.AAA.,1,2")
@example("id,id,latitude,longitude,latitude\nXX.AAA.,XX.BBB.,1,2,3")
def test_any_text_is_a_list_of_stations_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(text.encode(errors="surrogatepass"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with suppress(InputError):
            for station in read_stations(path):
                assert station.name
                assert math.isfinite(station.latitude + station.longitude + station.elevation_m)


def test_no_station_in_an_extent_is_an_error_with_their_range(tmp_path: Path) -> None:
    path = written(tmp_path, "id,lat,lon,elev", "XX.A.,1,2,0", "XX.B.,3,-4,0")
    with pytest.raises(InputError, match=r"no station of 2 lies inside 39,41,-125,-123.* 1,3,-4,2"):
        select(read_stations(path), Extent.parse("39,41,-125,-123"))


def station(name: str, latitude: float, longitude: float = 0.0) -> Station:
    network, code, location = name.split(".")
    return Station(network, code, location, (), latitude, longitude, 0)


def test_locations_of_one_place_share_a_name() -> None:
    # 1 km is about 0.009 degrees.
    rows = with_names([station("XX.A.10", 0.008), station("XX.A.", 0), station("XX.A.00", 0.001)])
    assert [(s.id, s.name) for s in rows] == [
        ("XX.A.", "XX.A"), ("XX.A.00", "XX.A"), ("XX.A.10", "XX.A"),
    ]  # fmt: skip


def test_two_places_under_one_code_are_named_apart() -> None:
    rows = with_names(
        [
            station("XX.A.00", 0),
            station("XX.A.10", 0.02),
            station("XX.A.11", 0.021),
            station("XX.B.", 5),
        ]
    )
    assert {s.id: s.name for s in rows} == {
        "XX.A.00": "XX.A.00", "XX.A.10": "XX.A.10", "XX.A.11": "XX.A.10", "XX.B.": "XX.B",
    }  # fmt: skip


@given(st.permutations([station(f"XX.A.{n:02d}", 0.004 * (n % 5)) for n in range(8)]))
def test_names_do_not_depend_on_the_order_of_the_list(rows: list[Station]) -> None:
    assert with_names(rows) == with_names(sorted(rows))
