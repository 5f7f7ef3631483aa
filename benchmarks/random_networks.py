"""``python -m benchmarks.random_networks``: default settings on networks drawn at random.

Each seed draws a network, an earth and seismicity.  The same picks are associated with defaults and
with PyOcto alone in eight combinations of settings that a user would try by hand, two of each of
velocities, tolerances, and cutoff with number of picks.  The best of the eight is the one with the
most expected events found, less false and doubled events; of equal ones, the fastest.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from benchmarks.networks import Case, Score, Setup, associated, by_hand, case, score
from epicat.velocity.builtin import model_of

__all__ = ["best_by_hand", "hand_settings", "random_setup"]

_EARTHS = (
    ((-5.0, 4.6), (2.0, 5.6), (8.0, 6.1), (20.0, 6.7), (34.0, 8.0)),
    ((-5.0, 3.2), (1.5, 4.6), (5.0, 5.9), (15.0, 6.4), (30.0, 7.8)),
    ((-5.0, 5.0), (4.0, 6.0), (16.0, 6.5), (26.0, 7.9)),
)
"""Tops of layers and P velocities: an old crust, a basin, a thin crust."""
_TEXTBOOK = (6.0, 3.47)
"""Constant velocities of someone who does not know the region, in km/s."""
_MIDDLE_LATITUDE = 45.0


def random_setup(seed: int) -> Setup:
    """Return the network, earth and seismicity of a seed."""
    random = np.random.default_rng(seed)
    sites = round(_log_uniform(random, 5, 150))
    size_km = _log_uniform(random, 10, 800)
    spacing_km = size_km / np.sqrt(sites)
    dense = sites // 2 if sites >= 40 and random.uniform() < 0.3 else 0
    bottom_km = random.uniform(8, 35)
    hours = _log_uniform(random, 1, 12)
    return Setup(
        name=f"seed {seed}: {sites} sites on {size_km:.0f} km",
        sites=sites,
        size_km=size_km,
        vp=_EARTHS[random.integers(len(_EARTHS))],
        vp_vs=random.uniform(1.68, 1.85),
        depth_km=(random.uniform(0.5, 5.0), bottom_km),
        hours=hours,
        events=round(random.uniform(20, 60)),
        clusters=int(random.choice([0, 3, 8])),
        reach_km=(max(8.0, spacing_km), max(15.0, spacing_km * random.uniform(2, 4))),
        noise_per_hour=_log_uniform(random, 3, 20),
        place=(_MIDDLE_LATITUDE, random.uniform(-180, 180)),
        pick_error_s=random.uniform(0.04, 0.15),
        dense_sites=dense,
        dense_km=size_km / 8 if dense else 0.0,
        hand_depth_km=(0.0, max(25.0, bottom_km)),
        seed=seed,
    )


def _log_uniform(random: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def hand_settings(setup: Setup) -> Iterator[Setup]:
    """Yield the setup with each combination of settings of PyOcto by hand."""
    spacing_km = setup.size_km / np.sqrt(setup.sites)
    velocities = (_TEXTBOOK, _mean_velocities(setup))
    tolerances = ((1.0, 1.0), (2.0, 1.5))
    cutoffs = ((3.0, 8), (5.0, 10))
    for speed, (tolerance, match), (spacings, n_picks) in itertools.product(
        velocities, tolerances, cutoffs
    ):
        cutoff_km = min(max(40.0, spacings * spacing_km), 400.0)
        settings = {
            "tolerance": tolerance,
            "pick_match_tolerance": match,
            "cutoff": cutoff_km,
            "n_picks": min(n_picks, 2 * setup.sites - 2),
            "time_before": max(30.0, cutoff_km / 3),
        }
        yield replace(setup, by_hand=settings, hand_velocities=speed)


def _mean_velocities(setup: Setup) -> tuple[float, float]:
    """Return the velocities of P and S on a vertical path down to the middle of the events."""
    middle_km = sum(setup.depth_km) / 2
    depth_km = np.linspace(0, middle_km, 100)
    tops, vp = zip(*setup.vp, strict=True)
    layer = np.searchsorted(tops, depth_km, side="right") - 1
    p_velocity = float(1 / np.mean(1 / np.array(vp)[layer]))
    return p_velocity, p_velocity / setup.vp_vs


def best_by_hand(made: Case) -> tuple[Score, float]:
    """Return the score and processor seconds of the best combination."""
    runs = []
    for setup in hand_settings(made.setup):
        found, seconds = by_hand(replace(made, setup=setup))
        runs.append((score(found, made), seconds))
    return min(runs, key=lambda run: (run[0].false + run[0].doubled - run[0].found, run[1]))


def main() -> None:
    """Print a row for each seed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.random_networks",
                                     description=__doc__)  # fmt: skip
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(101, 109)))
    parser.add_argument("--velocity", default="iasp91", help="model that epicat associates with")
    asked = parser.parse_args()
    print("| network | picks | expected | found | false | doubled | CPU s "
          "| best by hand: found | false | doubled | CPU s |")  # fmt: skip
    print(f"|---|{'---:|' * 10}")
    for seed in asked.seeds:
        made = case(random_setup(seed))
        _, found, seconds = associated(made, model_of(asked.velocity))
        ours, (best, hand_seconds) = score(found, made), best_by_hand(made)
        print(f"| {made.setup.name} | {len(made.picks):,} | {ours.expected} "
              f"| {ours.found} | {ours.false} | {ours.doubled} | {seconds:.1f} "
              f"| {best.found} | {best.false} | {best.doubled} | {hand_seconds:.1f} |",
              flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
