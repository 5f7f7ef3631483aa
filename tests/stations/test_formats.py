"""Station lists of other programs, and tables as people write them."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from epicat.errors import InputError, NameChoiceError
from epicat.stations import find_stations, read_stations

HYPOINVERSE = (
    "KBG   NC  VHZ  39 30.0000N123 30.0000W 1000.2     0.00  0.00  0.00  0.00 1  0.00--VHZ --"
)


def read(folder: Path, text: str, name: str = "list", **options: str):
    path = folder / name
    path.write_text(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_stations(path, **options)


def values(station):
    return station.id, station.latitude, station.longitude, station.elevation_m


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("network\tstation\tlocation\tlat\tlon\televation(m)\nNC\tKBG\t00\t39.5\t-123.5\t100\n",
         "NC.KBG.00"),
        ("network;station;latitude;longitude;elevation\nNC;KBG;39,5;-123,5;100,0\n", "NC.KBG.*"),
        ("  network station   lat lon elev\n NC  KBG 39.5 -123.5   100\n", "NC.KBG.*"),
        ("# my network\nid,latitude,longitude,elevation\n# north\nNC.KBG.--,39.5,-123.5,100\n",
         "NC.KBG."),
        ("# id latitude longitude elevation_m\nNC.KBG. 39.5 -123.5 100\n", "NC.KBG."),
        ("network,station,lat,lon,elevation_km\nNC,KBG,39.5,-123.5,0.1\n", "NC.KBG.*"),
        # GaMMA and QuakeFlow
        ("station\tlongitude\tlatitude\televation(m)\tunit\tcomponent\tresponse\n"
         "NC.KBG..HH\t-123.5\t39.5\t100\tm/s\tE,N,Z\t1,1,1\n", "NC.KBG."),
        ("id,longitude,latitude,elevation_m,x(km),y(km),z(km)\nNC.KBG.,-123.5,39.5,100,1,2,-0.1\n",
         "NC.KBG."),
        # Ridgecrest: an id with a band beside the codes
        ("id,network,station,channel,latitude,longitude,elevation\n"
         "NC.KBG.2C.HN,NC,KBG,HN,39.5,-123.5,100\n", "NC.KBG.2C"),
        # PyOcto
        ("id,latitude,longitude,elevation,x,y,z\nNC.KBG.,39.5,-123.5,100,1,2,-0.1\n", "NC.KBG."),
        # QuakeMigrate, in metres and in kilometres
        ("Latitude,Longitude,Elevation,Name\n39.5,-123.5,100.0,KBG\n", "XX.KBG.*"),
        ("Latitude,Longitude,Elevation,Name\n39.5,-123.5,0.100,KBG\n39.6,-123.5,0.955,B\n",
         "XX.KBG.*"),
        # Hypoinverse, hypoDD, REAL, NonLinLoc
        (HYPOINVERSE, "NC.KBG."),
        ("KBG 39.5 -123.5 100\nKCT 40 -124 5\n", "XX.KBG.*"),
        ("-123.5 39.5 NC KBG HHZ 0.1\n", "NC.KBG.*"),
        ("CONTROL 1 54321\nGTSRCE KBG LATLON 39.5 -123.5 0.0 0.1\n", "XX.KBG.*"),
        ("GTSRCE KBG LATLONDM 39 30.0 N 123 30.0 W 0.0 0.1\n", "XX.KBG.*"),
        # FDSN text
        ("#Network|Station|Latitude|Longitude|Elevation|SiteName|StartTime|EndTime\n"
         "NC|KBG|39.5|-123.5|100|Bald Hill|2001-01-01T00:00:00|\n", "NC.KBG.*"),
        # JSON: a list, an object of objects, EQTransformer's, columns, lines
        ('[{"network": "NC", "station": "KBG", "latitude": 39.5, "longitude": -123.5, '
         '"elevation": 100}]', "NC.KBG.*"),
        ('{"NC.KBG..HH": {"latitude": 39.5, "longitude": -123.5, "elevation(m)": 100}}',
         "NC.KBG."),
        ('{"KBG": {"network": "NC", "channels": ["HHZ"], "coords": [39.5, -123.5, 100]}}',
         "NC.KBG.*"),
        ('{"id": {"0": "NC.KBG."}, "latitude": {"0": 39.5}, "longitude": {"0": -123.5}, '
         '"elevation": {"0": 100}}', "NC.KBG."),
        ('{"id": "NC.KBG.", "lat": 39.5, "lon": -123.5, "elev": 100}\n'
         '{"id": "NC.KCT.", "lat": 39.6, "lon": -123.5, "elev": 100}\n', "NC.KBG."),
    ],
)  # fmt: skip
def test_lists_as_people_have_them(tmp_path, text, expected):
    station = next(s for s in read(tmp_path, text) if s.code == "KBG")
    assert values(station) == (expected, 39.5, -123.5, pytest.approx(100, abs=0.51))


def test_the_format_of_a_hypoinverse_list_is_that_of_its_columns(tmp_path):
    (station,) = read(tmp_path, HYPOINVERSE + "\n")
    assert station.channels == ("VHZ",)
    south = HYPOINVERSE.replace("N123", "S123").replace("W 100", "E 100")
    (station,) = read(tmp_path, south + "\n")
    assert (station.latitude, station.longitude) == (-39.5, 123.5)


def test_parquet(tmp_path):
    table = pa.table({"id": ["NC.KBG."], "lat": [39.5], "lon": [-123.5], "elev": [None]})
    pq.write_table(table, tmp_path / "list.dat")
    with pytest.warns(UserWarning, match="no elevation, taken as 0 m: NC.KBG."):
        (station,) = read_stations(tmp_path / "list.dat")
    assert values(station) == ("NC.KBG.", 39.5, -123.5, 0)


def test_a_list_without_networks_uses_the_given_one_or_says_what_it_assumes(tmp_path):
    (tmp_path / "list").write_text("KBG 39.5 -123.5 100\n")
    (station,) = find_stations(str(tmp_path / "list"), network="NC")
    assert station.id == "NC.KBG.*"
    with pytest.warns(UserWarning, match=r"no network code, taken as XX \(--network .*: XX\.KBG"):
        (station,) = find_stations(str(tmp_path / "list"))
    assert station.id == "XX.KBG.*"


def test_elevations_of_quakemigrate_whose_unit_does_not_show_are_refused(tmp_path):
    text = "Latitude,Longitude,Elevation,Name\n39.5,-123.5,1.2,KBG\n39.6,-123.5,0.9,B\n"
    with pytest.raises(InputError, match=r"up to 1.2: metres or kilometres\?  Name the column"):
        read(tmp_path, text)


def test_a_named_format_takes_precedence(tmp_path):
    text = "KBG 39.5 -123.5 100\nno station here\n"
    assert [s.code for s in read(tmp_path, text, form="hypodd")] == ["KBG"]
    with pytest.raises(
        NameChoiceError, match=r"unknown format of station lists 'hypdd': did you mean hypodd"
    ):
        read(tmp_path, text, form="hypdd")


def test_depths_of_sensors(tmp_path):
    header = "id,latitude,longitude,elevation,depth"
    surface, deep = read(tmp_path, f"{header}\nNC.A.00,39,-123,100,0\nNC.A.10,39,-123,100,150\n")
    assert (surface.elevation_m, deep.elevation_m, deep.depth_m) == (100, -50, 150)
    _, deep = read(tmp_path, f"{header}\nNC.A.00,39,-123,100,0\nNC.A.10,39,-123,-50,150\n")
    assert (deep.elevation_m, deep.depth_m) == (-50, 150)
    (seafloor,) = read(tmp_path, "id,latitude,longitude,depth\nZZ.OBS1.,39,-123,2300\n")
    assert seafloor.elevation_m == -2300


@pytest.mark.parametrize("text", ["", "hello\n", "a,b\n1,2\n", '{"a": 1}', "[1, 2]", "{"])
def test_what_is_not_a_station_list_is_refused_in_one_line(tmp_path, text):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert len(str(caught.value)) < 700


def test_a_message_never_repeats_a_file(tmp_path):
    text = json.dumps([{"id": "NC.KBG." + "x" * 10_000, "latitude": "y" * 10_000, "longitude": 1}])
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert len(str(caught.value)) < 700
    with pytest.raises(InputError) as caught:
        read(tmp_path, "z" * 100_000)
    assert len(str(caught.value)) < 700
    assert not re.search("zzz{100}", str(caught.value))
