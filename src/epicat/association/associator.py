"""Associate picks into events with PyOcto (Muenchmeyer 2024, doi:10.26443/seismica.v3i1.1130)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from epicat.association.candidates import Candidate, Matched, Needs, exclusive, without_impossible
from epicat.association.design import Design
from epicat.association.doubles import Doubles
from epicat.association.matching import Matcher
from epicat.association.network import Network
from epicat.association.quick_location import QuickLocator
from epicat.association.search import Found, Search, SearchInput, SearchSites
from epicat.association.search_levels import (
    DepthRange,
    Level,
    deep_parameters,
    level_parameters,
    search_levels,
    sparse_sites,
)
from epicat.association.search_rules import depth_ranges
from epicat.association.site_times import SiteTimes
from epicat.association.sites import SiteIndex
from epicat.association.slices import Slice
from epicat.association.station_tables import station_tables
from epicat.time import SECOND_NS

__all__ = ["Associator", "SitePick", "site_picks"]

I64 = np.ndarray[tuple[int, ...], np.dtype[np.int64]]

_Searched = dict[int, tuple[Sequence["SitePick"], list[Candidate]]]
"""Picks and candidates of slices, by their start."""

_SAME_ARRIVAL_NS = SECOND_NS // 2

_CERTAIN = 3
"""Needed picks over which an event is hardly a mixture of others."""


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
    """Associates with a design; prepares when picks come that may be an event."""

    def __init__(self, design: Design, cache: Path, threads: int = 1) -> None:
        """Take a design; ``cache`` keeps travel time tables, ``threads`` search slices at once."""
        self._design = design
        self._cache = cache
        self._threads = threads
        self._needs = Needs.from_pyocto(design.pyocto)
        self._names = tuple(name for name, *_ in design.sites)
        self._number = {name: number for number, name in enumerate(self._names)}
        self._network = Network.from_sites(design.positions, design.plane)
        self._kept: tuple[_Searched, ...] = ({}, {})
        self.slicing = design.slicing

    @cached_property
    def _place_km(self) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """Places of the sites in the plane, with depths at which there are travel times."""
        design, network = self._design, self._network
        depth_km = np.round(network.depth_km / design.table_depth_step_km, 0)
        depth_km = depth_km * design.table_depth_step_km if design.layers else network.depth_km
        return np.column_stack([network.x_km, network.y_km, depth_km])

    @cached_property
    def _speed(self) -> Path | tuple[float, float]:
        """The folder of travel time tables, or constant velocities of P and S."""
        depth_km = dict(zip(self._names, self._place_km[:, 2].tolist(), strict=True))
        tables = _tables(self._design, depth_km, self._cache)
        return tables or (self._design.p_velocity, self._design.s_velocity)

    @cached_property
    def _times(self) -> SiteTimes:
        return SiteTimes(self._names, self._place_km, self._speed)

    @cached_property
    def _locator(self) -> QuickLocator:
        design = self._design
        cutoff_km, node_km = (
            float(design.pyocto[name])
            for name in ("association_cutoff_distance", "min_node_size_location")
        )
        box = (design.x_km, design.y_km, design.z_km)
        return QuickLocator(self._times, box, cutoff_km / 4, node_km)

    @cached_property
    def _matcher(self) -> Matcher:
        design = self._design
        match_s, fraction = (
            float(design.pyocto[name]) for name in ("pick_match_tolerance", "min_pick_fraction")
        )
        return Matcher(self._times, match_s, design.model_error, fraction)

    @cached_property
    def _doubles(self) -> Doubles:
        return Doubles(self._network, self._number, self._design.pyocto["min_interevent_time"])

    @cached_property
    def _levels(self) -> tuple[Level, ...]:
        return tuple(self._make_levels()) if self._names else ()

    def _make_levels(self) -> Iterator[Level]:
        design, network = self._design, self._network
        cutoff_km = float(design.pyocto["association_cutoff_distance"])
        levels = search_levels(network, cutoff_km)
        sparse = sparse_sites(network, design.model_error, cutoff_km)
        for members in [*levels, *([] if sparse is None else [sparse])]:
            sites = SearchSites(tuple(self._names[n] for n in members), self._place_km[members])
            pyocto = design.pyocto
            if len(members) < len(network):
                part = network.take(members)
                pyocto = level_parameters(pyocto, design.model_error, part, members is sparse)
            number = np.full(len(network), -1)
            number[members] = np.arange(len(members))
            by_depth = []
            for z_km in depth_ranges(design.z_km, cutoff_km):
                own = pyocto
                if z_km[0] > design.z_km[0]:
                    part = network.take(members)
                    own = deep_parameters(pyocto, design.model_error, part, z_km[1])
                speed = self._times.for_search(members)
                search = Search(sites, (design.x_km, design.y_km, z_km), own, speed)
                window_s = own["time_before"] + 2 * own["tolerance"]
                by_depth.append(DepthRange(search, number, window_s))
            yield Level(tuple(by_depth))

    def associate(self, picks: Sequence[SitePick]) -> list[Candidate]:
        """Return candidates, in the order of time; picks may be in several.

        ``picks`` are in the order of time.  Candidates depend on the picks of their slice alone,
        see `epicat.association.slices`: slices of the last two calls that come again, as they do
        where blocks are read with a halo and where a unit follows another, are not computed again.
        """
        older, last = self._kept
        before = {**older, **last}
        parts = list(self.slicing.cut(picks))
        new = [p for p in parts if before.get(p.start_ns, ((), []))[0] != p.picks]
        for part, found in zip(new, self._searched(new), strict=True):
            before[part.start_ns] = (part.picks, found)
        own = {part.start_ns: before[part.start_ns] for part in parts}
        self._kept = last, own
        candidates = [c for _, found in own.values() for c in found]
        return sorted(candidates, key=lambda c: (c.time_ns, c.picks))

    def predicted(
        self, place_km: tuple[float, float, float]
    ) -> tuple[
        np.ndarray[tuple[int, int], np.dtype[np.float64]],
        np.ndarray[tuple[int], np.dtype[np.float64]],
    ]:
        """Return travel times in s from a place, (2, sites), and horizontal distances, (sites,).

        ``place_km`` is east, north and depth in the plane; the times are of P, then of S, and the
        sites in the order of the design.
        """
        return self._times.times(place_km), self._times.distance_km(place_km)

    def allowed_s(
        self, travel_s: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    ) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """Return the largest residuals, in s, of picks with these travel times."""
        return self._matcher.allowed_s(travel_s)

    def _searched(self, parts: Sequence[Slice[SitePick]]) -> Iterable[list[Candidate]]:
        if self._threads == 1 or len(parts) < 2:
            return map(self.associate_slice, parts)
        _ = self._levels, self._matcher  # made once, not by several threads
        with ThreadPoolExecutor(self._threads) as pool:  # PyOcto works without Python's lock
            return list(pool.map(self.associate_slice, parts))

    def associate_slice(self, part: Slice[SitePick]) -> list[Candidate]:
        """Return the candidates in one slice, in no order, without impossible arrivals."""
        if not self._needs.are_met_by((p.site, p.phase) for p in part.picks):
            return []
        picks = SearchInput(
            np.array([(p.time_ns - part.start_ns) / SECOND_NS for p in part.picks]),
            np.array([self._number[p.position or p.site] for p in part.picks], np.int64),
            np.array([ord(p.phase) for p in part.picks], np.uint8),
        )
        left = np.arange(len(picks))
        candidates: list[Candidate] = []
        for level in self._levels:
            made: list[Candidate] = []
            free = left
            for search in level.by_depth:
                found = [self._matched(event, picks, left) for event in search.find(picks, free)]
                made += [without_impossible(_candidate(event, part)) for event in found]
                free = _rows_left(free, part, filter(self._is_certain, made))
            made = exclusive(made, self._needs)
            left = _rows_left(left, part, made)
            candidates += made
        return self._doubles.left_out(candidates, self._needs)

    def _is_certain(self, candidate: Candidate) -> bool:
        """Return whether an event keeps its picks from ranges of depth that are searched later."""
        return len(candidate.picks) > _CERTAIN * self._needs.n_picks

    def _matched(self, event: Found, picks: SearchInput, rows: I64) -> Found:
        """Return an event at its robust place with the picks that fit there, if no fewer do."""
        moved = self._matcher.match(self._locator.locate(event, picks), picks, rows)
        stayed = self._matcher.match(event, picks, rows)
        return moved if len(moved.rows) >= len(stayed.rows) else stayed


def _rows_left(rows: I64, part: Slice[SitePick], events: Iterable[Candidate]) -> I64:
    """Return the rows whose picks are in no event."""
    taken = {pick.pick_id for event in events for pick in event.picks}
    is_left = [part.picks[row].pick_id not in taken for row in rows.tolist()]
    return np.asarray(rows[np.array(is_left, bool)])


def _candidate(event: Found, part: Slice[SitePick]) -> Candidate:
    """Return an event of PyOcto as a candidate."""
    pairs = zip(event.rows.tolist(), event.residual_s.tolist(), strict=True)
    picks = ((part.picks[row], residual) for row, residual in pairs)
    matched = (
        Matched(p.time_ns, p.pick_id, p.trace_id, p.site, p.phase, residual, p.position or p.site)
        for p, residual in picks
    )
    x, y, z = event.place_km
    return Candidate(
        time_ns=part.start_ns + round(event.time_s * SECOND_NS),
        x_km=x,
        y_km=y,
        z_km=z,
        picks=tuple(sorted(matched)),
    )


def _tables(design: Design, depth_km: dict[str, float], cache: Path) -> Path | None:
    """Return the folder of travel time tables, or None for constant velocities."""
    layers = design.layer_model
    if layers is None:
        return None
    return station_tables(
        layers,
        {name: round(-1000 * depth, 3) for name, depth in depth_km.items()},
        max_distance_km=design.table_length_km,
        depth_range_km=design.z_km,
        spacing_km=design.table_spacing_km,
        cache=cache,
    )
