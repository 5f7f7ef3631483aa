"""Static terms and scales from events whose hypocenters are eliminated."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.simulated_picks import LAYERS, Errors, simulate

from epicat.locate.arrivals import batches
from epicat.locate.joint import JointEquations
from epicat.locate.locator import Locator

NOISE_S = (0.02, 0.03)


def equations(case, term, scale, size=64):
    """The joint equations at places that are 300 m off, of times with terms, scales of P and S."""
    scale = np.broadcast_to(scale, 2)
    locator = Locator(LAYERS, case.network, case.box)
    keys = 2 * len(case.network.x_km)
    joint = JointEquations(keys)
    off = np.random.default_rng(1).normal(0, 0.3, case.place_km.shape)
    for batch in batches(case.arrivals, case.network, locator.grids, size):
        place = case.place_km[batch.events] + off[batch.events]
        unknowns = [*(place[:, k : k + 1] for k in range(3)), case.origin_s[batch.events][:, None]]
        times = batch.times(*unknowns[:3])
        sigma = np.array(NOISE_S)[batch.key % 2]
        total = batch.time_s + term[batch.key] + scale[batch.key % 2] * times - unknowns[3] - times
        joint.add(batch, unknowns, total, np.where(batch.used, sigma**-2.0, 0.0))
    return joint


def quiet(seed: int, events: int = 150):
    errors = Errors(noise_s=NOISE_S, wrong=0.0, gaussian=True)
    return simulate(seed, events=events, errors=errors, least=10)


@pytest.mark.parametrize(
    ("seed", "scale"),
    [(11, 0.0), (12, 0.015), (13, -0.015), (14, (0.0, 0.02)), (15, (0.015, -0.01))],
)
def test_terms_and_scales_are_found(seed, scale):
    case = quiet(seed)
    rng = np.random.default_rng(seed)
    by_sensor = rng.normal(0, 0.1, len(case.network.x_km))
    term = np.column_stack([by_sensor, 1.7 * by_sensor]).ravel()
    found = equations(case, term, scale).solved(0.02)
    error = np.sqrt(np.diagonal(found.covariance)[-2:])
    assert (error < 0.01).all()
    assert (abs(found.scale - scale) < 3 * error).all()
    # All stations late is all events late: that no term can tell.
    off = found.value_s - term
    assert np.std(off) < 0.25 * np.std(term)


def test_the_errors_of_the_terms_are_those_that_are_seen():
    squares = []
    for seed in range(21, 27):
        case = quiet(seed, events=60)
        rng = np.random.default_rng(seed)
        by_sensor = rng.normal(0, 0.1, len(case.network.x_km))
        term = np.column_stack([by_sensor, 1.7 * by_sensor]).ravel()
        found = equations(case, term, 0.0).solved(0.02)
        off = np.append(found.value_s - term, found.scale)
        squares.append(off @ np.linalg.solve(found.covariance, off) / len(off))
    assert 0.6 < np.mean(squares) < 1.8


def test_the_equations_do_not_depend_on_batches():
    case = quiet(14, events=40)
    term = np.zeros(2 * len(case.network.x_km))
    one, two = (equations(case, term, 0.01, size).solved(0.02) for size in (7, 64))
    np.testing.assert_allclose(one.value_s, two.value_s, atol=1e-9)
    np.testing.assert_allclose(one.covariance, two.covariance, atol=1e-9)


def test_without_data_the_scales_have_their_prior():
    """P, S, and their ratio are equally uncertain."""
    p, s = JointEquations(4).solved(0.02).covariance[-2:, -2:]
    assert [p[0], s[1], p[0] - 2 * p[1] + s[1]] == pytest.approx([0.02**2] * 3)


def test_without_freedom_there_is_no_scale():
    case = quiet(15, events=40)
    found = equations(case, np.zeros(2 * len(case.network.x_km)), 0.01).solved(0.0)
    assert (abs(found.scale) < 1e-6).all()
