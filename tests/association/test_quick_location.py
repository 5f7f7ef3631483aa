"""The quick location: robust, within the box, and independent of where PyOcto ended."""

from __future__ import annotations

import numpy as np
import pytest

from epicat.association.quick_location import QuickLocator
from epicat.association.search import Found, SearchInput
from epicat.association.site_times import SiteTimes

SPEED = (6.0, 3.5)
BOX = ((-40.0, 40.0), (-40.0, 40.0), (0.0, 30.0))
TRUE = (7.0, -11.0, 9.0)
ORIGIN_S = 100.0


@pytest.fixture(scope="module")
def times():
    place = np.random.default_rng(3).uniform(-30, 30, (12, 3))
    place[:, 2] = 0.0
    return SiteTimes(tuple(f"S{n}" for n in range(12)), place, SPEED)


@pytest.fixture(scope="module")
def picks(times):
    seconds = (ORIGIN_S + times.times(TRUE)).ravel()
    site = np.tile(np.arange(12), 2)
    return SearchInput(seconds, site, np.repeat(np.array([ord("P"), ord("S")], np.uint8), 12))


def moved(times, picks, place):
    locator = QuickLocator(times, BOX, 12.0, 0.3)
    return locator.locate(Found(0.0, place, np.arange(len(picks)), np.zeros(len(picks))), picks)


@pytest.mark.parametrize("place", [(0.0, 0.0, 15.0), (-20.0, 20.0, 0.0), (39.0, -39.0, 29.0)])
def test_exact_picks_lead_to_the_hypocenter_from_anywhere(times, picks, place):
    event = moved(times, picks, place)
    assert event.place_km == pytest.approx(TRUE, abs=1.0)
    assert event.time_s == pytest.approx(ORIGIN_S, abs=0.1)
    assert np.abs(event.residual_s).max() < 0.2


def test_wrong_picks_do_not_move_the_event(times, picks):
    wrong = picks.time_s + np.where(np.arange(24) % 6 == 0, 3.0, 0.0)
    event = moved(times, SearchInput(wrong, picks.site, picks.phase), (0.0, 0.0, 15.0))
    assert event.place_km == pytest.approx(TRUE, abs=1.0)


def test_no_place_is_outside_the_box(times, picks):
    far = SearchInput(picks.time_s + 0.5 * np.arange(24), picks.site, picks.phase)
    event = moved(times, far, (60.0, 0.0, -5.0))
    assert all(low <= x <= high for x, (low, high) in zip(event.place_km, BOX, strict=True))


def test_residuals_belong_to_the_place_and_time(times, picks):
    event = moved(times, picks, (3.0, 3.0, 3.0))
    phase = (picks.phase == ord("S")).astype(int)
    predicted = event.time_s + times.times(event.place_km)[phase, picks.site]
    assert event.residual_s == pytest.approx(picks.time_s - predicted)
