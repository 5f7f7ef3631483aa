"""Compare two catalogs: events matched one to one, what is missed, and how far pairs differ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epicat.catalog.catalog import open_catalog
from epicat.errors import InputError
from epicat.geo import Extent, distance_azimuth
from epicat.imports.events import read_raw_events
from epicat.model import Span
from epicat.time import SECOND_NS

__all__ = ["Comparison", "Difference", "EventList", "compare", "match_events", "read_event_list"]

_F64 = NDArray[np.float64]
_I64 = NDArray[np.int64]
_EARTH_KM_PER_DEGREE = 111.2
_SHIFT_LIMITS = 15
"""The clock is shifted by this many time limits: far from a match, near in seismicity."""


@dataclass(frozen=True, slots=True)
class EventList:
    """Events of a catalog, in order of time; arrays of one length."""

    label: str
    """Where they come from."""
    names: tuple[str, ...]
    """Identities of the events."""
    time_ns: _I64
    """Origin times, nanoseconds since 1970."""
    latitude: _F64
    """Degrees north."""
    longitude: _F64
    """Degrees east."""
    depth_km: _F64
    """Kilometres below sea level; NaN where unknown."""
    magnitude: _F64
    """Magnitudes; NaN where unknown."""

    def __len__(self) -> int:
        return len(self.names)

    def take(self, rows: NDArray[Any]) -> EventList:
        """Return the events of these rows."""
        at = np.arange(len(self))[rows]
        return EventList(
            self.label, tuple(self.names[i] for i in at), self.time_ns[at], self.latitude[at],
            self.longitude[at], self.depth_km[at], self.magnitude[at],
        )  # fmt: skip

    def within(self, span: Span | None = None, extent: Extent | None = None) -> EventList:
        """Return the events inside a span and an extent."""
        good = np.ones(len(self), np.bool_)
        if span is not None:
            good &= (self.time_ns >= span.start_ns) & (self.time_ns < span.end_ns)
        if extent is not None:
            good &= extent.contains(self.latitude, self.longitude)
        return self.take(good)


@dataclass(frozen=True, slots=True)
class Difference:
    """How the values of matched events differ: the first catalog's minus the second's."""

    median: float
    """Median; NaN without a pair that has both values."""
    mad: float
    """Median absolute deviation from the median (not scaled to a standard deviation)."""
    count: int
    """Pairs with both values."""

    @classmethod
    def from_values(cls, values: _F64) -> Difference:
        """Summarise differences; those that are NaN do not count."""
        known = values[np.isfinite(values)]
        if not len(known):
            return cls(math.nan, math.nan, 0)
        median = float(np.median(known))
        return cls(median, float(np.median(np.abs(known - median))), len(known))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two catalogs, and which of their events are the same."""

    first: EventList
    """The catalog that is tested."""
    second: EventList
    """The reference."""
    pairs: tuple[_I64, _I64]
    """Rows of the first and of the second catalog that are one event."""
    max_s: float
    """Largest difference of the origin times of a pair, in seconds."""
    max_km: float
    """Largest epicentral distance of a pair, in km."""
    shift_s: float
    """By how much the clock of the first catalog is shifted for ``chance``, in seconds."""
    chance: tuple[int, int]
    """Pairs that are found with the clock that much late, and early."""

    @property
    def n_matched(self) -> int:
        """Number of pairs."""
        return len(self.pairs[0])

    @property
    def missed(self) -> EventList:
        """Events of the second catalog that the first one lacks."""
        return self.second.take(_others(len(self.second), self.pairs[1]))

    @property
    def extra(self) -> EventList:
        """Events of the first catalog that the second one lacks."""
        return self.first.take(_others(len(self.first), self.pairs[0]))

    def differences(self) -> dict[str, _F64]:
        """Return ``time_s``, ``distance_km``, ``depth_km`` and ``magnitude`` of each pair.

        First minus second; the distance is that of the epicentres.
        """
        one, other = self.first.take(self.pairs[0]), self.second.take(self.pairs[1])
        return {
            "time_s": (one.time_ns - other.time_ns) / SECOND_NS,
            "distance_km": _distances(one, other),
            "depth_km": one.depth_km - other.depth_km,
            "magnitude": one.magnitude - other.magnitude,
        }

    def summary(self) -> dict[str, Any]:
        """Return the numbers as plain values, for JSON; NaN is None."""
        values = {name: Difference.from_values(v) for name, v in self.differences().items()}
        return {
            "first": {"label": self.first.label, "events": len(self.first)},
            "second": {"label": self.second.label, "events": len(self.second)},
            "max_s": self.max_s,
            "max_km": self.max_km,
            "matched": self.n_matched,
            "missed": len(self.second) - self.n_matched,
            "extra": len(self.first) - self.n_matched,
            "chance": {"shift_s": self.shift_s, "late": self.chance[0], "early": self.chance[1]},
            "differences": {
                name: {
                    "median": None if math.isnan(d.median) else d.median,
                    "mad": None if math.isnan(d.mad) else d.mad,
                    "count": d.count,
                }
                for name, d in values.items()
            },
        }


