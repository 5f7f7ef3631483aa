"""How good magnitudes are on synthetic archives, and on the reference amplitudes of Holuhraun.

    python benchmarks/magnitudes.py STORE TRUTH_FOLDER [...]
    python benchmarks/magnitudes.py --law FOLDER
    python benchmarks/magnitudes.py --reference STORE FOLDER

The first form compares the newest magnitudes of stores with the truth of the archives that they
come from, the plain median beside them.  Events are matched within 1.5 s and 10 km, one to one.
The second form applies the law of Iceland to the amplitudes of a folder with the reference catalog,
the third compares the magnitudes of a store with those of that catalog.

One of the archives on the page about magnitudes:

    epicat synth g1 --seed 731 --hours 5 --faults all --station-count 18 --radius 35 \\
        --min-magnitude 0.5
    epicat run 2024.061 2024.062 39.4,40.6,-124.8,-123.2 --archive g1/waveforms --layout sds \\
        --stations g1/stations.xml --velocity g1/velocity.txt --velocity-layers constant \\
        --model epicat-mini --law hutton-boore --store g1/cat
    python benchmarks/magnitudes.py g1/cat g1/truth

Others: seed 732, 24 stations, 90 km, from magnitude 1.0; 733, 12 stations, 50 km, from 0.7,
``--center 36,-120 --depth 5,12``; 5151 to 5153, after the method was fixed.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

from epicat.catalog.catalog import open_catalog
from epicat.geo import distance_azimuth
from epicat.magnitude.laws import law_named
from epicat.time import SECOND_NS, parse_time

NEAR_S, NEAR_KM = 1.5, 10.0


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--law"]:
        check_law(Path(arguments[1]))
        return
    if arguments[:1] == ["--reference"]:
        check_reference(*arguments[1:])
        return
    print(f"{'store':24} {'':7} {'events':>6} {'bias':>7} {'MAD':>6} {'95 %':>6} {'small':>7}")
    every = []
    for store, truth in zip(arguments[::2], arguments[1::2], strict=True):
        pairs = compared(store, Path(truth))
        every.append(pairs)
        show(Path(store).parent.name, pairs)
    if len(every) > 1:
        show("all", np.concatenate(every))


def compared(store: str, truth: Path) -> np.ndarray:
    """Return true magnitude, magnitude, plain median, standard error and counts of each event."""
    catalog = open_catalog(store)
    events = catalog.events()
    sizes = {row["event_id"]: row for row in catalog.magnitudes().to_pylist()}
    times = events["time"].cast("int64").to_pylist()
    known = _truth(truth / "events.csv")
    left = list(range(len(known)))
    found = []
    for row, time_ns in zip(events.to_pylist(), times, strict=True):
        at = _nearest(row, time_ns, known, left)
        size = sizes.get(row["event_id"])
        if at is None:
            continue
        left.remove(at)
        if size is not None:
            names = ("value", "median", "standard_error", "n_used", "n_bounds")
            found.append([known[at][3], *(size[name] for name in names)])
    return np.array(found, dtype=float).reshape(-1, 6)


def _truth(path: Path) -> list[tuple[int, float, float, float]]:
    with path.open() as file:
        return [
            (parse_time(r["time"]), float(r["latitude"]), float(r["longitude"]), float(r["ml"]))
            for r in csv.DictReader(file)
            if r["ml"]
        ]


def _nearest(row, time_ns: int, known, left: list[int]) -> int | None:
    near = [i for i in left if abs(known[i][0] - time_ns) <= NEAR_S * SECOND_NS]
    if not near:
        return None
    latitude, longitude = (np.array([known[i][k] for i in near]) for k in (1, 2))
    here = [np.full(len(near), row[name]) for name in ("latitude", "longitude")]
    distance, _ = distance_azimuth(*here, latitude, longitude)
    best = int(distance.argmin())
    return near[best] if distance[best] <= NEAR_KM else None


def show(name: str, pairs: np.ndarray) -> None:
    """Print bias, MAD, 95 % of the error and the bias of the smallest third."""
    if not len(pairs):
        print(f"{name:24} no magnitudes")
        return
    truth, value, median, error = pairs[:, :4].T
    small = truth <= np.quantile(truth, 1 / 3)
    for label, found in (("epicat", value), ("median", median)):
        e = found - truth
        numbers = (np.median(e), np.median(np.abs(e - np.median(e))), np.quantile(np.abs(e), 0.95))
        print(
            f"{name:24} {label:7} {len(pairs):6} {numbers[0]:+7.3f} {numbers[1]:6.3f} "
            f"{numbers[2]:6.3f} {np.median(e[small]):+7.3f}"
        )
    inside = np.mean(np.abs(value - truth - np.median(value - truth)) < error)
    print(f"{name:24} within one standard error {inside:.0%}; used {pairs[:, 4].mean():.1f}, "
          f"bounds {pairs[:, 5].mean():.1f}")  # fmt: skip


def check_law(folder: Path) -> None:
    """Print how far the law of Iceland is from the reference's magnitudes, from its amplitudes."""
    with (folder / "reference_amplitudes.csv").open() as file:
        rows = [
            [float(row[name] or "nan") for name in ("S_amp", "epi_dist", "z_dist", "ML")]
            for row in csv.DictReader(file)
        ]
    table = np.array(rows)
    amplitude, flat, depth, expected = table[np.isfinite(table).all(axis=1) & (table[:, 0] > 0)].T
    error = law_named("iceland").magnitude(amplitude, np.hypot(flat, depth)) - expected
    print(f"{len(error)} amplitudes: mean {error.mean():+.4f}, largest {np.abs(error).max():.4f}")


def check_reference(store: str, folder: str) -> None:
    """Print how magnitudes differ from those of the reference catalog: offset, MAD and 90 %."""
    catalog = open_catalog(store)
    sizes = {row["event_id"]: row["value"] for row in catalog.magnitudes().to_pylist()}
    events = catalog.events()
    times = events["time"].cast("int64").to_pylist()
    with (Path(folder) / "reference_events.csv").open() as file:
        known = [
            (parse_time(r["DT"]), float(r["Y"]), float(r["X"]), float(r["ML"] or "nan"))
            for r in csv.DictReader(file)
        ]
    left = [i for i, one in enumerate(known) if np.isfinite(one[3])]
    differences = []
    for row, time_ns in zip(events.to_pylist(), times, strict=True):
        at = _nearest(row, time_ns, known, left)
        if at is not None:
            left.remove(at)
            if row["event_id"] in sizes:
                differences.append(sizes[row["event_id"]] - known[at][3])
    found = np.array(differences)
    apart = np.abs(found - np.median(found))
    print(f"{len(found)} events: offset {np.median(found):+.3f}, MAD {np.median(apart):.3f}, "
          f"90 % {np.quantile(apart, 0.9):.3f}")  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
