from __future__ import annotations

from dataclasses import replace
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from epicat.velocity.layers import LayerModel
from epicat.velocity.travel_times import F64, travel_time_tables, travel_times

CRUST = LayerModel((0.0, 5.0, 20.0, 35.0), (4.0, 5.8, 6.6, 8.0), (2.3, 3.3, 3.8, 4.5))


def uniform_layers(*rows: tuple[float, float]) -> LayerModel:
    depth, vp = zip(*rows, strict=True)
    return LayerModel(depth, vp, tuple(v / 1.75 for v in vp), constant=True)


def linear(v0: float, slope: float, top: float = -40.0, bottom: float = 300.0) -> LayerModel:
    depth = np.arange(top, bottom + 1, 10.0)
    vp = v0 + slope * depth
    return LayerModel(tuple(depth.tolist()), tuple(vp.tolist()), tuple((vp / 1.75).tolist()))


def head_wave(x: F64, legs: list[tuple[float, float]], fast: float) -> F64:
    """Shearer 2009, section 4: time over legs (thickness, velocity), infinite before critical."""
    slow = [h / v * np.sqrt(1 - (v / fast) ** 2) for h, v in legs]
    critical = sum(h * v / np.sqrt(fast**2 - v**2) for h, v in legs)
    return np.where(x >= critical, x / fast + sum(slow), np.inf)


@st.composite
def models(draw: st.DrawFn) -> LayerModel:
    size = draw(st.integers(1, 6))
    thickness = draw(st.lists(st.floats(0.1, 15), min_size=size, max_size=size))
    vp = draw(st.lists(st.floats(1.5, 8.5), min_size=size, max_size=size))
    depth = np.cumsum([draw(st.floats(-4, 3)), *thickness[1:]])
    vs = tuple(v / 1.75 for v in vp)
    return LayerModel(tuple(depth.tolist()), tuple(vp), vs, draw(st.booleans()))


depths = st.floats(-5, 40)


# one station and many points ------------------------------------------------------------------


@pytest.mark.parametrize("constant", [False, True])
def test_a_uniform_earth_has_straight_rays(constant: bool) -> None:
    model = LayerModel((0.0, 10.0), (6.0, 6.0), (3.5, 3.5), constant)
    x, z = np.linspace(0, 300, 61), np.linspace(-3, 60, 64)
    for station in (-3.0, -1.234, 0.0, 10.0, 25.0):
        for phase, v in (("P", 6.0), ("S", 3.5)):
            expected = np.hypot(x[:, None], z - station) / v
            times = travel_times(model, phase, station, x, z)  # type: ignore[arg-type]
            assert times.shape == (61, 64)
            assert times.flags.c_contiguous
            assert_allclose(times, expected, atol=1e-6)


@pytest.mark.parametrize(("v0", "slope"), [(4.0, 0.05), (5.5, 0.02), (14.0, -0.03)])
@pytest.mark.parametrize("station", [-2.0, 0.0, 7.77, 33.0])
def test_a_linear_earth_has_circular_rays(v0: float, slope: float, station: float) -> None:
    model = linear(v0, slope, top=-200.0 if slope < 0 else -40.0)
    x, z = np.linspace(0, 200, 101), np.linspace(-3, 60, 64)
    v1, v2 = v0 + slope * station, v0 + slope * z
    squared = x[:, None] ** 2 + (z - station) ** 2
    expected = np.arccosh(1 + slope**2 * squared / (2 * v1 * v2)) / abs(slope)
    error = travel_times(model, "P", station, x, z) - expected
    assert np.abs(error).max() < 5e-4


def test_two_layers_have_a_head_wave_after_the_crossover() -> None:
    model = uniform_layers((0.0, 5.0), (30.0, 8.0))
    x = np.linspace(0, 400, 801)
    direct, head = x / 5, head_wave(x, [(30, 5), (30, 5)], 8)
    times = travel_times(model, "P", 0.0, x, np.array([0.0]))[:, 0]
    assert_allclose(times, np.minimum(direct, head), atol=1e-6)
    crossover = 2 * 30 * np.sqrt((8 + 5) / (8 - 5))
    assert_allclose(x[np.flatnonzero(times < direct - 1e-9)[0]], crossover, atol=0.5)


def test_a_head_wave_needs_its_critical_distance() -> None:
    model = uniform_layers((0.0, 5.0), (30.0, 8.0))
    x = np.linspace(0, 400, 801)
    z = np.array([29.99, 12.0])
    times = travel_times(model, "P", 0.0, x, z)
    for column, depth in enumerate(z):
        direct = np.hypot(x, depth) / 5
        head = head_wave(x, [(30, 5), (30 - depth, 5)], 8)
        assert_allclose(times[:, column], np.minimum(direct, head), atol=1e-6)


def test_a_ray_across_an_interface_obeys_snell() -> None:
    model = uniform_layers((0.0, 4.0), (10.0, 7.0))
    sine = np.linspace(0, 0.999, 50) * 4 / 7
    up, down = np.arcsin(sine), np.arcsin(sine * 7 / 4)
    x = 10 * np.tan(up) + 5 * np.tan(down)
    expected = 10 / 4 / np.cos(up) + 5 / 7 / np.cos(down)
    times = travel_times(model, "P", 0.0, x, np.array([15.0]))[:, 0]
    assert_allclose(times, expected, atol=1e-6)


