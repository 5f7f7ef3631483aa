"""``python -m benchmarks.location_speed``: how many events a second one core locates.

Simulated events in a model of gradients, 30 picks each; the tables of travel times and the
posterior are counted.  Set OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from benchmarks.measure import machine
from benchmarks.simulated_picks import LAYERS, Errors, Simulated, simulate
from epicat.locate.arrivals import Arrivals
from epicat.locate.locator import Locator

_SEED = 5


def main() -> None:
    """Run the benchmark and print a table."""
    asked = _arguments()
    print(_HEAD.format(machine=machine(), **vars(asked)), flush=True)
    for sensors in asked.sensors:
        case = simulate(_SEED, events=asked.events, sensors=sensors, errors=Errors(wrong=0.1))
        print(_row(sensors, case, _thinned(case.arrivals, asked.picks)), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.location_speed", description=__doc__
    )
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--picks", type=float, default=30.0, help="of an event, in the mean")
    parser.add_argument("--sensors", type=int, nargs="+", default=[30, 60])
    return parser.parse_args()


_HEAD = """\
{events:,} events. {machine}.

| sensors | picks an event | tables, CPU s | locations, CPU s | events a second |
|---:|---:|---:|---:|---:|"""


def _thinned(arrivals: Arrivals, picks: float) -> Arrivals:
    """Keep a share of the picks at random, as many for each event as are wanted in the mean."""
    random = np.random.default_rng(_SEED)
    keep = random.random(len(arrivals.time_s)) < picks / arrivals.count.mean()
    return arrivals.select(keep)


def _row(sensors: int, case: Simulated, arrivals: Arrivals) -> str:
    begin = time.process_time()
    locator = Locator(LAYERS, case.network, case.box)
    made = time.process_time()
    locator.locate(arrivals)
    end = time.process_time()
    events = len(arrivals)
    return (
        f"| {sensors} | {arrivals.count.mean():.1f} | {made - begin:.2f} | {end - made:.2f} "
        f"| {events / (end - begin):.0f} |"
    )


if __name__ == "__main__":
    main()
