"""Frequency-magnitude statistics against closed forms and simulated catalogs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.frequency_magnitude import (
    b_positive,
    b_value,
    frequency_magnitude,
    maximum_curvature,
)

GOLDEN_B = (1.02157, 0.03540)
GOLDEN_POSITIVE = (0.99660, 0.03807)


def _catalog(seed: int, n: int = 4000, b: float = 1.0, least: float = 0.95) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.round(least + rng.exponential(1 / (b * np.log(10)), n), 1)


@pytest.mark.parametrize("b", [0.7, 1.0, 1.4])
def test_b_of_a_complete_catalog(b) -> None:
    errors = []
    for seed in range(20):
        found = b_value(_catalog(seed, b=b), 1.0)
        errors.append((found.b - b) / found.error)
    assert abs(np.mean(errors)) < 0.6
    assert 0.6 < np.std(errors) < 1.5


def test_b_positive_agrees() -> None:
    found = [b_positive(_catalog(seed)) for seed in range(10)]
    assert np.mean([f.b for f in found]) == pytest.approx(1.0, abs=0.03)
    assert all(0.01 < f.error < 0.05 for f in found)


def test_b_positive_does_not_see_a_change_of_completeness() -> None:
    """Small events are missing in the first half."""
    rng = np.random.default_rng(3)
    early, late = _catalog(1), _catalog(2)
    early = early[early >= 1.5 + 0.1 * rng.integers(0, 2, early.size)]
    found = b_positive(np.concatenate([early, late]))
    assert found.b == pytest.approx(1.0, abs=0.06)


def test_formulas_by_hand() -> None:
    """Ten magnitudes of mean 1.2 at completeness 1.0, in bins of 0.1."""
    magnitudes = [1.0, 1.1, 1.2, 1.3, 1.4] * 2
    found = b_value(magnitudes, 1.0)
    b = np.log(1 + 0.1 / 0.2) / 0.1 / np.log(10)
    assert found.b == pytest.approx(b)
    variance = 0.2 / (10 * 9)
    assert found.error == pytest.approx(np.log(10) * b**2 * np.sqrt(variance))
    assert found.count == 10
    unbinned = b_value(magnitudes, 1.0, 0.0)
    assert unbinned.b == pytest.approx(1 / (0.2 * np.log(10)))


def _series(n: int = 1500) -> np.ndarray:
    """Give magnitudes without a random number: quantiles of b = 1, in a scrambled order."""
    at = (np.arange(1, n + 1) ** 2 * 0.6180339887498949) % 1.0
    return np.round(-np.log10(1 - at), 1)


def test_golden_values_of_a_fixed_series() -> None:
    """The formulas of the papers, written out, on a series that anybody can make again."""
    magnitudes, width = _series(), 0.1
    above = magnitudes[magnitudes >= 0.3 - width / 2]
    steps = np.diff(magnitudes)
    steps = steps[steps >= width - width / 2]
    found = b_value(magnitudes, 0.3), b_positive(magnitudes)
    for values, least, ours in ((above, 0.3, found[0]), (steps, width, found[1])):
        n = len(values)
        b = np.log1p(width / (values.mean() - least)) / width / np.log(10)
        square = np.square(values - values.mean()).sum() / (n * (n - 1))
        assert ours.count == n
        assert ours.b == pytest.approx(b, rel=1e-12)
        assert ours.error == pytest.approx(np.log(10) * b**2 * np.sqrt(square), rel=1e-12)
    assert (found[0].b, found[0].error) == pytest.approx(GOLDEN_B, abs=1e-5)
    assert (found[1].b, found[1].error) == pytest.approx(GOLDEN_POSITIVE, abs=1e-5)


def test_completeness_is_above_the_fullest_bin() -> None:
    rng = np.random.default_rng(0)
    truth = rng.exponential(1 / np.log(10), 20000)
    seen = truth[rng.random(truth.size) < 1 / (1 + np.exp(-(truth - 0.8) * 12))]
    found = frequency_magnitude(seen)
    assert found.completeness == pytest.approx(maximum_curvature(np.round(seen, 1)))
    assert 0.8 <= found.completeness <= 1.3
    assert found.b.b == pytest.approx(1.0, abs=0.1)
    assert found.counts.sum() == seen.size
    assert found.cumulative[0] == seen.size
    assert found.expected(found.completeness) == pytest.approx(found.b.count)


def test_few_or_no_events_have_no_b() -> None:
    assert frequency_magnitude([]) is None
    assert frequency_magnitude([np.nan]) is None
    found = frequency_magnitude([1.0, 1.1])
    assert found.b is None
    assert found.b_positive is None
    assert found.expected(1.0) is None
    assert frequency_magnitude([1.0] * 30).b is None


@given(st.lists(st.floats(-3, 8), min_size=1, max_size=50))
def test_counts_are_complete_for_any_catalog(values) -> None:
    found = frequency_magnitude(values)
    assert found.counts.sum() == len(values)
    assert (np.diff(found.magnitudes) > 0).all()
    assert found.counts[0] > 0
    assert found.counts[-1] > 0
