"""``python -m benchmarks.networks``: association with default settings on synthetic networks.

Networks of many sizes, densities and depths, each in an earth that is not the one it is associated
with: another layered model, station and path errors, pick errors with heavy tails, missing picks,
noise picks.  Nothing is set but the extent, and the maximum depth where events are deep.  PyOcto
alone, with settings that a careful user would choose by hand, runs on the same picks.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epicat._util.files import cache_folder
from epicat.association.associate_options import AssociateOptions
from epicat.association.associator import Associator, SitePick
from epicat.association.candidates import Candidate, Needs, exclusive
from epicat.association.design import Design, make_design
from epicat.association.sites import Site
from epicat.geo import Extent, Plane
from epicat.time import SECOND_NS, parse_time
from epicat.velocity.layers import LayerModel
from epicat.velocity.travel_times import travel_times

__all__ = ["NETWORKS", "Case", "Score", "Setup", "associated", "case", "score"]

F64 = NDArray[np.float64]

BEGIN = parse_time("2021-03-04")
_LEAST_ARRIVALS = 8
"""An event is expected if it has so many picks (all of 3 sites), and 3 sites with both phases."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A network, its earth and its seismicity."""

    name: str
    """What it is."""
    sites: int
    """Number of sites."""
    size_km: float
    """Side of the square in which they are."""
    vp: tuple[tuple[float, float], ...]
    """True tops of layers and P velocities."""
    vp_vs: float = 1.73
    """True ratio of P and S velocity."""
    depth_km: tuple[float, float] = (3.0, 15.0)
    """Depths of the events."""
    hours: float = 1.0
    """Length of the picks."""
    events: int = 50
    """Events in that time."""
    clusters: int = 4
    """Clusters of events; 0 for events anywhere in the network."""
    reach_km: tuple[float, float] = (15.0, 60.0)
    """Smallest and typical distance to which events are picked."""
    noise_per_hour: float = 10.0
    """Noise picks of a site and phase in an hour."""
    elevation_m: tuple[float, float] = (0.0, 800.0)
    """Range of the elevations."""
    place: tuple[float, float] = (47.0, 102.0)
    """Latitude and longitude of the centre."""
    path_error: float = 0.015
    """Relative scatter of travel times between paths."""
    site_error_s: float = 0.08
    """Scatter of the station corrections."""
    pick_error_s: float = 0.06
    """Scatter of 95 % of the picks; 0.5 s for the others."""
    dense_sites: int = 0
    """So many of the sites are in a cluster in the middle."""
    dense_km: float = 0.0
    """Side of the square of the cluster."""
    extent_km: float = 0.0
    """How far EXTENT reaches beyond the sites."""
    options: dict[str, Any] = field(default_factory=dict)
    """What is set apart from the extent."""
    by_hand: dict[str, float] = field(default_factory=dict)
    """PyOcto's parameters as set by hand."""
    hand_velocities: tuple[float, float] = (6.0, 3.45)
    """Constant velocities as set by hand."""
    hand_depth_km: tuple[float, float] = (0.0, 25.0)
    """Depth range as set by hand."""
    seed: int = 1
    """Of everything random."""


@dataclass(frozen=True, slots=True)
class Case:
    """Picks with the truth about them."""

    setup: Setup
    extent: Extent
    sites: tuple[Site, ...]
    picks: list[SitePick]
    """In the order of time; ``pick_id`` begins with the number of the event, or with noise."""
    times_ns: NDArray[np.int64]
    """Origin times."""
    places_km: F64
    """East, north and depth, shape (events, 3)."""
    expected: NDArray[np.bool_]
    """Events with picks enough."""


@dataclass(frozen=True, slots=True)
class Score:
    """How good a catalog is."""

    expected: int
    """Events that have picks enough."""
    found: int
    """Of these, events with a catalog event that has most of its picks from them."""
    false: int
    """Catalog events whose picks are mostly those of no single event."""
    doubled: int
    """Catalog events beyond the first of an earthquake."""
    near: int
    """Expected events with a catalog event within 2 s and 10 km, or 2 % of the network."""
    km: float
    """Median error of the epicentres of found events."""


