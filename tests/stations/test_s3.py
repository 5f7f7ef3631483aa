"""StationXML in buckets, named as each archive names it, on a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from epicat.archive.access import Access
from epicat.archive.registry import PUBLIC_ARCHIVES
from epicat.cli.app import main
from epicat.errors import ArchiveError, InputError
from epicat.stations import Patterns, bucket_opener, find_stations
from epicat.store.open import open_store
from epicat.table_rows import stations_of
from support.s3 import Server
from support.tiny_network import EXTENT, arguments, truths, write_network

XML = """<FDSNStationXML xmlns="http://www.fdsn.org/xml/station/1"><Network code="{net}">
<Station code="{sta}"><Latitude>{lat}</Latitude><Longitude>{lon}</Longitude>
<Elevation>{up}</Elevation></Station></Network></FDSNStationXML>"""

NCEDC = {
    "FDSNstationXML/NC/NC.KBG.xml": ("NC", "KBG"),
    "FDSNstationXML/BK/BK.ARC.xml": ("BK", "ARC"),
}
SCEDC = {
    "FDSNstationXML/CI/CI_CCC.xml": ("CI", "CCC"),
    "FDSNstationXML/unauthoritative-XML/AZ_BZN.xml": ("AZ", "BZN"),
    "FDSNstationXML/unauthoritative-XML/NN.GMN.xml": ("NN", "GMN"),
}
WAVEFORMS = {"continuous_waveforms/2019/2019_172/x.xml": b"no StationXML"}


def xml(net, sta, lat=39.0, lon=-124.0, up=1.0):
    return XML.format(net=net, sta=sta, lat=lat, lon=lon, up=up).encode()


@pytest.fixture(scope="module")
def served(s3_server: Server):
    for name, keys in (("st-ncedc", NCEDC), ("st-scedc", SCEDC)):
        s3_server.make(name, {key: xml(*codes) for key, codes in keys.items()} | WAVEFORMS)
    return s3_server


def ids(where, *include, opener):
    return [s.id for s in find_stations(where, None, Patterns(include), opener)]


@pytest.mark.parametrize(
    ("where", "include", "expected"),
    [
        ("s3://st-ncedc", [], ["BK.ARC.*", "NC.KBG.*"]),
        ("s3://st-ncedc/", ["NC.*"], ["NC.KBG.*"]),
        ("s3://st-ncedc/FDSNstationXML/", [], ["BK.ARC.*", "NC.KBG.*"]),
        ("s3://st-ncedc/FDSNstationXML/BK", [], ["BK.ARC.*"]),
        ("s3://st-scedc/", [], ["AZ.BZN.*", "CI.CCC.*", "NN.GMN.*"]),
        ("s3://st-scedc/FDSNstationXML", ["CI", "NN"], ["CI.CCC.*", "NN.GMN.*"]),
        ("s3://st-scedc/FDSNstationXML/CI/", [], ["CI.CCC.*"]),
        ("s3://st-scedc/FDSNstationXML/unauthoritative-XML/", [], ["AZ.BZN.*", "NN.GMN.*"]),
    ],
)
def test_each_archives_naming(served, monkeypatch, where, include, expected):
    monkeypatch.setenv("AWS_ENDPOINT_URL", served.endpoint)
    assert sorted(ids(where, *include, opener=bucket_opener())) == expected


def test_the_archives_own_bucket_is_reached_as_the_archive(served):
    access = Access(endpoint=served.endpoint)
    opener = bucket_opener("s3://st-scedc/waveforms", access)
    assert ids("s3://st-scedc/FDSNstationXML/CI", opener=opener) == ["CI.CCC.*"]


def test_other_buckets_are_reached_as_what_they_are(monkeypatch):
    reached = {}
    monkeypatch.setattr(
        "epicat.stations.load.Bucket",
        lambda where, access, retries: reached.setdefault(where, access),
    )
    mine = Access(endpoint="https://mine.example.org", signed=True)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL")  # nothing is asked of anybody
    opener = bucket_opener("s3://mine/waveforms", mine)
    for where in ("s3://scedc-pds/FDSNstationXML/CI", "s3://others", "s3://mine"):
        opener(where)
    assert list(reached.values()) == [Access("us-west-2"), Access("eu-west-1"), mine]
    reached.clear()
    known = Access("us-east-2", "http://127.0.0.1:1")
    opener = bucket_opener("ncedc", known)
    opener("s3://ncedc-pds/FDSNstationXML")
    assert PUBLIC_ARCHIVES["ncedc"].location == "s3://ncedc-pds"
    assert list(reached.values()) == [known]


def test_what_cannot_be_read_is_an_error(served, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", served.endpoint)
    with pytest.raises(ArchiveError, match=r"no such bucket \(404"):
        ids("s3://st-none/FDSNstationXML", opener=bucket_opener())
    with pytest.raises(InputError, match=r"no \.xml file in this folder"):
        ids("s3://st-ncedc/FDSNstationXML/ZZ", opener=bucket_opener())
    with pytest.raises(InputError, match=r"gs://\.\.\. is not supported.*s3://BUCKET/PREFIX"):
        ids("gs://st-ncedc", opener=bucket_opener())


def run(*given):
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in given])
    return left.value.code


def test_a_run_and_an_import_take_their_stations_from_a_bucket(
    tmp_path: Path, s3_server: Server, monkeypatch, capsys
):
    write_network(tmp_path, truths([]))
    rows = find_stations(str(tmp_path / "stations.csv"))
    s3_server.make("st-tiny", {
        f"meta/{s.network}/{s.network}.{s.code}.xml":
            xml(s.network, s.code, s.latitude, s.longitude, s.elevation_m)
        for s in rows
    })  # fmt: skip
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.endpoint)
    given = arguments(tmp_path, tmp_path / "store")
    given[given.index("--stations") + 1] = "s3://st-tiny/meta/"
    assert run("plan", *given) == 0
    assert "16 station-days" in capsys.readouterr().err
    store = tmp_path / "imported"
    assert run("stations", "import", "s3://st-tiny/meta/", "--store", store,
               "--extent", EXTENT, "--exclude", "XX.ST07") == 0  # fmt: skip
    assert len(stations_of(open_store(str(store)).stations())) == len(rows) - 1
