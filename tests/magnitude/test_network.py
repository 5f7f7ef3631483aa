"""The network magnitude: unbiased for small events, robust, and independent of other events."""

import numpy as np
import pytest

from epicat.magnitude.network import (
    NetworkModel,
    Observations,
    _likelihood,
    _median,
    _refine,
    _search,
    network_magnitudes,
)
from support.simulated_magnitudes import simulate

CASES = {
    "usual": {},
    "wrong values": {"outliers": 0.08},
    "many stations": {"n_stations": 40},
    "little scatter": {"scatter": 0.1},
}


def _found(seed: int, **case):
    simulated = simulate(seed, **case)
    return simulated, network_magnitudes(simulated.observations, NetworkModel())


def _one_event(value, is_bound, is_peak=None) -> Observations:
    event = np.zeros(len(value), int)
    return Observations(event, value, is_bound, 1, event > 0 if is_peak is None else is_peak)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_simulated_networks(case, seed) -> None:
    simulated, found = _found(seed, **case)
    error = found.value - simulated.truth
    small = simulated.truth <= np.quantile(simulated.truth, 1 / 3)
    assert abs(np.median(error)) <= 0.03
    assert abs(np.median(error[small])) <= 0.05
    assert np.median(np.abs(error - np.median(error))) <= 0.05
    assert np.quantile(np.abs(error), 0.95) <= 0.15


@pytest.mark.parametrize("seed", [4, 5])
def test_the_plain_median_is_too_large_for_small_events(seed) -> None:
    simulated, found = _found(seed, scatter=0.3)
    small = simulated.truth <= np.quantile(simulated.truth, 1 / 3)
    own, plain = (np.median((v - simulated.truth)[small]) for v in (found.value, found.median))
    assert plain > 0.06
    assert abs(own) < 0.05


def test_the_standard_error_holds_its_share() -> None:
    simulated, found = _found(6)
    inside = np.abs(found.value - simulated.truth) < found.standard_error
    assert 0.6 < inside.mean() < 0.8


def test_an_event_does_not_depend_on_the_others() -> None:
    simulated, found = _found(7, n_events=30)
    rows = simulated.observations
    for i in (0, 17):
        own = rows.event == i
        alone = network_magnitudes(
            _one_event(rows.value[own], rows.is_bound[own]),
            NetworkModel(),
        )
        assert alone.value[0] == found.value[i]
        assert alone.standard_error[0] == found.standard_error[i]


def test_the_order_of_rows_does_not_matter() -> None:
    simulated, found = _found(8, n_events=20)
    rows = simulated.observations
    order = np.random.default_rng(0).permutation(len(rows.value))
    mixed = Observations(
        rows.event[order], rows.value[order], rows.is_bound[order], 20, rows.is_peak[order]
    )
    assert network_magnitudes(mixed, NetworkModel()).value == pytest.approx(found.value, abs=1e-9)


def _one(values, bounds=()):
    value = np.array([*values, *bounds], dtype=float)
    is_bound = np.arange(len(value)) >= len(values)
    rows = _one_event(value, is_bound)
    return network_magnitudes(rows, NetworkModel())


def test_one_wild_value_hardly_moves_the_magnitude() -> None:
    good = [1.0, 1.1, 0.9, 1.05, 0.95]
    assert _one([*good, 4.0]).value[0] == pytest.approx(_one(good).value[0], abs=0.02)
    assert _one([*good, 4.0]).n_used[0] == 5


def test_one_impossible_bound_hardly_moves_the_magnitude() -> None:
    """A dead channel looks like a very low bound."""
    good = [1.0, 1.1, 0.9, 1.05, 0.95]
    assert _one(good, [-2.0]).value[0] == pytest.approx(_one(good).value[0], abs=0.05)


def test_bounds_lower_a_magnitude_and_far_bounds_do_nothing() -> None:
    good = [1.0, 1.2, 1.1]
    assert _one(good, [0.9, 0.95, 1.0]).value[0] < _one(good).value[0] - 0.05
    assert _one(good, [3.0, 3.1]).value[0] == pytest.approx(_one(good).value[0], abs=1e-3)
    assert _one(good, [3.0, 3.1]).n_bounds[0] == 2


def test_without_a_value_there_is_no_magnitude() -> None:
    found = _one([], [1.0, 2.0])
    assert np.isnan(found.value[0])
    assert np.isnan(found.standard_error[0])
    assert found.n_used[0] == 0


def test_equal_values_have_that_magnitude() -> None:
    found = _one([1.5, 1.5, 1.5, 1.5])
    assert found.value[0] == pytest.approx(1.5, abs=1e-6)
    assert found.mad[0] == pytest.approx(0.0, abs=1e-6)
    assert 0.05 < found.standard_error[0] < 0.15


def _with_peaks(share: float) -> tuple[np.ndarray, np.ndarray]:
    """Give errors of events of which half the stations have no pick.

    The largest amplitude there is the event's with a probability, else that of something larger.
    The second errors are those of the same events with peaks as mere bounds.
    """
    rng = np.random.default_rng(8)
    n, stations = 300, 12
    event = np.repeat(np.arange(n), stations)
    value = rng.normal(0, 0.25, n * stations)
    is_peak = np.tile(np.arange(stations) % 2 == 1, n)
    hidden = is_peak & (rng.random(n * stations) > share)
    value[hidden] += rng.uniform(0.2, 3.0, hidden.sum())
    given = Observations(event, value, is_peak, n, is_peak)
    plain = Observations(event, value, is_peak, n, event < 0)
    return tuple(network_magnitudes(rows, NetworkModel()).value for rows in (given, plain))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_peaks_at_stations_without_a_pick_draw_no_magnitude_down(share) -> None:
    error, as_bounds = _with_peaks(share)
    assert abs(np.median(error)) < 0.05
    assert abs(np.median(error)) < abs(np.median(as_bounds)) + 0.02


def test_peaks_as_mere_bounds_would_be_biased() -> None:
    assert np.median(_with_peaks(0.9)[1]) < -0.1


def test_the_maximum_is_that_of_the_likelihood() -> None:
    """The Newton steps end where the likelihood, evaluated on a fine grid, is largest."""
    rng = np.random.default_rng(9)
    for _ in range(20):
        value = rng.normal(0, 0.25, 9)
        kind = rng.permutation([0, 0, 0, 0, 1, 1, 1, 2, 2])
        rows = _one_event(value, kind > 0, kind == 2)
        sigma, model = np.array([0.25]), NetworkModel()
        start = _search(rows, _median(rows), sigma, model)
        found = _refine(rows, start, sigma, model)
        grid = start + np.linspace(-0.1, 0.1, 4001)
        sums = [_likelihood(rows, np.array([m]), sigma, model)[0] for m in grid]
        assert found[0] == pytest.approx(grid[int(np.argmax(sums))], abs=2e-4)
