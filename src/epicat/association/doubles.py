"""Tell the doubles of events: a second event that is made of an event's other picks.

Where the picks of an earthquake do not fit one place, because the velocities are wrong or some
arrivals are of another wave, those that are left may fit another place and make an event.  Two
earthquakes both have picks at the sites that they both reach; an event and its double share them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.association.candidates import Candidate, Needs
from epicat.association.network import Network
from epicat.time import SECOND_NS

__all__ = ["Doubles"]

F64 = NDArray[np.float64]

_LARGEST = 0.9
"""Picks of a double over those of the event, at most: of two events with as many picks, both are
real."""
_MOST = 0.5
"""The event reaches at least this share of the picks' sites of its double, and has picks at fewer
of these sites and phases itself."""


@dataclass(frozen=True, slots=True)
class Doubles:
    """Finds doubles among the events of a network."""

    network: Network
    """Where the sites are."""
    number: dict[str, int]
    """Number of each position, by its name."""
    within_s: float
    """An event and its double are at most so far apart in time."""

    def left_out(self, candidates: Iterable[Candidate], needs: Needs) -> list[Candidate]:
        """Return the candidates without doubles of better ones, the best first.

        No pick is in two of ``candidates``.
        """
        kept: list[Candidate] = []
        for candidate in sorted(candidates, key=needs.rank):
            if not any(self._is_double(candidate, better) for better in kept):
                kept.append(candidate)
        return kept

    def _is_double(self, candidate: Candidate, better: Candidate) -> bool:
        if abs(candidate.time_ns - better.time_ns) > self.within_s * SECOND_NS:
            return False
        if len(candidate.picks) > _LARGEST * len(better.picks):
            return False
        own, others = (frozenset((p.site, p.phase) for p in c.picks) for c in (candidate, better))
        if len(own & others) >= _MOST * len(own):
            return False
        reach_km = self._distances_km(better, better).max()
        reached = np.count_nonzero(self._distances_km(candidate, better) <= reach_km)
        return bool(reached >= _MOST * len(own))

    def _distances_km(self, owner: Candidate, center: Candidate) -> F64:
        """Return the distances of the sites of ``owner``'s picks from the epicentre of another."""
        site = [self.number[p.position or p.site] for p in owner.picks]
        x, y = self.network.x_km[site] - center.x_km, self.network.y_km[site] - center.y_km
        return np.asarray(np.hypot(x, y))
