"""The same page from Parquet files, S3 and MongoDB."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

pytest.importorskip("starlette")

from epicat.catalog.catalog import open_catalog
from epicat.store.open import open_store
from epicat.store.reviews import Review, record_reviews
from epicat.viewer.page_data import PageData, PageOptions
from epicat.viewer.server.session import Session
from support import s3
from support.catalog_store import Wanted, write_store

WANTED = Wanted(events=60, days=40)


def content_of(place: str) -> dict[str, object]:
    """Return all that a page reads, apart from where it is."""
    session = Session(open_catalog(place), open_store(place), PageOptions())
    found: dict[str, object] = {
        name: pa.ipc.open_stream(session.events(name).read_bytes()).read_all().to_pylist()
        for name in [month["name"] for month in session.months()]
    }
    for name in ("stations", "station-days", "confidence", "travel-times"):
        found[name] = session.file(name)
    page = PageData(session.catalog)
    found["arrivals"] = page.arrivals.to_pylist()
    event = session.catalog.events(with_rejected=True).slice(5, 1)
    review = Review(event["event_id"][0].as_py(), "accepted", "Inge")
    record_reviews(open_store(place), [review])
    found["reviews"] = [r["status"] for r in json.loads(session.reviews())]
    return found


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("catalog") / "store")
    write_store(folder, WANTED)
    found = content_of(folder)
    assert len(found["arrivals"]) == 60 * 12  # type: ignore[arg-type]
    assert found["reviews"] == ["accepted"]
    return found


def test_from_a_bucket(expected, s3_server, no_aws, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.endpoint)
    s3_server.make(s3.CATALOGS, {}, public=False)
    place = f"s3://{s3.CATALOGS}/viewer"
    write_store(place, WANTED)
    assert content_of(place) == expected


def test_from_a_database(expected, mongo):
    place = mongo.url("viewer")
    write_store(place, WANTED)
    assert content_of(place) == expected
