"""Associate picks into events with PyOcto (Muenchmeyer 2024, doi:10.26443/seismica.v3i1.1130)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from epicat.association.candidates import Candidate, Matched, Needs
from epicat.association.design import Design
from epicat.association.sites import SiteIndex
from epicat.association.slices import Slice
from epicat.association.station_tables import station_tables
from epicat.time import SECOND_NS

__all__ = ["Associator", "SitePick", "site_picks"]

_SAME_ARRIVAL_NS = SECOND_NS // 2


@dataclass(frozen=True, slots=True)
class SitePick:
    """A pick as the associator sees it."""

    time_ns: int
    """Time of the pick."""
    pick_id: str
    """The pick."""
    trace_id: str
    """``NET.STA.LOC``."""
    band: str
    """Band code of the instrument."""
    site: str
    """The physical site."""
    phase: str
    """``P`` or ``S``."""
    confidence: float
    """Of the pick, 0 to 1."""
    position: str = ""
    """Name of the sensor's position among those of the site."""
    elevation_m: float = 0.0
    """Of the position."""


def site_picks(picks: pa.Table, index: SiteIndex, s_velocity: float = 3.0) -> list[SitePick]:
    """Return the picks at a campaign's sites, in the order of time, each arrival once.

    Two picks of one phase within 0.5 s at two instruments of a site are one arrival.  The more
    confident one is kept; of sensors at different depths that of the deepest, so that P and S
    come from the same one, and the 0.5 s grow, up to 1 s, by the time that an S wave of
    ``s_velocity`` (km/s) takes from one to the other.  The rule looks at pairs of picks only, so
    it does not depend on the span.
    """
    names = ("pick_id", "trace_id", "band", "phase", "confidence")
    columns = (picks[name].to_pylist() for name in names)
    times = picks["time"].cast(pa.int64()).to_pylist()
    groups: dict[tuple[str, str], list[SitePick]] = defaultdict(list)
    for time_ns, pick_id, trace_id, band, phase, confidence in zip(times, *columns, strict=True):
        site = index.site(trace_id, time_ns)
        if site is not None:
            name = site.group or site.name
            pick = SitePick(time_ns, pick_id, trace_id, band, name, phase, confidence,
                            site.name, site.elevation_m)  # fmt: skip
            groups[name, phase].append(pick)
    kept = [pick for group in groups.values() for pick in _each_arrival_once(group, s_velocity)]
    return sorted(kept, key=lambda pick: (pick.time_ns, pick.pick_id))


def _each_arrival_once(group: list[SitePick], s_velocity: float) -> list[SitePick]:
    group.sort(key=lambda pick: (pick.time_ns, pick.pick_id))
    elevations = [pick.elevation_m for pick in group]
    longest = _same_arrival_ns(max(elevations) - min(elevations), s_velocity)
    beaten: set[str] = set()
    for at, pick in enumerate(group):
        for other in group[at + 1 :]:
            if other.time_ns - pick.time_ns > longest:
                break
            if (other.trace_id, other.band) == (pick.trace_id, pick.band):
                continue
            apart_m = abs(other.elevation_m - pick.elevation_m)
            if other.time_ns - pick.time_ns <= _same_arrival_ns(apart_m, s_velocity):
                beaten.add(min(pick, other, key=_preference).pick_id)
    return [pick for pick in group if pick.pick_id not in beaten]


def _same_arrival_ns(apart_m: float, s_velocity: float) -> int:
    """Return how much later one arrival can be at the other of two sensors of a site."""
    travel_ns = round(apart_m / 1000 / s_velocity * SECOND_NS)
    return min(_SAME_ARRIVAL_NS + travel_ns, SECOND_NS)  # blocks are read with 1 s to spare


def _preference(pick: SitePick) -> tuple[float, float, str]:
    return (-pick.elevation_m, pick.confidence, pick.pick_id)


