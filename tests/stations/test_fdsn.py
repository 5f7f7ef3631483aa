from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from epicat.errors import ArchiveError, InputError
from epicat.geo import Extent
from epicat.model import EVER, Span
from epicat.stations import fdsn as station_service
from epicat.stations import find_stations
from epicat.stations.fdsn import SERVICES, query_urls, read_text

HEADER = (
    "#Network | Station | Location | Channel | Latitude | Longitude | Elevation | Depth | Azimuth"
    " | Dip | SensorDescription | Scale | ScaleFreq | ScaleUnits | SampleRate | StartTime | EndTime"
)
ROWS = (
    "NC|KBG||HHZ|39.5|-123.5|100.0|0|0|-90|Trillium|1|1|M/S|100|2001-01-01T00:00:00|",
    "NC|KBG|--|HHN|39.5|-123.5|100.0|0|0|0|Trillium|1|1|M/S|100|2001-01-01T00:00:00.0000|"
    "2599-12-31T23:59:59",
    "BK|ARC|00|LHZ|40|-124|1|0|0|-90|STS|1|1|M/S|1|1999-01-01T00:00:00|2000-01-01T00:00:00",
)
TEXT = "\n".join((HEADER, *ROWS, ""))


class Fake(HTTPServer):
    """A service that answers what it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, str]] = []
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []
        self.address = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Fake

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        code, text = self.server.answers.pop(0)
        self.send_response(code)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.server.headers = {}
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    monkeypatch.setattr(station_service, "_WAITS_S", (0.0, 0.0))
    with Fake() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_the_stations_of_a_service(fake: Fake):
    fake.answers = [(200, TEXT)]
    with pytest.warns(UserWarning, match=r"no channel that can be picked: BK\.ARC\.00"):
        (station,) = find_stations(fake.address, Extent.parse("39,41,-125,-123"))
    assert (station.id, station.channels) == ("NC.KBG.", ("HHN", "HHZ"))
    assert station.epochs == (Span(978307200 * 10**9, EVER.end_ns),)
    directions = {(o.channel, o.azimuth_deg, o.dip_deg) for o in station.orientations}
    assert directions == {("HHN", 0, 0), ("HHZ", 0, -90)}
    (asked,) = (urlsplit(path) for path in fake.asked)
    assert asked.path == "/fdsnws/station/1/query"
    assert parse_qs(asked.query) == {
        "level": ["channel"], "format": ["text"], "nodata": ["204"], "minlatitude": ["39"],
        "maxlatitude": ["41"], "minlongitude": ["-125"], "maxlongitude": ["-123"],
    }  # fmt: skip


def test_across_the_date_line_it_is_asked_twice(fake: Fake):
    fake.answers = [(200, TEXT), (204, "")]
    with pytest.warns(UserWarning, match="left out"):
        assert len(find_stations(fake.address, Extent.parse("-20,-15,177,-177"))) == 1
    sides = [parse_qs(urlsplit(path).query) for path in fake.asked]
    assert [(s["minlongitude"], s["maxlongitude"]) for s in sides] == [
        (["177"], ["180"]), (["-180"], ["-177"]),
    ]  # fmt: skip


def test_a_service_has_a_name(fake: Fake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(SERVICES, "ncedc", fake.address)
    fake.answers = [(200, "\n".join((HEADER, ROWS[0])))]
    assert [s.id for s in find_stations("NCEDC")] == ["NC.KBG."]


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://a.org", "https://a.org/fdsnws/station/1/query?"),
        ("https://a.org/", "https://a.org/fdsnws/station/1/query?"),
        ("https://a.org/x/fdsnws/station/1", "https://a.org/x/fdsnws/station/1/query?"),
        ("https://a.org/fdsnws/station/1/query?network=NC&format=xml",
         "https://a.org/fdsnws/station/1/query?network=NC&format=text&"),
    ],
)  # fmt: skip
def test_addresses(base, url):
    (found,) = query_urls(base, None)
    assert found.startswith(url)
    assert "level=channel" in found


def test_transient_errors_are_retried(fake: Fake):
    fake.answers = [(503, ""), (429, ""), (200, "\n".join((HEADER, ROWS[0])))]
    assert len(find_stations(fake.address)) == 1
    fake.answers = [(503, "down for\nrepair")] * 3
    with pytest.raises(
        ArchiveError, match=r"answered 503 Service Unavailable: down for; try again"
    ):
        find_stations(fake.address)
    assert not fake.answers


def test_an_incomplete_answer_is_never_a_short_list(fake: Fake):
    half = "\n".join((HEADER, ROWS[0], ""))
    for broken in (
        {"Content-Length": str(len(TEXT))},
        {"Transfer-Encoding": "chunked"},
        {"Content-Length": "0"},
    ):
        fake.headers = broken
        fake.answers = [(200, half), (200, TEXT)]
        with pytest.warns(UserWarning, match="left out"):
            (station,) = find_stations(fake.address)
        assert station.channels == ("HHN", "HHZ")
        assert not fake.answers


def test_a_list_that_is_always_incomplete_is_an_error(fake: Fake):
    fake.answers = [(200, "")] * 3
    with pytest.raises(ArchiveError, match=r"answer is incomplete or invalid .*; try again later"):
        find_stations(fake.address)


def test_a_server_is_not_asked_before_it_wants(fake: Fake):
    fake.headers = {"Retry-After": "1"}
    fake.answers = [(503, ""), (200, TEXT)]
    begin = time.monotonic()
    with pytest.warns(UserWarning, match="left out"):
        assert len(find_stations(fake.address)) == 1
    assert time.monotonic() - begin >= 1


def test_permanent_errors_are_not_retried(fake: Fake):
    fake.answers = [(400, "Error 400: bad latitude\n\nUsage"), (200, TEXT)]
    with pytest.raises(ArchiveError, match="answered 400 Bad Request: Error 400: bad latitude"):
        find_stations(fake.address)
    assert len(fake.answers) == 1


def test_a_server_that_cannot_be_reached(fake: Fake):
    fake.server_close()
    with pytest.raises(ArchiveError, match="cannot be reached"):
        find_stations(fake.address.replace("127.0.0.1", "localhost.invalid"))


def test_a_password_in_an_address_is_refused_and_not_repeated(fake: Fake):
    host = fake.address.removeprefix("http://")
    with pytest.raises(
        InputError, match=rf"stations http://\.\.\.@{host}: .* are not accepted"
    ) as caught:
        find_stations(f"http://ana:s3cret@{host}", None)
    assert "s3cret" not in str(caught.value)
    assert fake.asked == []


@pytest.mark.parametrize(
    "codes",
    ["../../..|KBG||HHZ", "NC|../../x||HHZ", "/|etc||HHZ", "NC|K\0G||HHZ", "NC|C:\\x||HHZ",
     "NC|KBG|../..|HHZ", "NC|KBG||../HHZ", "NC|Köln||HHZ", "NC|$ne||HHZ", "||| HHZ"],
)  # fmt: skip
def test_invalid_codes_are_left_out_with_a_warning(fake: Fake, codes: str):
    """They would become parts of the archive's paths, and of the keys of results."""
    rest = "|39.5|-123.5|1|0|0|0|x|1|1|x|100|2001-01-01T00:00:00|"
    fake.answers = [(200, "\n".join((HEADER, codes + rest, ROWS[0])))]
    with pytest.warns(UserWarning, match="left out: line 2: (codes|station|id) .*"):
        (station,) = find_stations(fake.address, None)
    assert station.id == "NC.KBG."


