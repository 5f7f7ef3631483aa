"""Delays along paths: predictions held against dense linear algebra, fields against truth."""

from __future__ import annotations

import numpy as np
import pytest

from epicat.locate.kriging import DelayField, Neighbourhood, fit_field

FIELD = DelayField(0.08**2, 5.0)


def scene(seed: int, targets: int, near: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    target = rng.uniform(-5, 5, (targets, 3))
    places = target + rng.normal(0, 3, (near, targets, 3))
    value = rng.normal(0, 0.1, (near, targets))
    noise = rng.uniform(0.02, 0.06, (near, targets)) ** 2
    return target, places, value, noise


def dense(target, places, value, noise, field):
    """The textbook's formulas for one target."""
    apart = ((places[:, None] - places[None]) ** 2).sum(-1)
    to = field.covariance(((places - target) ** 2).sum(-1))
    weight = np.linalg.solve(field.covariance(apart) + np.diag(noise), to)
    return weight @ value, field.variance_s2 - weight @ to


def test_a_prediction_is_that_of_the_textbook():
    target, places, value, noise = scene(1, 7, 12)
    mean, left = Neighbourhood.from_places(target, places, value, noise).predict(FIELD)
    for i in range(7):
        expected = dense(target[i], places[:, i], value[:, i], noise[:, i], FIELD)
        np.testing.assert_allclose((mean[i], left[i]), expected, rtol=1e-9)


def test_an_absent_neighbour_has_no_influence():
    target, places, value, noise = scene(2, 5, 8)
    fewer = Neighbourhood.from_places(target, places[:-1], value[:-1], noise[:-1]).predict(FIELD)
    noise[-1] = np.inf
    absent = Neighbourhood.from_places(target, places, value, noise).predict(FIELD)
    np.testing.assert_array_equal(fewer, absent)


def test_a_prediction_does_not_depend_on_the_other_targets():
    target, places, value, noise = scene(3, 40, 10)
    together = Neighbourhood.from_places(target, places, value, noise).predict(FIELD)
    for part in (slice(0, 1), slice(5, 18)):
        alone = Neighbourhood.from_places(
            target[part], places[:, part], value[:, part], noise[:, part]
        )
        np.testing.assert_array_equal(alone.predict(FIELD), np.array(together)[:, part])


def test_joined_neighbourhoods_are_in_the_order_asked_for():
    one = Neighbourhood.from_places(*scene(4, 3, 6))
    two = Neighbourhood.from_places(*scene(5, 2, 4))
    joined = Neighbourhood.joined([one, two], np.array([4, 0, 1, 2, 3]))
    expected = np.concatenate([one.predict(FIELD), two.predict(FIELD)], axis=1)
    np.testing.assert_array_equal(joined.predict(FIELD), expected[:, [4, 0, 1, 2, 3]])


def neighbourhoods(seed: int, field: DelayField, noise_s: float):
    """Delays of 500 events, each with its 20 nearest neighbours."""
    rng = np.random.default_rng(seed)
    place = rng.uniform(-12, 12, (500, 3))
    squared = ((place[:, None] - place[None]) ** 2).sum(-1)
    factor = np.linalg.cholesky(field.covariance(squared) + 1e-9 * np.eye(500))
    value = factor @ rng.normal(0, 1, 500) + rng.normal(0, noise_s, 500)
    near = np.argsort(squared, axis=1)[:, 1:21].T
    noise = np.full(500, noise_s**2)
    around = Neighbourhood.from_places(place, place[near], value[near], noise[near])
    return around, value, noise


@pytest.mark.parametrize(("seed", "length_km"), [(6, 2.8), (7, 5.6), (8, 11.0)])
def test_the_field_is_found_in_the_data(seed, length_km):
    around, value, noise = neighbourhoods(seed, DelayField(0.06**2, length_km), 0.03)
    field, factor = fit_field(around, value, noise, 1.0)
    assert 0.65 < field.length_km / length_km < 1.5
    assert 0.6 < np.sqrt(field.variance_s2) / 0.06 < 1.6
    assert 0.8 < factor < 1.25


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_a_field_is_not_larger_than_the_delays_that_are_seen(seed):
    """It is much longer than the events are apart, so that neighbours do not tell its size."""
    around, value, noise = neighbourhoods(seed, DelayField(0.3**2, 60.0), 0.03)
    field, _ = fit_field(around, value, noise, 1.0)
    assert field.variance_s2 <= np.mean(value**2)


def test_noise_is_no_field():
    around, value, noise = neighbourhoods(9, DelayField(0.0, 4.0), 0.05)
    field, factor = fit_field(around, value, noise, 1.0)
    assert field.variance_s2 < 0.05 * 0.05**2 + 1e-12
    assert 0.85 < factor < 1.15
