"""The errors of a campaign's picks, by phase and confidence, from the residuals of its events.

One event has too few picks to tell wrong picks from large errors.  All events of a campaign
have enough: a Gaussian core and a uniform share of wrong picks are fitted to the residuals of
each phase by expectation maximisation (Dempster et al. 1977), then the size of the core in
classes of confidence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.locate.grids import PHASES

__all__ = ["CONFIDENCE_EDGES", "PickErrors", "Residuals", "confidence_class"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

CONFIDENCE_EDGES = (0.3, 0.5, 0.7, 0.9)
"""Borders of the classes of confidence; a pick without confidence is in the last class."""
_ROUNDS = 40
_PRIOR_PICKS = 30.0
"""How many picks with the error of its phase a class begins with."""
_SHARES = (0.01, 0.6)
"""Smallest and largest share of wrong picks."""
_LEAST_S = 0.005
"""Smallest standard error in s."""
_LEAST_PICKS = 20
"""With fewer picks a phase keeps the error that is expected of it."""
_UNKNOWNS = 4.0
"""Unknowns of a hypocenter that its residuals have been made small by."""


def confidence_class(confidence: F64) -> I64:
    """Return the class of each pick, 0 for the least confident; NaN counts as the highest."""
    filled = np.where(np.isnan(confidence), 1.0, confidence)
    return np.searchsorted(CONFIDENCE_EDGES, filled, side="right").astype(np.int64)


@dataclass(frozen=True, slots=True)
class Residuals:
    """Residuals of located events: arrays of shape (picks,)."""

    event: I64
    """Number of the event."""
    phase: I64
    """0 for P, 1 for S."""
    grade: I64
    """Class of confidence."""
    residual_s: F64
    """Observed minus predicted time."""
    inlier: F64
    """Probability to belong to the event, as its own fit has it."""

    @property
    def inflation(self) -> F64:
        """Factor of squared residuals for the unknowns of each event."""
        support = np.bincount(self.event, self.inlier)
        ratio = np.clip(support / np.maximum(support - _UNKNOWNS, 1.0), 1.0, 4.0)
        return np.asarray(ratio[self.event])


@dataclass(frozen=True, slots=True)
class PickErrors:
    """Standard errors of picks, and how many picks are wrong."""

    sigma_s: F64
    """By phase and class of confidence, shape (phases, classes)."""
    phase_s: tuple[float, float]
    """Those of all P and of all S picks."""
    wrong_share: float
    """Share of wrong picks."""

    @classmethod
    def expected(cls, phase_s: tuple[float, float], wrong_share: float) -> PickErrors:
        """Return the same error for all classes of a phase."""
        sigma = np.repeat(np.array(phase_s)[:, None], len(CONFIDENCE_EDGES) + 1, axis=1)
        return cls(sigma, phase_s, wrong_share)

    def fitted(self, seen: Residuals, width_s: float) -> PickErrors:
        """Return the errors of residuals; wrong picks are spread over ``width_s``."""
        sigma, phase_s, wrong = self.sigma_s.copy(), list(self.phase_s), 0.0
        inflation = seen.inflation
        for p in range(len(PHASES)):
            rows = seen.phase == p
            if np.count_nonzero(rows) < _LEAST_PICKS:
                wrong += self.wrong_share * np.count_nonzero(rows)
                continue
            residual, grade = seen.residual_s[rows], seen.grade[rows]
            inlier, share = _core(residual, width_s)
            wrong += share * len(residual)
            # The core is that of the phase: a class of many wrong picks has no wider one.
            squares = inlier * inflation[rows] * residual**2
            phase_s[p] = max(math.sqrt(float(squares.sum() / inlier.sum())), _LEAST_S)
            right = np.bincount(grade, inlier, sigma.shape[1]) + _PRIOR_PICKS
            total = np.bincount(grade, squares, sigma.shape[1]) + _PRIOR_PICKS * phase_s[p] ** 2
            sigma[p] = np.maximum(np.sqrt(total / right), _LEAST_S)
        share = min(max(wrong / max(len(seen.phase), 1), _SHARES[0]), _SHARES[1])
        return PickErrors(sigma, (phase_s[0], phase_s[1]), share)

    def of(self, phase: I64, grade: I64) -> F64:
        """Return the standard error of each pick in s."""
        return np.asarray(self.sigma_s[phase, grade])


def _core(residual: F64, width_s: float) -> tuple[F64, float]:
    """Return the probability of each residual to be in the core, and the share of wrong picks."""
    sigma = 1.2 * float(np.median(np.abs(residual))) + _LEAST_S
    wrong = 0.1
    for _ in range(_ROUNDS):
        inlier = _inliers(residual, np.asarray(sigma), wrong, width_s)
        sigma = max(math.sqrt(float((inlier * residual**2).sum() / inlier.sum())), _LEAST_S)
        wrong = min(max(1 - float(inlier.mean()), _SHARES[0]), _SHARES[1])
    return inlier, wrong


def _inliers(residual: F64, sigma: F64, wrong: float, width_s: float) -> F64:
    """Return the probability of each residual to be in a core of standard deviation ``sigma``."""
    density = (1 - wrong) / (sigma * math.sqrt(2 * math.pi))
    density = density * np.exp(-0.5 * (residual / sigma) ** 2)
    return np.asarray(density / (density + wrong / width_s))
