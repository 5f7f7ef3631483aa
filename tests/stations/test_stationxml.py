from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest

from epicat.model import ANY_LOCATION, EVER, Span
from epicat.stations import find_stations
from epicat.stations.stationxml import read_stationxml
from epicat.time import parse_time

PLACE = "<Latitude>39</Latitude><Longitude>-124</Longitude><Elevation>12.5</Elevation>"


def document(stations: str, space: str = ' xmlns="http://www.fdsn.org/xml/station/1"') -> bytes:
    return (
        f'<?xml version="1.0"?><FDSNStationXML{space} schemaVersion="1.1"><Network code="NC">'
        f"{stations}</Network></FDSNStationXML>"
    ).encode()


def channel(code: str = "HHZ", location: str = "00", dates: str = "", place: str = PLACE) -> str:
    response = "<Response><Stage><Latitude>99</Latitude></Stage></Response>"
    return (
        f'<Channel code="{code}" locationCode="{location}"{dates}>{place}{response}'
        "<SampleRate>100</SampleRate></Channel>"
    )


def station(channels: str, attributes: str = ' code="KBG"', place: str = PLACE) -> str:
    return f"<Station{attributes}>{place}<Site><Name>a &amp; b</Name></Site>{channels}</Station>"


def rows(text: bytes):
    inventory = read_stationxml(BytesIO(text))
    assert not inventory.rejected
    return inventory.channels


def test_a_channel_is_a_row():
    dates = ' startDate="2001-01-01T00:00:00" endDate="2005-01-01T00:00:00.0000Z"'
    (row,) = rows(document(station(channel(dates=dates))))
    assert (row.network, row.station, row.location, row.channel) == ("NC", "KBG", "00", "HHZ")
    assert (row.latitude, row.longitude, row.elevation_m) == (39, -124, 12.5)
    assert row.epoch == Span(parse_time("2001-01-01"), parse_time("2005-01-01"))


@pytest.mark.parametrize("space", ["", ' xmlns="http://www.fdsn.org/xml/station/2"'])
def test_any_namespace_will_do(space):
    assert len(rows(document(station(channel()), space))) == 1


def test_prefixes_and_elements_of_other_namespaces():
    text = document(station(channel())).decode()
    text = text.replace("<Elevation>", '<x:Elevation xmlns:x="urn:x">77</x:Elevation><Elevation>')
    (row,) = rows(text.encode())
    assert row.elevation_m == 12.5
    named = re.sub(r"<(/?)([A-Z])", r"<\1s:\2", document(station(channel())).decode())
    assert rows(named.replace("xmlns=", "xmlns:s=").encode()) == rows(document(station(channel())))


@pytest.mark.parametrize(
    ("angles", "direction"),
    [
        ("<Azimuth>0</Azimuth><Dip>-90</Dip>", (0, -90)),
        ("<Azimuth>-30.5</Azimuth><Dip>35.3</Dip>", (329.5, 35.3)),
        ("<Azimuth>360</Azimuth><Dip>0</Dip>", (0, 0)),
        ("<Dip>90</Dip>", (0, 90)),
        ("<Dip>10</Dip>", (None, None)),
        ("<Azimuth>-999</Azimuth><Dip>0</Dip>", (None, None)),
        ("<Azimuth>0</Azimuth><Dip>-99</Dip>", (None, None)),
        ("", (None, None)),
    ],
)
def test_the_direction_of_a_channel(angles, direction):
    (row,) = rows(document(station(channel(place=PLACE + angles))))
    assert (row.azimuth_deg, row.dip_deg) == direction


def test_a_channel_has_its_own_place_and_dates_or_its_stations():
    own = "<Latitude>40</Latitude><Longitude>-123</Longitude><Elevation>-50</Elevation>"
    text = station(
        channel(place=own) + channel(place=""),
        ' code="KBG" startDate="2001-01-01T00:00:00"',
    )
    one, other = rows(document(text))
    assert (one.latitude, one.longitude, one.elevation_m) == (40, -123, -50)
    assert (other.latitude, other.longitude, other.elevation_m) == (39, -124, 12.5)
    assert one.epoch == other.epoch == Span(parse_time("2001-01-01"), EVER.end_ns)


