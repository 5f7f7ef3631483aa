"""Static terms to begin with: the delay that most picks of a phase at a site have in common.

Sediments delay S by a second and more.  A location without terms takes such picks as wrong, and a
fit of terms to the picks that are right never sees them.  Wrong picks are off by any amount, those
of a slow site by the same: the terms are where the likelihood of all its residuals is largest, as
a Gaussian core about the term and a uniform share of wrong picks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["first_terms"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_STEP_S = 0.02
"""Spacing of the terms that are tried in s; half of the smallest error of S picks by default."""
_SCALE_S = 0.1
"""Scale of the prior of the terms, Student's t with two degrees of freedom, in s."""


def first_terms(
    residual_s: F64, key: I64, sigma_s: F64, keys: int, wrong_share: float, width_s: float
) -> F64:
    """Return a term in s for each of ``keys``, 0 for those without picks.

    ``residual_s``, ``key`` and ``sigma_s``, the standard error, have shape (picks,); of the picks
    ``wrong_share`` are wrong and spread over ``width_s``.
    """
    steps = round(width_s / 2 / _STEP_S)
    tried = _STEP_S * np.arange(-steps, steps + 1)
    prior = -1.5 * np.log1p(0.5 * (tried / _SCALE_S) ** 2)
    terms = np.zeros(keys)
    for number in np.unique(key).tolist():
        own = key == number
        off = residual_s[own, None] - tried
        sigma = sigma_s[own, None]
        core = (1 - wrong_share) / (sigma * np.sqrt(2 * np.pi)) * np.exp(-0.5 * (off / sigma) ** 2)
        likelihood = np.log(core + wrong_share / width_s).sum(axis=0) + prior
        terms[number] = tried[np.argmax(likelihood)]
    return terms