class Associator:
    """A design, ready to associate: velocity model built, sites projected."""

    def __init__(self, design: Design, cache: Path) -> None:
        import pandas as pd
        import pyocto

        self._design = design
        names = [name for name, *_ in design.sites]
        x, y = design.plane.to_xy([s[1] for s in design.sites], [s[2] for s in design.sites])
        z = [-s[3] / 1000 for s in design.sites]
        self._stations = pd.DataFrame({"id": names, "x": x, "y": y, "z": z})
        folder = _tables(design, cache)
        self._views = [
            pyocto.OctoAssociator(
                xlim=design.x_km,
                ylim=design.y_km,
                zlim=design.z_km,
                velocity_model=_Kept(_velocity_model(design, folder, view)),
                n_threads=1,
                **_parameters(design, view),
            )
            for view in design.views
        ]
        self._least = Needs.from_pyocto(design.pyocto).n_picks
        self._kept: dict[int, tuple[Sequence[SitePick], list[Candidate]]] = {}
        self.slicing = design.slicing

    def associate(self, picks: Sequence[SitePick]) -> list[Candidate]:
        """Return candidates of every view, in the order of time; picks may be in several.

        ``picks`` are in the order of time.  Candidates depend on the picks of their slice alone,
        see `epicat.association.slices`: slices of the last call that come again, as they do where
        blocks are read with a halo, are not computed again.
        """
        before, self._kept = self._kept, {}
        for part in self.slicing.cut(picks):
            picks_before, found = before.get(part.start_ns, ((), []))
            if picks_before != part.picks:
                found = self.associate_slice(part)
            self._kept[part.start_ns] = (part.picks, found)
        candidates = [c for _, found in self._kept.values() for c in found]
        return sorted(candidates, key=lambda c: (c.time_ns, c.picks))

    def associate_slice(self, part: Slice[SitePick]) -> list[Candidate]:
        """Return the candidates of every view in one slice, in no order."""
        import pandas as pd

        if len(part.picks) < self._least or len(self._stations) == 0:
            return []
        frame = pd.DataFrame(
            {
                "station": [pick.position or pick.site for pick in part.picks],
                "phase": [pick.phase for pick in part.picks],
                "time": [(pick.time_ns - part.start_ns) / SECOND_NS for pick in part.picks],
            }
        )
        return [
            candidate
            for octo in self._views
            for candidate in _candidates(octo.associate(frame, self._stations), part)
        ]


class _Kept:
    """A velocity model that PyOcto builds once, not for each call: a network's tables are large.

    For one list of stations only.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._built: Any = None

    def to_cpp(self, stations: Any) -> Any:
        """Return what PyOcto builds of the model and its stations."""
        if self._built is None:
            self._built = self._model.to_cpp(stations)
        return self._built


def _candidates(result: tuple[Any, Any], part: Slice[SitePick]) -> list[Candidate]:
    """Return PyOcto's events and assignments as candidates."""
    events, assignments = result
    members = _members(assignments, part.picks)
    return [
        Candidate(
            time_ns=part.start_ns + round(float(row.time) * SECOND_NS),
            x_km=float(row.x),
            y_km=float(row.y),
            z_km=float(row.z),
            picks=tuple(sorted(members[int(row.idx)])),
        )
        for row in events.itertuples()
    ]


_OF_THE_MODEL = ("tolerance", "association_cutoff_distance")


def _parameters(design: Design, view: Mapping[str, float]) -> dict[str, Any]:
    """Return PyOcto's parameters for a view, of whose slices each call gets a single one."""
    values = {**design.pyocto, **view}
    whole = values["time_slicing"] + 2 * values["time_before"] + 1
    kept = {name: value for name, value in values.items() if name not in _OF_THE_MODEL}
    return {**kept, "time_slicing": whole}


def _tables(design: Design, cache: Path) -> Path | None:
    """Return the folder of travel time tables, or None for constant velocities."""
    layers = design.layer_model
    if layers is None:
        return None
    return station_tables(
        layers,
        {name: elevation for name, _, _, elevation in design.sites},
        max_distance_km=_table_length(design),
        depth_range_km=design.z_km,
        spacing_km=design.table_spacing_km,
        cache=cache,
    )


def _velocity_model(design: Design, tables: Path | None, view: Mapping[str, float]) -> Any:
    import pyocto

    limits = {name: view.get(name, design.pyocto[name]) for name in _OF_THE_MODEL}
    if tables is None:
        return pyocto.VelocityModel0D(design.p_velocity, design.s_velocity, **limits)
    return pyocto.StationSpecificVelocityModel1D(tables, **limits)


def _table_length(design: Design) -> float:
    """Return a distance that no site is from any point of the box, in km."""
    x, y = design.plane.to_xy([s[1] for s in design.sites], [s[2] for s in design.sites])
    corners = [np.hypot(x - cx, y - cy).max() for cx in design.x_km for cy in design.y_km]
    box = np.hypot(design.x_km[1] - design.x_km[0], design.y_km[1] - design.y_km[0])
    return float(np.ceil(max(*corners, box) + 2 * design.table_spacing_km))


def _members(assignments: Any, picks: Sequence[SitePick]) -> dict[int, list[Matched]]:
    members: dict[int, list[Matched]] = defaultdict(list)
    columns = (assignments[n].to_numpy() for n in ("event_idx", "pick_idx", "residual"))
    for event, at, residual in zip(*columns, strict=True):
        pick = picks[int(at)]
        members[int(event)].append(
            Matched(pick.time_ns, pick.pick_id, pick.trace_id, pick.site, pick.phase,
                    float(residual), pick.position or pick.site)
        )  # fmt: skip
    return members
