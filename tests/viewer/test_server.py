"""The server: who may ask, what it answers, review, and the FDSN event service."""

from __future__ import annotations

import io

import pyarrow as pa
import pytest

pytest.importorskip("starlette")
pytest.importorskip("httpx")

from starlette.testclient import TestClient

from epicat.catalog.catalog import open_catalog
from epicat.cli.app import main
from epicat.errors import InputError
from epicat.store.open import open_store
from epicat.viewer.columns import EVENTS
from epicat.viewer.page_data import PageOptions
from epicat.viewer.server.app import make_app
from epicat.viewer.server.listen import guard_for, read_password
from epicat.viewer.server.months import month_span
from epicat.viewer.server.security import Guard
from epicat.viewer.server.session import Session
from support.catalog_store import HOSTILE, Wanted, write_store

TOKEN = "a-token-of-this-test"
HOME = "http://127.0.0.1:8000"
STATIONS = (HOSTILE, *(f"S{n:02d}" for n in range(11)))


def client_of(place, guard=None, entered=True, options=None):
    session = Session(open_catalog(place), open_store(str(place)), options or PageOptions())
    client = TestClient(make_app(session, guard or Guard(TOKEN)), base_url=HOME)
    if entered:
        client.get(f"/?token={TOKEN}")
    return client


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalog") / "store"
    write_store(folder, Wanted(events=120, days=40, stations=STATIONS))
    return folder


@pytest.fixture(scope="module")
def client(place):
    return client_of(place)


def table(answer):
    assert answer.status_code == 200, answer.text
    return pa.ipc.open_stream(answer.content).read_all()


CLOSED = ("/", "/data/months", "/static/page.js", "/data/reviews", "/fdsnws/event/1/query",
          "/?token=wrong", "/nothing")  # fmt: skip


@pytest.mark.parametrize("path", CLOSED)
def test_nothing_is_answered_without_the_token(place, path):
    answer = client_of(place, entered=False).get(path)
    assert answer.status_code == 403
    assert TOKEN not in answer.text


def test_the_token_moves_from_the_address_into_a_cookie(place):
    client = client_of(place, entered=False)
    answer = client.get(f"/?token={TOKEN}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].casefold()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8000", "", "10.0.0.1"])
def test_other_names_of_this_machine_are_refused(client, host):
    assert client.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("headers", [
    {"origin": "https://evil.example"}, {"origin": "null"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}, {"sec-fetch-site": "same-site"},
])  # fmt: skip
def test_requests_of_other_sites_are_refused(client, headers):
    assert client.post("/data/reviews", json=[], headers=headers).status_code == 403
    assert client.get("/data/months", headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["/", "/data/months", "/static/page.css", "/nothing"])
def test_every_answer_has_the_headers(client, path):
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert not [name for name in headers if name.startswith("access-control-")]


def test_tiles_are_the_only_foreign_origin(place):
    options = PageOptions(tiles="https://tiles.example.org/{z}/{x}/{y}.png")
    policy = client_of(place, options=options).get("/").headers["content-security-policy"]
    assert policy.count("https://") == 1
    assert "img-src 'self' data: blob: https://tiles.example.org;" in policy


def test_months_have_all_events_once(client, place):
    months = client.get("/data/months").json()
    assert [month["name"] for month in months] == ["2019-07", "2019-08"]
    parts = [table(client.get(f"/data/events/{month['name']}")) for month in months]
    assert [part.num_rows for part in parts] == [month["events"] for month in months]
    ids = [name for part in parts for name in part["event_id"].to_pylist()]
    everything = open_catalog(place).events(with_rejected=True)
    assert sorted(ids) == sorted(everything["event_id"].to_pylist())
    assert parts[0].schema.equals(EVENTS)


def test_details_of_an_event(client, place):
    event = open_catalog(place).events(with_rejected=True).slice(7, 1)
    name = f"{event['event_id'][0]}/{event['time'].cast('int64')[0]}"
    arrivals = table(client.get(f"/data/arrivals/{name}"))
    assert arrivals.num_rows == 12
    assert arrivals["confidence"].null_count == 0
    assert table(client.get(f"/data/associated/{name}")).num_rows == 1
    assert table(client.get("/data/arrivals/absent/0")).num_rows == 0


@pytest.mark.parametrize("name", ["stations", "basemap", "station-days", "confidence",
                                  "travel-times", "provenance"])  # fmt: skip
def test_files_of_the_page(client, name):
    assert client.get(f"/data/{name}").status_code == 200


@pytest.mark.parametrize(("path", "status"), [
    ("/data/absent", 404), ("/static/absent.js", 404), ("/static/..%2f__init__.py", 404),
    ("/data/events/july", 400), ("/data/events/2019-13", 400),
])  # fmt: skip
def test_what_is_not_there(client, path, status):
    assert client.get(path).status_code == status


def test_names_of_a_store_are_text_in_the_page(place):
    options = PageOptions(title=f"</script>{HOSTILE}")
    text = client_of(place, options=options).get("/").text
    assert "<img" not in text