def case(setup: Setup) -> Case:
    """Simulate the picks of a network."""
    random = np.random.default_rng(setup.seed)
    plane = Plane(*setup.place)
    half = setup.size_km / 2
    grid = _scattered(random, setup.sites - setup.dense_sites, half)
    if setup.dense_sites:
        cluster = _scattered(random, setup.dense_sites, setup.dense_km / 2)
        grid = np.concatenate([grid, cluster])
    elevation = random.uniform(*setup.elevation_m, setup.sites)
    latitude, longitude = plane.to_lat_lon(grid[:, 0], grid[:, 1])
    names = [_name(n) for n in range(setup.sites)]
    sites = tuple(map(Site, names, latitude.tolist(), longitude.tolist(), elevation.tolist()))
    pad = setup.extent_km + max(1.0, 0.05 * setup.size_km)
    corner_lat, corner_lon = plane.to_lat_lon([-half - pad, half + pad], [-half - pad, half + pad])
    extent = Extent(
        round(float(corner_lat[0]), 3), round(float(corner_lat[1]), 3),
        round(float(corner_lon[0]), 3), round(float(corner_lon[1]), 3),
    )  # fmt: skip
    seconds, places = _seismicity(random, setup, half)
    picks, expected = _picks(random, setup, (grid, elevation), (seconds, places))
    times_ns = BEGIN + np.round(seconds * SECOND_NS).astype(np.int64)
    # The design has a plane of its own.
    x, y = Plane(*extent.center).to_xy(*plane.to_lat_lon(places[:, 0], places[:, 1]))
    return Case(setup, extent, sites, picks, times_ns, np.column_stack([x, y, places[:, 2]]),
                expected)  # fmt: skip


def _scattered(random: np.random.Generator, count: int, half: float) -> F64:
    """Return places that are neither regular nor on top of each other."""
    tried = random.uniform(-half, half, (count * 8, 2))
    kept = [tried[0]]
    least = 0.6 * 2 * half / np.sqrt(count)
    for place in tried[1:]:
        if len(kept) == count:
            break
        if np.min(np.linalg.norm(np.array(kept) - place, axis=1)) > least:
            kept.append(place)
    while len(kept) < count:
        kept.append(random.uniform(-half, half, 2))
    return np.array(kept)


def _seismicity(random: np.random.Generator, setup: Setup, half: float) -> tuple[F64, F64]:
    seconds = np.sort(random.uniform(30, setup.hours * 3600 - 30, setup.events))
    top, bottom = setup.depth_km
    depth = random.uniform(top, bottom, setup.events)
    xy = random.uniform(-0.9 * half, 0.9 * half, (setup.events, 2))
    if setup.dense_sites:
        xy[::2] = random.uniform(-0.5, 0.5, (len(xy[::2]), 2)) * setup.dense_km
    if setup.clusters:
        centre = random.uniform(-0.6 * half, 0.6 * half, (setup.clusters, 2))
        which = random.integers(0, setup.clusters, setup.events)
        xy = centre[which] + random.normal(0, 0.06 * half, (setup.events, 2))
    return seconds, np.column_stack([xy, depth])


def _picks(
    random: np.random.Generator,
    setup: Setup,
    network: tuple[F64, F64],
    events: tuple[F64, F64],
) -> tuple[list[SitePick], NDArray[np.bool_]]:
    (grid, elevation), (seconds, places) = network, events
    reach = setup.reach_km[0] + setup.reach_km[1] * random.exponential(0.5, len(seconds))
    across = np.hypot(*(places[:, None, :2] - grid[None]).transpose(2, 0, 1))
    slant = np.hypot(across, places[:, None, 2])
    picks: list[SitePick] = []
    seen_by_phase = []
    for phase, share in (("P", 0.95), ("S", 0.85)):
        times = _times(setup, phase, across, places[:, 2], elevation)
        times = times * (1 + random.normal(0, setup.path_error, times.shape))
        times += random.normal(0, setup.site_error_s, len(grid))[None]
        scatter = np.where(random.uniform(size=times.shape) < 0.05, 0.5, setup.pick_error_s)
        arrivals = seconds[:, None] + times + random.normal(0, scatter)
        away = np.maximum(slant - setup.depth_km[0], 0.0)
        seen = random.uniform(size=times.shape) < share * np.exp(-((away / reach[:, None]) ** 2))
        seen_by_phase.append(seen)
        for event, site in np.argwhere(seen):
            picks.append(_pick(int(site), phase, arrivals[event, site], str(event)))
        noise = random.poisson(setup.noise_per_hour * setup.hours * len(grid))
        when = random.uniform(0, setup.hours * 3600, noise)
        for moment, site in zip(when, random.integers(0, len(grid), noise), strict=True):
            picks.append(_pick(int(site), phase, moment, "noise"))
    count = sum(seen.sum(axis=1) for seen in seen_by_phase)
    both = (seen_by_phase[0] & seen_by_phase[1]).sum(axis=1)
    least = min(_LEAST_ARRIVALS, 2 * len(grid))
    expected = (count >= least) & (both >= 3)
    return sorted(picks, key=lambda p: (p.time_ns, p.pick_id)), expected


