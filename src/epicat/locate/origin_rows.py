"""Rows of origins and their arrivals from located events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epicat.geo import distance_azimuth
from epicat.locate.design import LocationDesign
from epicat.locate.event_picks import EventPicks
from epicat.locate.quality import Evidence, azimuthal_gaps, quality_class
from epicat.locate.solution import Located
from epicat.locate.uncertainty import Ellipses
from epicat.model import digest_of
from epicat.tables import COVARIANCE, ORIGIN_ARRIVALS, ORIGINS
from epicat.time import SECOND_NS

__all__ = ["OriginRows"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


class OriginRows:
    """Makes rows of located events."""

    def __init__(
        self,
        given: EventPicks,
        located: Located,
        design: LocationDesign,
        key: str,
        left: Mapping[int, set[str]] | None = None,
    ) -> None:
        """``left`` are the events that get rows, by number, and the ids of their picks.

        By default all events and all of their picks.
        """
        self._given, self._located, self._design, self._key = given, located, design, key
        self._moved = np.sqrt(((located.place_km - given.start_km) ** 2).sum(axis=1))
        x, y, _ = located.place_km.T
        self._latitude, self._longitude = design.plane.to_lat_lon(x, y)
        arrivals = given.arrivals
        event = arrivals.event
        sites = np.array([site[1:3] for site in design.sites])[arrivals.sensor]
        self._distance, self._azimuth = distance_azimuth(
            self._latitude[event], self._longitude[event], sites[:, 0], sites[:, 1]
        )
        self._digest = design.digest
        self._ids = [digest_of(self._digest, event["event_id"]) for event in given.events]
        self._chosen = range(len(given.events)) if left is None else sorted(left)
        # No arrival is before its origin.
        possible = arrivals.time_s > located.origin_s[event]
        if left is not None:
            ids = [given.rows[at]["pick_id"] for at in arrivals.row.tolist()]
            pairs = zip(event.tolist(), ids, strict=True)
            possible &= np.array([i in left.get(e, ()) for e, i in pairs], dtype=bool)
        self._has_row = possible

    def origins(self) -> pa.Table:
        """Return the rows of ``origins``."""
        ellipses = Ellipses.from_covariance(self._located.covariance_km2)
        rows = [self._origin(i, ellipses) for i in self._chosen]
        return pa.Table.from_pylist(rows, ORIGINS)

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
            "design": self._digest,
            "key": self._key,
            **_elements("cov", located.covariance_km2[i]),
            **_elements("relative", located.relative_km2[i]),
            **self._support(i, float(ellipses.major_km[i]), error),
        }

    def _support(self, i: int, major_km: float, depth_error_km: float) -> dict[str, Any]:
        """Return what the picks and stations of an event say about its location."""
        arrivals, located = self._given.arrivals, self._located
        rows = self._rows(i)
        inlier, phase = located.inlier[rows], arrivals.phase[rows]
        is_used = inlier >= 0.5
        effective = float(inlier.sum())
        squares = float((inlier * located.residual_s[rows] ** 2).sum())
        gap, secondary = azimuthal_gaps(self._azimuth[rows][is_used].tolist())
        edge = self._is_at_edge(i)
        evidence = Evidence(
            major_km=major_km,
            depth_error_km=depth_error_km,
            inlier_share=effective / max(len(inlier), self._associated(i)),
            effective_picks=effective,
            secondary_gap_deg=secondary,
            is_depth_fixed=bool(located.is_depth_fixed[i]),
            is_at_edge=edge,
        )
        nearest = self._distance[rows[is_used] if is_used.any() else self._all_rows(i)]
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

    def _associated(self, i: int) -> int:
        """Return the number of picks that an event had from the association."""
        event = self._given.events[i]
        return max(int(event.get("n_p") or 0) + int(event.get("n_s") or 0), 1)

    def _all_rows(self, i: int) -> I64:
        first = self._given.arrivals.first
        return np.arange(first[i], first[i + 1])

    def _rows(self, i: int) -> I64:
        """Return the numbers of an event's picks that have rows."""
        rows = self._all_rows(i)
        return np.asarray(rows[self._has_row[rows]])

    def _is_at_edge(self, i: int) -> bool:
        """Return whether a place is within half a node of the search box's edge."""
        margin = self._design.spacing_km / 2
        edges = (self._design.x_km, self._design.y_km, self._design.z_km)
        pairs = zip(self._located.place_km[i], edges, strict=True)
        return any(value - low < margin or high - value < margin for value, (low, high) in pairs)

    def arrivals(self) -> pa.Table:
        """Return the rows of ``origin_arrivals``."""
        rows = [self._arrival(int(k), i) for i in self._chosen for k in self._rows(i)]
        return pa.Table.from_pylist(rows, ORIGIN_ARRIVALS)

    def _arrival(self, k: int, event: int) -> dict[str, Any]:
        located = self._located
        row = self._given.rows[int(self._given.arrivals.row[k])]
        return {
            "origin_id": self._ids[event],
            **{n: row[n] for n in ("event_id", "pick_id", "trace_id", "phase", "time")},
            "residual_s": float(located.residual_s[k]),
            "term_s": float(located.term_s[k]),
            "sigma_s": float(located.sigma_s[k]),
            "inlier_probability": float(located.inlier[k]),
            "distance_km": float(self._distance[k]),
            "azimuth_deg": float(self._azimuth[k]),
            "takeoff_deg": float(located.takeoff_deg[k]),
            "added": bool(row.get("added", False)),
            "design": self._digest,
            "key": self._key,
        }


def _elements(name: str, covariance: F64) -> dict[str, float]:
    """Return the elements of a covariance by the names of their columns."""
    at = {"e": 0, "n": 1, "z": 2}
    return {f"{name}_{ij}_km2": float(covariance[at[ij[0]], at[ij[1]]]) for ij in COVARIANCE}
