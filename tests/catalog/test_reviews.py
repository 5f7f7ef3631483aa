"""Reviews: append-only, last wins, exported, and matched after another association."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pyarrow.compute as pc
import pytest

from epicat.catalog.catalog import open_catalog
from epicat.catalog.reviews import matched_reviews
from epicat.errors import InputError
from epicat.store.copy import copy_store
from epicat.store.open import open_store
from epicat.store.reviews import Review, latest_reviews, record_reviews
from support.catalog_store import Wanted, write_store

BED = "{http://quakeml.org/xmlns/bed/1.2}"


@pytest.fixture
def store(tmp_path):
    return write_store(tmp_path / "store", Wanted(events=40))


def review_of(catalog, row, status="accepted", **values):
    event = catalog.events(with_rejected=True).slice(row, 1).to_pylist()[0]
    time_ns = catalog.events(with_rejected=True)["time"].cast("int64")[row].as_py()
    place = {"latitude": event["latitude"], "longitude": event["longitude"], "time_ns": time_ns}
    return Review(event["event_id"], status, "Inge", **(place | values))


def test_the_last_review_is_valid_and_comments_keep_the_status(store):
    record_reviews(store, [Review("a", "accepted", "Inge", "clear"), Review("b", "comment", "Bo")])
    record_reviews(store, [Review("a", "rejected", "Bo", "quarry blast")])
    record_reviews(store, [Review("a", "comment", "Inge")])
    found = latest_reviews(store)
    assert (found["a"].status, found["a"].by, found["a"].comment) == (
        "rejected", "Inge", "quarry blast"
    )  # fmt: skip
    assert found["b"].status == "comment"
    assert len(store.records("review")) == 3


def test_reviews_survive_opening_the_store_again_and_copying_it(store, tmp_path):
    record_reviews(store, [Review("a", "accepted", "Inge")])
    target = open_store(str(tmp_path / "copy"), create=True)
    copy_store(open_store(store.location), target)
    assert latest_reviews(target) == latest_reviews(store)


@pytest.mark.parametrize("values", [
    {"status": "perhaps"}, {"by": " "}, {"comment": "x" * 2001},
])  # fmt: skip
def test_invalid_reviews_are_refused(values):
    with pytest.raises(InputError):
        Review(**({"event_id": "a", "status": "accepted", "by": "Inge"} | values))


def test_quakeml_has_mode_status_and_comment(store, tmp_path):
    catalog = open_catalog(store.location)
    first, second = review_of(catalog, 0), review_of(catalog, 1, "rejected", comment="a & b")
    record_reviews(store, [first, second])
    catalog.export(tmp_path / "all.xml", with_rejected=True)
    found = {e.get("publicID").rpartition("/")[2]: e for e in
             ET.parse(tmp_path / "all.xml").iter(f"{BED}event")}  # fmt: skip
    modes = {
        name: {(o.findtext(f"{BED}evaluationMode"), o.findtext(f"{BED}evaluationStatus"))
               for o in event.iter(f"{BED}origin")}
        for name, event in found.items()
    }  # fmt: skip
    assert modes.pop(first.event_id) == {("manual", "reviewed")}
    assert modes.pop(second.event_id) == {("manual", "rejected")}
    assert {mode for some in modes.values() for mode, _ in some} == {"automatic"}
    texts = [t.text for t in found[second.event_id].iter(f"{BED}text")]
    assert "Review by Inge: rejected; a & b" in texts


@pytest.mark.parametrize("name", ["events.csv", "events.xml", "events.txt"])
def test_reviewed_exports_have_accepted_events_only(store, tmp_path, name):
    catalog = open_catalog(store.location)
    first, second = review_of(catalog, 3), review_of(catalog, 4, "rejected")
    record_reviews(store, [first, second])
    catalog.export(tmp_path / name, reviewed=True, with_rejected=True)
    text = (tmp_path / name).read_text()
    others = catalog.events(with_rejected=True)["event_id"].to_pylist()
    assert [other for other in others if other in text] == [first.event_id]


def test_reviews_of_another_association_are_matched_by_time_and_place_and_stale(store):
    catalog = open_catalog(store.location)
    near = review_of(catalog, 5)
    shifted = replace(near, event_id="old", time_ns=near.time_ns + 2_000_000_000)
    far = replace(near, event_id="far", latitude=near.latitude + 1)
    late = replace(near, event_id="late", time_ns=near.time_ns + 10**14)
    events = catalog.events(with_rejected=True)
    assert [(r.event_id, r.is_stale) for r in matched_reviews([shifted, far, late], events)] == [
        (near.event_id, True)
    ]
    own = matched_reviews([replace(shifted, reviewed_ns=9), replace(near, reviewed_ns=1)], events)
    assert [(r.event_id, r.is_stale, r.review.event_id) for r in own] == [
        (near.event_id, False, near.event_id)
    ]


def test_stale_reviews_accept_nothing(store):
    catalog = open_catalog(store.location)
    record_reviews(store, [replace(review_of(catalog, 2), event_id="old")])
    assert catalog.reviews()[0].is_stale
    assert sum(part.events.num_rows for part in catalog.parts(reviewed=True)) == 0
    everything = pc.sum(pc.is_valid(catalog.events()["event_id"])).as_py()
    assert sum(part.events.num_rows for part in catalog.parts()) == everything
