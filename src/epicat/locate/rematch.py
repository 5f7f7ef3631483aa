"""Match picks and located events once more: each pick goes to the event that predicts it best.

The association matched picks with places on the nodes of its search.  The located place predicts
arrivals better: picks that fit it join the event, picks that do not leave it.

The rule is local, so that it does not depend on how the work is partitioned: a pick looks at the
events that predict it, an event at the picks that chose it.  Further rounds would drift.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.locate.grids import PHASES
from epicat.locate.locator import Locator
from epicat.locate.terms import StationTerms
from epicat.time import SECOND_NS

__all__ = ["CandidatePicks", "Claimants", "Limits", "Matches", "rematch"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

_INCUMBENT = math.log(9.0)
"""Logarithm of the odds that speak for the present event of a pick.

A pick leaves if it belongs to the event with less than 10 %, or if another fits much better."""


@dataclass(frozen=True, slots=True)
class CandidatePicks:
    """Picks that may belong to events: arrays of shape (picks,), in the order of time and id."""

    pick_id: list[str]
    """The picks."""
    sensor: I64
    """Number of the sensor."""
    site: I64
    """Number of the physical site, which has one P and one S of an event at most."""
    phase: I64
    """0 for P, 1 for S."""
    grade: I64
    """Class of confidence."""
    time_ns: I64
    """Time of the pick."""


@dataclass(frozen=True, slots=True)
class Claimants:
    """Located events that compete for picks: arrays of shape (events,)."""

    event_id: list[str]
    """The events."""
    time_ns: I64
    """Their reference times."""
    place_km: F64
    """x, y and depth, shape (events, 3)."""
    origin_s: F64
    """Origin time after the reference."""
    error_factor: F64
    """Errors of the event's picks over those expected."""
    wrong_share: F64
    """Share of wrong picks of the event."""
    pick_ids: list[frozenset[str]]
    """The picks that each event has at present."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a pick of an event must be like."""

    expected_s: F64
    """Errors of picks by phase and class of confidence."""
    cutoff_km: float
    """Largest epicentral distance of a pick that joins."""
    reach_s: float
    """Longest time between an event and its picks."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Pairs of an event and a pick, each pick in one at most: arrays of shape (pairs,)."""

    event: I64
    """Number of the event."""
    pick: I64
    """Number of the pick."""

    def of(self, event: int) -> list[int]:
        """Return the numbers of an event's picks."""
        return [int(pick) for pick in self.pick[self.event == event]]


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Events and picks that fit each other."""

    event: I64
    pick: I64
    odds: F64
    """Logarithm of the odds that the pick belongs to the event."""

    def take(self, rows: NDArray[np.int64] | Bool) -> _Pairs:
        return _Pairs(self.event[rows], self.pick[rows], self.odds[rows])


def rematch(
    locator: Locator,
    picks: CandidatePicks,
    events: Claimants,
    limits: Limits,
    terms: StationTerms | None = None,
) -> Matches:
    """Give every pick to the event that it fits best, if it fits one.

    A pick fits if it more probably belongs to the event than not, by the event's own errors, and
    is within the limits; one that the event has already is kept more readily.
    """
    finder = _Finder(locator, picks, events, limits)
    pairs = finder.pairs(terms)
    pairs = _best_of(pairs.pick, pairs, _ranks(events.event_id)[pairs.event])
    slot = (pairs.event * (picks.site.max(initial=0) + 1) + picks.site[pairs.pick]) * len(PHASES)
    pairs = _best_of(slot + picks.phase[pairs.pick], pairs, _ranks(picks.pick_id)[pairs.pick])
    pairs = pairs.take(~_is_impossible(pairs, picks))
    order = np.lexsort((pairs.pick, pairs.event))
    return Matches(pairs.event[order], pairs.pick[order])


class _Finder:
    """Finds the pairs of events and picks that fit."""

    def __init__(
        self,
        locator: Locator,
        picks: CandidatePicks,
        events: Claimants,
        limits: Limits,
    ) -> None:
        self._locator, self._picks, self._events, self._limits = locator, picks, events, limits
        number = {pick_id: i for i, pick_id in enumerate(picks.pick_id)}
        self._owner = np.full(len(number), -1)
        for event, ids in enumerate(events.pick_ids):
            self._owner[[number[i] for i in ids if i in number]] = event

    def pairs(self, terms: StationTerms | None) -> _Pairs:
        """Return all pairs."""
        key = len(PHASES) * self._picks.sensor + self._picks.phase
        order = np.argsort(key, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(key[order])) + 1)
        found = [self._at_key(int(key[rows[0]]), rows, terms) for rows in parts if len(rows)]
        return _Pairs(
            np.concatenate([pair.event for pair in found] or [np.zeros(0, dtype=np.int64)]),
            np.concatenate([pair.pick for pair in found] or [np.zeros(0, dtype=np.int64)]),
            np.concatenate([pair.odds for pair in found] or [np.zeros(0)]),
        )

    def _at_key(self, key: int, rows: I64, terms: StationTerms | None) -> _Pairs:
        """Return the pairs of one sensor and phase, whose picks are ``rows``."""
        events = self._events
        sensor, phase = divmod(key, len(PHASES))
        travel, distance = self._travel(sensor, phase)
        left = np.zeros(len(travel))
        if terms is not None:
            by_key, left = terms.everywhere(key, events.place_km)
            travel = (1 + terms.static.scale[phase]) * travel + by_key
        after = events.origin_s + travel
        predicted = events.time_ns + np.round(after * SECOND_NS).astype(np.int64)
        noise = self._locator.settings.noise
        gate = round(noise.wrong_width_s / 2 * SECOND_NS)
        times = self._picks.time_ns[rows]
        low, high = (
            np.searchsorted(times, predicted - gate),
            np.searchsorted(times, predicted + gate),
        )
        event = np.repeat(np.arange(len(predicted)), high - low)
        first = np.cumsum(high - low) - (high - low)
        pick = rows[np.arange(len(event)) - np.repeat(first - low, high - low)]
        late = (self._picks.time_ns[pick] - events.time_ns[event]) / SECOND_NS
        odds = self._odds(event, pick, late - after[event], left[event])
        pairs = _Pairs(event, pick, odds)
        is_own = self._owner[pick] == event
        near = (distance[event] <= self._limits.cutoff_km) | is_own
        near &= late <= self._limits.reach_s
        pairs = _Pairs(event, pick, pairs.odds + np.where(is_own, _INCUMBENT, 0.0))
        fits = (pairs.odds >= 0) & near & (late > events.origin_s[event])
        return pairs.take(fits)

    def _travel(self, sensor: int, phase: int) -> tuple[F64, F64]:
        """Return travel times and epicentral distances from all events to a sensor."""
        network, grids = self._locator.network, self._locator.grids
        x, y, z = self._events.place_km.T
        offset = (x - network.x_km[sensor], y - network.y_km[sensor])
        first = np.full(len(x), (grids.grid_of[sensor] + phase) * grids.grid_size)
        travel = grids.times(first, offset, z - grids.sensor_depth_km[sensor], z)
        return travel, np.sqrt(offset[0] ** 2 + offset[1] ** 2)

    def _odds(self, event: I64, pick: I64, residual: F64, left_s2: F64) -> F64:
        """Return the logarithm of the odds that picks belong to the core of events' errors.

        ``left_s2`` is the variance of what station terms do not know; the picks are of one phase.
        """
        settings = self._locator.settings
        phase = int(self._picks.phase[pick[0]]) if len(pick) else 0
        floor = (settings.floor_p_s, settings.floor_s_s)[phase]
        expected = self._limits.expected_s[phase][self._picks.grade[pick]]
        expected = np.sqrt(expected**2 + left_s2)
        sigma = np.maximum(expected * self._events.error_factor[event], floor)
        wrong = self._events.wrong_share[event]
        peak = settings.noise.wrong_width_s * (1 - wrong) / wrong
        return np.asarray(
            np.log(peak / (math.sqrt(2 * math.pi) * sigma)) - 0.5 * (residual / sigma) ** 2
        )


def _ranks(names: list[str]) -> I64:
    """Return the place of each name in alphabetical order."""
    ranks = np.empty(len(names), dtype=np.int64)
    ranks[np.argsort(np.array(names, dtype=object), kind="stable")] = np.arange(len(names))
    return ranks


def _best_of(group: I64, pairs: _Pairs, rank: I64) -> _Pairs:
    """Return the pair of each group with the best odds; of equal ones that of lower rank."""
    order = np.lexsort((rank, -pairs.odds, group))
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = np.diff(group[order]) != 0
    return pairs.take(order[is_first])


def _is_impossible(pairs: _Pairs, picks: CandidatePicks) -> Bool:
    """Tell which pairs are the worse of a P and an S of one site that are not in this order."""
    result = np.zeros(len(pairs.event), dtype=bool)
    site, phase = picks.site[pairs.pick], picks.phase[pairs.pick]
    order = np.lexsort((phase, site, pairs.event))
    p, s = order[:-1], order[1:]
    is_pair = (pairs.event[p] == pairs.event[s]) & (site[p] == site[s])
    p, s = p[is_pair], s[is_pair]
    late = picks.time_ns[pairs.pick[p]] >= picks.time_ns[pairs.pick[s]]
    p, s = p[late], s[late]
    result[np.where(pairs.odds[p] < pairs.odds[s], p, s)] = True
    return result
