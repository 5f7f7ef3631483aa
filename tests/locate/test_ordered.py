from __future__ import annotations

import numpy as np
import pytest

from epicat.locate.ordered import Symmetric, normal_equations, solve, total


def systems(seed: int, n: int = 4, batch: int = 7):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(batch, n, 2 * n))
    matrices = a @ a.transpose(0, 2, 1)
    rows = [[matrices[:, i, j] for j in range(n)] for i in range(n)]
    return matrices, Symmetric(rows), rng.normal(size=(n, batch))


def test_solutions_are_those_of_numpy():
    matrices, symmetric, right = systems(1)
    expected = np.linalg.solve(matrices, right.T[..., None])[..., 0]
    np.testing.assert_allclose(np.stack(solve(symmetric, list(right)), -1), expected, rtol=1e-9)


def test_inverses_are_those_of_numpy():
    matrices, symmetric, _ = systems(2)
    expected = np.linalg.inv(matrices)
    np.testing.assert_allclose(symmetric.inverse().stacked(), expected, rtol=1e-8)
    np.testing.assert_allclose(symmetric.inverse().stacked(2), expected[:, :2, :2], rtol=1e-8)


def test_a_sum_does_not_change_with_zeros_at_its_end_or_with_its_neighbours():
    values = np.random.default_rng(3).lognormal(0, 9, (37, 50))
    padded = np.concatenate([values, np.zeros((27, 50))])
    alone = np.concatenate([total(values[:, [k]]) for k in range(50)])
    assert np.array_equal(total(padded), alone)


@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (1, 8), (17, 8), (256, 3), (3, 2048)])
@pytest.mark.parametrize("rows", [1, 2, 9, 64, 129, 700])
def test_a_sum_adds_one_row_after_the_other(rows, shape):
    values = np.random.default_rng(rows).lognormal(0, 9, (rows, *shape))
    expected = values[0].copy()
    for row in values[1:]:
        expected += row
    assert np.array_equal(total(values), expected)
    columns_first = np.asfortranarray(values)
    assert np.array_equal(total(columns_first), expected)


def test_normal_equations_are_weighted_least_squares():
    rng = np.random.default_rng(4)
    weight, residual = rng.random((9, 1)), rng.normal(size=(9, 1))
    slopes = list(rng.normal(size=(3, 9, 1)))
    matrix, right = normal_equations(weight, slopes, residual)
    design = np.stack([s[:, 0] for s in slopes], 1) * np.sqrt(weight)
    expected, *_ = np.linalg.lstsq(design, residual[:, 0] * np.sqrt(weight[:, 0]), rcond=None)
    np.testing.assert_allclose(np.concatenate(solve(matrix, right)), expected)