def _name(site: int) -> str:
    return f"XX.S{site:04d}"


def _pick(site: int, phase: str, second: float, owner: str) -> SitePick:
    time_ns, name = BEGIN + round(second * SECOND_NS), _name(site)
    pick_id = f"{owner} {name} {phase} {time_ns}"
    return SitePick(time_ns, pick_id, f"{name}.", "HH", name, phase, 0.5)


def _times(setup: Setup, phase: str, across: F64, depth: F64, elevation: F64) -> F64:
    """Return travel times, shape (events, sites), interpolated in distance and elevation."""
    tops, vp = zip(*setup.vp, strict=True)
    model = LayerModel(tops, vp, tuple(v / setup.vp_vs for v in vp), True, spherical=True)
    x = np.linspace(0, across.max() + 1, 400)
    ends = (float(elevation.min()), float(elevation.max()))
    sheets = [travel_times(model, phase, -end / 1000, x, depth) for end in ends]  # type: ignore[arg-type]
    share = (elevation - ends[0]) / max(ends[1] - ends[0], 1e-9)
    low, high = (
        np.stack([np.interp(across[n], x, sheet[:, n]) for n in range(len(depth))])
        for sheet in sheets
    )
    return np.asarray(low + (high - low) * share)


def score(found: Sequence[Candidate], made: Case) -> Score:
    """Compare a catalog with the truth."""
    owners = []
    for candidate in found:
        counts = Counter(p.pick_id.split(" ")[0] for p in candidate.picks)
        owner, count = counts.most_common(1)[0]
        owners.append(int(owner) if owner != "noise" and 2 * count > len(candidate.picks) else -1)
    real = [o for o in owners if o >= 0]
    expected = set(np.flatnonzero(made.expected).tolist())
    errors = [
        np.hypot(c.x_km - made.places_km[o, 0], c.y_km - made.places_km[o, 1])
        for c, o in zip(found, owners, strict=True) if o >= 0
    ]  # fmt: skip
    return Score(
        expected=len(expected),
        found=len(expected & set(real)),
        false=owners.count(-1),
        doubled=len(real) - len(set(real)),
        near=_near(found, made),
        km=float(np.median(errors)) if errors else float("nan"),
    )


def _near(found: Sequence[Candidate], made: Case) -> int:
    if not found:
        return 0
    times = np.array([c.time_ns for c in found])
    places = np.array([(c.x_km, c.y_km) for c in found])
    limit = max(10.0, 0.02 * made.setup.size_km)
    count = 0
    for event in np.flatnonzero(made.expected):
        late = np.abs(times - made.times_ns[event]) <= 2 * SECOND_NS
        away = np.hypot(*(places - made.places_km[event, :2]).T) <= limit
        count += bool((late & away).any())
    return count


def associated(
    made: Case,
    layers: LayerModel | None = None,
    change: Callable[[AssociateOptions], AssociateOptions] = lambda o: o,
) -> tuple[Design, list[Candidate], float]:
    """Associate with defaults: the design, the events and processor seconds."""
    import pyocto  # noqa: F401  its import (of pandas, 0.2 s) is counted in neither way

    options = change(AssociateOptions(**made.setup.options))
    design = make_design(options, "", made.extent, made.sites, layers)
    associator = Associator(design, cache_folder("traveltimes"))
    associator.predicted((0.0, 0.0, 10.0))  # tables are made once and cached
    begin = time.process_time()
    found = exclusive(associator.associate(made.picks), Needs.from_pyocto(design.pyocto))
    return design, found, time.process_time() - begin