def test_nothing_inside(fake: Fake):
    fake.answers = [(204, "")]
    with pytest.raises(InputError, match="no station can be used"):
        find_stations(fake.address)


def test_another_kind_of_answer(fake: Fake):
    fake.answers = [(200, "<html>welcome</html>")]
    with pytest.raises(InputError, match=r"the answer is not FDSN station text.*<html>welcome"):
        find_stations(fake.address)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("XX|A||HHZ|-34.9|171749883.0|120|0|0|-90||1|1|m/s|100|2010-01-01T00:00:00|", "longitude"),
        ("XX|A||HHZ|39.9|-124.1|9999|0|0|-90||1|1|m/s|100|2010-01-01T00:00:00|", "elevation 9999"),
        (
            "XX|A||HHZ|39.9|-124|1|0|0|-90||1|1|m/s|1|2010-01-01T00:00:00|9999-12-31T23:59:60",
            "time",
        ),
        (
            "XX|A||HHZ|39.9|-124|1|0|0|-90||1|1|m/s|1|2010-01-01T00:00:00|2011-01-01T24:60:00",
            "time",
        ),
        ("_VIRTUAL|A||HHZ|39.9|-124|1|0|0|-90||1|1|m/s|100|2010-01-01T00:00:00|", "codes"),
        ("NC", "id '' is not NET.STA.LOC"),
        (ROWS[0].replace("39.5", "north"), "latitude 'north'"),
        ("A" * 100_000, "line 2"),
    ],
)
def test_a_bad_row_is_left_out_and_named(fake: Fake, row: str, reason: str):
    fake.answers = [(200, "\n".join((HEADER, row, ROWS[0])))]
    with pytest.warns(
        UserWarning, match=f"left out: line 2: .*{reason}|left out: line 2"
    ) as caught:
        (station,) = find_stations(fake.address)
    assert station.id == "NC.KBG."
    (message,) = (str(warning.message) for warning in caught)
    assert reason in message
    assert len(message) < 400


def test_a_missing_elevation_is_reported(fake: Fake):
    fake.answers = [(200, "\n".join((HEADER, ROWS[0].replace("100.0", ""))))]
    with pytest.warns(UserWarning, match=r"no elevation, taken as 0 m: NC\.KBG\.$"):
        (station,) = find_stations(fake.address)
    assert station.elevation_m == 0


def test_text_at_the_level_of_stations():
    text = (
        "#Network|Station|Latitude|Longitude|Elevation|SiteName|StartTime|EndTime\n"
        'NC|KBG|39.5|-123.5|100.0|Kneeland, "Bald" Hill|2001-01-01T00:00:00|\n'
    )
    (row,) = read_text(text, "x").channels
    assert (row.id, row.channel, row.elevation_m) == ("NC.KBG.*", "", 100)