def _others(length: int, rows: _I64) -> NDArray[np.bool_]:
    left = np.ones(length, np.bool_)
    left[rows] = False
    return left


def _distances(one: EventList, other: EventList) -> _F64:
    if not len(one):
        return np.zeros(0)
    distances, _ = distance_azimuth(one.latitude, one.longitude, other.latitude, other.longitude)
    return distances


def read_event_list(
    source: str | Path, run: str | None = None, *, with_rejected: bool = False
) -> EventList:
    """Read the events of a store or of a file.

    Parameters
    ----------
    source
        A store (a folder, ``s3://``, ``mongodb://``), of which ``#DIGEST`` at the end names a run
        or catalog, ``#location=NAME`` a location and ``#DIGEST&location=NAME`` both, or a file:
        QuakeML, SeisComP's XML, FDSN event text, ComCat's CSV and other tables of events, hypoDD
        ``phase.dat``, NonLinLoc ``.hyp``.
    run
        The beginning of the digest of a run or catalog of a store; None: the newest.
    with_rejected
        Whether events of a store that quality control rejects take part.

    Raises
    ------
    InputError
        If the file cannot be read as events.
    StoreError
        If there is no such store.

    """
    text = str(source)
    path = Path(text)
    if path.is_file():
        raw, _ = read_raw_events(path)
        rows = [e for e in raw.events if math.isfinite(e.latitude + e.longitude)]
        if not rows:
            raise InputError(f"events {text!r}: there is no event with an origin in it")
        return _from_columns(
            text,
            [e.name for e in rows],
            [e.time_ns for e in rows],
            {"latitude": [e.latitude for e in rows], "longitude": [e.longitude for e in rows],
             "depth_km": [e.depth_km for e in rows],
             "magnitude": [math.nan if e.magnitude is None else e.magnitude for e in rows]},
        )  # fmt: skip
    if path.suffix and "://" not in text and "#" not in text and not path.exists():
        raise InputError(f"events {text!r}: there is no such file or store")
    location, separator, chosen = text.rpartition("#")
    if not separator:
        location, chosen = text, ""
    digest, places = _chosen(chosen)
    catalog = open_catalog(location, digest or run, places=places)
    return from_table(catalog.events(with_rejected=with_rejected), text)


def _chosen(text: str) -> tuple[str | None, str | None]:
    """Return the run or catalog and the location that the end of a source names."""
    digest = places = None
    for part in filter(None, text.split("&")):
        key, separator, value = part.partition("=")
        if not separator:
            digest = part
        elif key == "location":
            places = value
        else:
            raise InputError(f"events {text!r}: write #NAME, #location=NAME, or both with '&'")
    return digest, places


def from_table(events: pa.Table, label: str) -> EventList:
    """Return the events of a table with the columns of `epicat.tables.EVENTS`."""
    times = events["time"].cast(pa.int64()).to_pylist()
    names = ("latitude", "longitude", "depth_km", "magnitude")
    columns = {
        name: [math.nan if v is None else v for v in events[name].to_pylist()]
        if name in events.column_names
        else [math.nan] * len(times)
        for name in names
    }
    return _from_columns(label, events["event_id"].to_pylist(), times, columns)


