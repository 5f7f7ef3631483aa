"""Residuals by phase, distance and station, of the selection and of stations; the cached months."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.catalog.catalog import open_catalog
from epicat.errors import InputError
from epicat.ledger import BlockEntry, Status
from epicat.store.base import block_entries
from epicat.store.open import open_store
from epicat.store.responses import StoredResponse, put_responses, stored_responses
from epicat.viewer.columns import EVENTS, READINGS
from epicat.viewer.page_data import PageData, PageOptions
from epicat.viewer.readings import residual_tables
from epicat.viewer.responses import responses_of
from support.catalog_store import Wanted, first_motion, write_store

pytest.importorskip("starlette")

from epicat.viewer.server.chosen import Chosen
from epicat.viewer.server.months import Months
from epicat.viewer.server.session import Session


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalog") / "store"
    write_store(folder, Wanted(events=150, days=40, measured=True))
    return folder


@pytest.fixture(scope="module")
def catalog(place):
    return open_catalog(place)


@pytest.fixture
def months(catalog, tmp_path):
    return Months(catalog, tmp_path / "months")


def rows(stations, phases, residuals, distances):
    columns = [
        pa.array(np.zeros(len(residuals)), pa.int32()),
        *(pa.array(texts, pa.string()).dictionary_encode() for texts in (stations, phases)),
        pa.nulls(len(residuals), READINGS.field("time").type),
        pa.array(residuals, pa.int32()),
        pa.array(distances, pa.int32()),
    ]
    return pa.table([c.cast(f.type) for c, f in zip(columns, READINGS, strict=True)], READINGS)


def spread(values):
    values = np.array(values) / 1000
    return (len(values), pytest.approx(np.median(values), abs=1e-9),
            pytest.approx(np.median(np.abs(values - np.median(values))), abs=1e-9))  # fmt: skip


READING = st.tuples(st.sampled_from(["A.A", "A.B", "B.<b>"]), st.sampled_from("PS"),
                    st.integers(-60_000, 60_000), st.integers(0, 300_000))  # fmt: skip


@given(st.lists(READING, min_size=1, max_size=60), st.integers(1, 4))
def test_spreads_are_those_of_numpy(readings, n_parts):
    parts = [
        rows(*zip(*part, strict=True)) for k in range(n_parts) if (part := readings[k::n_parts])
    ]
    found = residual_tables(parts)
    for phase, one in found["phases"].items():
        own = [r for _, p, r, _ in readings if p == phase]
        assert tuple(one.values()) == spread(own)
    for row in found["stations"]:
        own = [r for s, p, r, _ in readings if (s, p) == (row["station"], row["phase"])]
        assert tuple(row["spread"].values()) == spread(own)
    for row in found["distances"]:
        own = [r for _, p, r, d in readings
               if p == row["phase"] and row["from_km"] <= d / 1000 < row["to_km"]]  # fmt: skip
        assert tuple(row["spread"].values()) == spread(own)
    for name in ("distances", "stations"):
        assert sum(row["spread"]["count"] for row in found[name]) == len(readings)


def test_no_reading_has_no_tables():
    assert residual_tables([]) is None
    assert residual_tables([READINGS.empty_table()]) is None


def test_months_have_every_reading_once(catalog, months):
    readings = [(name, part) for name, part in months.tables("readings")]
    assert [name for name, _ in readings] == list(months.counts()) == ["2019-07", "2019-08"]
    everything = catalog.arrivals(with_rejected=True)
    assert sum(part.num_rows for _, part in readings) == everything.num_rows
    found = sorted(t for _, part in readings for t in part["time"].cast(pa.int64()).to_pylist())
    assert found == sorted(pc.divide(everything["time"].cast(pa.int64()), 1000).to_pylist())


def test_magnitude_residuals_are_of_used_stations(catalog, months):
    found = pa.concat_tables([part for _, part in months.tables("magnitudes")])
    all_of_them = catalog.station_magnitudes()
    assert found.num_rows == pc.sum(pc.greater(all_of_them["weight"], 0)).as_py()
    size = dict(zip(*[catalog.events(with_rejected=True)[n].to_pylist()
                      for n in ("event_id", "magnitude")], strict=True))  # fmt: skip
    used = all_of_them.filter(pc.greater(all_of_them["weight"], 0))
    expected = [v - size[e] for e, v in zip(*[used[n].to_pylist() for n in ("event_id", "value")],
                                            strict=True)]  # fmt: skip
    assert sorted(found["residual"].to_pylist()) == pytest.approx(
        sorted(100 * np.array(expected)), abs=0.51
    )


def test_a_report_has_the_same_magnitude_residuals(catalog, months):
    page = PageData(catalog, PageOptions(most_arrivals=10_000_000)).magnitude_readings()
    parts = [part for _, part in months.tables("magnitudes")]
    assert sorted(page["residual"].to_pylist()) == sorted(
        value for part in parts for value in part["residual"].to_pylist()
    )


def test_a_month_is_read_once_until_its_ledger_changes(tmp_path):
    write_store(tmp_path / "store", Wanted(events=30, days=40))
    months = Months(open_catalog(tmp_path / "store"), tmp_path / "months")
    path = months.file("events", "2019-07")
    begun = path.stat().st_mtime_ns
    again = Months(open_catalog(tmp_path / "store"), tmp_path / "months")
    assert again.file("events", "2019-07") == path
    assert path.stat().st_mtime_ns == begun
    store = open_store(str(tmp_path / "store"))
    old = block_entries(store)[0]
    store.mark([BlockEntry(old.design, old.key, Status.DONE, old.generation,
                           old.marked_ns + 1, n_events=old.n_events)])  # fmt: skip
    newer = Months(open_catalog(tmp_path / "store"), tmp_path / "months").file("events", "2019-07")
    assert newer != path
    assert not path.exists()


def test_a_folder_of_the_cache_is_of_one_catalog(catalog, epicat_cache, tmp_path):
    write_store(tmp_path / "store", Wanted(events=30, days=40))
    paths = {Months(one).file("events", "2019-07").parent for one in
             (catalog, open_catalog(tmp_path / "store"))}  # fmt: skip
    assert len(paths) == 2
    assert {path.parent for path in paths} == {epicat_cache / "view"}


FILTERS = [
    ({}, lambda e: e["rejected"] is None),
    ({"rejected": "1"}, lambda e: True),
    ({"magnitude": "1.2.."}, lambda e: e["rejected"] is None and round(e["magnitude"], 2) >= 1.2),
    ({"magnitude": "0.7..0.9"},
     lambda e: e["rejected"] is None and 0.7 <= round(e["magnitude"], 2) <= 0.9),
    ({"time": "2019-07-10..2019-08-02T12:00:00Z"},
     lambda e: e["rejected"] is None and 10 <= (e["time"].month - 7) * 31 + e["time"].day
     + e["time"].hour / 24 <= 33.5),
    ({"depth": "..6", "gap": "120", "phases": "12", "quality": "A,B"},
     lambda e: e["rejected"] is None and round(e["depth_km"], 3) <= 6 and
     round(e["gap_deg"], 1) <= 120 and e["quality"] in ("A", "B")),
    ({"stations": "7"}, lambda e: False),
]  # fmt: skip


@pytest.mark.parametrize(("given", "fits"), FILTERS)
def test_selections(catalog, months, given, fits):
    everything = catalog.events(with_rejected=True).to_pylist()
    expected = {e["event_id"] for e in everything if fits(e)}
    found = set()
    for _, events in months.tables("events"):
        keep = Chosen.from_parameters(given).rows(events, {})
        found |= set(events.filter(pa.array(keep))["event_id"].to_pylist())
    assert found == expected


def test_selection_by_review():
    events = pa.table([pa.array(["a", "b", "c"]), *(pa.nulls(3, f.type) for f in list(EVENTS)[1:])],
                      schema=EVENTS)  # fmt: skip
    reviews = {"a": "accepted", "c": "stale"}
    for state, expected in (("accepted", "a"), ("none", "b"), ("none,stale", "bc")):
        keep = Chosen.from_parameters({"review": state}).rows(events, reviews)
        assert "".join(events.filter(pa.array(keep))["event_id"].to_pylist()) == expected


@pytest.mark.parametrize("given", [{"magnitude": "1"}, {"magnitude": "2..1"}, {"gap": "wide"},
                                   {"time": "now.."}, {"color": "red"}])  # fmt: skip
def test_other_selections_are_refused(given):
    with pytest.raises(InputError):
        Chosen.from_parameters(given)


def test_quakeml_of_a_selection_has_picks_and_arrivals(catalog, place, tmp_path):
    obspy = pytest.importorskip("obspy")
    session = Session(catalog, open_store(str(place)), PageOptions(), tmp_path)
    text = io.StringIO()
    session.write_quakeml(Chosen.from_parameters({"magnitude": "1.."}), text)
    found = obspy.read_events(io.BytesIO(text.getvalue().encode()), format="QUAKEML")
    chosen = {e["event_id"] for e in catalog.events().to_pylist() if round(e["magnitude"], 2) >= 1}
    assert {event.resource_id.id.rpartition("/")[2] for event in found} == chosen
    assert all(len(event.picks) == 12 for event in found)
    assert all(len(event.preferred_origin().arrivals) == 12 for event in found)


def test_first_motions_reach_the_page(catalog, place, tmp_path):
    session = Session(catalog, open_store(str(place)), PageOptions(), tmp_path)
    arrivals = catalog.arrivals(with_rejected=True)
    event = catalog.events(with_rejected=True).slice(7, 1)
    name, time_ns = event["event_id"][0].as_py(), event["time"].cast(pa.int64())[0].as_py()
    found = pa.ipc.open_stream(session.arrivals(name, time_ns)).read_all()
    own = arrivals.filter(pc.equal(arrivals["event_id"], name)).sort_by("distance_km")
    expected = sorted(
        first_motion(int(pick_id[1:]))
        for pick_id, phase in zip(own["pick_id"].to_pylist(), own["phase"].to_pylist(), strict=True)
        if phase == "P"
    )
    is_p = pc.equal(found["phase"].cast(pa.string()), "P")
    assert sorted(found.filter(is_p)["polarity"].to_pylist()) == expected
    assert found.filter(pc.invert(is_p))["polarity"].null_count == 6


def test_responses_of_the_page(catalog):
    found = responses_of(catalog)
    assert set(found["channels"]) == set(catalog.stations()["id"].to_pylist())
    first = found["channels"]["XX.S00.00"][0]
    assert (first["channel"], first["gain"], first["unit"]) == ("XX.S00.00.HHE", 6.3e8, "M/S")
    assert sum(days["amplitudes"] for days in found["days"].values()) == 150 * 12


def one(channel, gain=1e9, problem="", is_flat=False):
    return StoredResponse(channel, "", "", "M/S", gain, 1, is_flat, problem)


def test_the_newest_responses_of_a_channel_are_valid(tmp_path):
    store = open_store(str(tmp_path / "store"), create=True)
    put_responses(store, [one("A.A..HHZ"), one("A.B..HHZ")])
    put_responses(store, [one("A.A..HHZ"), one("A.B..HHZ")])
    assert len(store.records("responses")) == 1
    put_responses(store, [one("A.A..HHZ", 2e9)])
    assert [(r.channel, r.gain) for r in stored_responses(store)] == [
        ("A.A..HHZ", 2e9), ("A.B..HHZ", 1e9)
    ]  # fmt: skip
