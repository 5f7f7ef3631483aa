"""Positions, orientations and epochs of inventories, held against ObsPy."""

from __future__ import annotations

import warnings
from io import BytesIO

import pytest

from epicat.model import EVER
from epicat.stations.fdsn import read_text
from epicat.stations.stationxml import read_stationxml

obspy = pytest.importorskip("obspy")

TEXT = """#Network|Station|Location|Channel|Latitude|Longitude|Elevation|Depth|Azimuth|Dip|\
SensorDescription|Scale|ScaleFreq|ScaleUnits|SampleRate|StartTime|EndTime
AM|R0F05|00|SHZ|52.412|13.0191|42.0|0.0|0.0|-90.0|Velocity|469087000.0|5.0|M/S|50.0|\
2019-03-02T09:25:47.846|
AM|R187C|00|EHZ|52.3347|12.9852|37.0|0.0|0.0|-90.0|Velocity|399650000.0|5.0|M/S|100.0|\
2019-08-02T17:37:01.521|2019-08-02T18:55:29.097
AM|R187C|10|EH1|52.3348|12.9837|42.0|12.5|31.0|0.0|Velocity|399650000.0|5.0|M/S|100.0|\
2019-08-02T18:55:29.098|
"""


def of_obspy(body: bytes, form: str):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inventory = obspy.read_inventory(BytesIO(body), format=form)
    return sorted(
        (
            f"{network.code}.{station.code}.{channel.location_code}.{channel.code}",
            channel.start_date.ns if channel.start_date else EVER.start_ns,
            min(channel.end_date.ns, EVER.end_ns) if channel.end_date else EVER.end_ns,
            *(round(float(value), 6) for value in (
                channel.latitude, channel.longitude, channel.elevation, channel.depth,
                channel.azimuth, channel.dip,
            )),
        )
        for network in inventory
        for station in network
        for channel in station
    )  # fmt: skip


def of_epicat(inventory):
    assert not inventory.rejected
    return sorted(
        (
            f"{row.id}.{row.channel}", row.epoch.start_ns, row.epoch.end_ns,
            *(round(value, 6) for value in (
                row.latitude, row.longitude, row.elevation_m, row.depth_m, row.azimuth_deg,
                row.dip_deg,
            )),
        )
        for row in inventory.channels
    )  # fmt: skip


def test_station_text():
    assert of_epicat(read_text(TEXT, "x")) == of_obspy(TEXT.encode(), "STATIONTXT")


def test_stationxml(realdata):
    files = sorted((realdata / "scedc" / "stationxml").rglob("*.xml"))
    assert files
    for path in files:
        body = path.read_bytes()
        assert of_epicat(read_stationxml(BytesIO(body))) == of_obspy(body, "STATIONXML")