def test_reviews_survive_a_restart(tmp_path):
    write_store(tmp_path / "store", Wanted(events=20))
    client = client_of(tmp_path / "store")
    events = open_catalog(tmp_path / "store").events(with_rejected=True)
    name, seconds = events["event_id"][3].as_py(), events["time"].cast("int64")[3].as_py() / 1e9
    batch = [{"event_id": name, "time": seconds, "status": "accepted", "by": "Inge <b>"}]
    assert client.post("/data/reviews", json=batch).json()[0]["by"] == "Inge <b>"
    again = client_of(tmp_path / "store")
    found = again.get("/data/reviews").json()
    assert [(r["event_id"], r["status"], r["stale"]) for r in found] == [(name, "accepted", False)]


@pytest.mark.parametrize("batch", [
    {}, [], [1], [{"event_id": "absent", "time": 0, "status": "accepted", "by": "I"}],
    [{"event_id": "absent", "status": "accepted", "by": "I"}],
])  # fmt: skip
def test_invalid_reviews_are_refused(client, batch):
    assert client.post("/data/reviews", json=batch).status_code == 400


def test_reviews_are_json_of_the_page(client):
    answer = client.post("/data/reviews", content="[]", headers={"content-type": "text/plain"})
    assert answer.status_code == 400


def query(client, **parameters):
    return client.get("/fdsnws/event/1/query", params=parameters)


def test_fdsn_text_has_limits_and_order(client, place):
    everything = open_catalog(place).events().to_pylist()
    lines = query(client, format="text", minmag=1.0, mindepth=5).text.splitlines()[1:]
    expected = [e for e in everything if e["magnitude"] >= 1.0 and e["depth_km"] >= 5]
    assert [line.split("|")[0] for line in lines] == [
        e["event_id"] for e in sorted(expected, key=lambda e: e["time"], reverse=True)
    ]
    largest = query(client, format="text", orderby="magnitude", limit=5).text.splitlines()[1:]
    sizes = [float(line.split("|")[10]) for line in largest]
    assert sizes == sorted((round(e["magnitude"], 2) for e in everything), reverse=True)[:5]


def test_fdsn_radius_time_and_event(client, place):
    events = open_catalog(place).events()
    event = events.slice(9, 1).to_pylist()[0]
    here = {"lat": event["latitude"], "lon": event["longitude"], "maxradius": 0.0001}
    assert event["event_id"] in query(client, format="text", **here).text
    only = query(client, format="text", eventid=event["event_id"]).text.splitlines()
    assert len(only) == 2
    early = query(client, format="text", endtime="2019-07-05T00:00:00").text.splitlines()[1:]
    assert 0 < len(early) < events.num_rows


def test_fdsn_xml_is_quakeml_in_the_order_asked_for(client):
    obspy = pytest.importorskip("obspy")
    answer = query(client, orderby="magnitude-asc", limit=4)
    found = obspy.read_events(io.BytesIO(answer.content), format="QUAKEML")
    sizes = [event.magnitudes[0].mag for event in found]
    assert len(sizes) == 4
    assert sizes == sorted(sizes)


@pytest.mark.parametrize(("parameters", "status"), [
    ({"minmag": 9}, 204), ({"minmag": 9, "nodata": 404}, 404), ({"minmag": "x"}, 400),
    ({"start": "yesterday"}, 400), ({"format": "csv"}, 400), ({"minmagnitud": 3}, 400),
    ({"limit": 0}, 400), ({"minlat": "nan"}, 400),
])  # fmt: skip
def test_fdsn_status(client, parameters, status):
    assert query(client, **parameters).status_code == status


def test_fdsn_clients_have_the_token_in_the_path(place):
    client = client_of(place, entered=False)
    assert client.get(f"/t/{TOKEN}/fdsnws/event/1/version").text == "1.2.0"
    assert "<resource path=" in client.get(f"/t/{TOKEN}/fdsnws/event/1/application.wadl").text
    assert client.get("/t/wrong/fdsnws/event/1/version").status_code == 403
    assert client.get(f"/t/{TOKEN}/data/months", follow_redirects=False).status_code == 303


def test_a_network_needs_a_password(place, monkeypatch):
    with pytest.raises(InputError, match="--password"):
        guard_for("0.0.0.0", "")
    monkeypatch.setenv("VIEW_PASSWORD", "correct horse battery")
    guard = guard_for("0.0.0.0", read_password("env:VIEW_PASSWORD"))
    client = client_of(place, guard, entered=False)
    assert client.get("/").status_code == 401
    assert client.get("/", auth=("any", "wrong")).status_code == 401
    assert client.get("/", auth=("any", "correct horse battery")).status_code == 200
    assert client.get(f"/?token={guard.token}").status_code == 401


@pytest.mark.parametrize("reference", ["secret-itself", "env:NOT_THERE", "file:/not/there"])
def test_passwords_are_given_by_reference(reference):
    with pytest.raises(InputError):
        read_password(reference)


def test_short_passwords_are_refused(tmp_path):
    (tmp_path / "password").write_text("short\n")
    with pytest.raises(InputError, match="12 letters"):
        read_password(f"file:{tmp_path / 'password'}")


def test_command_refuses_a_network_without_password(tmp_path, capsys):
    write_store(tmp_path / "store", Wanted(events=2))
    with pytest.raises(SystemExit) as left:
        main(["view", "--store", str(tmp_path / "store"), "--host", "0.0.0.0"])
    assert left.value.code == 2
    assert "--password" in capsys.readouterr().err


def test_spans_of_months():
    assert month_span("2019-12").seconds == 31 * 86400
    assert month_span("2020-02").seconds == 29 * 86400
