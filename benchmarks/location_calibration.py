"""Share of true places inside the 68 % region, for simulated networks: ``python -m`` this module.

Each line is one network with its own seed, by default 500 events.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from benchmarks.simulated_picks import LAYERS, Errors, simulate
from epicat.locate.locator import Locator

CASES = {
    "noise 0.03, 0.06 s, Laplace": Errors(),
    "noise 0.05, 0.08 s, Gauss": Errors(noise_s=(0.05, 0.08), gaussian=True),
    "velocity +2 %": Errors(velocity=0.02),
    "velocity -2 %": Errors(velocity=-0.02),
    "vp/vs +2 %": Errors(ratio=0.02),
    "vp/vs -2 %": Errors(ratio=-0.02),
    "stations 0.1 s, paths 0.08 s": Errors(static_s=0.1, path_s=0.08),
}
_QUANTILES = {1: 1.0, 2: 2.2957, 3: 3.5267}
"""Of chi-square at 68.27 %, by degrees of freedom."""


def share(off: np.ndarray, covariance: np.ndarray) -> float:
    """Return the share of errors inside the 68 % region, in per cent."""
    return 100 * float(np.mean(is_inside(off, covariance)))


def is_inside(off: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Tell which errors (events, n) are inside the 68 % region."""
    inverse = np.linalg.inv(covariance)
    distance = np.einsum("ei,eij,ej->e", off, inverse, off)
    return distance <= _QUANTILES[off.shape[1]]


def main(seeds: list[int], events: int = 500) -> None:
    for name, errors in CASES.items():
        for seed in seeds:
            case = simulate(seed, events=events, errors=errors)
            begin = time.process_time()
            located = Locator(LAYERS, case.network, case.box).locate(case.arrivals)
            rate = len(case.arrivals) / (time.process_time() - begin)
            off, covariance = located.place_km - case.place_km, located.covariance_km2
            epicentre = share(off[:, :2], covariance[:, :2, :2])
            depth = share(off[:, 2:], covariance[:, 2:, 2:])
            median = np.median(np.hypot(off[:, 0], off[:, 1])), np.median(np.abs(off[:, 2]))
            print(
                f"{name:30} seed {seed}: epicentre {epicentre:.0f} %, depth {depth:.0f} %, "
                f"median error {median[0]:.2f} and {median[1]:.2f} km, {rate:.0f} events/s",
                flush=True,
            )


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [1, 2])