def test_a_slow_layer_is_left_upward_or_downward_whichever_is_faster() -> None:
    model = uniform_layers((0.0, 5.0), (10.0, 3.0), (20.0, 7.0))
    x = np.linspace(0, 200, 401)
    up = head_wave(x, [(2, 3), (2, 3)], 5)
    down = head_wave(x, [(8, 3), (8, 3)], 7)
    times = travel_times(model, "P", 12.0, x, np.array([12.0]))[:, 0]
    assert_allclose(times, np.minimum(np.minimum(x / 3, up), down), atol=1e-6)
    assert np.any(up < np.minimum(x / 3, down))
    at_the_top = travel_times(model, "P", 0.0, x, np.array([0.0]))[:, 0]
    through = head_wave(x, [(10, 5), (10, 3), (10, 3), (10, 5)], 7)
    assert_allclose(at_the_top, np.minimum(x / 5, through), atol=1e-6)


def test_above_the_model_its_first_velocity_goes_on() -> None:
    model = uniform_layers((0.0, 5.0), (30.0, 8.0))
    x, z = np.linspace(0, 50, 11), np.array([-2.5, -1.0, 3.0])
    times = travel_times(model, "P", -2.0, x, z)
    assert_allclose(times, np.hypot(x[:, None], z + 2.0) / 5, atol=1e-6)


def test_below_the_model_its_last_velocity_goes_on() -> None:
    x, z = np.linspace(0, 50, 11), np.array([60.0, 90.0])
    times = travel_times(CRUST, "P", 40.0, x, z)
    assert_allclose(times, np.hypot(x[:, None], z - 40) / 8, atol=1e-6)


def test_the_time_at_the_station_is_zero() -> None:
    x, z = np.array([0.0]), np.array([-0.123456])
    assert travel_times(CRUST, "S", -0.123456, x, z) == [[0.0]]


def test_points_may_come_in_any_order_and_more_than_once() -> None:
    x, z = np.array([30.0, 0.0, 7.0, 30.0]), np.array([12.0, -1.0, 12.0, 3.0])
    times = travel_times(CRUST, "P", -0.5, x, z)
    for i, distance in enumerate(x):
        for j, depth in enumerate(z):
            one = travel_times(CRUST, "P", -0.5, np.array([distance]), np.array([depth]))
            assert_allclose(times[i, j], one[0, 0], atol=1e-3)
    assert travel_times(CRUST, "P", 0.0, x[:0], z).shape == (0, 4)
    assert travel_times(CRUST, "P", 0.0, x, z[:0]).shape == (4, 0)


@given(models(), depths, depths, st.floats(0, 200))
def test_source_and_station_may_change_places(
    model: LayerModel, one: float, other: float, distance: float
) -> None:
    x = np.array([distance])
    there = travel_times(model, "P", one, x, np.array([other]))
    back = travel_times(model, "P", other, x, np.array([one]))
    assert_allclose(there, back, atol=1e-6)


@given(models(), st.booleans(), st.lists(depths, min_size=2, max_size=5), st.lists(depths))
def test_several_stations_have_the_times_of_each(
    model: LayerModel, spherical: bool, stations: list[float], points: list[float]
) -> None:
    model = replace(model, spherical=spherical)
    x, z = np.linspace(0, 200, 81), np.array(points)
    tables = travel_time_tables(model, "S", np.array(stations), x, z)
    for station, times in zip(stations, tables, strict=True):
        alone = travel_times(model, "S", station, x, z)
        # The shells of a round Earth end below the deepest station.
        assert_allclose(times, alone, atol=3e-3 if spherical else 2e-6)


@given(models(), depths, st.lists(depths, min_size=1, max_size=5))
def test_times_rise_with_distance_without_jumps(
    model: LayerModel, station: float, points: list[float]
) -> None:
    x = np.linspace(0, 200, 401)
    times = travel_times(model, "S", station, x, np.array(points))
    assert np.isfinite(times).all()
    steps = np.diff(times, axis=0)
    assert steps.min() >= -1e-7
    assert steps.max() <= 0.5 / min(model.vs) + 1e-6


@given(models(), depths, depths, st.floats(0, 200))
def test_no_path_is_slower_than_the_straight_one_or_faster_than_the_rock(
    model: LayerModel, station: float, point: float, distance: float
) -> None:
    time = travel_times(model, "P", station, np.array([distance]), np.array([point]))[0, 0]
    length = np.hypot(distance, point - station)
    along = np.linspace(station, point, 20_001)
    straight = length * np.mean(1 / model.velocity((along[1:] + along[:-1]) / 2, "P"))
    assert length / max(model.vp) - 1e-6 <= time <= straight + 2e-3 * straight + 1e-6


def test_a_table_of_usual_size_takes_well_under_a_second() -> None:
    x, z = np.arange(400) * 0.5, np.arange(100) * 0.5 - 2
    times = []
    for _ in range(3):
        start = perf_counter()
        travel_times(CRUST, "S", -1.2, x, z)
        times.append(perf_counter() - start)
    assert min(times) < 1.0
