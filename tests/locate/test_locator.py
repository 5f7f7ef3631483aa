from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from benchmarks.simulated_picks import LAYERS, Errors, Simulated, simulate
from hypothesis import given, settings
from hypothesis import strategies as st

from epicat.locate.arrivals import Arrivals, Network
from epicat.locate.locator import Locator
from epicat.locate.search import Box
from epicat.locate.settings import Settings
from epicat.locate.solution import Located
from epicat.velocity.layers import LayerModel

EXACT = Errors(noise_s=(1e-4, 1e-4), wrong=0.0)
PER_EVENT = ("place_km", "origin_s", "origin_error_s", "covariance_km2", "relative_km2",
             "is_depth_fixed", "error_factor", "wrong_share")  # fmt: skip


def locator(case: Simulated, **changes) -> Locator:
    return Locator(LAYERS, case.network, case.box, Settings(**changes))


def subset(arrivals: Arrivals, events: np.ndarray) -> Arrivals:
    keep = np.isin(arrivals.event, events)
    number = np.searchsorted(events, arrivals.event[keep])
    return Arrivals.from_columns(number, arrivals.sensor[keep], arrivals.phase[keep],
                                 arrivals.time_s[keep], arrivals.sigma_s[keep])  # fmt: skip


@pytest.fixture(scope="module")
def noisy() -> tuple[Simulated, Locator, Located]:
    case = simulate(7, events=30, errors=Errors(wrong=0.1))
    found = locator(case)
    return case, found, found.locate(case.arrivals)


def test_exact_picks_give_the_true_place():
    case = simulate(1, events=40, errors=EXACT, least=10)
    located = locator(case, model_error=0.0).locate(case.arrivals)
    off = located.place_km - case.place_km
    assert np.percentile(np.hypot(off[:, 0], off[:, 1]), 95) < 0.03
    assert np.median(np.abs(off[:, 2])) < 0.05
    assert np.median(np.abs(located.origin_s - case.origin_s)) < 0.01


def test_a_third_of_wrong_picks_does_not_move_the_place():
    case = simulate(2, events=40, sensors=24, errors=Errors(wrong=0.3), least=16)
    located = locator(case).locate(case.arrivals)
    off = np.hypot(*(located.place_km - case.place_km)[:, :2].T)
    assert np.median(off) < 0.25
    assert np.percentile(off, 90) < 1.0


def test_wrong_picks_are_recognised(noisy):
    _, _, located = noisy
    predicted = np.abs(located.residual_s) > 0.5
    assert located.inlier[predicted].max() < 0.2
    assert np.median(located.inlier) > 0.9


@pytest.mark.parametrize("velocity", [0.02, -0.02])
def test_an_error_of_the_model_is_in_the_depth_interval(velocity):
    case = simulate(3, events=100, errors=Errors(velocity=velocity))
    located = locator(case).locate(case.arrivals)
    off = np.abs(located.place_km - case.place_km)[:, 2]
    assert np.mean(off < np.sqrt(located.covariance_km2[:, 2, 2])) >= 0.6


def test_events_may_be_above_sea_level():
    rng = np.random.default_rng(4)
    angle = rng.uniform(0, 2 * np.pi, 12)
    network = Network(6 * np.cos(angle), 6 * np.sin(angle), -rng.uniform(1.5, 2.5, 12))
    model = LayerModel((-3.0,), (5.0,), (2.9,), constant=True)
    true = np.array([0.5, -0.3, -1.2])
    distance = np.sqrt((network.x_km - true[0]) ** 2 + (network.y_km - true[1]) ** 2
                       + (network.depth_km - true[2]) ** 2)  # fmt: skip
    sensor = np.repeat(np.arange(12), 2)
    phase = np.tile([0, 1], 12)
    time = distance[sensor] / np.array([5.0, 2.9])[phase] + rng.normal(0, 0.01, 24)
    arrivals = Arrivals.from_columns(np.zeros(24, int), sensor, phase, time, np.full(24, 0.05))
    located = Locator(model, network, Box((-20, 20), (-20, 20), (-2.5, 20))).locate(arrivals)
    assert np.abs(located.place_km[0] - true).max() < 0.3