def by_hand(made: Case) -> tuple[list[Candidate], float]:
    """Associate with PyOcto alone, one call, set by hand: the events and processor seconds."""
    import pandas as pd
    import pyocto

    setup, plane = made.setup, Plane(*made.extent.center)
    x, y = plane.to_xy([s.latitude for s in made.sites], [s.longitude for s in made.sites])
    stations = pd.DataFrame(
        {"id": [s.name for s in made.sites], "x": x, "y": y,
         "z": [-s.elevation_m / 1000 for s in made.sites]}
    )  # fmt: skip
    frame = pd.DataFrame(
        {"station": [p.site for p in made.picks], "phase": [p.phase for p in made.picks],
         "time": [(p.time_ns - BEGIN) / SECOND_NS for p in made.picks]}
    )  # fmt: skip
    p = {"tolerance": 1.0, "cutoff": 60.0, "time_before": 40.0, **setup.by_hand}
    limits = (p.pop("tolerance"), p.pop("cutoff"))
    for name in ("n_picks", "n_p_picks", "n_s_picks"):
        if name in p:
            p[name] = int(p[name])
    half = setup.size_km / 2 + 5
    octo = pyocto.OctoAssociator(
        (-half, half), (-half, half), setup.hand_depth_km,
        pyocto.VelocityModel0D(*setup.hand_velocities, *limits), n_threads=1, **p,
    )  # fmt: skip
    begin = time.process_time()
    events, rows = octo.associate(frame, stations)
    seconds = time.process_time() - begin
    return _candidates(events, rows, made), seconds


def _candidates(events: Any, rows: Any, made: Case) -> list[Candidate]:
    from epicat.association.candidates import Matched

    found = []
    for event in events.itertuples() if len(events) else ():
        mine = rows[rows["event_idx"] == event.idx]
        picks = [
            Matched(p.time_ns, p.pick_id, p.trace_id, p.site, p.phase, float(r))
            for p, r in ((made.picks[int(i)], r)
                         for i, r in zip(mine["pick_idx"], mine["residual"], strict=True))
        ]  # fmt: skip
        time_ns = BEGIN + round(float(event.time) * SECOND_NS)
        found.append(Candidate(time_ns, float(event.x), float(event.y), float(event.z),
                               tuple(sorted(picks))))  # fmt: skip
    return found


_CRUST = ((-5.0, 4.6), (2.0, 5.6), (8.0, 6.1), (20.0, 6.7), (34.0, 8.0))
_SEDIMENT = ((-5.0, 3.2), (1.5, 4.6), (5.0, 5.9), (15.0, 6.4), (30.0, 7.8))
_VOLCANO = ((-5.0, 2.4), (-1.0, 3.2), (1.0, 4.4), (4.0, 5.6), (8.0, 6.4), (20.0, 7.0))
_SLAB = ((-5.0, 5.2), (10.0, 6.2), (30.0, 7.2), (45.0, 8.0), (120.0, 8.2), (220.0, 8.5),
         (410.0, 9.2), (520.0, 9.7), (660.0, 10.8))  # fmt: skip