def test_far_dates_are_for_ever():
    dates = ' startDate="1400-01-01T00:00:00" endDate="3000-01-01T00:00:00"'
    assert rows(document(station(channel(dates=dates))))[0].epoch == EVER


def test_a_file_that_goes_no_deeper_than_stations():
    (row,) = rows(document(station("")))
    assert (row.location, row.channel) == (ANY_LOCATION, "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "line 1: not well-formed XML: no element found"),
        (b"<FDSNStationXML>", "line 1: not well-formed XML: no element found"),
        (b"<FDSNStationXML>\n<a></b>", "line 2: not well-formed XML: mismatched tag"),
        (b"\x00\x01 miniSEED", "not well-formed XML"),
        (b"<q:quakeml xmlns:q='urn:q'/>", "not StationXML: the root element is <quakeml>"),
    ],
)
def test_what_is_not_stationxml_is_refused_with_its_line(text, reason):
    with pytest.raises(ValueError, match=re.escape(reason)) as caught:
        rows(text)
    assert str(caught.value).startswith("line ")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            document(station(channel(place="<Latitude>x</Latitude>"))),
            "latitude 'x' is not a number",
        ),
        (document(station(channel(place=""), place="")), "latitude '' is not a number"),
        (document(station(channel(dates=' startDate="soon"'))), "'soon' is not a time"),
        (document(station(channel(), "")), "codes 'NC.' are not letters and digits"),
        (document(station(channel(), ' code="../X"')), "codes 'NC.../X' are not letters"),
        (document(station(channel(location="../.."))), "codes 'NC.KBG.../...HHZ' are not letters"),
        (document(station(channel("H/Z"))), "codes 'NC.KBG.00.H/Z' are not letters"),
        (document(station(channel(place=PLACE.replace("12.5", "9999")))), "elevation 9999 is not"),
        (document(station(channel(dates=' endDate="2001-01-01T24:60:00"'))), "is not a time"),
    ],
)
def test_a_bad_channel_is_left_out_with_its_line(text, reason):
    good = station(channel(), ' code="GOOD"').encode()
    inventory = read_stationxml(BytesIO(text.replace(b"</Network>", good + b"</Network>")))
    assert [row.station for row in inventory.channels] == ["GOOD"]
    (message,) = inventory.rejected
    assert message.startswith("line 1: ")
    assert reason in message


def test_a_buried_sensor_at_the_elevation_of_the_ground_is_put_at_its_depth(tmp_path):
    deep = channel(location="10", place=PLACE + "<Depth>120</Depth>")
    (tmp_path / "x.txt").write_bytes(document(station(channel() + deep)))
    with pytest.warns(UserWarning, match=r"elevation is that of the ground.*: NC\.KBG\.10"):
        surface, buried = find_stations(str(tmp_path / "x.txt"))
    assert (surface.elevation_m, surface.depth_m) == (12.5, 0)
    assert (buried.elevation_m, buried.depth_m) == (-107.5, 120)


def test_a_buried_sensor_with_its_own_elevation_keeps_it(tmp_path):
    place = PLACE.replace("12.5", "-107.5") + "<Depth>120</Depth>"
    (tmp_path / "x.xml").write_bytes(
        document(station(channel() + channel(location="10", place=place)))
    )
    assert [s.elevation_m for s in find_stations(str(tmp_path / "x.xml"))] == [12.5, -107.5]


def test_a_doctype_is_refused_before_any_entity_grows():
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    text = f'<!DOCTYPE x [<!ENTITY e0 "ha">{bomb}]><FDSNStationXML>&e11;</FDSNStationXML>'
    with pytest.raises(ValueError, match="line 1: refusing XML with a DOCTYPE"):
        rows(text.encode())
    with pytest.raises(ValueError, match="DOCTYPE"):
        rows(b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><FDSNStationXML/>')


def test_real_files(realdata: Path):
    stations = find_stations(str(realdata / "scedc" / "stationxml"))
    assert [s.id for s in stations] == ["CI.CCA.", "CI.HEC.", "CI.YAQ."]
    cca = stations[0]
    assert (cca.latitude, cca.longitude, cca.elevation_m) == (35.15252, -118.01649, 710.0)
    assert cca.channels == ("BHN",)
    assert cca.epochs == (Span(parse_time("2014-03-17T21:00:00"), EVER.end_ns),)
