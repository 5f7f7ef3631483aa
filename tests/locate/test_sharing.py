"""Errors that P and S of a station share: their correlation, and what it does to covariances."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.location_random import Result
from benchmarks.simulated_picks import LAYERS, Errors, Simulated, simulate

from epicat.locate.arrivals import batches
from epicat.locate.locator import Locator
from epicat.locate.ordered import Symmetric
from epicat.locate.pick_noise import PickNoise
from epicat.locate.refine import Refiner, residuals
from epicat.locate.settings import Settings
from epicat.locate.sharing import Sharing, sharing

MODEL_ERROR = 0.02


def shared(case: Simulated, sigma_s: tuple[float, float]) -> Sharing:
    """Return what events share at the hypocenters that fit them, errors of picks being known."""
    grids = Locator(LAYERS, case.network, case.box).grids
    arrivals = case.arrivals.with_sigma(np.array(sigma_s)[case.arrivals.phase])
    batch = next(batches(arrivals, case.network, grids, len(arrivals)))
    noise = PickNoise.expected(Settings().noise, batch.inverse_sigma, batch.inverse_sigma)
    refiner = Refiner(case.box, MODEL_ERROR)
    start = [*(case.place_km[batch.events, k : k + 1] for k in range(3))]
    start += [case.origin_s[batch.events, None], *np.zeros((2, len(arrivals), 1))]
    found = refiner.refine(batch, noise.mixture(), start, 20)
    residual = residuals(batch, found.unknowns, MODEL_ERROR)
    return sharing(batch, found, noise, residual, MODEL_ERROR)


@pytest.mark.parametrize(
    ("errors", "sigma_s", "least", "most"),
    [
        (Errors(noise_s=(0.05, 0.08), gaussian=True), (0.05, 0.08), -0.15, 0.35),
        (Errors(noise_s=(0.03, 0.05), static_s=0.1, gaussian=True), (0.104, 0.181), 0.6, 0.95),
    ],
)
def test_correlation(errors, sigma_s, least, most):
    case = simulate(31, events=120, sensors=20, errors=errors)
    found = shared(case, sigma_s)
    assert least < np.median(found.correlation) < most


def test_errors_in_common_make_some_directions_worse_and_others_better():
    """Two picks at one station of which only the sum of the errors matters, and the difference."""
    normal = Symmetric([[np.array([[2.0]])], [np.zeros((1, 1)), np.array([[2.0]])]])
    products = Symmetric([[np.array([[2.0]])], [np.zeros((1, 1)), np.array([[-2.0]])]])
    found = Sharing(np.array([[0.5]]), normal, normal.inverse(), normal, products)
    np.testing.assert_allclose(found.covariance.stacked()[0, 0], [[0.75, 0], [0, 0.25]])


def test_errors_of_the_scale_are_no_relative_errors():
    one, zero = np.ones((1, 1)), np.zeros((1, 1))
    normal, data = Symmetric([[one], [0.5 * one, one]]), Symmetric([[one], [0.5 * one, zero]])
    found = Sharing(zero, normal, normal.inverse(), data, Symmetric([[zero], [zero, zero]]))
    inverse = np.linalg.inv([[1, 0.5], [0.5, 1]])
    expected = inverse @ [[1, 0.5], [0.5, 0]] @ inverse
    np.testing.assert_allclose(found.relative.stacked()[0, 0], expected)
    np.testing.assert_allclose(found.absorbed, 2 - inverse[1, 1])


def test_neighbours_are_apart_by_what_their_relative_errors_say():
    case = simulate(33, events=300)
    located = Locator(LAYERS, case.network, case.box).locate(case.arrivals)
    epicentre, depth, _ = Result.from_location(case, located).between_inside.mean(axis=0)
    assert 0.6 <= epicentre <= 0.82
    assert 0.6 <= depth <= 0.8
