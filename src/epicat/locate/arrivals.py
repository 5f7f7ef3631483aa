"""The arrivals of many events, as columns and as padded batches for the numerical core."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from epicat.locate.grids import PHASES, TravelTimeGrids

__all__ = ["Arrivals", "Batch", "Correction", "Network", "batches"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

_AT_ONCE = 1 << 15
"""Travel times that are computed at once: a few times as many take three times as long each."""


@dataclass(frozen=True, slots=True)
class Network:
    """Where the sensors stand, in the local plane."""

    x_km: F64
    """Kilometres east of the plane's origin, shape (sensors,)."""
    y_km: F64
    """Kilometres north of the plane's origin, shape (sensors,)."""
    depth_km: F64
    """Kilometres below sea level, negative above it, shape (sensors,)."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Picks of events: those of event ``i`` are rows ``first[i]`` to ``first[i + 1]``.

    The order of an event's picks decides the last bits of its location, so they are kept in the
    order of sensor, phase and time: see `Arrivals.from_columns`.
    """

    first: I64
    """Row of the first pick of each event, and the number of rows; shape (events + 1,)."""
    sensor: I64
    """Number of the sensor, shape (picks,)."""
    phase: I64
    """0 for P, 1 for S, shape (picks,)."""
    time_s: F64
    """Seconds after the reference time of the event, shape (picks,)."""
    sigma_s: F64
    """Standard error that is expected of each pick, shape (picks,)."""
    row: I64
    """Where each pick was in the columns that were given, shape (picks,)."""

    @classmethod
    def from_columns(
        cls, event: I64, sensor: I64, phase: I64, time_s: F64, sigma_s: F64
    ) -> Arrivals:
        """Sort picks of events 0 to n - 1, each with one pick at least."""
        order = np.lexsort((time_s, phase, sensor, event))
        count = np.bincount(event)
        return cls(
            first=np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
            sensor=sensor[order],
            phase=phase[order],
            time_s=time_s[order],
            sigma_s=sigma_s[order],
            row=order.astype(np.int64),
        )

    @classmethod
    def joined(cls, parts: Sequence[Arrivals]) -> Arrivals:
        """Put the events of several arrivals one after the other; ``row`` counts on as well."""
        before = np.cumsum([0, *(len(part.time_s) for part in parts)])
        counted = list(zip(parts, before[:-1], strict=True))
        return cls(
            first=np.concatenate([*(part.first[:-1] + n for part, n in counted), before[-1:]]),
            sensor=np.concatenate([part.sensor for part in parts]),
            phase=np.concatenate([part.phase for part in parts]),
            time_s=np.concatenate([part.time_s for part in parts]),
            sigma_s=np.concatenate([part.sigma_s for part in parts]),
            row=np.concatenate([part.row + n for part, n in counted]),
        )

    def __len__(self) -> int:
        return len(self.first) - 1

    @property
    def count(self) -> I64:
        """Picks of each event, shape (events,)."""
        return np.diff(self.first)

    @property
    def event(self) -> I64:
        """Number of the event of each pick, shape (picks,)."""
        return np.repeat(np.arange(len(self)), self.count)

    def with_sigma(self, sigma_s: F64) -> Arrivals:
        """Return the same picks with other standard errors."""
        return replace(self, sigma_s=sigma_s)

    def select(self, keep: Bool) -> Arrivals:
        """Return the picks for which ``keep`` (picks,) is true; each event must have one."""
        event = self.event[keep]
        count = np.bincount(event, minlength=len(self))
        return Arrivals(
            np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
            self.sensor[keep], self.phase[keep], self.time_s[keep], self.sigma_s[keep],
            self.row[keep],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Correction:
    """What is taken off the times of a batch's picks: arrays of shape (picks, events, 1)."""

    value_s: F64
    """The terms in s."""
    left_s2: F64
    """Variance in s² of what a term does not know of the delay of its pick."""
    shared_s2: F64
    """Variance in s² of what it takes off.

    Near events have it in common: hypocenters may have moved with it."""

    def take(self, columns: I64) -> Correction:
        """Return the correction of some of the events."""
        return Correction(
            self.value_s[:, columns], self.left_s2[:, columns], self.shared_s2[:, columns]
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """Events next to each other, padded to the same number of picks: arrays (picks, events, 1)."""

    grids: TravelTimeGrids
    """Travel times."""
    events: I64
    """Number of each event among the arrivals, shape (events,)."""
    rows: I64
    """Row of each pick among the arrivals; of the event's first pick where there is none."""
    key: I64
    """Number of the pick's sensor and phase: twice that of the sensor, and one more for S."""
    node: I64
    """First node of each pick's grid."""
    x_km: F64
    """East coordinate of the sensor."""
    y_km: F64
    """North coordinate of the sensor."""
    z_km: F64
    """Depth of the sensor."""
    time_s: F64
    """Observed time after the event's reference, station terms removed."""
    inverse_sigma: F64
    """One over the standard error of the pick, in 1/s; 0 where there is no pick."""

    @property
    def used(self) -> Bool:
        """Whether there is a pick, shape (picks, events, 1)."""
        return np.asarray(self.inverse_sigma > 0)

    @property
    def count(self) -> F64:
        """Picks of each event, shape (events,)."""
        return np.asarray(self.used.sum(axis=0)[:, 0], dtype=float)

    def take(self, columns: I64) -> Batch:
        """Return some of the events."""
        part = (getattr(self, name).take(columns, axis=1) for name in _BY_PICK)
        return Batch(self.grids, self.events[columns], *part)

    def trimmed(self, columns: I64) -> Batch:
        """Return some of the events without the rows in which none of them has a pick."""
        part = self.take(columns)
        rows = int(part.count.max(initial=0))
        return Batch(self.grids, part.events, *(getattr(part, name)[:rows] for name in _BY_PICK))

    def parts(self, places: int) -> Iterator[I64]:
        """Divide the events so that the times from some places each stay in the cache."""
        step = max(1, _AT_ONCE // (len(self.time_s) * places))
        for first in range(0, len(self.events), step):
            yield np.arange(first, min(first + step, len(self.events)))

    def corrected(self, correction: Correction) -> Batch:
        """Return the batch with terms taken off the times, and with what they leave unknown."""
        variance = 1 + correction.left_s2 * self.inverse_sigma**2
        return replace(
            self,
            time_s=self.time_s - correction.value_s,
            inverse_sigma=self.inverse_sigma / np.sqrt(variance),
        )

    def times(self, x: F64, y: F64, z: F64) -> F64:
        """Travel times in s, shape (picks, events, n), from n places (events, n) for each event."""
        offset = (x[None] - self.x_km, y[None] - self.y_km)
        return self.grids.times(self.node, offset, z[None] - self.z_km, z[None])

    def times_and_slopes(self, x: F64, y: F64, z: F64) -> tuple[F64, list[F64]]:
        """As `times`, and the derivatives of the times by x, y and z in s/km."""
        offset = (x[None] - self.x_km, y[None] - self.y_km)
        return self.grids.times_and_slopes(self.node, offset, z[None] - self.z_km, z[None])


_BY_PICK = ("rows", "key", "node", "x_km", "y_km", "z_km", "time_s", "inverse_sigma")
"""Fields of `Batch` of shape (picks, events, 1), in their order."""


def batches(
    arrivals: Arrivals, network: Network, grids: TravelTimeGrids, size: int
) -> Iterator[Batch]:
    """Divide events into batches of about ``size``, in the order of their numbers of picks."""
    order = np.argsort(arrivals.count, kind="stable")
    for events in np.array_split(order, max(1, round(len(order) / size))):
        if len(events):
            yield _batch(arrivals, network, grids, events)


def _batch(arrivals: Arrivals, network: Network, grids: TravelTimeGrids, events: I64) -> Batch:
    count, first = arrivals.count[events, None], arrivals.first[events, None]
    place = np.arange(count.max())[:, None, None]
    used = place < count
    rows = np.where(used, first + place, first)
    sensor, phase = arrivals.sensor[rows], arrivals.phase[rows]
    return Batch(
        grids=grids,
        events=events,
        rows=rows,
        key=len(PHASES) * sensor + phase,
        node=(grids.grid_of[sensor] + phase) * grids.grid_size,
        x_km=network.x_km[sensor],
        y_km=network.y_km[sensor],
        z_km=grids.sensor_depth_km[sensor],
        time_s=arrivals.time_s[rows],
        inverse_sigma=np.where(used, 1 / arrivals.sigma_s[rows], 0.0),
    )
