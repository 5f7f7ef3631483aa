"""NonLinLoc's ``.hyp``, read back with ObsPy and with epicat."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epicat.export.nonlinloc_hyp import write_nonlinloc_hyp
from epicat.export.origin import Ellipsoid
from epicat.export.quakes import Part, Written
from epicat.imports.phase_files import read_nonlinloc
from epicat.time import SECOND_NS, parse_time
from support.located_catalog import (
    SQUARE,
    arrival_row,
    elements,
    locate,
    origin_arrivals_table,
    origin_row,
    origins_table,
)
from support.tiny_catalog import ASSOCIATOR, IDS, STATIONS, event, part

obspy = pytest.importorskip("obspy")

ROWS = [
    (IDS[0], "P", 2_345_600_000, 0.1),
    (IDS[0], "S", 4_100_000_000, -0.2),
    (IDS[3], "P", 5_000_000_000, 0.0),
]


def located(*found: Any, **changes: Any) -> Part:
    origins, arrivals = locate(*(e for e, _ in found), associator=ASSOCIATOR, **changes)
    return replace(part(*found), origins=origins, origin_arrivals=arrivals)


def written(*parts: Part) -> tuple[io.StringIO, Written]:
    file = io.StringIO()
    return file, write_nonlinloc_hyp(parts, STATIONS, file)


def text_of(*parts: Part) -> str:
    return written(*parts)[0].getvalue()


def read_back(text: str) -> Any:
    return obspy.read_events(io.BytesIO(text.encode()), format="NLLOC_HYP")


def test_obspy_reads_place_and_uncertainty() -> None:
    known = event(ROWS, place=(-40.0, 175.0, 8.5))
    (read,) = read_back(text_of(located(known)))
    (origin,) = read.origins
    assert (origin.latitude, origin.longitude, origin.depth) == (-39.99, 175.01, 9500.0)
    assert abs(origin.time._ns - known[0].time_ns - SECOND_NS // 2) <= 1000
    to_km = obspy.geodetics.degrees2kilometers
    assert to_km(origin.latitude_errors.uncertainty) == pytest.approx(SQUARE[1, 1] ** 0.5, rel=1e-4)
    assert to_km(origin.longitude_errors.uncertainty) == pytest.approx(
        SQUARE[0, 0] ** 0.5, rel=1e-4
    )
    assert origin.depth_errors.uncertainty == pytest.approx(1000 * SQUARE[2, 2] ** 0.5)
    errors = origin.origin_uncertainty
    assert (errors.max_horizontal_uncertainty, errors.min_horizontal_uncertainty) == (850, 420)
    assert errors.azimuth_max_horizontal_uncertainty == 69.5
    solid, expected = errors.confidence_ellipsoid, Ellipsoid.from_covariance(SQUARE)
    # ObsPy keeps kilometres here, as NonLinLoc writes them.
    assert solid.semi_major_axis_length == pytest.approx(expected.major_km, rel=1e-5)
    assert solid.major_axis_plunge == pytest.approx(expected.plunge_deg, abs=1e-3)
    quality = origin.quality
    assert (quality.used_phase_count, quality.used_station_count) == (3, 2)
    assert (quality.azimuthal_gap, quality.secondary_azimuthal_gap) == (120, 200)
    assert to_km(quality.minimum_distance) == pytest.approx(11.0)
    assert origin.evaluation_status is None
    assert read.resource_id.id.endswith(f"/event/{known[0].id(ASSOCIATOR)}")


def test_the_axes_give_the_covariance_back() -> None:
    line = next(row for row in text_of(located(event(ROWS))).splitlines() if "CovXX" in row)
    fields = line.split()
    value = {name: float(fields[fields.index(name) + 1]) for name in
             ("EllAz1", "Dip1", "Len1", "Az2", "Dip2", "Len2", "Len3", "CovXX", "YZ")}  # fmt: skip

    def direction(azimuth: float, dip: float) -> np.ndarray:
        a, d = math.radians(azimuth), math.radians(dip)
        return np.array([math.cos(d) * math.sin(a), math.cos(d) * math.cos(a), math.sin(d)])

    first = direction(value["EllAz1"], value["Dip1"])
    second = direction(value["Az2"], value["Dip2"])
    axes = np.column_stack([first, second, np.cross(first, second)])
    lengths = np.array([value["Len1"], value["Len2"], value["Len3"]])
    square = axes @ np.diag(lengths**2 / 3.526741) @ axes.T  # 3.53 in NonLinLoc
    np.testing.assert_allclose(square, SQUARE, atol=1e-3)
    assert (value["CovXX"], value["YZ"]) == (SQUARE[0, 0], SQUARE[1, 2])


def test_obspy_reads_arrivals() -> None:
    known = event(ROWS)
    row = origin_row(known[0], ASSOCIATOR)
    rows = [arrival_row(row, arrival) for arrival in known[0].arrivals]
    rows[1].update(inlier_probability=0.01, residual_s=1.25, distance_km=30.0, azimuth_deg=200.0)
    whole = replace(
        part(known), origins=origins_table(row), origin_arrivals=origin_arrivals_table(*rows)
    )
    (read,) = read_back(text_of(whole))
    arrivals = read.origins[0].arrivals
    assert [a.phase for a in arrivals] == ["P", "S", "P"]
    assert [a.time_residual for a in arrivals] == [0.031, 1.25, 0.031]
    assert sum(a.time_weight for a in arrivals) == pytest.approx(3, abs=1e-3)
    assert arrivals[1].time_weight < 0.05
    assert arrivals[1].azimuth == 200
    assert {a.takeoff_angle for a in arrivals} == {101.5}
    for arrival, pick in zip(arrivals, known[0].arrivals, strict=True):
        back = arrival.pick_id.get_referred_object()
        assert abs(back.time._ns - pick.time_ns) <= 50_000
        assert back.time_errors.uncertainty == 0.047


def test_predicted_times_add_up() -> None:
    text = text_of(located(event(ROWS)))
    lines = text.split("PHASE ID", 1)[1].splitlines()[1:4]
    for line, row in zip(lines, ROWS, strict=True):
        seen, calculated = line.split(" > ")
        predicted, residual, _, x, y, _, distance, azimuth = map(float, calculated.split()[:8])
        term = float(calculated.split()[-1])
        travel = (row[2] - SECOND_NS // 2) / 1e9
        assert predicted + residual + term == pytest.approx(travel, abs=2e-4)
        assert math.hypot(x, y) == pytest.approx(distance, abs=1e-3)
        assert math.degrees(math.atan2(x, y)) % 360 == pytest.approx(azimuth, abs=0.01)
        assert len(seen.split()) == 15


def test_epicat_reads_its_own_file() -> None:
    first, second = event(ROWS), event(ROWS, parse_time("2020-01-01T00:00:00"))
    text = text_of(located(first, second))
    found = read_nonlinloc(text.splitlines())
    assert found.rejected == []
    assert [len(e.picks) for e in found.events] == [3, 3]
    assert [e.latitude for e in found.events] == [-39.99, -39.99]
    assert found.events[1].time_ns == parse_time("2020-01-01T00:00:00.5")


def test_events_without_a_location_are_left_out_and_counted() -> None:
    whole = located(event(ROWS))
    both = replace(whole, origins=whole.origins.slice(0, 0))
    file, told = written(both, located(event(ROWS, place=(-41, 174, 3))))
    assert told.events == len(read_back(file.getvalue())) == 1
    assert told.notes == ("1 event(s) without a location are left out",)


def test_a_rejected_event_is_rejected() -> None:
    found, picks = event(ROWS)
    (read,) = read_back(text_of(located((replace(found, rejected="gap 200 > 180"), picks))))
    assert read.origins[0].evaluation_status == "rejected"


@settings(max_examples=50)
@given(
    place=st.tuples(st.floats(-89, 89), st.floats(-180, 180), st.floats(-9, 700)),
    time_ns=st.integers(0, 2**61),
    values=st.lists(st.floats(-2, 2), min_size=9, max_size=9),
)
def test_any_place_and_covariance_are_read(
    place: tuple[float, float, float], time_ns: int, values: list[float]
) -> None:
    root = np.array(values).reshape(3, 3) + 0.01 * np.eye(3)
    found = event(ROWS, time_ns, place)
    moved = {"latitude": place[0], "longitude": place[1], "depth_km": place[2]}
    (read,) = read_back(text_of(located(found, **moved, **elements(root @ root.T, "cov"))))
    origin = read.origins[0]
    assert origin.latitude == pytest.approx(place[0], abs=1e-6)
    assert origin.depth == pytest.approx(1000 * place[2], abs=0.01)
    assert abs(origin.time._ns - time_ns - SECOND_NS // 2) <= 1000
