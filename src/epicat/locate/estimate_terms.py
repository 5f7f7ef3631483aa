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
from epicat.locate.pick_errors import PickErrors, Residuals
from epicat.locate.terms import SourceTerms, StaticTerms, StationTerms

__all__ = ["LEAST_EVENTS", "Calibration", "calibrate"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

LEAST_EVENTS = 20
"""Fewer events say more about their own errors than about stations."""
_LEAST_FOR_SOURCES = 50
"""Source-specific terms need so many events."""
_ERROR_ROUNDS = 2
_STATIC_ROUNDS = 5
_SEARCHED_ROUNDS = 2
"""Rounds of static terms with a global search; later places are near those before."""
_RADII_KM = (8.0, 4.0)
"""Radii of successive source-specific terms; the last is that of the result.

Below 2 km terms fit the noise of few neighbours."""
_SOURCE_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a set of events says about its stations and picks."""

    static: StaticTerms
    """Static terms."""
    source: SourceTerms | None
    """Events for source-specific terms; None if there were too few."""
    before: PickErrors
    """Errors of picks without terms: with those of the earth."""
    after: PickErrors
    """Errors of picks that terms leave."""

    @property
    def removed_s2(self) -> tuple[float, float]:
        """Variance of P and S picks that terms take away."""
        pairs = zip(self.before.phase_s, self.after.phase_s, strict=True)
        p, s = (max(before**2 - after**2, 0.0) for before, after in pairs)
        return p, s


def calibrate(
    locator: Locator,
    arrivals: Arrivals,
    grade: I64 | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> Calibration:
    """Locate events again and again with the errors and terms of the time before.

    ``grade`` (picks,) is the class of confidence of each pick, see
    `epicat.locate.pick_errors.confidence_class`; by default all are in one.  Raises `InputError`
    if there are fewer than `LEAST_EVENTS` events.
    """
    if len(arrivals) < LEAST_EVENTS:
        raise InputError(
            f"no station terms: {len(arrivals)} events, at least {LEAST_EVENTS} are needed; "
            "select more events, or locate without terms"
        )
    grade = np.zeros(len(arrivals.phase), dtype=np.int64) if grade is None else grade
    return _Estimate(locator, arrivals, grade).calibrate(report)


class _Estimate:
    """The events on their way, with the errors and terms that they have at present."""

    def __init__(self, locator: Locator, arrivals: Arrivals, grade: I64) -> None:
        self._locator, self._arrivals, self._grade = locator, arrivals, grade
        self._key = len(PHASES) * arrivals.sensor + arrivals.phase
        self._located = locator.locate(arrivals)
        noise = locator.settings.noise
        known = [arrivals.sigma_s[arrivals.phase == p] for p in range(len(PHASES))]
        p_s, s_s = (float(sigma[0]) if len(sigma) else 0.1 for sigma in known)
        self._errors = PickErrors.expected((p_s, s_s), noise.wrong_share)

    def calibrate(self, report: Callable[[str], None]) -> Calibration:
        for _ in range(_ERROR_ROUNDS):
            self._fit_errors()
            self._locate(None, is_calibrated=False, is_searched=True)
        self._fit_errors()
        before = self._errors
        report(f"without terms: {_in_words(before)}")
        for turn in range(_STATIC_ROUNDS):
            static = self._static()
            self._locate(StationTerms(static), is_searched=turn < _SEARCHED_ROUNDS)
            self._fit_errors()
        report(f"static terms: {_in_words(self._errors)}")
        radii = _RADII_KM if len(self._arrivals) >= _LEAST_FOR_SOURCES else ()
        own = np.arange(len(self._arrivals))
        for radius in (r for r in radii for _ in range(_SOURCE_ROUNDS)):
            self._locate(StationTerms(static, self._source(radius), own), is_searched=False)
            self._fit_errors()
        source = self._source(radii[-1]) if radii else None
        report(f"all terms: {_in_words(self._errors)}")
        return Calibration(static, source, before, self._errors)

    def _fit_errors(self) -> None:
        arrivals, located = self._arrivals, self._located
        seen = Residuals(
            arrivals.event, arrivals.phase, self._grade, located.residual_s, located.inlier
        )
        width_s = self._locator.settings.noise.wrong_width_s
        self._errors = self._errors.fitted(seen, width_s)
        self._arrivals = arrivals.with_sigma(self._errors.of(arrivals.phase, self._grade))

    def _locate(
        self, terms: StationTerms | None, *, is_calibrated: bool = True, is_searched: bool
    ) -> None:
        settings = self._locator.settings.calibrated(self._errors.wrong_share, is_calibrated)
        self._located = self._locator.with_settings(settings).locate(
            self._arrivals,
            terms=terms,
            start=self._located.place_km,
            is_start_enough=not is_searched,
        )

    def _totals(self) -> F64:
        return self._located.residual_s + self._located.term_s

    def _static(self) -> StaticTerms:
        keys = len(PHASES) * len(self._locator.network.x_km)
        return StaticTerms.from_residuals(self._key, self._totals(), self._located.inlier, keys)

    def _source(self, radius_km: float) -> SourceTerms:
        return SourceTerms(
            place_km=self._located.place_km,
            event=self._arrivals.event,
            key=self._key,
            total_s=self._totals(),
            inlier=self._located.inlier,
            radius_km=radius_km,
        )


def _in_words(errors: PickErrors) -> str:
    p, s = errors.phase_s
    return f"P {p:.3f} s, S {s:.3f} s, {100 * errors.wrong_share:.0f} % wrong picks"