NETWORKS = (
    Setup("3 sites, 20 km", 3, 20, _CRUST, events=30, hours=24, clusters=0,
          reach_km=(25, 40), noise_per_hour=3, by_hand={"n_picks": 6, "cutoff": 60}),
    Setup("volcano, 9 sites on 8 km", 9, 8, _VOLCANO, vp_vs=1.78, depth_km=(-1.0, 5.0), events=80,
          hours=2, reach_km=(4, 8), elevation_m=(1200, 3100), site_error_s=0.05,
          by_hand={"n_picks": 8, "tolerance": 0.7, "min_node_size": 4.0, "time_before": 15,
                   "pick_match_tolerance": 0.7},
          hand_velocities=(4.0, 2.3), hand_depth_km=(-3.0, 10.0)),
    Setup("nodal array, 300 sites on 5 km", 300, 5, _SEDIMENT, vp_vs=1.8, depth_km=(1.0, 8.0),
          events=20, hours=1, clusters=0, reach_km=(2, 6), noise_per_hour=12,
          elevation_m=(100, 250), site_error_s=0.03,
          by_hand={"n_picks": 25, "tolerance": 0.5, "min_node_size": 4.0, "time_before": 15,
                   "pick_match_tolerance": 0.5},
          hand_velocities=(5.0, 2.8), hand_depth_km=(0.0, 15.0)),
    Setup("dense swarm, 60 sites on 75 km", 60, 75, _SEDIMENT, vp_vs=1.82, depth_km=(3.0, 12.0),
          events=110, hours=1, reach_km=(8, 25), noise_per_hour=20, extent_km=60,
          by_hand={"n_picks": 10, "tolerance": 1.0, "cutoff": 50, "pick_match_tolerance": 1.0},
          hand_velocities=(5.8, 3.15), hand_depth_km=(0.0, 20.0)),
    Setup("region, 25 sites on 250 km", 25, 250, _CRUST, depth_km=(2.0, 20.0), events=60, hours=12,
          clusters=8, reach_km=(60, 120), noise_per_hour=8,
          by_hand={"n_picks": 8, "tolerance": 1.5, "cutoff": 150, "time_before": 90}),
    Setup("80 sites on 30 km in a region of 30 on 300 km", 110, 300, _CRUST, depth_km=(2.0, 15.0),
          events=80, hours=6, clusters=0, reach_km=(10, 100), noise_per_hour=8, dense_sites=80,
          dense_km=30, by_hand={"n_picks": 9, "tolerance": 1.0, "cutoff": 120, "time_before": 90,
                                "pick_match_tolerance": 1.5}),
    Setup("wide, 100 sites on 1,500 km", 100, 1500, _CRUST, depth_km=(2.0, 25.0), events=60,
          hours=12, clusters=0, reach_km=(250, 350), noise_per_hour=8,
          by_hand={"n_picks": 10, "tolerance": 2.0, "cutoff": 250, "time_before": 300,
                   "pick_match_tolerance": 2.0},
          hand_velocities=(7.0, 4.0), hand_depth_km=(0.0, 50.0)),
    Setup("deep nest under 16 sites on 50 km", 16, 50, _SLAB, vp_vs=1.76, depth_km=(100.0, 600.0),
          events=30, hours=6, reach_km=(500, 400), noise_per_hour=8,
          options={"max_depth_km": 650.0},
          by_hand={"n_picks": 8, "tolerance": 2.0, "cutoff": 700, "time_before": 200,
                   "pick_match_tolerance": 2.0},
          hand_velocities=(8.0, 4.5), hand_depth_km=(0.0, 650.0)),
    Setup("subduction, 40 sites on 500 km", 40, 500, _SLAB, vp_vs=1.76, depth_km=(10.0, 600.0),
          events=60, hours=12, clusters=12, reach_km=(300, 300), noise_per_hour=6,
          options={"max_depth_km": 650.0},
          by_hand={"n_picks": 10, "tolerance": 2.0, "cutoff": 600, "time_before": 250,
                   "pick_match_tolerance": 2.0},
          hand_velocities=(8.0, 4.5), hand_depth_km=(0.0, 650.0)),
    Setup("large, 206 sites on 200 km, 10 events", 206, 200, _CRUST, events=10, hours=1,
          clusters=0, reach_km=(150, 200), noise_per_hour=5,
          by_hand={"n_picks": 10, "tolerance": 1.0, "cutoff": 60, "time_before": 60}),
    Setup("large, 1,000 sites on 400 km", 1000, 400, _CRUST, events=40, hours=2, clusters=0,
          reach_km=(25, 60), noise_per_hour=5,
          by_hand={"n_picks": 10, "tolerance": 1.0, "cutoff": 60, "time_before": 60}),
)  # fmt: skip
"""Networks of the table in docs/design/association.md."""


def main() -> None:
    """Print a row for each network and way."""
    asked = _arguments()
    print("| network | picks | way | expected | found | false | doubled | near | km | CPU s |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|---:|")
    for setup in NETWORKS:
        if asked.only and asked.only not in setup.name:
            continue
        made = case(setup)
        for way in asked.ways.split(","):
            if way == "hand":
                found, seconds = by_hand(made)
            else:
                design, found, seconds = associated(made, _model(way))
                if asked.verbose:
                    print(design.described(), *design.explained(), sep="\n  ")
            s = score(found, made)
            print(f"| {setup.name} | {len(made.picks):,} | {way} | {s.expected} | {s.found} "
                  f"| {s.false} | {s.doubled} | {s.near} | {s.km:.2f} | {seconds:.1f} |",
                  flush=True)  # fmt: skip


def _model(way: str) -> LayerModel | None:
    from epicat.velocity.builtin import model_of

    return None if way == "constant" else model_of(way)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks", description=__doc__)
    parser.add_argument("--only", default="", help="part of the name of a network")
    parser.add_argument("--ways", default="iasp91,hand")
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
