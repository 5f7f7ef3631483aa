"""Locations of events in a heterogeneous earth: ``python -m`` this module ``[SEED ...]``.

1,000 clustered events on a fault zone near Ridgecrest, located with a one-dimensional model; the
setting is that of Yu et al. (2024, doi:10.1785/0220240354).  Slowness deviates from the model by
two random fields with von Karman's spectrum: regional ones, and small ones that are stronger near
the surface.  Travel times are those of the model and the integral of the deviation along its ray,
which is correct to first order (Fermat's principle).
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import RegularGridInterpolator
from scipy.ndimage import map_coordinates

from benchmarks.location_random import Result
from benchmarks.location_terms import Figures, with_terms
from benchmarks.simulated_picks import Simulated, pack
from epicat.locate.arrivals import Network
from epicat.locate.locator import Locator
from epicat.locate.search import Box
from epicat.velocity.layers import LayerModel
from epicat.velocity.travel_times import travel_times

F64 = np.ndarray
_VP = (4.0, 5.0, 5.6, 6.1, 6.4, 6.7, 7.8)
_VP_VS = 1.73
MODEL = LayerModel((0.0, 1.0, 3.0, 8.0, 16.0, 25.0, 32.0), _VP, tuple(v / _VP_VS for v in _VP))
_SITES_KM = np.array([
    [21, -31], [0, 2], [1, 52], [-19, 20], [-7, -35], [10, 29], [29, 10], [-14, -12], [-15, 1],
    [-26, -21], [-15, 25], [-23, 35], [-28, 5], [-5, 16], [-26, 23], [-20, 17], [-22, -59],
    [-6, 44], [31, -44], [0, 15], [13, -24],
])  # fmt: skip
"""East and north of the stations near Ridgecrest, from 35.8 north, 117.6 west."""
_TOP_KM, _BOTTOM_KM, _HALF_KM = -4.0, 44.0, 128.0
"""Extent of the heterogeneous earth, on a grid of 1 km."""
_STEP_KM, _ARRIVED_KM = 1.0, 1e-6
"""Steps along rays, and distance from the station at which they end."""
_NODE_KM = 0.5
_DISTANCE_KM, _DEPTH_KM = np.arange(0, 150, _NODE_KM), np.arange(-2, 34, _NODE_KM)
"""Nodes of the tables of travel times."""
_SEEN, _FADING_KM = (1.0, 0.85), 6.0
"""Reach of P and S over that of the event, and over how many kilometres it ends."""


@dataclass(frozen=True)
class Earth:
    """How the true earth differs from the model, and what else is wrong with picks."""

    regional: float = 0.02
    """Standard deviation of the slowness over `regional_km`, as a share."""
    regional_km: float = 30.0
    small: float = 0.03
    """The same over `small_km` below 10 km; up to 3 km it is twice that."""
    small_km: float = 7.0
    noise_s: tuple[float, float] = (0.03, 0.06)
    wrong: float = 0.04
    """Share of picks that are wrong, by up to 1.5 s."""
    reach_km: float = 20.0
    """Distance at which the smallest event is seen."""


CASES = {
    "sparse": Earth(reach_km=17),
    "usual": Earth(),
    "dense": Earth(reach_km=30),
    "rough": Earth(regional=0.03, small=0.05),
}


def simulate_medium(seed: int, earth: Earth, events: int = 1000) -> Simulated:
    """Draw stations, an earth, events and their picks."""
    rng = np.random.default_rng(seed)
    away, azimuth = rng.uniform(30, 100, 30), rng.uniform(0, 2 * np.pi, 30)
    far = np.stack([away * np.sin(azimuth), away * np.cos(azimuth)], -1)
    x, y = np.concatenate([_SITES_KM, far]).T
    network = Network(x, y, -rng.uniform(0.4, 1.6, len(x)))
    place = _places(rng, events)
    fields = _slowness(rng, earth)
    reach = earth.reach_km + rng.exponential(0.7 * earth.reach_km, events)
    rows = [
        _picked(rng, earth, (network, k, phase), place, reach, fields[phase])
        for k in range(len(x))
        for phase in range(2)
    ]
    columns = [np.concatenate(c) for c in zip(*rows, strict=True)]
    return pack(network, place, rng.uniform(-1, 1, events), columns,
                Box((-110, 110), (-110, 110), (-2, 30)), 8)  # fmt: skip


def _places(rng: np.random.Generator, events: int) -> F64:
    """Return events in clusters and in between on a fault of 40 x 5 x 12 km, striking 140."""
    size = np.array([40.0, 5.0, 12.0])
    spread = rng.uniform(-0.5, 0.5, (events, 3))
    center = rng.uniform(-0.5, 0.5, (25, 3))[rng.integers(0, 25, events)]
    near = np.clip(center + rng.normal(0, (0.02, 0.1, 0.05), (events, 3)), -0.5, 0.5)
    along, across, down = (np.where(rng.random((events, 1)) < 0.7, near, spread) * size).T
    strike = np.radians(140)
    east = along * np.sin(strike) + across * np.cos(strike)
    north = along * np.cos(strike) - across * np.sin(strike)
    return np.stack([east, north, down + 8], -1)


def _slowness(rng: np.random.Generator, earth: Earth) -> list[F64]:
    """Return by how much the slowness of P and of S deviates on the grid, in s/km.

    Relative deviations of P and S have a correlation of 0.8.
    """
    depth = np.arange(_TOP_KM, _BOTTOM_KM)
    by_depth = np.interp(depth, (3, 10), (2.0, 1.0))
    drawn = []
    for _ in range(2):
        regional = earth.regional * _von_karman(rng, earth.regional_km, len(depth))
        small = earth.small * by_depth * _von_karman(rng, earth.small_km, len(depth))
        drawn.append(regional + small)
    velocities = [np.interp(depth, MODEL.depth_km, v) for v in (MODEL.vp, MODEL.vs)]
    shares = (drawn[0], 0.8 * drawn[0] + 0.6 * drawn[1])
    return [(f / v).astype(np.float32) for f, v in zip(shares, velocities, strict=True)]


def _von_karman(rng: np.random.Generator, length_km: float, layers: int) -> F64:
    """Return a field of variance 1 with Hurst's exponent 0.3, half as long in depth."""
    wide = round(2 * _HALF_KM)
    east, north = np.fft.fftfreq(wide)[:, None, None], np.fft.fftfreq(wide)[None, :, None]
    down = np.fft.rfftfreq(layers)[None, None] / 2
    squared = (2 * np.pi * length_km) ** 2 * (east**2 + north**2 + down**2)
    white = np.fft.rfftn(rng.standard_normal((wide, wide, layers)))
    field = np.fft.irfftn(white * (1 + squared) ** -0.9, axes=(0, 1, 2), s=(wide, wide, layers))
    return np.asarray((field / field.std()).astype(np.float32))


