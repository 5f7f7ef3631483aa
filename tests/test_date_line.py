"""A network across the date line, from its lists to events, by the commands alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from epicat.association.associate_options import AssociateOptions
from epicat.association.design import make_design
from epicat.association.sites import SiteIndex
from epicat.cli.app import main
from epicat.geo import Extent, Plane
from epicat.store.base import Where
from epicat.store.open import open_store
from epicat.time import SECOND_NS, iso, parse_time

EXTENT = Extent.parse("-20,-15,177,-177")
PLACES = [
    (-17.2, 179.5), (-17.4, -179.5), (-17.9, 179.8), (-17.0, -179.9), (-17.6, 180.0),
    (-17.7, -179.7), (-17.3, 179.9), (-18.0, -180.0),
]  # fmt: skip
EVENTS = [(-17.5, 179.93, 10.0), (-17.45, -179.9, 15.0), (-17.6, 180.0, 12.0)]
START = parse_time("2020-01-01T12:00:00")
VP, VS = 6.0, 3.4


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    return int(left.value.code or 0)


def write(folder: Path) -> None:
    stations = [f"XX.S{n}.,{lat},{lon},0" for n, (lat, lon) in enumerate(PLACES)]
    far = ["XX.WEST.,-17,176.9,0", "XX.EAST.,-17,-176.9,0", "XX.ZERO.,-17,0,0"]
    header = "id,latitude,longitude,elevation"
    (folder / "stations.csv").write_text("\n".join((header, *stations, *far)))
    plane = Plane(*EXTENT.center)
    lines = ["station,phase,time"]
    for number, (lat, lon, depth) in enumerate(EVENTS):
        x, y = plane.to_xy(lat, lon)
        for n, (slat, slon) in enumerate(PLACES):
            sx, sy = plane.to_xy(slat, slon)
            distance = float(np.sqrt((sx - x) ** 2 + (sy - y) ** 2 + depth**2))
            for phase, velocity in (("P", VP), ("S", VS)):
                seconds = 600 * number + distance / velocity
                lines.append(f"XX.S{n},{phase},{iso(START + round(seconds * SECOND_NS))}")
    (folder / "picks.csv").write_text("\n".join(lines))


def test_a_network_across_the_date_line(tmp_path, capsys):
    write(tmp_path)
    store = str(tmp_path / "store")
    assert run("stations", "import", tmp_path / "stations.csv", "--store", store) == 0
    assert run("picks", "import", tmp_path / "picks.csv", "--store", store) == 0
    capsys.readouterr()
    options = ("--store", store, "--p-velocity", VP, "--s-velocity", VS, "--workers", 1, "--json")
    assert run("associate", "2020-01-01", "2020-01-02", EXTENT, *options, "--max-depth", 40) == 0
    said = capsys.readouterr()
    assert "11 stations, 8 of them inside the extent" in said.err
    made = json.loads(said.out)
    events = open_store(store).read("events", Where(design=made["associator"])).to_pylist()
    assert len(events) == made["events"] == len(EVENTS)
    for event, (latitude, longitude, _) in zip(events, EVENTS, strict=True):
        assert event["latitude"] == pytest.approx(latitude, abs=0.02)
        assert -180 <= event["longitude"] <= 180
        assert (event["longitude"] - longitude + 180) % 360 - 180 == pytest.approx(0, abs=0.02)
        assert event["gap_deg"] < 200
        assert event["dmin_km"] < 60
    assert run("plot", "--store", store, "-o", tmp_path / "catalog.png") == 0
    assert (tmp_path / "catalog.png").stat().st_size > 10_000


def test_the_search_box_holds_the_extent_and_no_more():
    sites = SiteIndex.from_stations([], Plane(*EXTENT.center), 100).sites
    design = make_design(AssociateOptions(margin_km=0), "run", EXTENT, sites, None)
    same = Extent.parse("-20,-15,7,13")
    other = make_design(AssociateOptions(margin_km=0), "run", same, sites, None)
    assert design.x_km == pytest.approx(other.x_km, abs=0.02)
    assert design.y_km == pytest.approx(other.y_km, abs=0.02)
    corners = design.plane.to_lat_lon(design.x_km, design.y_km)
    assert np.abs(corners[1]).min() > 176


def test_stations_on_both_sides_are_one_site_if_they_are_near():
    from epicat.model import Station

    rows = [
        Station("XX", code, "", (), -17.5, lon, 0.0, f"XX.{code}")
        for code, lon in (("A", 179.9999), ("B", -179.9999), ("C", -179.9))
    ]
    index = SiteIndex.from_stations(rows, Plane(*EXTENT.center), 100)
    assert [site.name for site in index.sites] == ["XX.A", "XX.C"]
