"""Locate events: global search, robust refinement, fit of the errors, posterior."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.locate.arrivals import Arrivals, Batch, Correction, Network, batches
from epicat.locate.grids import PHASES, TravelTimeGrids
from epicat.locate.likelihood import StudentT
from epicat.locate.refine import Hypocenters, Refiner
from epicat.locate.search import Box, GlobalSearch
from epicat.locate.settings import Settings
from epicat.locate.solution import Fitted, Located, Solution, fit, solve_batch
from epicat.locate.terms import StationTerms
from epicat.velocity.layers import LayerModel

__all__ = ["Locator"]

F64 = NDArray[np.float64]

_BATCH = 256
_FREEDOM = 2.0
"""Degrees of freedom of the first, robust refinement."""
_ROUNDS = 30
_FIXED_SHARE = 0.6
"""A depth whose error is this share of that of no knowledge at all is not held by the data."""


@dataclass(frozen=True, slots=True)
class _Start:
    """Where the search for a batch's hypocenters begins."""

    place_km: F64 | None
    """Places (events, 3) to refine in addition to those that the search finds."""
    is_enough: bool
    """Whether there is no search."""


class Locator:
    """Locates events of one network in one velocity model."""

    def __init__(
        self,
        model: LayerModel,
        network: Network,
        box: Box,
        settings: Settings | None = None,
        *,
        spacing_km: float = 0.5,
    ) -> None:
        self.network, self.box = network, box
        self.settings = settings or Settings()
        self.grids = TravelTimeGrids.from_model(
            model,
            network.depth_km,
            max_distance_km=box.farthest_km(network),
            depth_range_km=box.z_km,
            spacing_km=spacing_km,
        )
        self._search = GlobalSearch(box, network, self.grids)

    def with_settings(self, settings: Settings) -> Locator:
        """Return a locator with the same travel times and other settings."""
        other = copy(self)
        other.settings = settings
        return other

    def locate(
        self,
        arrivals: Arrivals,
        *,
        start: F64 | None = None,
        terms: StationTerms | None = None,
        is_start_enough: bool = False,
    ) -> Located:
        """Locate every event.

        ``start`` (events, 3) are places to begin from in addition to those that the search
        finds, or with ``is_start_enough`` instead of it.  ``terms`` are station
        terms: what they take from the residuals is no error of a place relative to its
        neighbours, but of its absolute place.  An event's result does not depend on the other
        events.
        """
        result = Located.empty(len(arrivals), len(arrivals.time_s))
        for batch in batches(arrivals, self.network, self.grids, _BATCH):
            extra = None if start is None else start[batch.events]
            fitted, correction = self._fit(batch, _Start(extra, is_start_enough), terms)
            solution = self._solved(fitted, correction, terms)
            solution.store(result)
            loose = np.flatnonzero(self._is_loose(result.covariance_km2[batch.events]))
            if len(loose):
                self._fixed(solution, loose, terms).store(result)
        return result

    def _refiner(self, is_depth_fixed: bool) -> Refiner:
        return Refiner(self.box, self.settings.scale_error, is_depth_fixed)

    def _solved(
        self, fitted: Fitted, correction: Correction | None, terms: StationTerms | None
    ) -> Solution:
        return solve_batch(fitted, self._refiner(False), correction, terms, self._blind_km)

    def _fit(
        self, batch: Batch, start: _Start, terms: StationTerms | None
    ) -> tuple[Fitted, Correction | None]:
        """Return fitted hypocenters, and what was taken off."""
        found = self._first(batch, start)
        refiner = self._refiner(False)
        if terms is None:
            return fit(batch, found, refiner, self.settings), None
        # Terms belong to places: those of the place without terms, then of that with them.
        if not start.is_enough:
            found = self._first(batch.corrected(terms(batch, found.unknowns)), start)
        for _ in range(2):
            correction = terms(batch, found.unknowns)
            fitted = fit(batch.corrected(correction), found, refiner, self.settings)
            found = fitted.found
        return fitted, correction

    def _first(self, batch: Batch, start: _Start) -> Hypocenters:
        """Search everywhere, and refine what was found robustly."""
        seeds = [] if start.is_enough else self._search.find(batch)
        if start.place_km is not None:
            low, high = self.box.low, self.box.low + self.box.size
            given = start.place_km.T[:, :, None]
            place = [np.clip(v, *edges) for v, *edges in zip(given, low, high, strict=True)]
            place.append(self._search.origin(batch, place))
            pairs = zip(seeds or [v[:, :0] for v in place], place, strict=True)
            seeds = [np.concatenate(pair, axis=1) for pair in pairs]
        likelihood = StudentT(batch.inverse_sigma, _FREEDOM)
        unknowns = [*seeds, *(np.zeros_like(seeds[0]) for _ in PHASES)]
        return self._refiner(False).refine(batch, likelihood, unknowns, _ROUNDS).best()

    @property
    def _blind_km(self) -> float:
        """Standard error of a depth of which nothing is known."""
        return float(self.box.size[2]) / float(np.sqrt(12))

    def _is_loose(self, covariance: F64) -> NDArray[np.bool_]:
        """Tell for which events the data do not hold the depth."""
        limit = min(_FIXED_SHARE * self._blind_km, self.settings.largest_depth_error_km)
        return np.asarray(covariance[:, 2, 2] > limit**2)

    def _fixed(
        self, solution: Solution, columns: NDArray[np.int64], terms: StationTerms | None
    ) -> Solution:
        """Return some of the events again, at the depth for those that the data do not hold."""
        top, bottom = self.box.z_km
        depth = float(np.clip(self.settings.fixed_depth_km, top, bottom))
        before = solution.fitted
        unknowns = [v[columns] for v in before.found.unknowns]
        unknowns[2] = np.full_like(unknowns[2], depth)
        batch, refiner = before.batch.take(columns), self._refiner(True)
        found = refiner.refine(batch, StudentT(batch.inverse_sigma, _FREEDOM), unknowns, _ROUNDS)
        fitted = fit(batch, found, refiner, self.settings)
        correction = solution.correction and solution.correction.take(columns)
        return solve_batch(fitted, refiner, correction, terms, self._blind_km)
