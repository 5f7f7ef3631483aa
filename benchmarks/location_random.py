"""Share of true places in the 68 % region on networks drawn at random: ``python -m`` this module.

Each seed draws a network, see `benchmarks.simulated_picks.simulate_random`; each line is 500
events.  Then shares by number of picks, azimuthal gap, and depth over distance of the nearest
sensor, of all networks together.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from benchmarks.location_calibration import is_inside
from benchmarks.location_terms import with_terms
from benchmarks.simulated_picks import LAYERS, Simulated, simulate_random
from epicat.locate.locator import Locator
from epicat.locate.quality import azimuthal_gaps
from epicat.locate.solution import Located

CASES = {
    "noise, wrong picks": {"is_delayed": False, "velocity": 0.0},
    "velocity +2 %": {"is_delayed": False, "velocity": 0.02},
    "velocity -2 %": {"is_delayed": False, "velocity": -0.02},
    "delays": {},
}
_CLASSES = {
    "picks": (15, 20, 30),
    "gap": (120, 180, 270),
    "depth over nearest distance": (0.5, 1, 2),
}


@dataclass(frozen=True)
class Result:
    """What was found of the events of one network: arrays of shape (events,)."""

    inside: np.ndarray
    """Whether epicentre, depth and hypocentre are in their regions, shape (events, 3)."""
    between_inside: np.ndarray
    """The same of the vector to the truly nearest event, by relative errors."""
    off_km: np.ndarray
    """Errors, shape (events, 3)."""
    between_km: np.ndarray
    """Errors of the vector to the truly nearest event, shape (events, 3)."""
    geometry: dict[str, np.ndarray]
    """What `_CLASSES` divide."""

    @classmethod
    def from_location(cls, case: Simulated, located: Located) -> Result:
        off = located.place_km - case.place_km
        near = cKDTree(case.place_km).query(case.place_km, k=2)[1][:, 1]
        between, relative = off[near] - off, located.relative_km2 + located.relative_km2[near]
        return cls(_inside(off, located.covariance_km2), _inside(between, relative), off, between,
                   _geometry(case))  # fmt: skip

    def __str__(self) -> str:
        off, between = (
            f"{np.median(np.hypot(v[:, 0], v[:, 1])):.2f} {np.median(np.abs(v[:, 2])):.2f} km"
            for v in (self.off_km, self.between_km)
        )
        apart = _in_words(self.between_inside)
        return f"inside {_in_words(self.inside)}, errors {off}, neighbours {between} ({apart})"


def _inside(off: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    parts = slice(0, 2), slice(2, 3), slice(0, 3)
    return np.stack([is_inside(off[:, k], covariance[:, k, k]) for k in parts], axis=1)


def _in_words(inside: np.ndarray) -> str:
    epicentre, depth, both = 100 * inside.mean(axis=0)
    return f"{epicentre:3.0f} {depth:3.0f} {both:3.0f} %"


def _geometry(case: Simulated) -> dict[str, np.ndarray]:
    network, arrivals, place = case.network, case.arrivals, case.place_km
    sensors = np.split(arrivals.sensor, arrivals.first[1:-1])
    gap, nearest = [], []
    for at, seen in zip(place, (np.unique(s) for s in sensors), strict=True):
        east, north = network.x_km[seen] - at[0], network.y_km[seen] - at[1]
        gap.append(azimuthal_gaps(np.degrees(np.arctan2(east, north)))[0])
        nearest.append(np.hypot(east, north).min())
    return {
        "picks": arrivals.count,
        "gap": np.array(gap),
        "depth over nearest distance": place[:, 2] / np.array(nearest),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.location_random")
    parser.add_argument("seeds", type=int, nargs="+", help="one network each")
    parser.add_argument("--events", type=int, default=500)
    parser.add_argument("--no-terms", action="store_true", help="without station terms")
    parser.add_argument("--only", choices=CASES, nargs="+", default=list(CASES))
    asked = parser.parse_args()
    results = defaultdict(list)
    for seed in asked.seeds:
        for name in asked.only:
            case = simulate_random(seed, events=asked.events, **CASES[name])
            locator = Locator(LAYERS, case.network, case.box)
            if name == asked.only[0]:
                print(f"seed {seed}: {len(case.network.x_km)} sensors, "
                      f"{2 * np.abs(case.network.x_km).max():.0f} km, {len(case.arrivals)} events "
                      f"of {case.arrivals.count.mean():.0f} picks")  # fmt: skip
            runs = {name: lambda: locator.locate(case.arrivals)}  # noqa: B023
            if name == "delays" and not asked.no_terms:
                runs["delays, with terms"] = lambda: with_terms(locator, case)  # noqa: B023
            for title, run in runs.items():
                begin = time.process_time()
                result = Result.from_location(case, run())
                results[title].append(result)
                took = time.process_time() - begin
                print(f"  {title:20} {result}, {took:.1f} CPU-s", flush=True)
    print("\nepicentre, depth, hypocentre inside")
    for title, found in results.items():
        shares = np.stack([r.inside.mean(axis=0) for r in found])
        print(f"{title}: mean {_in_words(shares)}, lowest {_in_words(shares.min(0)[None])}, "
              f"highest {_in_words(shares.max(0)[None])}")  # fmt: skip
        inside = np.concatenate([r.inside for r in found])
        for what, edges in _CLASSES.items():
            which = np.digitize(np.concatenate([r.geometry[what] for r in found]), edges)
            words = (f"{_in_words(inside[which == k])} ({np.count_nonzero(which == k)})"
                     for k in range(len(edges) + 1) if (which == k).any())  # fmt: skip
            print(f"  by {what} {edges}: " + "; ".join(words))


if __name__ == "__main__":
    main()
