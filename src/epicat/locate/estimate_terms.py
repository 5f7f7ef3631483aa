"""Compute station terms and the errors of picks over a set of events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.errors import InputError
from epicat.locate.arrivals import Arrivals
from epicat.locate.grids import PHASES
from epicat.locate.locator import Locator
from epicat.locate.solution import Located
from epicat.locate.terms import SourceTerms, StaticTerms, StationTerms

__all__ = ["LEAST_EVENTS", "Calibration", "calibrate"]

F64 = NDArray[np.float64]

LEAST_EVENTS = 20
"""Fewer events say more about their own errors than about stations."""
_LEAST_FOR_SOURCES = 50
"""Source-specific terms need so many events."""
_STATIC_ROUNDS = 5
_RADII_KM = (8.0, 4.0)
"""Radii of successive source-specific terms; the last is that of the result.

Below 2 km terms fit the noise of few neighbours."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a set of events says about its stations and picks."""

    static: StaticTerms
    """Static terms."""
    source: SourceTerms | None
    """Events for source-specific terms; None if there were too few."""
    scatter_s: tuple[float, float]
    """Standard error of P and S picks before terms: the size of all errors."""
    error_s: tuple[float, float]
    """Standard error of P and S picks that terms leave."""

    @property
    def removed_s2(self) -> tuple[float, float]:
        """Variance of P and S picks that terms take away."""
        pairs = zip(self.scatter_s, self.error_s, strict=True)
        p, s = (max(before**2 - after**2, 0.0) for before, after in pairs)
        return p, s


def calibrate(
    locator: Locator, arrivals: Arrivals, report: Callable[[str], None] = lambda _: None
) -> Calibration:
    """Locate events again and again with the terms of the time before, until they agree.

    Raises `InputError` if there are fewer than `LEAST_EVENTS` events.
    """
    if len(arrivals) < LEAST_EVENTS:
        raise InputError(
            f"no station terms: {len(arrivals)} events, at least {LEAST_EVENTS} are needed; "
            "select more events, or locate without terms"
        )
    keys = len(PHASES) * len(locator.network.x_km)
    located = locator.locate(arrivals)
    scatter = pick_errors(arrivals, located)
    report(f"without terms: P {scatter[0]:.3f} s, S {scatter[1]:.3f} s")
    key = len(PHASES) * arrivals.sensor + arrivals.phase
    for turn in range(_STATIC_ROUNDS):
        static = StaticTerms.from_residuals(key, _totals(located), located.inlier, keys)
        arrivals = _with_errors(arrivals, pick_errors(arrivals, located))
        located = locator.locate(
            arrivals, terms=StationTerms(static), start=located.place_km, is_start_enough=turn > 1
        )
    report(f"static terms: P {pick_errors(arrivals, located)[0]:.3f} s")
    radii = _RADII_KM if len(arrivals) >= _LEAST_FOR_SOURCES else ()
    own = np.arange(len(arrivals))
    for radius in (r for r in radii for _ in range(2)):
        terms = StationTerms(static, _source(arrivals, located, key, radius), own)
        arrivals = _with_errors(arrivals, pick_errors(arrivals, located))
        located = locator.locate(
            arrivals, terms=terms, start=located.place_km, is_start_enough=True
        )
    source = _source(arrivals, located, key, radii[-1]) if radii else None
    error = pick_errors(arrivals, located)
    report(f"all terms: P {error[0]:.3f} s, S {error[1]:.3f} s")
    return Calibration(static, source, scatter, error)


def pick_errors(arrivals: Arrivals, located: Located) -> tuple[float, float]:
    """Return the standard errors of P and S picks, the unknowns of each event counted."""
    support = np.bincount(arrivals.event, located.inlier)
    free = np.maximum(support - 4, 1.0)
    inflated = np.clip(support / free, 1.0, 4.0)[arrivals.event]
    result = []
    for phase in range(len(PHASES)):
        weight = located.inlier * (arrivals.phase == phase)
        squares = float(np.sum(weight * inflated * located.residual_s**2))
        count = float(np.sum(weight))
        known = arrivals.sigma_s[arrivals.phase == phase]
        fallback = float(known[0]) if len(known) else 0.1
        result.append(float(np.sqrt(squares / count)) if count > 5 else fallback)
    return result[0], result[1]


def _with_errors(arrivals: Arrivals, error_s: tuple[float, float]) -> Arrivals:
    return arrivals.with_sigma(np.maximum(np.array(error_s), 0.005)[arrivals.phase])


def _totals(located: Located) -> F64:
    return located.residual_s + located.term_s


def _source(
    arrivals: Arrivals, located: Located, key: NDArray[np.int64], radius_km: float
) -> SourceTerms:
    return SourceTerms(
        place_km=located.place_km,
        event=arrivals.event,
        key=key,
        total_s=_totals(located),
        inlier=located.inlier,
        radius_km=radius_km,
    )
