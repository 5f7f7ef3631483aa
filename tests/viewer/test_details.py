"""Stations, travel times and provenance of the page."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.catalog.catalog import open_catalog
from epicat.velocity.layers import LayerModel
from epicat.velocity.travel_times import travel_times
from epicat.viewer.page_data import PageData
from epicat.viewer.station_days import BINS, STATION_DAYS, confidence_histograms
from epicat.viewer.theory import model_of, travel_time_table
from support.catalog_store import RUN, Wanted, write_store

MODEL = LayerModel((0.0, 5.5, 16.0, 32.0), (5.5, 6.3, 6.7, 7.8), (3.2, 3.6, 3.9, 4.5), True)
TABLE = travel_time_table(MODEL, 150.0, (0.0, 30.0), 0.5)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalog") / "store"
    write_store(folder, Wanted(events=200, days=30))
    return PageData(open_catalog(folder))


@given(st.floats(0, 150), st.floats(0, 30), st.sampled_from(["P", "S"]))
def test_interpolated_travel_times_are_near(distance, depth, phase):
    times = np.array(TABLE[phase]) / 1000
    by_depth = [np.interp(distance, TABLE["distance_km"], row) for row in times]
    found = np.interp(depth, TABLE["depth_km"], by_depth)
    true = travel_times(MODEL, phase, -0.5, np.array([distance]), np.array([depth]))[0, 0]
    assert found == pytest.approx(true, abs=0.03)


def test_the_model_is_that_of_the_location_else_of_the_association():
    location = {"layers": [[0, 5.0, 3.0], [10, 6.0, 3.5]], "constant_layers": False}
    records = {"l": location, "a": {"layers": [], "p_velocity": 6.1, "s_velocity": 3.5}, "x": {}}
    assert model_of(records, "l", "a").vp == (5.0, 6.0)
    assert model_of(records, "x", "a").vp == (6.1,)
    assert model_of(records, "x", "") is None


def test_station_days_are_those_of_the_ledger(page):
    rows, coverage = page.station_days, page.catalog.coverage()
    assert rows.schema == STATION_DAYS
    assert rows.num_rows == coverage.num_rows == 16 * 30
    assert sorted(rows["status"].to_pylist()) == sorted(coverage["status"].to_pylist())
    assert sum(rows["picks"].to_pylist()) == 200 * 12


def test_confidence_counts_each_pick_once(page):
    found = page.confidence()
    counts = [sum(bins) for phases in found.values() for bins in phases.values()]
    assert sum(counts) == 200 * 12
    assert all(len(bins) == BINS for phases in found.values() for bins in phases.values())


def test_confidence_of_one_is_in_the_last_bin():
    picks = pa.table({"trace_id": ["a"], "phase": ["P"], "confidence": pa.array([1.0], "float")})
    assert confidence_histograms(picks)["a"]["P"][-1] == 1


def test_travel_times_need_a_model(tmp_path, page):
    assert page.travel_times()["P"][0][0] >= 0
    write_store(tmp_path / "store", Wanted(events=3, located=False))
    assert PageData(open_catalog(tmp_path / "store")).travel_times() is None


def test_provenance_names_settings_and_outcomes(page):
    from epicat.viewer.provenance import provenance

    found = provenance(page.catalog)
    assert found["name"] == page.catalog.name
    assert found["digests"]["run"] == RUN
    assert found["records"]["run"]["weights"] == "original"
    assert len(found["invocations"]) == 1
    picked = sum(u["count"] for u in found["units"] if u["stage"] == "pick")
    assert picked == 16 * 30