def test_a_depth_that_the_data_do_not_hold_is_fixed_and_said_to_be():
    """Four P picks far away on one side know nothing of the depth."""
    network = Network(np.array([55.0, 58.0, 60.0, 57.0]), np.array([-6.0, -2.0, 3.0, 7.0]),
                      np.zeros(4))  # fmt: skip
    model = LayerModel((0.0,), (6.0,), (3.5,), constant=True)
    time = np.sqrt(network.x_km**2 + network.y_km**2 + 8.0**2) / 6.0
    arrivals = Arrivals.from_columns(np.zeros(4, int), np.arange(4), np.zeros(4, int), time,
                                     np.full(4, 0.05))  # fmt: skip
    box = Box((-60, 60), (-60, 60), (0, 30))
    located = Locator(model, network, box, Settings(fixed_depth_km=7.0)).locate(arrivals)
    assert located.is_depth_fixed[0]
    assert located.place_km[0, 2] == 7.0
    assert located.covariance_km2[0, 2, 2] > 6.0**2


def test_the_relative_error_is_below_the_absolute_one(noisy):
    _, _, located = noisy
    absolute, relative = (np.sqrt(c[:, 2, 2]) for c in (located.covariance_km2,
                                                        located.relative_km2))  # fmt: skip
    assert np.median(relative) < np.median(absolute)


@settings(max_examples=8)
@given(events=st.sets(st.integers(0, 25), min_size=1, max_size=5))
def test_a_location_is_the_same_to_the_last_bit_in_any_batch(noisy, events):
    case, found, together = noisy
    chosen = np.array(sorted(events))
    located = found.locate(subset(case.arrivals, chosen))
    for name in PER_EVENT:
        assert np.array_equal(getattr(located, name), getattr(together, name)[chosen]), name
    keep = np.isin(case.arrivals.event, chosen)
    for field in fields(Located):
        if field.name not in PER_EVENT:
            ours, theirs = getattr(located, field.name), getattr(together, field.name)
            assert np.array_equal(ours, theirs[keep]), field.name


def test_a_location_does_not_depend_on_the_size_of_batches(noisy, monkeypatch):
    case, found, together = noisy
    monkeypatch.setattr("epicat.locate.locator._BATCH", 7)
    monkeypatch.setattr("epicat.locate.arrivals._AT_ONCE", 1 << 12)
    again = found.locate(case.arrivals)
    for field in fields(Located):
        assert np.array_equal(getattr(again, field.name), getattr(together, field.name))


def test_a_location_does_not_depend_on_the_order_of_picks(noisy):
    case, found, together = noisy
    a = case.arrivals
    order = np.random.default_rng(8).permutation(len(a.time_s))
    mixed = Arrivals.from_columns(a.event[order], a.sensor[order], a.phase[order],
                                  a.time_s[order], a.sigma_s[order])  # fmt: skip
    assert np.array_equal(found.locate(mixed).place_km, together.place_km)
    assert np.array_equal(order[mixed.row], np.arange(len(order)))


def test_a_place_to_begin_from_changes_little_where_the_search_finds_it(noisy):
    case, found, together = noisy
    again = found.locate(case.arrivals, start=case.place_km)
    off = np.sqrt(((again.place_km - together.place_km) ** 2).sum(1))
    assert np.percentile(off, 90) < 0.05


def test_half_the_noise_gives_smaller_regions():
    quiet, loud = (simulate(9, events=30, errors=replace(Errors(), noise_s=s))
                   for s in ((0.04, 0.07), (0.12, 0.2)))  # fmt: skip
    axes = [np.median(locator(c).locate(c.arrivals).covariance_km2[:, 0, 0])
            for c in (quiet, loud)]  # fmt: skip
    assert axes[0] < axes[1] / 3


def test_rays_leave_the_source_towards_the_stations():
    """In a uniform earth rays are straight; in a layered one far ones turn downwards."""
    uniform = LayerModel((0.0,), (6.0,), (3.5,), constant=True)
    case = simulate(3, events=20, errors=EXACT, least=10)
    located = Locator(uniform, case.network, case.box).locate(case.arrivals)
    a = case.arrivals
    east, north, depth = located.place_km[a.event].T
    distance = np.hypot(case.network.x_km[a.sensor] - east, case.network.y_km[a.sensor] - north)
    up = depth - case.network.depth_km[a.sensor]
    straight = np.degrees(np.arctan2(distance, -up))
    assert np.abs(located.takeoff_deg - straight).max() < 1.0
    layered = locator(case).locate(a).takeoff_deg
    assert ((layered > 0) & (layered < 180)).all()
    far = distance > 30
    assert np.median(layered[far]) < np.median(straight[far])
