"""Documents of events have the magnitudes that were computed last."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pyarrow as pa
import pytest

from epicat.ledger import BlockEntry, MagnitudeEntry, Status
from epicat.store.base import Where, new_generation
from epicat.store.mongo.server import Server
from epicat.store.mongo.store import MongoStore
from epicat.table_rows import events_table
from epicat.tables import MAGNITUDES
from epicat.testing.store_contract import event_at
from epicat.time import SECOND_NS, parse_time
from support.sized_catalog import magnitude_row

NOON = parse_time("2019-06-21T12:00:00Z")
EVENT, OTHER = event_at(NOON), event_at(NOON + SECOND_NS)


@pytest.fixture
def store(connect: Callable[[], Server]) -> MongoStore:
    made = MongoStore(connect(), create=True)
    generation = new_generation()
    made.replace("events", events_table([EVENT, OTHER], "assoc", "block"), generation)
    made.mark([BlockEntry("assoc", "block", Status.DONE, generation, 1, n_events=2)])
    return made


@pytest.fixture
def raw(mongo, url):
    with mongo.client() as client:
        yield client[urlsplit(url).path.strip("/")]


def sized(store: MongoStore, *events, design: str, marked_ns: int, value: float = 1.5) -> None:
    generation = new_generation()
    store.put_record("magnitude", design, {"associator": "assoc"})
    rows = [
        magnitude_row(e, value, event_id=e.id("assoc"), design=design,
                      magnitude_id=f"{design}{value}-{e.id('assoc')}")
        for e in events
    ]  # fmt: skip
    store.replace("magnitudes", pa.Table.from_pylist(rows, MAGNITUDES), generation)
    store.mark([MagnitudeEntry(design, "block", Status.DONE, generation, marked_ns,
                               n_magnitudes=len(rows))])  # fmt: skip


def document(raw, event=EVENT):
    return raw.events.find_one({"_id": event.id("assoc")})


def test_events_have_the_magnitudes_that_were_computed_last(store, raw):
    before = store.read("events", Where(design="assoc"))
    sized(store, EVENT, design="first", marked_ns=2)
    assert (document(raw)["ml"], document(raw)["ml_stations"]) == (1.5, 1)
    assert document(raw)["magnitude_id"].startswith("first1.5-")
    assert "ml" not in document(raw, OTHER)
    sized(store, OTHER, design="second", marked_ns=3, value=2.5)
    assert "ml" not in document(raw)
    assert (document(raw, OTHER)["ml"], document(raw, OTHER)["ml_law"]) == (2.5, "hutton-boore")
    assert store.read("events", Where(design="assoc")).equals(before)
    assert store.read("magnitudes", Where(design="first")).num_rows == 1
