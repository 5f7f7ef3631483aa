"""Errors of picks by phase and confidence, from residuals with wrong picks among them."""

from __future__ import annotations

import numpy as np
import pytest

from epicat.locate.pick_errors import PickErrors, Residuals, confidence_class

BEFORE = PickErrors.expected((0.05, 0.08), 0.1)
WIDTH_S = 1.6


def residuals(seed: int, wrong: float, n: int = 4000) -> tuple[Residuals, np.ndarray]:
    """Give residuals whose error falls from 0.12 to 0.04 s with confidence, twice that for S."""
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.1, 1.0, n)
    grade = confidence_class(confidence)
    phase = rng.integers(0, 2, n)
    sigma = np.array([0.12, 0.10, 0.08, 0.06, 0.04])[grade] * (1 + phase)
    value = np.where(rng.random(n) < wrong, rng.uniform(-0.8, 0.8, n), rng.normal(0, sigma))
    event = np.repeat(np.arange(n // 20), 20)
    return Residuals(event, phase, grade, value, np.ones(n)), sigma


def test_classes_of_confidence():
    found = confidence_class(np.array([0.1, 0.3, 0.6, 0.7, 0.95, np.nan]))
    assert found.tolist() == [0, 1, 2, 3, 4, 4]


@pytest.mark.parametrize("wrong", [0.0, 0.15, 0.3])
def test_errors_and_the_share_of_wrong_picks_are_found(wrong):
    seen, _ = residuals(1, wrong)
    found = BEFORE.fitted(seen, WIDTH_S)
    assert abs(found.wrong_share - wrong) < 0.12
    true = np.array([0.12, 0.10, 0.08, 0.06, 0.04])
    for phase in (0, 1):
        assert np.all(np.diff(found.sigma_s[phase]) < 0)
        np.testing.assert_allclose(found.sigma_s[phase] / (true * (1 + phase)), 1.25, atol=0.5)


def test_few_picks_say_nothing():
    seen, _ = residuals(2, 0.0, n=20)
    assert BEFORE.fitted(seen, WIDTH_S).phase_s == BEFORE.phase_s


def test_a_class_without_picks_has_the_error_of_its_phase():
    seen, _ = residuals(3, 0.1)
    rows = seen.grade > 1
    fewer = Residuals(*(getattr(seen, n)[rows] for n in
                        ("event", "phase", "grade", "residual_s", "inlier")))  # fmt: skip
    found = BEFORE.fitted(fewer, WIDTH_S)
    np.testing.assert_allclose(found.sigma_s[:, 0], found.phase_s)