def _from_columns(
    label: str,
    names: Sequence[str],
    times: Sequence[int],
    columns: Mapping[str, Sequence[float]],
) -> EventList:
    time_ns = np.asarray(times, np.int64)
    order = np.argsort(time_ns, kind="stable")
    arrays = {name: np.asarray(values, np.float64)[order] for name, values in columns.items()}
    return EventList(label, tuple(names[at] for at in order), time_ns[order], **arrays)


def compare(
    first: EventList,
    second: EventList,
    *,
    max_s: float = 2.0,
    max_km: float = 10.0,
    shift_s: float | None = None,
) -> Comparison:
    """Compare a catalog with a reference.

    Parameters
    ----------
    first, second
        The catalog and the reference, see `read_event_list`.
    max_s, max_km
        Limits of a pair: difference of origin times, and distance of epicentres.
    shift_s
        By how much the clock of the first catalog is shifted to see how many pairs arise by
        chance; default: 15 times ``max_s``.

    Raises
    ------
    InputError
        For limits that are not above 0.

    """
    for name, limit in (("max_s", max_s), ("max_km", max_km)):
        if not 0 < limit < math.inf:
            raise InputError(f"{name}: {limit:g} is not a number above 0")
    shift = _SHIFT_LIMITS * max_s if shift_s is None else shift_s
    chance = [len(match_events(first, second, max_s, max_km, s)[0]) for s in (shift, -shift)]
    pairs = match_events(first, second, max_s, max_km)
    return Comparison(first, second, pairs, max_s, max_km, shift, (chance[0], chance[1]))


def match_events(
    first: EventList, second: EventList, max_s: float, max_km: float, shift_s: float = 0.0
) -> tuple[_I64, _I64]:
    """Return the rows of the events of two catalogs that are one event, each at most once.

    Of all one-to-one assignments of events within both limits it is one with the most pairs, and
    of those the one with the smallest sum of ``|dt| / max_s + d / max_km`` (the Hungarian method,
    Kuhn 1955, on each group of events that could be each other's).
    """
    rows, columns, costs = _candidates(first, second, max_s, max_km, shift_s)
    if not len(rows):
        return rows, columns
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, m = len(first), len(second)
    graph = coo_array((np.ones(len(rows)), (rows, n + columns)), shape=(n + m, n + m))
    _, labels = connected_components(graph, directed=False)
    order = np.argsort(labels[rows], kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(labels[rows][order])) + 1)
    pairs: list[tuple[int, int]] = []
    for group in groups:
        ours, a = np.unique(rows[group], return_inverse=True)
        theirs, b = np.unique(columns[group], return_inverse=True)
        # More than all others together: a pair is always worth more than small differences.
        table = np.full((len(ours), len(theirs)), 4.0 * (min(len(ours), len(theirs)) + 1))
        table[a, b] = costs[group]
        for i, j in zip(*linear_sum_assignment(table), strict=True):
            if table[i, j] <= 2.0:
                pairs.append((int(ours[i]), int(theirs[j])))
    found = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _candidates(
    first: EventList, second: EventList, max_s: float, max_km: float, shift_s: float
) -> tuple[_I64, _I64, _F64]:
    """Return the pairs within both limits, and their costs, 0 to 2."""
    times = first.time_ns + round(shift_s * SECOND_NS)
    reach = round(max_s * SECOND_NS)
    low = np.searchsorted(second.time_ns, times - reach, "left")
    high = np.searchsorted(second.time_ns, times + reach, "right")
    counts = high - low
    rows = np.repeat(np.arange(len(first)), counts)
    starts = np.repeat(low - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
    columns = starts + np.arange(len(rows))
    # Most pairs of a large region are far apart: no geodesic for those.
    near = np.abs(first.latitude[rows] - second.latitude[columns]) * _EARTH_KM_PER_DEGREE
    close = near <= 1.01 * max_km
    rows, columns = rows[close], columns[close]
    distances = _distances(first.take(rows), second.take(columns))
    good = distances <= max_km
    rows, columns = rows[good].astype(np.int64), columns[good].astype(np.int64)
    late = np.abs(times[rows] - second.time_ns[columns]) / SECOND_NS
    return rows, columns, late / max_s + distances[good] / max_km
