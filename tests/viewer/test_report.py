"""Reports: one file with everything in it, of any catalog."""

from __future__ import annotations

import base64
import gzip
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pyarrow as pa
import pytest

from epicat.catalog.catalog import open_catalog
from epicat.cli.app import main
from epicat.errors import InputError
from epicat.viewer.basemap import read_overlay
from epicat.viewer.page_data import PageOptions, check_tiles
from epicat.viewer.report import write_report
from support.catalog_store import HOSTILE, Wanted, write_store

LARGEST = 6_000_000


class Parts(HTMLParser):
    """The elements of a page, and the content of its scripts by id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self._id: str | None = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._id = dict(attrs).get("id", "page") if tag == "script" else None

    def handle_data(self, data):
        if self._id is not None:
            self.scripts[self._id] = self.scripts.get(self._id, "") + data

    def handle_endtag(self, tag):
        self._id = None

    def table(self, name: str) -> pa.Table:
        return pa.ipc.open_stream(gzip.decompress(base64.b64decode(self.scripts[name]))).read_all()


def report_of(folder, wanted: Wanted, options: PageOptions | None = None) -> str:
    write_store(folder / "store", wanted)
    write_report(open_catalog(folder / "store"), folder / "report.html", options)
    return (folder / "report.html").read_text()


def test_contains_events_arrivals_stations_and_land(tmp_path):
    parts = Parts(report_of(tmp_path, Wanted(events=80)))
    assert parts.table("data-events").num_rows == 80
    assert parts.table("data-arrivals").num_rows == 80 * 12
    stations = json.loads(gzip.decompress(base64.b64decode(parts.scripts["data-stations"])))
    assert [row["name"] for row in stations][:2] == ["XX.S00", "XX.S01"]
    land = json.loads(gzip.decompress(base64.b64decode(parts.scripts["data-basemap"])))
    assert len(land["world"]["polygons"]) > 50
    assert json.loads(parts.scripts["config"])["n_events"] == 80


def test_refers_to_nothing_outside(tmp_path):
    text = report_of(tmp_path, Wanted(events=5))
    parts = Parts(text)
    references = [
        attributes[name]
        for _, attributes in parts.tags
        for name in ("src", "href", "srcset", "data")
        if name in attributes
    ]
    assert references == ["data:,"]  # no icon
    policy = next(a["content"] for t, a in parts.tags if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    assert "connect-src" not in policy
    assert "'unsafe-eval'" not in policy
    script = policy.partition("script-src")[2].partition(";")[0]
    assert "'unsafe-inline'" not in script


def test_names_of_a_store_are_never_markup(tmp_path):
    options = PageOptions(title=f"</script>{HOSTILE}")
    text = report_of(tmp_path, Wanted(events=5, stations=(HOSTILE, "S01", "S02")), options)
    assert all(tag != "img" for tag, _ in Parts(text).tags)
    assert json.loads(Parts(text).scripts["config"])["title"] == options.title


def test_static_picture_is_valid_and_has_all_events(tmp_path):
    text = report_of(tmp_path, Wanted(events=60))
    picture = ET.fromstring(re.search(r"<svg.*?</svg>", text, re.DOTALL).group())
    paths = [p.get("d") for p in picture.iter("{http://www.w3.org/2000/svg}path") if p.get("d")]
    dots = sum(path.count("h0") for path in paths)
    accepted = open_catalog(tmp_path / "store").events().num_rows
    assert dots == 2 * accepted


@pytest.mark.parametrize("wanted", [
    Wanted(events=0), Wanted(events=1, magnitudes=False, located=False),
    Wanted(events=40, center=(-17.5, 179.98)), Wanted(events=40, center=(88.5, 10.0)),
], ids=["empty", "one", "date line", "pole"])  # fmt: skip
def test_any_catalog_has_a_report(tmp_path, wanted):
    parts = Parts(report_of(tmp_path, wanted))
    west, south, east, north = json.loads(parts.scripts["config"])["view"]
    assert west < east < west + 30 or wanted.center[0] > 80 or wanted.events == 0
    assert -91 < south < north < 91


def test_hundred_thousand_events_fit_into_six_megabytes(tmp_path):
    text = report_of(tmp_path, Wanted(events=100_000, days=900, readings=2))
    assert len(text.encode()) < LARGEST


def test_arrivals_are_limited(tmp_path):
    parts = Parts(report_of(tmp_path, Wanted(events=50), PageOptions(most_arrivals=100)))
    assert parts.table("data-arrivals").num_rows == 12 * (100 // 12)


def test_command(tmp_path, capsys):
    write_store(tmp_path / "store", Wanted(events=20))
    output = tmp_path / "report.html"
    with pytest.raises(SystemExit) as left:
        main(["report", "--store", str(tmp_path / "store"), "-o", str(output)])
    assert left.value.code in (0, None)
    assert "20 events with 240 arrivals" in capsys.readouterr().err
    assert output.stat().st_size > 100_000


def test_overlay_lines(tmp_path):
    file = tmp_path / "faults.geojson"
    line = {"type": "LineString", "coordinates": [[-117.5, 35.6, 0.0], [-117.4, 35.7]]}
    rings = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"name": "Main"}, "geometry": line},
        {"type": "Feature", "properties": None, "geometry": rings},
        {"type": "Feature", "properties": {}, "geometry": None},
        {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [0, 0]}},
    ]}))  # fmt: skip
    found = read_overlay(file)
    assert found[0] == {"name": "Main", "line": [-117.5, 35.6, -117.4, 35.7]}
    assert len(found) == 2


@pytest.mark.parametrize("text", ["", "[1]", '{"type": "FeatureCollection"}',
                                  '{"type": "LineString", "coordinates": [["a", "b"]]}',
                                  '{"type": "FeatureCollection", "features": []}'])  # fmt: skip
def test_invalid_overlays_are_refused(tmp_path, text):
    file = tmp_path / "faults.geojson"
    file.write_text(text)
    with pytest.raises(InputError, match="overlay"):
        read_overlay(file)


@pytest.mark.parametrize("address", ["x", "https://a/{z}/{x}.png", "javascript:{z}{x}{y}",
                                     "https://a/{z}/{x}/{y}; script-src *"])  # fmt: skip
def test_addresses_of_tiles_are_checked(address):
    with pytest.raises(InputError, match="map tiles"):
        check_tiles(address)
