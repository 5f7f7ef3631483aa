"""Locations with station terms of simulated networks: ``python -m`` this module ``[SEED ...]``.

Each line is one network with its own seed, 1,000 events.  The error between neighbours is that of
the vector from each event to the event that truly is nearest to it: medians, horizontally and in
depth.  Shares are those of true places in the absolute 68 % region.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from benchmarks.location_calibration import share
from benchmarks.simulated_picks import LAYERS, Errors, Simulated, simulate
from epicat.locate.estimate_terms import calibrate
from epicat.locate.locator import Locator
from epicat.locate.solution import Located
from epicat.locate.terms import StationTerms

CASES = {
    "16 sensors, 17 picks": (16, Errors(static_s=0.1, path_s=0.08)),
    "30 sensors, 30 picks": (30, Errors(static_s=0.1, path_s=0.06)),
    "short paths (4 km)": (30, Errors(static_s=0.1, path_s=0.06, path_km=4)),
    "long paths (15 km)": (30, Errors(static_s=0.15, path_s=0.05, path_km=15)),
    "velocities 2 % too small, 10 % wrong": (
        30, Errors(static_s=0.1, path_s=0.05, velocity=0.02, wrong=0.1)),
    "velocities 1 % too small, vp/vs 1 % too large": (
        30, Errors(static_s=0.1, path_s=0.05, velocity=0.01, ratio=-0.01)),
    "only static delays": (30, Errors(static_s=0.1)),
    "no delays": (30, Errors()),
}  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """What was measured of one location."""

    neighbours_km: tuple[float, float]
    """Median error of the vector to the nearest event: horizontal, depth."""
    absolute_km: tuple[float, float]
    """Median error of epicentre and depth."""
    inside: tuple[float, float]
    """Share of true epicentres and depths in the 68 % region, in per cent."""

    @classmethod
    def from_location(cls, case: Simulated, located: Located) -> Figures:
        off, covariance = located.place_km - case.place_km, located.covariance_km2
        _, near = cKDTree(case.place_km).query(case.place_km, k=2)
        between = off[near[:, 1]] - off

        def medians(v: np.ndarray) -> tuple[float, float]:
            return float(np.median(np.hypot(v[:, 0], v[:, 1]))), float(np.median(np.abs(v[:, 2])))

        inside = share(off[:, :2], covariance[:, :2, :2]), share(off[:, 2:], covariance[:, 2:, 2:])
        return cls(medians(between), medians(off), inside)

    def __str__(self) -> str:
        neighbours, absolute = ("{:.2f} {:.2f}".format(*v)
                                for v in (self.neighbours_km, self.absolute_km))  # fmt: skip
        return f"neighbours {neighbours}, absolute {absolute}, inside {self.inside[0]:.0f} " + (
            f"{self.inside[1]:.0f} %"
        )


def with_terms(locator: Locator, case: Simulated) -> Located:
    """Compute station terms over all events, and locate them with these."""
    found = calibrate(locator, case.arrivals)
    own = np.arange(len(case.arrivals))
    phase = case.arrivals.phase
    arrivals = case.arrivals.with_sigma(found.after.of(phase, np.zeros_like(phase)))
    settings = locator.settings.calibrated(found.after.wrong_share)
    terms = StationTerms(found.static, found.source, own)
    return locator.with_settings(settings).locate(arrivals, terms=terms)


def main(seeds: list[int], events: int = 1000) -> None:
    for name, (sensors, errors) in CASES.items():
        for seed in seeds:
            case = simulate(seed, events=events, sensors=sensors, errors=errors)
            begin = time.process_time()
            locator = Locator(LAYERS, case.network, case.box)
            plain = Figures.from_location(case, locator.locate(case.arrivals))
            between = time.process_time()
            terms = Figures.from_location(case, with_terms(locator, case))
            took = between - begin, time.process_time() - between
            print(f"{name} seed {seed} without terms ({took[0]:.1f} CPU-s): {plain}", flush=True)
            print(f"{name} seed {seed} with terms ({took[1]:.0f} CPU-s): {terms}", flush=True)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [401, 402])
