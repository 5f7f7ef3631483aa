"""The tables of the page hold the numbers of the store, to the decimals of the CSV export."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.catalog.catalog import open_catalog
from epicat.viewer.columns import ARRIVALS, EVENTS, pack_column
from epicat.viewer.events import (
    arrival_rows,
    associated_rows,
    event_rows,
    station_magnitude_rows,
)
from support.catalog_store import Wanted, write_store


def values(table: pa.Table, name: str) -> np.ndarray:
    scale = float((table.schema.field(name).metadata or {}).get(b"scale", b"1"))
    return table[name].to_numpy().astype(float) * scale


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalog") / "store"
    write_store(folder, Wanted(events=200))
    return open_catalog(folder)


def test_located_places_take_precedence(catalog):
    rows, origins = event_rows(catalog), catalog.origins()
    assert rows.schema == EVENTS
    assert rows["event_id"].to_pylist() == origins["event_id"].to_pylist()
    for name, decimals in (("latitude", 5), ("longitude", 5), ("depth_km", 3), ("major_km", 2)):
        assert np.allclose(values(rows, name), origins[name], atol=0.51 * 10**-decimals), name
    assert rows["quality"].to_pylist() == origins["quality"].to_pylist()


def test_events_without_a_location_keep_the_place_of_the_association(tmp_path):
    write_store(tmp_path / "store", Wanted(events=50, located=False))
    catalog = open_catalog(tmp_path / "store")
    rows = event_rows(catalog)
    assert np.allclose(values(rows, "latitude"), catalog.events(with_rejected=True)["latitude"])
    assert rows["major_km"].null_count == rows["quality"].null_count == rows.num_rows


def test_rejected_events_can_be_left_out(catalog):
    everything, accepted = event_rows(catalog), event_rows(catalog, with_rejected=False)
    n_rejected = pc.sum(pc.is_valid(everything["rejected"])).as_py()
    assert n_rejected > 0
    assert accepted.num_rows == everything.num_rows - n_rejected


def test_places_of_the_association_are_kept(catalog):
    events = catalog.events(with_rejected=True)
    rows = associated_rows(events)
    assert rows["event"].to_pylist() == list(range(events.num_rows))
    assert np.allclose(values(rows, "depth_km"), events["associated_depth_km"], atol=5.1e-4)
    assert np.abs(values(rows, "depth_km") - events["depth_km"].to_numpy()).min() > 0.5


def test_arrivals_belong_to_the_rows_of_their_events(catalog):
    events = event_rows(catalog)
    located = catalog.origin_arrivals()
    rows = arrival_rows(events, catalog.arrivals(with_rejected=True), catalog.picks())
    assert rows.schema == ARRIVALS
    assert rows.num_rows == located.num_rows
    assert rows["confidence"].null_count == rows["weight"].null_count == 0
    first = rows.filter(pc.equal(rows["event"], 7))
    expected = located.filter(pc.equal(located["event_id"], events["event_id"][7]))
    assert sorted(first["trace_id"].to_pylist()) == sorted(expected["trace_id"].to_pylist())
    residuals = sorted(values(first, "residual_s"))
    assert np.allclose(residuals, sorted(expected["residual_s"].to_pylist()), atol=5.1e-4)
    assert values(first, "distance_km").tolist() == sorted(values(first, "distance_km"))


def test_station_magnitudes_belong_to_the_rows_of_their_events(catalog):
    events = event_rows(catalog)
    ids = events["event_id"].to_pylist()
    known = {
        "event_id": [ids[5], "absent", ids[2], ids[5]], "trace_id": ["a", "b", "c", "d"],
        "value": [1.23, 9.0, None, 0.5], "is_bound": [False, False, False, True],
        "weight": [0.9, 1.0, 0.0, 0.0], "distance_km": [9.5, 1.0, 3.0, 4.0],
        "flag": ["", "", "noise", ""],
    }  # fmt: skip
    rows = station_magnitude_rows(events, pa.table(known))
    assert rows["event"].to_pylist() == [2, 5, 5]
    assert rows["trace_id"].to_pylist() == ["c", "d", "a"]
    assert rows["value"].to_pylist() == [None, 50, 123]
    assert rows["is_bound"].to_pylist() == [0, 1, 0]


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True) | st.none(), max_size=30))
def test_packed_numbers_are_near_within_limits_or_null(numbers):
    field = EVENTS.field("depth_km")
    packed = pack_column(pa.array(numbers, pa.float64()), field)
    for number, step in zip(numbers, packed.to_pylist(), strict=True):
        if number is None or not np.isfinite(number):
            assert step is None
        elif abs(number) < 2e6:
            assert abs(step * 1e-3 - number) <= 5.1e-4
        else:
            assert abs(step) >= 2**31 - 1


def test_more_texts_than_codes_keep_the_frequent_ones():
    texts = [f"reason {n}" for n in range(40_000)] + ["reason 5"] * 3
    packed = pack_column(pa.array(texts), EVENTS.field("rejected"))
    assert packed[-1].as_py() == "reason 5"
    assert packed.null_count == 40_000 - (2**15 - 1)
