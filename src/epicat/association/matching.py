"""Match picks to events whose place is known: the second half of an association.

The search decides with some of the sites, or before an event is well located.  Once it has a
place, its arrivals are those picks that fit the predicted times best.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.association.search import Found, SearchInput
from epicat.association.site_times import SiteTimes

__all__ = ["Matcher"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_PHASES = (ord("P"), ord("S"))
_FAR = 1.5
"""Standard errors of the travel time that a residual may reach."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """Matches picks to events by their predicted times."""

    times: SiteTimes
    """Predicted times."""
    match_s: float
    """Largest residual of a pick that belongs to an event, near to it."""
    model_error: float
    """Relative error of travel times: residuals of far sites may be so large."""
    least_fraction: float
    """Sites farther than the last one up to which this share has a pick are left out."""

    def match(self, event: Found, picks: SearchInput, rows: I64) -> Found:
        """Return the event with the best fitting pick of each site and phase among ``rows``."""
        travel = self.times.times(event.place_km)
        predicted = event.time_s + travel
        allowed = self.allowed_s(travel)
        end = np.nanmax(predicted + allowed, initial=event.time_s)
        low, high = np.searchsorted(picks.time_s[rows], [event.time_s - self.match_s, end])
        near = rows[low:high]
        phase = (picks.phase[near] == _PHASES[1]).astype(np.int64)
        site = picks.site[near]
        residual = picks.time_s[near] - predicted[phase, site]
        fits = np.abs(residual) <= allowed[phase, site]
        near, site, phase, residual = near[fits], site[fits], phase[fits], residual[fits]
        order = np.lexsort((near, np.abs(residual), phase, site))
        key = 2 * site[order] + phase[order]
        best = order[np.concatenate([[True], key[1:] != key[:-1]])] if len(order) else order
        best = np.sort(best[self._is_near(event, site[best], picks, rows)])
        return Found(event.time_s, event.place_km, near[best], residual[best])

    def allowed_s(self, travel_s: F64) -> F64:
        """Return the largest residuals of picks with these travel times, in s, shape as given."""
        return np.asarray(np.maximum(self.match_s, _FAR * self.model_error * travel_s))

    def _is_near(self, event: Found, site: I64, picks: SearchInput, rows: I64) -> NDArray[np.bool_]:
        """Return for each site whether enough of the sites up to it have a pick of the event.

        Sites whose horizontal distance is below the depth of the event are about equally far from
        it, so that they always count as near.
        """
        active = np.unique(picks.site[rows])
        distance = self.times.distance_km(event.place_km)
        by_distance = active[np.argsort(distance[active], kind="stable")]
        has_pick = np.isin(by_distance, site)
        share = np.cumsum(has_pick) / np.arange(1, len(by_distance) + 1)
        enough = np.flatnonzero(share >= self.least_fraction)
        limit = distance[by_distance[enough[-1]]] if len(enough) else 0.0
        return np.asarray(distance[site] <= max(limit, self.times.depth_km(event.place_km)))
