"""Rows of events and arrivals in, rows of origins out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epicat.geo import distance_azimuth
from epicat.locate.arrivals import Arrivals
from epicat.locate.design import LocationDesign
from epicat.locate.grids import PHASES
from epicat.locate.locator import Locator
from epicat.locate.quality import Evidence, azimuthal_gaps, quality_class
from epicat.locate.solution import Located
from epicat.locate.terms_file import FileTerms
from epicat.locate.uncertainty import Ellipses
from epicat.model import digest_of
from epicat.tables import COVARIANCE, ORIGIN_ARRIVALS, ORIGINS
from epicat.time import SECOND_NS

__all__ = ["EventPicks", "LocatedRows", "locate_events"]

F64 = NDArray[np.float64]

LEAST_PICKS, LEAST_SITES = 4, 3
"""With fewer picks or sites an event is not located."""

SiteOf = Callable[[str, int], str | None]
"""Name of the site of a trace at a time; None if it has none."""


@dataclass(frozen=True, slots=True)
class EventPicks:
    """Events that can be located, with their picks in columns."""

    events: list[dict[str, Any]]
    """Rows of ``events``."""
    rows: list[dict[str, Any]]
    """Rows of ``arrivals`` at known sites."""
    arrivals: Arrivals
    """The same picks, sorted: ``arrivals.row`` is their place in ``rows``."""
    too_few: int
    """Events that have too few picks or sites."""
    without_site: int
    """Picks of the events whose station is none of the sites."""

    @classmethod
    def from_tables(
        cls, events: pa.Table, arrivals: pa.Table, design: LocationDesign, site_of: SiteOf
    ) -> EventPicks:
        """Collect the picks of events; the order of rows does not matter."""
        number = {name: i for i, (name, *_) in enumerate(design.sites)}
        without_site = 0
        by_event: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        times = arrivals["time"].cast(pa.int64()).to_pylist()
        for row, time_ns in zip(arrivals.to_pylist(), times, strict=True):
            site = site_of(row["trace_id"], time_ns)
            if site in number and row["phase"] in PHASES:
                row["time"] = time_ns
                by_event.setdefault(row["event_id"], []).append((number[site], row))
            else:
                without_site += 1
        kept: list[dict[str, Any]] = []
        rows: list[dict[str, Any]] = []
        columns: list[tuple[int, int, int, float]] = []
        too_few = 0
        origins = events["time"].cast(pa.int64()).to_pylist()
        for event, time_ns in zip(events.to_pylist(), origins, strict=True):
            own = by_event.get(event["event_id"], [])
            if len(own) < LEAST_PICKS or len({sensor for sensor, _ in own}) < LEAST_SITES:
                too_few += 1
                continue
            event["time"] = time_ns
            for sensor, row in own:
                phase = PHASES.index(row["phase"])
                columns.append((len(kept), sensor, phase, (row["time"] - time_ns) / SECOND_NS))
                rows.append(row)
            kept.append(event)
        return cls(kept, rows, _arrivals(columns, design.expected_s), too_few, without_site)


def _arrivals(
    columns: Sequence[tuple[int, int, int, float]], expected_s: tuple[float, float]
) -> Arrivals:
    event, sensor, phase, time = (
        np.array([c[k] for c in columns], dtype=float if k == 3 else np.int64) for k in range(4)
    )
    return Arrivals.from_columns(event, sensor, phase, time, np.array(expected_s)[phase])


@dataclass(frozen=True, slots=True)
class LocatedRows:
    """Rows of a block."""

    origins: pa.Table
    """Rows of ``origins``."""
    arrivals: pa.Table
    """Rows of ``origin_arrivals``."""


def locate_events(
    given: EventPicks,
    locator: Locator,
    design: LocationDesign,
    key: str,
    terms: FileTerms | None = None,
) -> LocatedRows:
    """Locate events and return their rows under a block's key."""
    if not given.events:
        return LocatedRows(ORIGINS.empty_table(), ORIGIN_ARRIVALS.empty_table())
    start = np.array([[e["x_km"], e["y_km"], e["depth_km"]] for e in given.events], dtype=float)
    removed = np.array(design.removed_s2)[given.arrivals.phase]
    own = terms.for_events([event["event_id"] for event in given.events]) if terms else None
    located = locator.locate(given.arrivals, start=start, terms=own, removed_s2=removed)
    writer = _Writer(given, located, design, key, start)
    return LocatedRows(writer.origins(), writer.arrivals())