def _picked(rng, earth, which, place, reach, slowness):
    """Return events, sensor, phase and times of the picks of one phase at one station."""
    network, k, phase = which
    station = np.array([network.x_km[k], network.y_km[k], network.depth_km[k]])
    apart = np.hypot(*(place[:, :2] - station[:2]).T)
    beyond = (np.hypot(apart, place[:, 2]) - reach * _SEEN[phase]) / _FADING_KM
    seen = np.flatnonzero(rng.random(len(place)) < 0.95 / (1 + np.exp(beyond)))
    table = travel_times(MODEL, "PS"[phase], float(station[2]), _DISTANCE_KM, _DEPTH_KM)
    times = RegularGridInterpolator((_DISTANCE_KM, _DEPTH_KM), table)
    seconds = times(np.stack([apart[seen], place[seen, 2]], -1))
    for points, length in _along_rays(place[seen], station, table):
        at = (points - (-_HALF_KM, -_HALF_KM, _TOP_KM)).T
        seconds += length * map_coordinates(slowness, at, order=1, mode="nearest")
    noise = rng.laplace(0, earth.noise_s[phase] / np.sqrt(2), len(seen))
    is_wrong = rng.random(len(seen)) < earth.wrong
    seconds += np.where(is_wrong, rng.uniform(-1.5, 1.5, len(seen)), noise)
    return seen, np.full(len(seen), k), np.full(len(seen), phase), seconds


def _along_rays(place: F64, station: F64, table: F64) -> Iterator[tuple[F64, F64]]:
    """Go down the travel times of a station: middles of steps (n, 3), and their lengths in km."""
    slopes = np.gradient(table, _NODE_KM)
    point = place
    while True:
        offset = point - station
        apart, left = np.hypot(offset[:, 0], offset[:, 1]), np.linalg.norm(offset, axis=1)
        if left.max(initial=0) < _ARRIVED_KM:
            return
        at = np.stack([apart, point[:, 2] - _DEPTH_KM[0]]) / _NODE_KM
        out, down = (map_coordinates(slope, at, order=1, mode="nearest") for slope in slopes)
        uphill = np.concatenate(
            [offset[:, :2] * (out / np.maximum(apart, 1e-9))[:, None], down[:, None]], axis=1
        )
        # The slope of the time has no direction at the station itself.
        uphill = np.where(left[:, None] < 2 * _STEP_KM, offset, uphill)
        uphill /= np.maximum(np.linalg.norm(uphill, axis=1), 1e-9)[:, None]
        length = np.minimum(left, _STEP_KM)
        after = point - uphill * length[:, None]
        yield (point + after) / 2, length
        point = after


def _cells(found: Figures, relative: F64) -> str:
    """Return cells of the table: medians in km, horizontal and depth, and shares."""
    between, place = ("{:.2f}, {:.2f}".format(*v) for v in (found.neighbours_km, found.absolute_km))
    near, far = 100 * relative.mean(axis=0)[:2], found.inside
    return f"{between} ({near[0]:.0f}, {near[1]:.0f} %) | {place} | {far[0]:.0f}, {far[1]:.0f} %"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.location_medium")
    parser.add_argument("seeds", type=int, nargs="*", default=[701])
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--only", choices=CASES, nargs="+", default=list(CASES))
    asked = parser.parse_args()
    print("| earth | seed | events, picks | terms | neighbours | place | inside |")
    print("|---|---|---|---|---|---|---|")
    for name, seed in itertools.product(asked.only, asked.seeds):
        case = simulate_medium(seed, CASES[name], asked.events)
        locator = Locator(replace(MODEL, spherical=True), case.network, case.box)
        for terms in ("no", "yes"):
            located = with_terms(locator, case) if terms == "yes" else locator.locate(case.arrivals)
            found = Figures.from_location(case, located)
            relative = Result.from_location(case, located).between_inside
            print(f"| {name} | {seed} | {len(case.arrivals)}, {case.arrivals.count.mean():.0f} "
                  f"| {terms} | {_cells(found, relative)} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
