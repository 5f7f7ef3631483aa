"""A database as the tutorial's own code writes it: read, exported and copied."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from bson.objectid import ObjectId
from pymongo.database import Database

from epicat.cli.app import main
from epicat.errors import StoreError
from epicat.model import Span
from epicat.store.base import Where
from epicat.store.mongo.tutorial import TutorialStore
from epicat.store.open import find_store, open_readable, open_store
from epicat.time import parse_time
from support.mongo_server import MongoServer

ORIGIN = datetime(2019, 6, 21, 23, 59, 58, 123_456, tzinfo=UTC)
STATIONS = ("NC.KBG.", "NC.KCR.00", "BK.JCC.")


@pytest.fixture
def raw(mongo: MongoServer, url: str) -> Iterator[Database]:
    """Give a database with two runs, an event, and a pick that no event has."""
    with mongo.client() as client:
        database = client[urlsplit(url).path.strip("/")]
        database.picks.create_index(["trace_id", "phase", "time"], unique=True, name="unique_index")
        database.stations.create_index(["id"], unique=True, name="station_idx")
        for at, name in enumerate(STATIONS):
            network, station, location = name.split(".")
            database.stations.insert_one(
                {"id": name, "network_code": network, "station_code": station,
                 "location_code": location or math.nan, "channels": "HHE,HHN,HHZ",
                 "latitude": 40.0 + at / 10, "longitude": -124.0, "elevation": 100.0 * at,
                 "start_date": 2010.21, "end_date": 3000.001},
            )  # fmt: skip
        runs = [
            database.sb_runs.insert_one(
                {"model": "PhaseNet", "weight": weight, "p_threshold": 0.2, "s_threshold": 0.2,
                 "components_loaded": "ZNE12", "seisbench_version": "0.6", "weight_version": "2",
                 "timestamp": ORIGIN + timedelta(days=days)}
            ).inserted_id
            for weight, days in (("instance", 100), ("stead", 50))
        ]  # fmt: skip
        picks = [
            {"trace_id": name, "phase": phase, "time": ORIGIN + timedelta(seconds=after + at),
             "confidence": 0.25 + at / 8, "run_id": runs[0]}
            for at, name in enumerate(STATIONS)
            for phase, after in (("P", 1), ("S", 2.5))
        ]  # fmt: skip
        ids = database.picks.insert_many(picks).inserted_ids
        database.picks.insert_one({**picks[0], "_id": ObjectId(), "phase": "P", "run_id": runs[1],
                                   "time": ORIGIN + timedelta(hours=5)})  # fmt: skip
        event = database.events.insert_one(
            {"idx": 0, "time": ORIGIN, "x": 1.0, "y": 2.0, "z": 8.5, "picks": 6,
             "latitude": 40.05, "longitude": -124.05, "depth": 8.5}
        ).inserted_id  # fmt: skip
        database.assignments.insert_many([{"event_id": event, "pick_id": i} for i in ids])
        yield database


def called(*given: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(given))
    return int(left.value.code or 0)


def test_it_is_read_as_it_is(raw, url):
    store = open_readable(url)
    assert isinstance(store, TutorialStore)
    assert isinstance(find_store(url), TutorialStore)
    runs = store.records("run")
    assert sorted(run["weight"] for run in runs.values()) == ["instance", "stead"]
    first = next(name for name, run in runs.items() if run["weight"] == "instance")
    picks = store.read("picks", Where(design=first)).to_pydict()
    assert len(picks["pick_id"]) == 6
    assert picks["confidence"][0] == 0.25
    assert set(picks["key"]) == {
        f"{place}/2019.{day}" for place in ("NC.KBG", "NC.KCR", "BK.JCC") for day in (172, 173)
    } - {"NC.KCR/2019.172", "BK.JCC/2019.172"}
    day = Span(parse_time("2019-06-21"), parse_time("2019-06-22"))
    (early,) = store.read("picks", Where(span=day)).to_pylist()
    assert early["trace_id"] == "NC.KBG."
    assert store.read("picks", Where(keys=frozenset(["BK.JCC/2019.173"]))).num_rows == 2
    assert store.read("picks", Where()).num_rows == 7
    (event,) = store.read("events", Where(design="tutorial")).to_pylist()
    assert (event["depth_km"], event["n_p"], event["n_s"], event["n_stations"]) == (8.5, 3, 3, 3)
    assert 5 < event["dmin_km"] < 8
    assert math.isnan(event["rms_s"])
    arrivals = store.read("arrivals", Where()).to_pydict()
    assert set(arrivals["pick_id"]) == set(picks["pick_id"])
    assert all(math.isnan(residual) for residual in arrivals["residual_s"])
    assert 0 < arrivals["azimuth_deg"][0] < 360
    stations = store.stations().to_pydict()
    assert stations["id"] == sorted(STATIONS)
    assert stations["station"] == ["BK.JCC", "NC.KBG", "NC.KCR"]
    assert sum(entry.n_rows for entry in store.ledger()) == 7 + 1


@pytest.mark.usefixtures("raw")
def test_it_is_not_written(url):
    store = open_readable(url)
    for write in ("replace", "mark", "put_stations", "put_record", "compact", "verify_storage"):
        assert not hasattr(store, write)
    with pytest.raises(StoreError, match=r"of the tutorial: it is only read; `epicat copy"):
        open_store(url)
    with pytest.raises(StoreError, match=r"one of the tutorial.*name another by --collection"):
        open_store(url, create=True)


@pytest.mark.usefixtures("raw")
def test_it_is_exported(url, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("EPICAT_STORE", url)
    assert called("status") == 0
    out = capsys.readouterr().out
    assert ", PhaseNet instance)" in out
    assert "6 picks" in out
    for table, rows in (("events", 1), ("picks", 6), ("arrivals", 6), ("stations", 3)):
        assert called("export", "--table", table) == 0
        assert len(capsys.readouterr().out.splitlines()) == 1 + rows
    assert called("export", "--format", "fdsn-text") == 0
    assert "2019-06-21T23:59:58.123" in capsys.readouterr().out
    assert called("export", "--format", "quakeml", "-o", str(tmp_path / "e.xml")) == 0
    assert "nan" not in (tmp_path / "e.xml").read_text().casefold()


def test_it_is_copied_and_then_is_a_store(raw, url, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EPICAT_STORE", url)
    place = str(tmp_path / "copy")
    for expected in (5, 0):
        assert called("copy", "--from", url, "--to", place, "--json") == 0
        report = json.loads(capsys.readouterr().out)
        assert report["keys"] == expected + (expected > 0)
        assert report["compared"] == {"picks": 7, "events": 1, "arrivals": 6}
    copy, original = open_readable(place), open_readable(url)
    for table in ("picks", "events", "arrivals"):  # the tutorial locates nothing again
        assert copy.read(table, Where()).sort_by("key").num_rows > 0
        names = original.read(table, Where()).column_names[:2]
        assert copy.read(table, Where()).select(names) == original.read(table, Where()).select(
            names
        )
    raw.picks.insert_one({"trace_id": "NC.KBG.", "phase": "S", "time": ORIGIN,
                          "confidence": 0.5, "run_id": raw.picks.find_one()["run_id"]})  # fmt: skip
    assert called("copy", "--from", url, "--to", place, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["keys"] == 1
    assert Path(place, "store.json").exists()


@pytest.mark.parametrize(
    ("name", "document", "reason"),
    [
        ("picks", {"trace_id": "NC.KBG.", "phase": "P"}, "of picks .* it has no 'time'"),
        ("events", {"time": "yesterday", "latitude": 1, "longitude": 2}, "of events .*yesterday"),
        ("assignments", {"event_id": 1}, "of assignments .* it has no 'pick_id'"),
        ("stations", {"id": "NC.X.", "latitude": None, "longitude": 2}, "of stations .*NoneType"),
    ],
)
def test_a_document_that_the_tutorial_cannot_have_written_is_named(
    raw, url, capsys, name, document, reason
):
    identity = raw[name].insert_one(document).inserted_id
    with pytest.raises(StoreError, match=rf"document {identity} {reason}"):
        open_readable(url).read("events", Where())
    assert called("status", "--store", url) == 2
    assert "is not as the tutorial writes it" in " ".join(capsys.readouterr().err.split())


@pytest.mark.usefixtures("raw")
def test_its_picks_are_associated_as_a_run_of_their_own(url, tmp_path, capsys):
    copied, again = str(tmp_path / "copied"), str(tmp_path / "again")
    assert called("copy", "--from", url, "--to", copied) == 0
    where = ["2019.172", "2019.174", "39,41,-125,-123"]
    run = next(iter(open_store(copied).records("run")))
    assert called("associate", *where, "--store", copied, "--run", run) == 2
    assert "`epicat picks import picks.csv`" in " ".join(capsys.readouterr().err.split())
    for table in ("picks", "stations"):
        file = str(tmp_path / f"{table}.csv")
        given = ["--run", run] if table == "picks" else []
        assert called("export", "--table", table, *given, "--store", url, "-o", file) == 0
        assert called(table, "import", file, "--store", again) == 0
    assert called("associate", *where, "--store", again) == 0
