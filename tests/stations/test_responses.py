"""Responses of channels by epoch, flat ones, contradictions, and hostile files."""

from __future__ import annotations

import gzip
from collections import Counter
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from pydantic import TypeAdapter

from epicat.amplitude.response import ResponseError, parse_unit
from epicat.archive.objects import LocalFolder
from epicat.errors import InputError
from epicat.geo import Extent
from epicat.model import EVER, Span
from epicat.stations import (
    find_responses,
    find_stations,
    find_stations_and_responses,
    read_stations,
    select,
)
from epicat.stations.fdsn import response_urls
from epicat.stations.responses import ChannelResponse, FlatResponse, Responses
from epicat.stations.stationxml import read_stationxml, read_stationxml_responses
from epicat.synthetic.instruments import BANDS
from epicat.synthetic.network import make_network, station_xml
from epicat.time import parse_time
from support.hostile import hostile
from support.seismometers import response_of

HH = response_of("HH")
NAME = "XX.S01.00.HHZ"
SPAN = Span(100, 200)


def known(*rows, flat=(), span=SPAN, channel=NAME):
    return Responses.from_channels(rows, map(FlatResponse.parse, flat)).known(channel, span)


def at(start, end, response=HH, problem=""):
    return ChannelResponse(NAME, Span(start, end), response, problem)


def test_responses_hold_in_their_epochs():
    louder = replace(HH, gain=2 * HH.gain)
    found, problems = known(at(0, 150), at(160, 900, louder))
    assert found == [(Span(100, 150), HH), (Span(160, 200), louder)]
    assert problems == ()
    assert known(at(0, 90))[1] == ("no response in the metadata for this time",)


def test_equal_responses_that_overlap_are_one_and_different_ones_none():
    assert known(at(0, 150), at(120, 900))[0] == [(SPAN, HH)]
    found, problems = known(at(0, 150), at(120, 900, replace(HH, gain=1.0)))
    assert found == []
    assert problems == ("two different responses are valid at one time",)


def test_a_flat_response_is_for_channels_without_another():
    flat = ["XX.*.*.HH?=1e6"]
    assert known(at(0, 300), flat=flat)[0] == [(SPAN, HH)]
    ((span, response),), _ = known(at(0, 300, None, "no gain"), flat=flat)
    assert (span, response.gain, response.unit) == (SPAN, 1e6, "M/S")
    assert known(flat=["XX.*.*.HN?=1e6"])[0] == []
    assert FlatResponse.parse("XX.S01.--.HN?=5e5:m/s**2").response.unit == "M/S**2"
    assert known(flat=["XX.S01.--.HHZ=2"], channel="XX.S01..HHZ")[0][0][1].gain == 2


@pytest.mark.parametrize(
    "text", ["XX.*.HHZ=1", "XX.*.*.HH?", "A.B.C.D=x", "A.B.C.D=0", "A.B.C.D=1:V", "A.B.C.D=nan"]
)
def test_a_bad_flat_response_is_refused(text):
    with pytest.raises(InputError, match="flat response"):
        FlatResponse.parse(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("M/S", ("M/S", 1.0)), ("m/s**2", ("M/S**2", 1.0)), ("nm/s", ("M/S", 1e-9)), ("M", ("M", 1.0)),
     ("MM", ("M", 1e-3)), ("cm/s^2", ("M/S**2", 1e-2)), ("M/S/S", ("M/S**2", 1.0)),
     ("m/sec**2", ("M/S**2", 1.0))],
)  # fmt: skip
def test_units_of_ground_motion(text, wanted):
    assert parse_unit(text) == wanted


@pytest.mark.parametrize("text", ["", "PA", "V", "COUNTS", "RAD/S", "G", "KM/S", "M/S**3", "M S"])
def test_other_units_are_refused(text):
    with pytest.raises(ResponseError):
        parse_unit(text)


def test_the_digest_changes_with_what_holds_in_a_span():
    rows = [at(0, 150), at(150, 900, replace(HH, gain=1.0))]
    responses = Responses.from_channels(rows)
    early, late, both = (
        responses.digest("XX.S01", Span(*s)) for s in ((0, 90), (200, 300), (100, 200))
    )
    assert len({early, late, both}) == 3
    assert responses.digest("XX.S01", Span(10, 80)) == early
    assert responses.digest("XX.S02", SPAN) == ""
    kept = TypeAdapter(Responses)
    assert kept.validate_json(kept.dump_json(responses)) == responses