class _Writer:
    """Makes rows of located events."""

    def __init__(
        self, given: EventPicks, located: Located, design: LocationDesign, key: str, start: F64
    ) -> None:
        self._given, self._located, self._design, self._key = given, located, design, key
        self._moved = np.sqrt(((located.place_km - start) ** 2).sum(axis=1))
        x, y, _ = located.place_km.T
        self._latitude, self._longitude = design.plane.to_lat_lon(x, y)
        arrivals = given.arrivals
        event = arrivals.event
        sites = np.array([site[1:3] for site in design.sites])[arrivals.sensor]
        self._distance, self._azimuth = distance_azimuth(
            self._latitude[event], self._longitude[event], sites[:, 0], sites[:, 1]
        )
        self._ids = [digest_of(design.digest, event["event_id"]) for event in given.events]

    def origins(self) -> pa.Table:
        """Return the rows of ``origins``, in the order of time."""
        ellipses = Ellipses.from_covariance(self._located.covariance_km2)
        rows = [self._origin(i, ellipses) for i in range(len(self._given.events))]
        table = pa.Table.from_pylist(rows, ORIGINS)
        return table.sort_by([("time", "ascending"), ("origin_id", "ascending")])

    def _origin(self, i: int, ellipses: Ellipses) -> dict[str, Any]:
        located, event = self._located, self._given.events[i]
        x, y, z = (float(v) for v in located.place_km[i])
        error = float(np.sqrt(located.covariance_km2[i, 2, 2]))
        top, bottom = self._design.z_km
        return {
            "origin_id": self._ids[i],
            "event_id": event["event_id"],
            "time": int(event["time"]) + round(float(located.origin_s[i]) * SECOND_NS),
            "latitude": float(self._latitude[i]),
            "longitude": float(self._longitude[i]),
            "depth_km": z,
            "time_error_s": float(located.origin_error_s[i]),
            "major_km": float(ellipses.major_km[i]),
            "minor_km": float(ellipses.minor_km[i]),
            "azimuth_deg": float(ellipses.azimuth_deg[i]),
            "depth_error_km": error,
            "depth_low_km": max(z - error, top),
            "depth_high_km": min(z + error, bottom),
            "depth_fixed": bool(located.is_depth_fixed[i]),
            "moved_km": float(self._moved[i]),
            "error_factor": float(located.error_factor[i]),
            "x_km": x,
            "y_km": y,
            "rejected": event.get("rejected"),
            "design": self._design.digest,
            "key": self._key,
            **_elements("cov", located.covariance_km2[i]),
            **_elements("relative", located.relative_km2[i]),
            **self._support(i, float(ellipses.major_km[i]), error),
        }

    def _support(self, i: int, major_km: float, depth_error_km: float) -> dict[str, Any]:
        """Return what the picks and stations of an event say about its location."""
        arrivals, located = self._given.arrivals, self._located
        rows = slice(int(arrivals.first[i]), int(arrivals.first[i + 1]))
        inlier, phase = located.inlier[rows], arrivals.phase[rows]
        is_used = inlier >= 0.5
        effective = float(inlier.sum())
        squares = float((inlier * located.residual_s[rows] ** 2).sum())
        gap, secondary = azimuthal_gaps(self._azimuth[rows][is_used].tolist())
        edge = self._is_at_edge(i)
        evidence = Evidence(
            major_km=major_km,
            depth_error_km=depth_error_km,
            inlier_share=effective / len(inlier),
            effective_picks=effective,
            is_depth_fixed=bool(located.is_depth_fixed[i]),
            is_at_edge=edge,
        )
        nearest = self._distance[rows][is_used] if is_used.any() else self._distance[rows]
        return {
            "quality": quality_class(evidence),
            "n_p": int((phase == 0).sum()),
            "n_s": int((phase == 1).sum()),
            "n_stations": len(set(arrivals.sensor[rows].tolist())),
            "effective_picks": effective,
            "rms_s": float(np.sqrt(squares / max(effective, 1e-9))),
            "gap_deg": gap,
            "secondary_gap_deg": secondary,
            "dmin_km": float(nearest.min()),
            "edge": edge,
        }

    def _is_at_edge(self, i: int) -> bool:
        """Return whether a place is within half a node of the search box's edge."""
        margin = self._design.spacing_km / 2
        edges = (self._design.x_km, self._design.y_km, self._design.z_km)
        pairs = zip(self._located.place_km[i], edges, strict=True)
        return any(value - low < margin or high - value < margin for value, (low, high) in pairs)

    def arrivals(self) -> pa.Table:
        """Return the rows of ``origin_arrivals``, in the order of time."""
        arrivals, located = self._given.arrivals, self._located
        event = arrivals.event
        rows = []
        for k, at in enumerate(arrivals.row.tolist()):
            row = self._given.rows[at]
            rows.append(
                {
                    "origin_id": self._ids[event[k]],
                    **{n: row[n] for n in ("event_id", "pick_id", "trace_id", "phase", "time")},
                    "residual_s": float(located.residual_s[k]),
                    "term_s": float(located.term_s[k]),
                    "sigma_s": float(located.sigma_s[k]),
                    "inlier_probability": float(located.inlier[k]),
                    "distance_km": float(self._distance[k]),
                    "azimuth_deg": float(self._azimuth[k]),
                    "added": bool(row.get("added", False)),
                    "design": self._design.digest,
                    "key": self._key,
                }
            )
        table = pa.Table.from_pylist(rows, ORIGIN_ARRIVALS)
        return table.sort_by([("time", "ascending"), ("origin_id", "ascending")])


def _elements(name: str, covariance: F64) -> dict[str, float]:
    """Return the elements of a covariance by the names of their columns."""
    at = {"e": 0, "n": 1, "z": 2}
    return {f"{name}_{ij}_km2": float(covariance[at[ij[0]], at[ij[1]]]) for ij in COVARIANCE}
