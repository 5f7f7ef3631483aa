"""Ten minutes of real data, whole: the command line from waveforms to a catalog."""

from __future__ import annotations

import csv
import json
from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest
from scipy.optimize import linear_sum_assignment

from epicat.catalog.compare import compare, read_event_list
from epicat.cli.app import main
from epicat.geo import Extent, distance_azimuth
from epicat.ledger import Flag, Stage, Status
from epicat.store.base import Where
from epicat.store.parquet import ParquetStore
from epicat.time import parse_time

EXTENT = "64.4,65.3,-17.6,-15.9"
MATCH_S = 2.0


def epicat(*arguments):
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    assert left.value.code == 0


@pytest.fixture(scope="module")
def given(realdata, seisbench_cache, tmp_path_factory):
    pytest.importorskip("seisbench")
    data = realdata / "holuhraun"
    store = tmp_path_factory.mktemp("holuhraun") / "store"
    return [
        "run", "2014-08-24", "2014-08-25", EXTENT, "--archive", data / "waveforms",
        "--layout", "files", "--stations", data / "stations.csv",
        "--velocity", data / "velocity_model.txt", "--store", store, "--workers", "2",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def store(given):
    epicat(*given)
    return ParquetStore(given[given.index("--store") + 1])


@pytest.fixture(scope="module")
def events(store):
    return store.read("events", Where())


@pytest.fixture(scope="module")
def reference(realdata):
    with (realdata / "holuhraun" / "reference_events.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {
        "time": np.array([parse_time(r["DT"]) for r in rows]),
        **{name: np.array([float(r[name]) for r in rows]) for name in "XYZ"},
    }


@pytest.fixture(scope="module")
def matched(events, reference):
    """Give the largest set of pairs within 2 s, one to one, and of those the nearest in time."""
    times = events["time"].cast(pa.int64()).to_numpy()
    apart = np.abs(reference["time"][:, None] - times[None, :]) / 1e9
    rows, columns = linear_sum_assignment(np.where(apart <= MATCH_S, apart, 1e6))
    good = apart[rows, columns] <= MATCH_S
    return rows[good], columns[good]


@pytest.mark.usefixtures("realdata")
class TestHoluhraun:
    def test_most_reference_events_are_found_and_few_others(self, events, matched):
        assert len(matched[0]) >= 23
        assert events.num_rows <= 28

    def test_epicat_compare_finds_the_same_pairs(self, store, matched, realdata):
        reference = read_event_list(realdata / "holuhraun" / "reference_events.csv")
        ours = read_event_list(f"{store.location}#location=association")  # as `matched` has them
        found = compare(ours, reference, max_s=MATCH_S, max_km=50)
        assert found.n_matched == len(matched[0])
        assert max(found.chance) <= len(matched[0]) / 2

    def test_epicentres_are_within_a_kilometre(self, events, reference, matched):
        ours, theirs = matched[1], matched[0]
        km, _ = distance_azimuth(
            reference["Y"][theirs], reference["X"][theirs],
            events["latitude"].to_numpy()[ours], events["longitude"].to_numpy()[ours],
        )  # fmt: skip
        depth = events["depth_km"].to_numpy()[ours] - reference["Z"][theirs]
        print(f"{len(ours)} of 27, {events.num_rows} events, {np.median(km):.2f} km, "
              f"depth {np.median(depth):+.1f} km")  # fmt: skip
        assert np.median(km) <= 1.0

    def test_every_arrival_is_a_pick_and_no_pick_is_in_two_events(self, store):
        picks = {p["pick_id"]: p for p in store.read("picks", Where()).to_pylist()}
        arrivals = store.read("arrivals", Where()).to_pylist()
        used = [a["pick_id"] for a in arrivals]
        assert len(used) == len(set(used))
        for arrival in arrivals:
            pick = picks[arrival["pick_id"]]
            same = ("time", "trace_id", "phase")
            assert [arrival[n] for n in same] == [pick[n] for n in same]

    def test_events_are_what_their_arrivals_say(self, store, events):
        arrivals = store.read("arrivals", Where()).to_pylist()
        for event in events.to_pylist():
            own = [a for a in arrivals if a["event_id"] == event["event_id"]]
            assert event["n_p"] + event["n_s"] == len(own) >= 8
            rms = np.sqrt(np.mean([a["residual_s"] ** 2 for a in own]))
            assert event["rms_s"] == pytest.approx(rms)
            assert all(a["time"] > event["time"] for a in own)
            assert Extent.parse(EXTENT).contains(event["latitude"], event["longitude"])

    def test_the_ledger_knows_every_station_day(self, store):
        entries = store.ledger(Stage.PICK)
        assert [e.status for e in entries] == [Status.DONE] * 12
        assert {e.gaps for e in entries} == {5}
        assert sum(e.n_picks for e in entries) == store.read("picks", Where()).num_rows
        assert all(len(e.objects) == 3 and e.channels == "--.HH[ZNE]" for e in entries)

    def test_running_again_does_nothing(self, given, store, capsys):
        before = {table: store.read(table, Where()) for table in ("picks", "events", "arrivals")}
        ledger = store.ledger()
        epicat(*given, "--json")
        told = capsys.readouterr()
        made = json.loads(told.out)
        assert (made["picks"], made["events"], made["station_days"]) == (0, 0, {})
        assert "nothing to do: all 12 station-days" in told.err
        assert store.ledger() == ledger
        assert {table: store.read(table, Where()) for table in before} == before

    def test_the_catalog_can_be_exported_and_drawn(self, given, store, events, tmp_path, capsys):
        pytest.importorskip("matplotlib")
        epicat("export", "--store", store.location, "--table", "events")
        rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
        assert [r["event_id"] for r in rows] == events["event_id"].to_pylist()
        times = [datetime.fromisoformat(r["time"]) for r in rows]
        assert times == sorted(times)
        epicat("plot", "--store", store.location, "-o", tmp_path / "events.png")
        assert (tmp_path / "events.png").stat().st_size > 20_000


@pytest.mark.usefixtures("realdata")
def test_quality_control_flags_little_of_good_data(given, tmp_path):
    """Good stations: no channel is dead or clipped; the short segments and some events are told."""
    at = given.index("--store") + 1
    limits = ["--min-segment", 60, "--max-dead-share", 0.5, "--max-clipped-share",
              0.001, "--max-picks-per-hour", 400, "--min-stations", 8, "--max-gap", 180,
              "--max-rms", 0.5]  # fmt: skip
    epicat(*given[:at], tmp_path / "store", *given[at + 1 :], *limits)
    store = ParquetStore(tmp_path / "store")
    days = store.ledger(Stage.PICK)
    assert {e.flags for e in days} == {(Flag("short segment", 2),)}
    assert {e.reason for e in days} == {"2 of 4 segments are shorter than 60 s (65.0 s in all)"}
    events = store.read("events", Where()).to_pylist()
    rejected = [e for e in events if e["rejected"]]
    assert len(events) >= 20
    assert 1 <= len(rejected) <= 8
    for e in events:
        good = e["n_stations"] >= 8 and e["gap_deg"] <= 180 and e["rms_s"] <= 0.5
        assert good == (e["rejected"] is None)
    (block,) = (e for e in store.ledger(Stage.ASSOCIATE) if e.n_events)
    assert (block.n_events, block.n_rejected) == (len(events), len(rejected))
    assert "pick rate" not in {flag.criterion for flag in block.flags}


def test_a_model_is_fitted_once_and_found_again(given, capsys):
    command = [*given, "--velocity", "auto", "--json"]
    results = []
    for _ in range(2):
        epicat(*command)
        captured = capsys.readouterr()
        results.append((json.loads(captured.out), captured.err))
    (first, fitted), (again, found) = results
    assert first["associator"] == again["associator"]
    assert "km/s, from" in fitted
    assert "the model of this store, fitted to picks of 2014.236" in found
    assert again["events"] == 0  # nothing to do
    events = ParquetStore(given[given.index("--store") + 1]).read(
        "events", Where(design=first["associator"])
    )
    assert 23 <= events.num_rows <= 28
