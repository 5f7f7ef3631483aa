"""Complete candidates to events: geography, azimuthal gap, nearest station, flags."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from epicat.association.candidates import Candidate
from epicat.association.design import Design
from epicat.association.quality import judged
from epicat.geo import distance_azimuth
from epicat.model import Arrival, Event

__all__ = ["azimuthal_gap", "to_events"]


def to_events(candidates: Iterable[Candidate], design: Design) -> list[Event]:
    """Return candidates as events, in the same order."""
    places = {name: (latitude, longitude) for name, latitude, longitude, _ in design.sites}
    return judged((_event(c, design, places) for c in candidates), design.quality, design.wanted)


def _event(candidate: Candidate, design: Design, places: dict[str, tuple[float, float]]) -> Event:
    lat, lon = (v.item() for v in design.plane.to_lat_lon(candidate.x_km, candidate.y_km))
    sites = np.array([places[p.position or p.site] for p in candidate.picks])
    distances, azimuths = distance_azimuth(lat, lon, sites[:, 0], sites[:, 1])
    arrivals = tuple(
        Arrival(
            pick_id=pick.pick_id,
            trace_id=pick.trace_id,
            phase=pick.phase,
            time_ns=pick.time_ns,
            residual_s=pick.residual_s,
            distance_km=distance,
            azimuth_deg=azimuth,
        )
        for pick, distance, azimuth in zip(
            candidate.picks, distances.tolist(), azimuths.tolist(), strict=True
        )
    )
    return Event(
        time_ns=candidate.time_ns,
        latitude=lat,
        longitude=lon,
        depth_km=candidate.z_km,
        x_km=candidate.x_km,
        y_km=candidate.y_km,
        rms_s=candidate.rms_s,
        gap_deg=azimuthal_gap(azimuths.tolist()),
        dmin_km=float(distances.min()),
        n_stations=len({pick.site for pick in candidate.picks}),
        edge=_is_at_edge(candidate, design),
        arrivals=arrivals,
    )


def azimuthal_gap(azimuths_deg: Iterable[float]) -> float:
    """Return the largest angle between neighbouring azimuths, in degrees; 360 for one or none.

    >>> azimuthal_gap([10, 100, 350])
    250.0
    """
    rising = sorted(set(azimuths_deg))
    if len(rising) < 2:
        return 360.0
    steps = np.diff([*rising, rising[0] + 360.0])
    return float(steps.max())


def _is_at_edge(candidate: Candidate, design: Design) -> bool:
    """Return whether a hypocenter lies in the last node of the location's search before an edge."""
    node = float(design.pyocto["min_node_size_location"]) / 2
    axes = (
        (candidate.x_km, design.x_km),
        (candidate.y_km, design.y_km),
        (candidate.z_km, design.z_km),
    )
    return any(value - low < node or high - value < node for value, (low, high) in axes)
