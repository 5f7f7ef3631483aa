"""Station terms: how much earlier or later than predicted the phases of a station arrive.

Static terms are one number for each sensor and phase, with a common scale of travel times.
Source-specific terms (Richards-Dinger and Shearer 2000, doi:10.1029/2000JB900019) add what the
neighbouring events say, the event itself left out.  They are computed once over a stated set of
events, and then a fixed part of a location: a term never depends on which events happen to be
located together.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epicat.locate.arrivals import Batch, Correction
from epicat.locate.grids import PHASES
from epicat.locate.joint import by_phase
from epicat.locate.kriging import NEIGHBOURS, DelayField, Neighbourhood, fit_field
from epicat.locate.ordered import total

__all__ = ["SourceTerms", "StaticTerms", "StationTerms"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_FIT_PICKS = 1000
"""Picks of each phase that a field is fitted to, at most."""
_LEAST_PICKS = 50
"""With fewer picks there is no field."""
_AT_ONCE = 1024
"""Predictions that are computed at once, so that they stay in the cache."""


@dataclass(frozen=True, slots=True)
class StaticTerms:
    """One term for each sensor and phase; the number of a key is twice the sensor, plus 1 for S."""

    value_s: F64
    """The terms in s, drawn towards 0, shape (keys,)."""
    support: F64
    """Picks that they rest on, weighted by the probability that they are right, shape (keys,)."""
    scale: F64
    """By how much times of P and S are longer than in the model, 0.01 for 1 %, shape (2,)."""
    covariance: F64
    """Covariance of the terms and, last, the scales, shape (keys + 2, keys + 2)."""

    @property
    def error_s(self) -> F64:
        """Standard errors of the terms in s, shape (keys,)."""
        return np.asarray(np.sqrt(np.diagonal(self.covariance)[: len(self.value_s)]))

    @classmethod
    def none(cls, keys: int) -> StaticTerms:
        """Return terms that are 0 without error."""
        size = keys + len(PHASES)
        return cls(np.zeros(keys), np.zeros(keys), np.zeros(len(PHASES)), np.zeros((size, size)))

    def late_s(self, key: I64, times: F64) -> F64:
        """Return by how much picks of keys are later than ``times`` in s."""
        return np.asarray(self.value_s[key] + self.scale[key % len(PHASES)] * times)


@dataclass(frozen=True)
class SourceTerms:
    """The events that source-specific terms come from."""

    place_km: F64
    """x, y and depth of the events in the local plane, shape (events, 3)."""
    event: I64
    """Number of the event of each pick, shape (picks,)."""
    key: I64
    """Sensor and phase of each pick, shape (picks,)."""
    value_s: F64
    """Residual of each pick without source-specific terms in s, shape (picks,)."""
    noise_s2: F64
    """Variance of each pick in s², shape (picks,)."""
    fields: tuple[DelayField, DelayField]
    """Delays along paths, of P and S."""
    correlation: float = 0.0
    """Correlation of the delays of the P and the S pick of an event at a sensor."""

    @cached_property
    def rows(self) -> dict[int, I64]:
        """Rows of the picks of each key."""
        order = np.argsort(self.key, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(self.key[order])) + 1)
        return {int(self.key[part[0]]): part for part in parts if len(part)}

    @cached_property
    def trees(self) -> dict[int, Any]:
        """The places of the events of each key."""
        from scipy.spatial import cKDTree

        return {k: cKDTree(self.place_km[self.event[rows]]) for k, rows in self.rows.items()}

    def around(self, key: int, place: F64, own: I64) -> Neighbourhood:
        """Return the neighbours of places (n, 3) at one key; ``own`` (n,) are left out."""
        rows = self.rows[key]
        wanted = min(NEIGHBOURS + 1, len(rows))
        _, at = self.trees[key].query(place, k=range(1, wanted + 1))
        near = rows[at.T]
        excluded = self.event[near] == own
        # The farthest neighbour goes if the event itself is not among them.
        last = np.zeros_like(excluded)
        if wanted > NEIGHBOURS:
            last[-1] = ~excluded[:-1].any(axis=0)
        noise = np.where(excluded | last, np.inf, self.noise_s2[near])
        places = self.place_km[self.event[near]]
        return Neighbourhood.from_places(place, places, self.value_s[near], noise)

    def at(self, key: int, place: F64, own: I64) -> tuple[F64, F64]:
        """Return the terms of one key at places in s, and the variances of their errors in s²."""
        field = self.fields[key % len(PHASES)]
        value, left = np.zeros(len(place)), np.full(len(place), field.variance_s2)
        if key in self.rows and field.variance_s2 > 0:
            for i in range(0, len(place), _AT_ONCE):
                part = slice(i, i + _AT_ONCE)
                value[part], left[part] = self.around(key, place[part], own[part]).predict(field)
        return value, left

    def fitted(self, is_likely: NDArray[np.bool_], growth: float) -> SourceTerms:
        """Return the same events with fields that fit the picks for which ``is_likely`` is true.

        See `epicat.locate.kriging.fit_field` for ``growth``.
        """
        fields, factor = [], np.ones(len(PHASES))
        for p in range(len(PHASES)):
            rows = np.flatnonzero(is_likely & (self.key % len(PHASES) == p))
            rows = rows[:: -(-len(rows) // _FIT_PICKS) or 1]
            field = DelayField(0.0, 1.0)
            if len(rows) >= _LEAST_PICKS:
                around = self._around_rows(rows)
                field, factor[p] = fit_field(
                    around, self.value_s[rows], self.noise_s2[rows], growth
                )
            fields.append(field)
        noise = self.noise_s2 * factor[self.key % len(PHASES)]
        found = replace(self, noise_s2=noise, fields=(fields[0], fields[1]))
        return replace(found, correlation=found._correlation(is_likely, growth))

    def _correlation(self, is_likely: NDArray[np.bool_], growth: float) -> float:
        """Return the correlation of P and S delays: what the errors of the picks do not share.

        Hypocenters explain a share h of the variance of P and S alike.  It is missing from what
        residuals have in common as well: their correlation c becomes
        (c (1 - h) - h) / (1 - h - c h), if slopes of P and S are nearly in proportion.
        """
        rows = np.flatnonzero(is_likely)
        p, s = rows[:-1], rows[1:]
        is_pair = (self.event[p] == self.event[s]) & (self.key[p] + 1 == self.key[s])
        is_pair &= self.key[p] % len(PHASES) == 0
        size = np.sqrt(self.fields[0].variance_s2 * self.fields[1].variance_s2)
        if size == 0 or not is_pair.any():
            return 0.0
        pairs = (p[is_pair], s[is_pair])
        values = [self.value_s[rows] for rows in pairs]
        both = float(np.mean(values[0] * values[1]))
        seen = both / np.sqrt(np.mean(values[0] ** 2) * np.mean(values[1] ** 2))
        explained = 1 - 1 / growth
        whole = (seen * (1 - explained) + explained) / (1 - explained + seen * explained)
        errors = [f.variance_s2 + float(np.mean(self.noise_s2[rows]))
                  for f, rows in zip(self.fields, pairs, strict=True)]  # fmt: skip
        return float(np.clip(whole * np.sqrt(errors[0] * errors[1]) / size, 0.0, 1.0))

    def _around_rows(self, rows: I64) -> Neighbourhood:
        """Return the neighbours of picks, in the order of ``rows``."""
        parts, order = [], []
        for key in np.unique(self.key[rows]).tolist():
            at = np.flatnonzero(self.key[rows] == key)
            event = self.event[rows[at]]
            parts.append(self.around(key, self.place_km[event], event))
            order.append(at)
        return Neighbourhood.joined(parts, np.argsort(np.concatenate(order)))

    def shared_variance(self, place_km: F64) -> F64:
        """Return the variance of each pick's delay times the number of picks that share it, in s².

        Picks of near events have a delay in common and are worth less than independent ones
        (Kish 1965, Survey Sampling, on design effects).  Shape (picks,).
        """
        shared = np.zeros(len(self.key))
        both = 1 + self.correlation  # the other phase of the sensor has it as well
        for key, rows in self.rows.items():
            field = self.fields[key % len(PHASES)]
            place = place_km[self.event[rows]]
            for i in range(0, len(rows), _AT_ONCE):
                part = place[i : i + _AT_ONCE]
                squared = sum((part[:, None, k] - place[None, :, k]) ** 2 for k in range(3))
                shared[rows[i : i + _AT_ONCE]] = both * field.covariance(squared).sum(axis=1)
        return shared


class StationTerms:
    """Terms of the picks of located events, evaluated for batches."""

    def __init__(
        self, static: StaticTerms, source: SourceTerms | None = None, own: I64 | None = None
    ) -> None:
        """``own`` (events,) is the number of each located event among the sources, -1 if none."""
        self.static, self.source = static, source
        self._own = own

    def for_events(self, own: I64) -> StationTerms:
        """Return the same terms for other events, of which ``own`` is as in the constructor."""
        other = copy(self)
        other._own = own
        return other

    @property
    def correlation(self) -> float:
        """Correlation of the delays of P and S along paths; 0 without source-specific terms."""
        return self.source.correlation if self.source else 0.0

    def __call__(self, batch: Batch, unknowns: list[F64]) -> Correction:
        """Return the terms of a batch's picks for its hypocenters (events, 1)."""
        key, used = batch.key[:, :, 0], batch.used[:, :, 0]
        value = self.static.late_s(key, batch.times(*unknowns[:3])[:, :, 0])
        left, shared = np.zeros(key.shape), np.zeros(key.shape)
        if self.source is not None:
            place = np.concatenate(unknowns[:3], axis=1)
            own = self._own_of(batch.events)
            column = np.broadcast_to(np.arange(key.shape[1]), key.shape)
            variance = np.array([f.variance_s2 for f in self.source.fields])
            for number in np.unique(key[used]).tolist():
                at = used & (key == number)
                events = column[at]
                by_path, left[at] = self.source.at(number, place[events], own[events])
                value[at] += by_path
            shared = np.where(used, variance[key % len(PHASES)], 0.0) - left
        columns = (v[:, :, None] for v in (value, left, np.maximum(shared, 0.0)))
        return Correction(*columns)

    def everywhere(self, key: int, place_km: F64) -> tuple[F64, F64]:
        """Return the terms in s of a key for all events at places, and the variances left in s².

        The scales of travel times are not in them.
        """
        value = np.full(len(place_km), self.static.value_s[key])
        if self.source is None:
            return value, np.zeros(len(place_km))
        by_path, left = self.source.at(key, place_km, self._own_of(np.arange(len(place_km))))
        return value + by_path, left

    def shared_covariance(
        self, batch: Batch, unknowns: list[F64], response: list[F64], correction: Correction
    ) -> F64:
        """Return the covariance that the errors of terms give to hypocenters nearby in common.

        ``response`` is how far place and origin time move with each pick, four arrays of shape
        (picks, events).  Shape (events, 4, 4), in km and s.
        """
        key, covariance = batch.key[:, :, 0], self.static.covariance
        keys = len(self.static.value_s)
        travel = by_phase(batch, batch.times(*unknowns[:3])[:, :, 0])
        rows = []
        for r, by_path in zip(response, self._by_paths(batch, response, correction), strict=True):
            # Covariance of this coordinate's error with that of each pick's term, and each scale's.
            by_scale = [total(r * values) for values in travel]
            with_term = by_path
            for i in range(len(key)):
                with_term = with_term + covariance[key[i], key] * r[i]
            for p, by in enumerate(by_scale):
                with_term = with_term + covariance[key, keys + p] * by
            with_scale = [
                total(r * covariance[key, keys + p])
                + covariance[keys, keys + p] * by_scale[0]
                + covariance[keys + 1, keys + p] * by_scale[1]
                for p in range(len(PHASES))
            ]
            late = with_term + sum(c * v for c, v in zip(with_scale, travel, strict=True))
            rows.append([total(late * other) for other in response])
        return np.stack([np.stack(row, -1) for row in rows], -2)

    def _by_paths(self, batch: Batch, response: list[F64], correction: Correction) -> list[F64]:
        """Multiply the responses by the covariance of delays along paths that were taken off."""
        variance = correction.shared_s2[:, :, 0]
        moved = [variance * r for r in response]
        if self.source is not None:
            sensor, used = batch.key[:, :, 0] // len(PHASES), batch.used[:, :, 0]
            is_pair = (sensor[:-1] == sensor[1:]) & used[1:]
            both = np.where(is_pair, np.sqrt(variance[:-1] * variance[1:]), 0.0)
            both *= self.source.correlation
            for by, r in zip(moved, response, strict=True):
                by[:-1] += both * r[1:]
                by[1:] += both * r[:-1]
        return moved

    def _own_of(self, events: I64) -> I64:
        return np.full(len(events), -1) if self._own is None else self._own[events]
