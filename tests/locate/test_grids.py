from __future__ import annotations

import numpy as np
import pytest
from benchmarks.simulated_picks import LAYERS

from epicat.locate.grids import PHASES, TravelTimeGrids
from epicat.velocity.layers import LayerModel
from epicat.velocity.travel_times import travel_times

UNIFORM = LayerModel((0.0,), (6.0,), (3.5,), constant=True)
STEPS = LayerModel((0.0, 5.5, 16.0, 32.0), (5.5, 6.3, 6.7, 7.8), (3.18, 3.64, 3.87, 4.5), True)


def grids(model: LayerModel, depths=(-1.2, 0.0)) -> TravelTimeGrids:
    return TravelTimeGrids.from_model(
        model, np.array(depths), max_distance_km=80.0, depth_range_km=(-1.5, 25.0)
    )


def places(seed: int, n: int = 300):
    rng = np.random.default_rng(seed)
    return rng.uniform(-50, 50, n), rng.uniform(-50, 50, n), rng.uniform(-1.5, 25, n)


@pytest.mark.parametrize("phase", [0, 1])
def test_times_in_a_uniform_earth_are_exact(phase):
    table = grids(UNIFORM)
    x, y, z = places(1)
    first = (table.grid_of[0] + phase) * table.grid_size
    times = table.times(np.full(len(x), first), (x, y), z + 1.2, z)
    length = np.sqrt(x**2 + y**2 + (z + 1.2) ** 2)
    np.testing.assert_allclose(times, length / (6.0, 3.5)[phase], atol=5e-5)


@pytest.mark.parametrize("model", [LAYERS, STEPS])
def test_interpolation_is_far_below_the_error_of_a_pick(model):
    table = grids(model)
    x, y, z = places(2, 60)
    for sensor, depth in enumerate((-1.2, 0.0)):
        for phase, name in enumerate(PHASES):
            first = np.full(len(x), (table.grid_of[sensor] + phase) * table.grid_size)
            times = table.times(first, (x, y), z - depth, z)
            exact = np.array(
                [travel_times(model, name, depth, np.array([r]), np.array([d]))[0, 0]
                 for r, d in zip(np.hypot(x, y), z, strict=True)]
            )  # fmt: skip
            assert np.abs(times - exact).max() < 0.03
            assert np.sqrt(np.mean((times - exact) ** 2)) < 0.004


def test_slopes_are_those_of_the_times():
    table = grids(LAYERS)
    x, y, z = places(3)
    first = np.full(len(x), table.grid_of[1] * table.grid_size)
    times, slopes = table.times_and_slopes(first, (x, y), z, z)
    np.testing.assert_allclose(times, table.times(first, (x, y), z, z), rtol=1e-12)
    step = 1e-6
    for k, slope in enumerate(slopes):
        moved = [v + step * (k == i) for i, v in enumerate((x, y, z))]
        after = table.times(first, (moved[0], moved[1]), moved[2], moved[2])
        difference = (after - times) / step
        assert np.median(np.abs(difference - slope)) < 1e-6
        assert np.mean(np.abs(difference - slope) < 1e-4) > 0.99  # but for edges of cells


def test_sensors_at_one_depth_share_a_grid():
    table = grids(UNIFORM, depths=(0.5, 0.5001, -0.3))
    assert table.grid_of.tolist() == [2, 2, 0]
    assert len(table.slowness) == 4 * table.grid_size
