"""Figures of the pages about locations: ``python -m benchmarks.location_figures FOLDER [STORE]``.

``location-calibration.png`` comes from simulated events.  ``location-map.png`` compares the
places of the association in a store with its newest location.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.stats import chi2

from benchmarks.location_terms import with_terms
from benchmarks.simulated_picks import LAYERS, Errors, simulate
from epicat.locate.locator import Locator
from epicat.store.base import Where, locate_entries
from epicat.store.open import open_store

DELAYS = Errors(static_s=0.1, path_s=0.08)
CASES = {
    "noise and wrong picks": (Errors(), False),
    "velocities 2 % too small": (Errors(velocity=0.02), False),
    "velocities 2 % too large": (Errors(velocity=-0.02), False),
    "delays of stations and paths": (DELAYS, False),
    "the same, with station terms": (DELAYS, True),
}
"""Errors, and whether there are station terms."""
LEVELS = np.linspace(0.02, 0.98, 49)


def distances(errors: Errors, has_terms: bool, seeds: range) -> tuple[np.ndarray, np.ndarray]:
    """Return squared errors over variances of epicentres (2 dimensions) and depths."""
    epicentre, depth = [], []
    for seed in seeds:
        case = simulate(seed, events=200, errors=errors)
        locator = Locator(LAYERS, case.network, case.box)
        located = with_terms(locator, case) if has_terms else locator.locate(case.arrivals)
        off, covariance = located.place_km - case.place_km, located.covariance_km2
        inverse = np.linalg.inv(covariance[:, :2, :2])
        epicentre.append(np.einsum("ei,eij,ej->e", off[:, :2], inverse, off[:, :2]))
        depth.append(off[:, 2] ** 2 / covariance[:, 2, 2])
    return np.concatenate(epicentre), np.concatenate(depth)


def draw_calibration(path: Path, seeds: range = range(601, 613)) -> None:
    """Draw the share of true places in regions against their confidence level."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(8.4, 4.2), sharey=True, layout="constrained")
    for name, (errors, has_terms) in CASES.items():
        found_of_both = distances(errors, has_terms, seeds)
        for axis, found, freedom in zip(axes, found_of_both, (2, 1), strict=True):
            limits = chi2.ppf(LEVELS, freedom)
            share = [100 * np.mean(found <= limit) for limit in limits]
            axis.plot(100 * LEVELS, share, label=name, lw=1.6, ls="--" if has_terms else "-")
    for axis, title in zip(axes, ("Epicentre: ellipse", "Depth: interval"), strict=True):
        axis.plot([0, 100], [0, 100], color="0.6", lw=0.8, zorder=0)
        axis.axvline(68.27, color="0.8", lw=0.8, zorder=0)
        axis.set(title=title, xlabel="confidence level (%)", xlim=(0, 100), ylim=(0, 100))
        axis.set_aspect("equal")
    axes[0].set_ylabel("true places inside (%)")
    axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def draw_map(store_url: str, path: Path) -> None:
    """Draw epicentres and a section of depths before and after the location."""
    import matplotlib.pyplot as plt

    store = open_store(store_url)
    newest = max((e for e in locate_entries(store) if e.n_origins), key=lambda e: e.marked_ns)
    record = store.records("location")[newest.design]
    events = store.read("events", Where(design=record["associator"]))
    origins = store.read("origins", Where(design=newest.design))
    kept = origins.filter([not text for text in origins["rejected"].to_pylist()])
    good = kept.filter([name in "AB" for name in kept["quality"].to_pylist()])
    parts = (
        (f"association: {events.num_rows} events", events),
        (f"located: {kept.num_rows} events", kept),
        (f"classes A and B: {good.num_rows} events", good),
    )
    figure, axes = plt.subplots(2, 3, figsize=(9.6, 7.2), sharex="row", sharey="row",
                                layout="constrained", height_ratios=(1.5, 1))  # fmt: skip
    middle = np.median(events["latitude"].to_numpy())
    for k, (title, rows) in enumerate(parts):
        x, y = rows["longitude"].to_numpy(), rows["latitude"].to_numpy()
        axes[0, k].plot(x, y, ".", ms=4, color="#1f4e79", alpha=0.7)
        axes[0, k].set(title=title, xlabel="longitude")
        axes[0, k].set_aspect(1 / np.cos(np.radians(middle)))
        axes[1, k].plot(y, rows["depth_km"].to_numpy(), ".", ms=4, color="#1f4e79", alpha=0.7)
        axes[1, k].set(xlabel="latitude")
    axes[0, 0].set_ylabel("latitude")
    axes[1, 0].set_ylabel("depth (km)")
    axes[1, 0].invert_yaxis()
    figure.savefig(path, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    if len(sys.argv) > 2:
        draw_map(sys.argv[2], folder / "location-map.png")
    else:
        draw_calibration(folder / "location-calibration.png")
