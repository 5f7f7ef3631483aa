"""The delay that most picks of a site have in common, told from wrong picks."""

from __future__ import annotations

import numpy as np
import pytest

from epicat.locate.first_terms import first_terms

WIDTH_S, SIGMA_S = 3.0, 0.08


def found(residual_s, key, wrong_share=0.25):
    sigma_s = np.full(len(key), SIGMA_S)
    keys = int(key.max()) + 1
    return first_terms(residual_s, key, sigma_s, keys, wrong_share, WIDTH_S)


def residuals(rng, delay_s, picks, wrong):
    """Picks of each key with its delay, of which a share is wrong."""
    key = np.repeat(np.arange(len(delay_s)), picks)
    right = np.asarray(delay_s)[key] + rng.normal(0, SIGMA_S, len(key))
    anywhere = rng.uniform(-WIDTH_S / 2, WIDTH_S / 2, len(key))
    return np.where(rng.random(len(key)) < wrong, anywhere, right), key


def test_delays_beyond_the_errors_of_picks_are_found():
    delay_s = [0.0, 0.9, -0.4, 0.15, 1.2]
    value = found(*residuals(np.random.default_rng(1), delay_s, 40, 0.3))
    assert value == pytest.approx(delay_s, abs=0.06)


def test_wrong_picks_alone_make_no_term():
    rng = np.random.default_rng(2)
    key = np.repeat(np.arange(20), 12)
    residual = np.where(rng.random(len(key)) < 0.7, rng.normal(0, SIGMA_S, len(key)),
                        rng.uniform(-1.5, 1.5, len(key)))  # fmt: skip
    assert np.max(np.abs(found(residual, key))) < 0.1


def test_one_pick_makes_no_large_term_and_none_makes_none():
    value = found(np.array([0.9, 0.05]), np.array([0, 2]))
    assert value == pytest.approx([0.0, 0.0, 0.03], abs=0.03)
