"""How many true places lie in the 68 % region; `python -m benchmarks locate` asks many more."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.simulated_picks import LAYERS, Errors, simulate, simulate_random

from epicat.locate.locator import Locator

IN_ONE, IN_TWO = 1.0, 2.2957
"""Quantiles of chi-square at 68.27 % with one and two degrees of freedom."""


def shares(seed: int, errors: Errors, events: int = 200) -> tuple[float, float]:
    """Return the share of true epicentres and depths in their regions."""
    case = simulate(seed, events=events, errors=errors)
    located = Locator(LAYERS, case.network, case.box).locate(case.arrivals)
    off, covariance = located.place_km - case.place_km, located.covariance_km2
    inverse = np.linalg.inv(covariance[:, :2, :2])
    distance = np.einsum("ei,eij,ej->e", off[:, :2], inverse, off[:, :2])
    depth = off[:, 2] ** 2 / covariance[:, 2, 2]
    return float(np.mean(distance <= IN_TWO)), float(np.mean(depth <= IN_ONE))


def test_noise_and_wrong_picks():
    horizontal, depth = shares(21, Errors(noise_s=(0.05, 0.09)))
    assert 0.60 <= horizontal <= 0.80
    assert 0.60 <= depth <= 0.82


def test_errors_that_differ_from_event_to_event():
    """Such errors are told from noise with few picks only: 60 to 90 % is what is asked."""
    horizontal, depth = shares(22, Errors(path_s=0.13, path_km=0.01))
    assert 0.60 <= horizontal <= 0.90
    assert 0.60 <= depth <= 0.90


@pytest.mark.parametrize("ratio", [-0.02, 0.02])
def test_a_wrong_ratio_of_velocities_does_not_become_depth(ratio: float):
    """With one scale for P and S depths were 1.1 km off, and 15 % of them in their intervals."""
    case = simulate(21, events=200, errors=Errors(ratio=ratio))
    located = Locator(LAYERS, case.network, case.box).locate(case.arrivals)
    off = located.place_km[:, 2] - case.place_km[:, 2]
    assert abs(np.median(off)) < 0.15
    assert np.median(abs(off)) < 0.45
    assert 0.60 <= np.mean(off**2 <= located.covariance_km2[:, 2, 2]) <= 0.90


def test_no_depth_is_certain_to_metres_at_the_boundary_of_layers():
    """There the likelihood is much narrower than it looks from the slopes on one side."""
    case = simulate(22, events=200, errors=Errors(path_s=0.13, path_km=0.01))
    located = Locator(LAYERS, case.network, case.box).locate(case.arrivals)
    assert np.sqrt(located.covariance_km2[:, 2, 2]).min() > 0.05


def test_errors_relative_to_neighbours_are_no_larger_than_absolute_ones():
    case = simulate_random(1201, events=120)
    located = Locator(LAYERS, case.network, case.box).locate(case.arrivals)
    more = located.covariance_km2 - located.relative_km2
    smallest = np.linalg.eigvalsh(more)[:, 0]
    assert np.all(smallest >= -1e-6 * np.trace(located.covariance_km2, axis1=1, axis2=2))
