"""A quick, robust location of an event that PyOcto found, before picks are matched to it.

PyOcto's location divides the box greedily by the sum of squares: it may end at the edge of a wrong
half, kilometres off, and an event whose picks then no longer fit is found a second time with the
picks that are left.  A pattern search on the sum of absolute residuals from PyOcto's place (Hooke
and Jeeves 1961, doi:10.1145/321062.321069) moves it to where its picks agree.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.association.search import Found, SearchInput
from epicat.association.site_times import SiteTimes

__all__ = ["QuickLocator"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_MOST_ROUNDS = 60
"""Evaluations of a pattern: a bound, since each round but few halves the step."""
_PATTERN = np.array(
    sorted(itertools.product((-1.0, 0.0, 1.0), repeat=3), key=lambda o: sum(map(abs, o)))
)
"""Offsets in steps, shape (27, 3), the centre first: of equal places the nearest one wins."""


@dataclass(frozen=True, slots=True)
class QuickLocator:
    """Moves events to the place where their picks agree best."""

    times: SiteTimes
    """Predicted times."""
    box_km: tuple[tuple[float, float], ...]
    """Sides of the search box in x, y and depth: no place is outside."""
    first_km: float
    """First step of the search, in km."""
    last_km: float
    """The search ends with steps below this, in km."""

    def locate(self, event: Found, picks: SearchInput) -> Found:
        """Return the event at the place of the smallest sum of absolute residuals."""
        site, observed = picks.site[event.rows], picks.time_s[event.rows]
        phase = (picks.phase[event.rows] == ord("S")).astype(np.int64)
        low, high = np.array(self.box_km).T
        center, step = np.clip(np.array(event.place_km), low, high), self.first_km
        for _ in range(_MOST_ROUNDS):
            places = np.clip(center + step * _PATTERN, low, high)
            residual = observed - self.times.at(places, site, phase)
            origin = np.median(residual, axis=1)
            loss = np.abs(residual - origin[:, None]).sum(axis=1)
            best = int(np.argmin(np.where(np.isfinite(loss), loss, np.inf)))
            if best == 0:
                if step < self.last_km:
                    break
                step /= 2
            center = places[best]
        place = (float(center[0]), float(center[1]), float(center[2]))
        return Found(float(origin[best]), place, event.rows, residual[best] - origin[best])
