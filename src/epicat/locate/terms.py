"""Station terms: how much earlier or later than predicted the phases of a station arrive.

Static terms are one number for each sensor and phase.  Source-specific terms (Richards-Dinger and
Shearer 2000, doi:10.1029/2000JB900019) are those of the neighbouring events, the event itself
left out.  They are computed once over a stated set of events, and then a fixed part of a
location: a term never depends on which events happen to be located together.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from epicat.locate.arrivals import Batch
from epicat.locate.ordered import total

__all__ = ["SourceTerms", "StaticTerms", "StationTerms"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

PRIOR_PICKS = 4.0
"""How many picks without delay a static term begins with."""
_PRIOR_NEIGHBOURS = 3.0
"""How many neighbours with the static term a source-specific term begins with."""
_NEIGHBOURS = 64
"""So many of the nearest events make a source-specific term."""


@dataclass(frozen=True, slots=True)
class StaticTerms:
    """One term for each sensor and phase; the number of a key is twice the sensor, plus 1 for S."""

    value_s: F64
    """The terms in s, shrunken towards 0, shape (keys,)."""
    error_s: F64
    """Their standard errors in s, shape (keys,)."""
    support: F64
    """Picks that they rest on, weighted by the probability that they are right, shape (keys,)."""

    @classmethod
    def from_residuals(cls, key: I64, total_s: F64, inlier: F64, keys: int) -> StaticTerms:
        """Average total residuals (picks,): what is left without any term."""
        support = np.bincount(key, inlier, keys).astype(float)
        value = np.bincount(key, inlier * total_s, keys) / (support + PRIOR_PICKS)
        squares = np.bincount(key, inlier * (total_s - value[key]) ** 2, keys)
        scatter = np.sum(squares) / max(float(np.sum(support)), 1.0)
        variance = (squares + PRIOR_PICKS * scatter) / (support + PRIOR_PICKS)
        return cls(value, np.sqrt(variance / (support + PRIOR_PICKS)), support)

    @classmethod
    def none(cls, keys: int) -> StaticTerms:
        """Return terms that are 0."""
        return cls(np.zeros(keys), np.zeros(keys), np.zeros(keys))


@dataclass(frozen=True)
class SourceTerms:
    """The events that source-specific terms come from."""

    place_km: F64
    """x, y and depth of the events in the local plane, shape (events, 3)."""
    event: I64
    """Number of the event of each pick, shape (picks,)."""
    key: I64
    """Sensor and phase of each pick, shape (picks,)."""
    total_s: F64
    """Residual of each pick without any term in s, shape (picks,)."""
    inlier: F64
    """Probability that each pick is right, shape (picks,)."""
    radius_km: float
    """Standard deviation of the Gaussian weight by distance."""

    @cached_property
    def tree(self):  # type: ignore[no-untyped-def]
        """The events by place."""
        from scipy.spatial import cKDTree

        return cKDTree(self.place_km)

    def tables(self, keys: int) -> tuple[F64, F64]:
        """Return weighted residuals and weights, one row for each event, (events, keys)."""
        weight = np.zeros((len(self.place_km), keys))
        weight[self.event, self.key] = self.inlier
        residual = np.zeros_like(weight)
        residual[self.event, self.key] = self.inlier * self.total_s
        return residual, weight


class StationTerms:
    """Terms of the picks of located events: a callable as `Locator.locate` takes it."""

    def __init__(
        self, static: StaticTerms, source: SourceTerms | None = None, own: I64 | None = None
    ) -> None:
        """``own`` (events,) is the number of each located event among the sources, -1 if none."""
        self.static, self.source = static, source
        self._own = own
        if source is not None:
            self._tables = source.tables(len(static.value_s))

    def for_events(self, own: I64) -> StationTerms:
        """Return the same terms for other events, of which ``own`` is as in the constructor."""
        other = copy(self)
        other._own = own
        return other

    def __call__(self, batch: Batch, unknowns: list[F64]) -> F64:
        """Return the terms in s of a batch's picks, (picks, events, 1), for its hypocenters."""
        key = batch.key[:, :, 0]
        if self.source is None:
            return np.asarray(self.static.value_s[key][:, :, None])
        place = np.concatenate(unknowns[:3], axis=1)
        own = np.full(len(place), -1) if self._own is None else self._own[batch.events]
        by_event = self._at(place, own)
        return np.asarray(by_event[np.arange(len(place)), key][:, :, None])

    def everywhere(self, place_km: F64) -> F64:
        """Return the terms in s of all keys for all events at places, shape (events, keys)."""
        if self.source is None:
            return np.repeat(self.static.value_s[None], len(place_km), axis=0)
        own = np.full(len(place_km), -1) if self._own is None else self._own
        return self._at(place_km, own)

    def _at(self, place: F64, own: I64) -> F64:
        """Return the terms of every key at places, (events, keys)."""
        source, (residual, weight) = self.source, self._tables
        assert source is not None
        wanted = min(_NEIGHBOURS + 1, len(source.place_km))
        distance, near = source.tree.query(place, k=range(1, wanted + 1))
        nearness = np.exp(-0.5 * (distance / source.radius_km) ** 2)
        nearness[near == own[:, None]] = 0.0
        parts = [nearness[:, [k]] * residual[near[:, k]] for k in range(wanted)]
        sums = total(np.stack(parts)) + _PRIOR_NEIGHBOURS * self.static.value_s
        parts = [nearness[:, [k]] * weight[near[:, k]] for k in range(wanted)]
        return np.asarray(sums / (total(np.stack(parts)) + _PRIOR_NEIGHBOURS))
