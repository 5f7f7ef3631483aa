"""Documents of events are at their best places, next to those of the association."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from epicat.ledger import BlockEntry, LocateEntry, Status
from epicat.store.base import Where, new_generation
from epicat.store.invocations import Invocation, record_invocation
from epicat.store.mongo.server import Server
from epicat.store.mongo.store import MongoStore
from epicat.table_rows import events_table
from epicat.testing.store_contract import event_at
from epicat.time import SECOND_NS, parse_time
from support.located_catalog import locate

NOON = parse_time("2019-06-21T12:00:00Z")
EVENT, OTHER = event_at(NOON), event_at(NOON + SECOND_NS)
OF_ASSOCIATION = {"n_p": 1, "n_s": 0, "n_stations": 1, "rms_s": EVENT.rms_s,
                  "gap_deg": EVENT.gap_deg, "dmin_km": EVENT.dmin_km, "edge": True}  # fmt: skip
OF_LOCATION = {"n_p": 4, "n_s": 3, "n_stations": 5, "rms_s": 0.25, "gap_deg": 88.0,
               "dmin_km": 3.5, "edge": False}  # fmt: skip


@pytest.fixture
def store(connect: Callable[[], Server]) -> MongoStore:
    made = MongoStore(connect(), create=True)
    associated(made)
    return made


@pytest.fixture
def raw(mongo, url):
    """Give the database as whoever looks into it sees it."""
    with mongo.client() as client:
        yield client[urlsplit(url).path.strip("/")]


def associated(store: MongoStore, marked_ns: int = 1, **changes) -> None:
    generation = new_generation()
    events = [dataclasses.replace(event, **changes) for event in (EVENT, OTHER)]
    store.replace("events", events_table(events, "assoc", "block"), generation)
    store.mark([BlockEntry("assoc", "block", Status.DONE, generation, marked_ns, n_events=2)])


def located(store: MongoStore, *events, location: str, marked_ns: int, **changes) -> None:
    generation = new_generation()
    store.put_record("location", location, {"associator": "assoc"})
    tables = locate(*events, associator="assoc", location=location, **changes)
    for table, rows in zip(("origins", "origin_arrivals"), tables, strict=True):
        store.replace(table, rows, generation)
    entry = LocateEntry(
        location, "block", Status.DONE, generation, marked_ns, n_origins=len(events)
    )
    store.mark([entry])


def document(raw, event=EVENT):
    return raw.events.find_one({"_id": event.id("assoc")})


def rows(store: MongoStore):
    return store.read("events", Where(design="assoc"))


def test_a_new_event_is_at_the_place_of_the_association(store, raw):
    found = document(raw)
    assert found["associated"] == {
        "time_ns": NOON, "latitude": EVENT.latitude, "longitude": EVENT.longitude,
        "depth": EVENT.depth_km, "x": EVENT.x_km, "y": EVENT.y_km, **OF_ASSOCIATION,
    }  # fmt: skip
    assert {name: found[name] for name in found["associated"]} == found["associated"]
    assert "origin_id" not in found


def test_a_located_event_is_at_its_origin(store, raw):
    before = rows(store)
    located(store, EVENT, location="first", marked_ns=2, depth_km=9.25)
    found, left = document(raw), document(raw, OTHER)
    assert found["latitude"] == pytest.approx(EVENT.latitude + 0.01)
    assert found["depth"] == found["z"] == 9.25
    assert found["location"]["coordinates"] == [found["longitude"], found["latitude"]]
    assert found["time_ns"] == NOON + SECOND_NS // 2
    assert (found["quality"], found["major_km"], found["location_id"]) == ("B", 0.85, "first")
    assert found["associated"]["depth"] == EVENT.depth_km
    origin = raw.origins.find_one({"_id": found["origin_id"]})
    assert origin["event_id"] == found["_id"]
    assert "origin_id" not in left
    assert rows(store).equals(before)


def test_numbers_that_describe_a_place_are_those_of_the_place(store, raw):
    before = rows(store)
    located(store, EVENT, location="first", marked_ns=2, **OF_LOCATION)
    found = document(raw)
    assert {name: found[name] for name in OF_LOCATION} == OF_LOCATION
    assert {name: found["associated"][name] for name in OF_ASSOCIATION} == OF_ASSOCIATION
    assert found["picks"] == 1  # assignments, which are the association's
    assert rows(store).equals(before)
    located(store, OTHER, location="second", marked_ns=3, **OF_LOCATION)
    left = document(raw)
    assert {name: left[name] for name in OF_ASSOCIATION} == OF_ASSOCIATION


def test_an_imported_event_without_residuals_has_those_of_its_origin(store, raw):
    associated(store, 2, rms_s=math.nan)
    for marked_ns in (3, 5):
        located(store, EVENT, location="first", marked_ns=marked_ns, **OF_LOCATION)
        assert document(raw)["rms_s"] == OF_LOCATION["rms_s"]
        assert math.isnan(rows(store)["rms_s"][0].as_py())
        associated(store, marked_ns + 1, rms_s=math.nan)


def test_the_campaigns_location_stays_preferred(store, raw, connect):
    record_invocation(store, Invocation("run", "assoc", "own"))
    located(store, EVENT, location="trial", marked_ns=2, depth_km=1.0)
    assert document(raw)["depth"] == 1.0  # nothing else is there yet
    located(store, EVENT, location="own", marked_ns=3, depth_km=2.0)
    assert document(raw)["depth"] == 2.0
    located(MongoStore(connect()), EVENT, location="trial", marked_ns=4, depth_km=3.0)
    assert (document(raw)["depth"], document(raw)["location_id"]) == (2.0, "own")


def test_the_newest_of_others_is_preferred(store, raw):
    located(store, EVENT, OTHER, location="first", marked_ns=2)
    located(store, EVENT, location="second", marked_ns=3, depth_km=4.0)
    assert (document(raw)["location_id"], document(raw)["depth"]) == ("second", 4.0)
    assert "origin_id" not in document(raw, OTHER)  # the second does not locate it
    assert document(raw, OTHER)["depth"] == OTHER.depth_km


def test_associating_again_keeps_the_place(store, raw):
    located(store, EVENT, location="first", marked_ns=2, depth_km=4.0)
    before = rows(store)
    associated(store, 3)
    assert document(raw)["depth"] == 4.0
    assert rows(store).equals(before)


@pytest.mark.parametrize("lacking", [["associated"], [f"associated.{n}" for n in OF_ASSOCIATION]])
def test_documents_of_an_earlier_version_are_read_and_moved(store, raw, lacking):
    before = rows(store)
    new = document(raw)["associated"]
    raw.events.update_many({}, {"$unset": dict.fromkeys(lacking, True)})
    assert rows(store).equals(before)
    located(store, EVENT, location="first", marked_ns=2, depth_km=4.0, **OF_LOCATION)
    assert list(document(raw)["associated"].items()) == list(new.items())
    assert (document(raw)["depth"], document(raw)["n_p"]) == (4.0, 4)
    assert rows(store).equals(before)
    associated(store, 3)
    assert rows(store).equals(before)
    assert (document(raw)["depth"], document(raw, OTHER)["n_p"]) == (4.0, 1)
