"""The shift that neighbouring events have in common."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.simulated_picks import LAYERS, Errors, simulate

from epicat.locate.arrivals import batches
from epicat.locate.common_shift import ShiftEquations
from epicat.locate.locator import Locator

SHIFT = np.array([0.3, -0.2, 0.25, 0.02])
"""East, north, depth in km, origin time in s."""


@pytest.fixture(scope="module")
def case():
    return simulate(31, events=80, errors=Errors(noise_s=(0.02, 0.03), wrong=0.0, gaussian=True))


def solved(case, off: np.ndarray, size: int = 64) -> np.ndarray:
    """Return the shifts found when each event is ``off`` (events, 4) its true place."""
    place_km, origin_s = case.place_km - off[:, :3], case.origin_s - off[:, 3]
    locator = Locator(LAYERS, case.network, case.box)
    equations = ShiftEquations.empty(len(place_km))
    for batch in batches(case.arrivals, case.network, locator.grids, size):
        place = place_km[batch.events]
        unknowns = [*(place[:, k : k + 1] for k in range(3)), origin_s[batch.events][:, None]]
        residual = batch.time_s - unknowns[3] - batch.times(*unknowns[:3])
        equations.add(batch, unknowns, residual, np.where(batch.used, 0.025**-2.0, 0.0))
    return equations.solved(place_km, 8.0)


def test_a_shift_of_all_events_is_found(case):
    found = solved(case, np.tile(SHIFT, (len(case.place_km), 1)))
    assert np.median(abs(found - SHIFT), axis=0) == pytest.approx(np.zeros(4), abs=0.06)


def test_errors_of_single_events_are_no_common_shift(case):
    off = np.random.default_rng(3).normal(0, 1, (len(case.place_km), 4)) * (0.3, 0.3, 0.3, 0.0)
    found = solved(case, off)
    assert (np.std(found[:, :3], axis=0) < 0.6 * np.std(off[:, :3], axis=0)).all()


def test_shifts_are_the_same_for_other_batches(case):
    off = np.tile(SHIFT, (len(case.place_km), 1))
    assert np.array_equal(solved(case, off, 7), solved(case, off, 64))