def test_channels_without_responses_say_so(tmp_path):
    body = (
        b'<FDSNStationXML xmlns="http://www.fdsn.org/xml/station/1" schemaVersion="1.1">'
        b'<Network code="NC"><Station code="KBG"><Latitude>39</Latitude><Longitude>-124</Longitude>'
        b'<Elevation>1</Elevation><Channel code="HHZ" locationCode="00"><Latitude>39</Latitude>'
        b"<Longitude>-124</Longitude><Elevation>1</Elevation></Channel></Station></Network>"
        b"</FDSNStationXML>"
    )
    (found,) = read_stationxml_responses(BytesIO(body))
    assert found.problem == "no response in the metadata"
    path = tmp_path / "a.xml"
    path.write_bytes(body)
    assert find_responses(str(path), read_stations(path)) == [found]
    (tmp_path / "b.csv").write_text("id,latitude,longitude\nNC.KBG.,39,-124\n")
    assert find_responses(str(tmp_path / "b.csv"), read_stations(path)) == []


class CountedFolder(LocalFolder):
    """A folder that counts how often each file is read."""

    def __init__(self, path):
        super().__init__(path)
        self.reads = Counter()

    def read(self, key, size=None):
        self.reads[key] += 1
        return super().read(key, size)


def test_stationxml_is_read_once_for_stations_and_responses(tmp_path):
    """Responses of files elsewhere are left out; all else is as if they were read on their own."""
    far = SYNTHETIC.replace(b'code="XX"', b'code="YY"').replace(b"<Latitude>40", b"<Latitude>80")
    far = far.replace(b"<Latitude>39", b"<Latitude>79")
    (tmp_path / "near.xml").write_bytes(SYNTHETIC)
    (tmp_path / "far.xml").write_bytes(far)
    folder = CountedFolder(tmp_path)
    where, extent = "s3://bucket/stations", Extent(30, 50, -130, -110)
    stations, responses = find_stations_and_responses(where, extent, None, lambda _: folder)
    assert folder.reads == {"near.xml": 1, "far.xml": 1}
    assert stations == find_stations(where, extent, None, lambda _: folder)
    inside = select(stations, extent)
    assert {s.network for s in inside} == {"XX"}
    assert responses == find_responses(where, inside, lambda _: folder)
    assert find_stations_and_responses(str(tmp_path), extent) == (stations, responses)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_has_stations_and_responses(tmp_path, pack):
    path = tmp_path / "stations.xml"
    path.write_bytes(pack(SYNTHETIC))
    stations, responses = find_stations_and_responses(str(path))
    assert stations == read_stations(path)
    assert responses == find_responses(str(path), stations)
    assert len(responses) > len(stations)
    table = tmp_path / "stations.csv"
    table.write_text("id,latitude,longitude\nNC.KBG.,39,-124\n")
    assert find_stations_and_responses(str(table)) == (read_stations(table), [])
    path.write_bytes(b"<FDSNStationXML>")
    with pytest.raises(InputError, match=r"stations '.*stations.xml': line 1"):
        find_stations_and_responses(str(path))


def test_a_service_is_asked_for_some_stations_at_a_time():
    stations = [("NC", f"S{n:02d}") for n in range(45)] + [("BK", "A")]
    urls = response_urls("https://example.org", stations)
    assert len(urls) == 3
    assert all("level=response" in url and "format=xml" in url for url in urls)
    assert "network=BK&station=A" in urls[0]


SYNTHETIC = station_xml(
    make_network(3, 4, (40.0, -124.0), 30.0, mixed=True),
    Span(parse_time("2024-03-01"), parse_time("2024-03-02")),
).encode()


def test_synthetic_archives_have_true_responses():
    """The metadata of `epicat synth` gives each instrument's response."""
    found = read_stationxml_responses(BytesIO(SYNTHETIC))
    assert len(found) >= 12
    for one in found:
        band = one.channel.split(".")[3][:2]
        instrument, wanted = BANDS[band][0], response_of(band)
        assert one.problem == ""
        assert one.response.unit == instrument.unit
        frequency = np.array([0.5, 2.0, 10.0])
        np.testing.assert_allclose(
            np.abs(one.response.velocity(frequency)), np.abs(wanted.velocity(frequency)), rtol=1e-3
        )


@settings(max_examples=150, deadline=None)
@given(hostile(SYNTHETIC))
def test_hostile_responses_are_refused_or_harmless(body):
    """Whatever a file has, it is refused as a whole, or each channel says why it is not used."""
    try:
        found = read_stationxml_responses(BytesIO(body))
    except ValueError:
        return
    for one in found:
        assert (one.response is None) == bool(one.problem)
        if one.response is not None:
            one.response.check(None, 1.0)
    assert len(found) == len(read_stationxml(BytesIO(body)).channels)
    assert all(one.epoch.start_ns >= EVER.start_ns for one in found)
