"""Compute station terms and the errors of picks over a set of events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from epicat.errors import InputError
from epicat.locate.arrivals import Arrivals, Batch, batches
from epicat.locate.common_shift import ShiftEquations
from epicat.locate.first_terms import first_terms
from epicat.locate.grids import PHASES
from epicat.locate.joint import JointEquations
from epicat.locate.kriging import DelayField
from epicat.locate.locator import Locator
from epicat.locate.pick_errors import PickErrors, Residuals
from epicat.locate.terms import SourceTerms, StaticTerms, StationTerms

__all__ = ["LEAST_EVENTS", "Calibration", "calibrate"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

LEAST_EVENTS = 20
"""Fewer events say more about their own errors than about stations."""
_ERROR_ROUNDS = 2
_SOURCE_ROUNDS = 2
"""Further rounds improve no distance between neighbours, and let all places drift in common."""
_LIKELY = 0.5
"""Probability to be right of the picks that the field of delays is fitted to."""
_LEAST_INLIER = 1e-3
"""Smallest probability to be right of a pick of the field; its variance is the inverse."""
_BATCH = 256


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a set of events says about its stations and picks."""

    static: StaticTerms
    """Static terms."""
    source: SourceTerms | None
    """Events for source-specific terms; None if delays do not depend on the source."""
    before: PickErrors
    """Errors of picks without terms: with those of the earth."""
    after: PickErrors
    """Errors of picks that terms leave."""


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
        self._locate(StationTerms(self._first()), is_calibrated=False, is_searched=True)
        self._fit_errors()
        static = self._static(None)
        self._locate(StationTerms(static), is_searched=True)
        self._fit_errors()
        report(f"static terms: {_in_words(self._errors)}, {_scales_in_words(static)}")
        own = np.arange(len(self._arrivals))
        source = self._source(static)
        for _ in range(_SOURCE_ROUNDS):
            static = self._static(source)
            self._recenter(static, source)
            source = self._source(static)
            self._locate(StationTerms(static, source, own), is_searched=False)
            self._fit_errors()
        report(f"all terms: {_in_words(self._errors)}, {_scales_in_words(static)}")
        report("delays: " + _fields_in_words(source))
        is_used = any(field.variance_s2 > 0 for field in source.fields)
        return Calibration(static, source if is_used else None, before, self._errors)

    def _fit_errors(self) -> None:
        """Fit the errors of the picks, without those of the terms."""
        arrivals, located = self._arrivals, self._located
        variance = arrivals.sigma_s**2
        shrunken = np.sqrt(variance / (variance + located.term_error_s**2))
        seen = Residuals(
            arrivals.event, arrivals.phase, self._grade, located.residual_s * shrunken,
            located.inlier,
        )  # fmt: skip
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

    def _batches(self) -> Iterator[tuple[Batch, list[F64]]]:
        """Return batches, and their hypocenters as unknowns of shape (events, 1)."""
        locator, located = self._locator, self._located
        for batch in batches(self._arrivals, locator.network, locator.grids, _BATCH):
            place = located.place_km[batch.events]
            unknowns = [*(place[:, k : k + 1] for k in range(3))]
            yield batch, [*unknowns, located.origin_s[batch.events][:, None]]

    def _first(self) -> StaticTerms:
        """Return the terms to begin with."""
        keys = len(PHASES) * len(self._locator.network.x_km)
        noise = self._locator.settings.noise
        value_s = first_terms(
            self._located.residual_s, self._key, self._arrivals.sigma_s, keys,
            self._errors.wrong_share, noise.wrong_width_s,
        )  # fmt: skip
        return replace(StaticTerms.none(keys), value_s=value_s)

    def _static(self, source: SourceTerms | None) -> StaticTerms:
        """Fit static terms and scales; paths that ``source`` says delays of add errors."""
        keys = len(PHASES) * len(self._locator.network.x_km)
        variance = self._arrivals.sigma_s**2
        if source is not None:
            variance = variance + source.shared_variance(self._located.place_km)
        weight = self._located.inlier / variance
        equations = JointEquations(keys)
        for batch, unknowns in self._batches():
            residual = batch.time_s - unknowns[3] - batch.times(*unknowns[:3])
            equations.add(batch, unknowns, residual, np.where(batch.used, weight[batch.rows], 0.0))
        found = equations.solved(self._locator.settings.model_error)
        support = np.bincount(self._key, self._located.inlier, keys).astype(float)
        return StaticTerms(found.value_s, support, found.scale, found.covariance)

    def _recenter(self, static: StaticTerms, source: SourceTerms) -> None:
        """Move neighbouring events in common to where static terms alone place them."""
        variance_s2 = np.array([field.variance_s2 for field in source.fields])
        if not variance_s2.any():
            return
        located, arrivals = self._located, self._arrivals
        weight = located.inlier / (arrivals.sigma_s**2 + variance_s2[arrivals.phase])
        equations = ShiftEquations.empty(len(arrivals))
        for batch, unknowns in self._batches():
            times = batch.times(*unknowns[:3])
            residual = batch.time_s - unknowns[3] - times - static.late_s(batch.key, times)
            used_weight = np.where(batch.used, weight[batch.rows], 0.0)
            equations.add(batch, unknowns, residual, used_weight)
        length_km = max(field.length_km for field in source.fields)
        shift = equations.solved(located.place_km, length_km)
        box = self._locator.box
        place_km = np.clip(located.place_km + shift[:, :3], box.low, box.low + box.size)
        origin_s = located.origin_s + shift[:, 3]
        self._located = replace(located, place_km=place_km, origin_s=origin_s)

    def _source(self, static: StaticTerms) -> SourceTerms:
        """Fit the delays along paths to what static terms leave."""
        residual = np.zeros(len(self._key))
        for batch, unknowns in self._batches():
            times = batch.times(*unknowns[:3])
            left = batch.time_s - unknowns[3] - times - static.late_s(batch.key, times)
            residual[batch.rows[batch.used]] = left[batch.used]
        inlier = np.maximum(self._located.inlier, _LEAST_INLIER)
        source = SourceTerms(
            place_km=self._located.place_km,
            event=self._arrivals.event,
            key=self._key,
            value_s=residual,
            noise_s2=self._arrivals.sigma_s**2 / inlier,
            fields=(DelayField(0.0, 1.0), DelayField(0.0, 1.0)),
        )
        return source.fitted(self._located.inlier >= _LIKELY, self._growth())

    def _growth(self) -> float:
        """Return by how much squared residuals are too small since hypocenters were fitted."""
        arrivals, located = self._arrivals, self._located
        seen = Residuals(
            arrivals.event, arrivals.phase, self._grade, located.residual_s, located.inlier
        )
        return float(np.average(seen.inflation, weights=located.inlier))


def _fields_in_words(source: SourceTerms) -> str:
    pairs = zip(PHASES, source.fields, strict=True)
    words = [
        f"{phase} {np.sqrt(f.variance_s2):.3f} s over {f.length_km:g} km" for phase, f in pairs
    ]
    return f"{', '.join(words)}, correlation {source.correlation:.2f}"


def _scales_in_words(static: StaticTerms) -> str:
    words = [f"{phase} {1 + s:.4f}" for phase, s in zip(PHASES, static.scale, strict=True)]
    return f"scale of {', '.join(words)}"


def _in_words(errors: PickErrors) -> str:
    p, s = errors.phase_s
    return f"P {p:.3f} s, S {s:.3f} s, {100 * errors.wrong_share:.0f} % wrong picks"
