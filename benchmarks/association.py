"""``python -m benchmarks.association``: a month of picks, beside PyOcto alone on the same picks.

The picks are imported into a store and associated as `epicat associate` does it, in one process,
with nothing set but the extent and the velocities of the picks, with locations and without.  PyOcto
alone gets the same velocities and keeps its own defaults otherwise, in one call in another process.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import machine
from benchmarks.month_of_picks import BEGIN, EXTENT, VP, VS, write_month
from epicat.association.associate_options import AssociateOptions
from epicat.campaign.campaign import Campaign
from epicat.campaign.options import AssociationOptions, Partition
from epicat.campaign.resolve import resolve_association
from epicat.geo import Plane
from epicat.locate.options import LocateSection
from epicat.pipeline.runner import make_plan
from epicat.pipeline.store_tasks.import_picks import import_picks
from epicat.pipeline.worker import Worker
from epicat.store.base import Store
from epicat.store.open import open_store
from epicat.table_rows import stations_table
from epicat.time import DAY_NS, day_of, parse_time


@dataclass(frozen=True, slots=True)
class _Cost:
    """Events, and what they cost."""

    events: int
    cpu_s: float
    peak_mb: float


def main() -> None:
    """Run the benchmark and print a table."""
    asked = _arguments()
    print(_HEAD.format(machine=machine(), **vars(asked)), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for row in _rows(Path(folder), asked):
            print(row, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.association", description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--stations", type=int, default=50)
    parser.add_argument("--picks", type=int, default=100_000)
    return parser.parse_args()


_HEAD = """\
{picks:,} picks of {stations} stations on {days} days, in one process. {machine}.

| picks | earthquakes | | events | CPU s | peak MB |
|---:|---:|---|---:|---:|---:|"""


def _rows(folder: Path, asked: argparse.Namespace) -> Iterator[str]:
    quakes = write_month(folder, asked.stations, asked.days, asked.picks)
    picks = pq.read_metadata(folder / "picks.parquet").num_rows
    ways = (
        ("epicat, with locations", _located),
        ("epicat", _associated),
        ("PyOcto alone, its defaults", _alone),
    )
    for name, way in ways:
        context = multiprocessing.get_context("spawn")  # each has a peak memory of its own
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            cost = pool.submit(way, folder, asked.days).result()
        yield (
            f"| {picks:,} | {quakes:,} | {name} | {cost.events:,} | {cost.cpu_s:.1f} "
            f"| {cost.peak_mb:.0f} |"
        )


def _located(folder: Path, days: int) -> _Cost:
    return _epicat(folder, days, locate=True)


def _associated(folder: Path, days: int) -> _Cost:
    return _epicat(folder, days, locate=False)


def _epicat(folder: Path, days: int, *, locate: bool) -> _Cost:
    pa.set_cpu_count(1)
    store = open_store(str(folder / f"store-{locate}"), create=True)
    campaign = _campaign(folder, store, days, LocateSection(locate=locate))
    units = make_plan(campaign, Partition(), store, recheck=False).associating
    worker = Worker(campaign)
    begin = time.process_time()
    events = sum(worker.work(unit).n_rows for unit in units)
    return _Cost(events, time.process_time() - begin, _peak_mb())


def _alone(folder: Path, days: int) -> _Cost:
    """Associate with PyOcto's own interface and defaults, in one call."""
    import pandas as pd
    import pyocto

    del days
    stations = pd.read_csv(folder / "stations.csv").rename(columns={"elevation": "z"})
    plane = Plane(*EXTENT.center)
    stations["x"], stations["y"] = plane.to_xy(stations["latitude"], stations["longitude"])
    rows = pq.read_table(folder / "picks.parquet", columns=["trace_id", "phase", "time"])
    seconds = rows["time"].cast(pa.int64()).to_numpy() / 1e9
    picks = pd.DataFrame(
        {"station": rows["trace_id"].to_pylist(), "phase": rows["phase"].to_pylist(),
         "time": seconds}
    ).sort_values("time", ignore_index=True)  # fmt: skip
    low, high = plane.to_xy([EXTENT.south, EXTENT.north], [EXTENT.west, EXTENT.east])
    octo = pyocto.OctoAssociator(
        tuple(low), tuple(high), (0.0, 30.0),
        pyocto.VelocityModel0D(VP, VS, tolerance=2.0, association_cutoff_distance=250.0),
        time_before=300, n_threads=1,
    )  # fmt: skip
    begin = time.process_time()
    events, _ = octo.associate(picks, stations)
    return _Cost(len(events), time.process_time() - begin, _peak_mb())


def _campaign(folder: Path, store: Store, days: int, locate: LocateSection) -> Campaign:
    from epicat.stations import Patterns, find_stations

    import_picks(folder / "picks.parquet", store)
    stations = find_stations(str(folder / "stations.csv"), EXTENT, Patterns((), ()))
    store.put_stations(stations_table(stations))
    end = day_of(parse_time(BEGIN) + days * DAY_NS).isoformat()
    return resolve_association(
        AssociationOptions(
            start=BEGIN,
            end=end,
            extent=EXTENT,
            store=store.location,
            associate=AssociateOptions(p_velocity=VP, s_velocity=VS),
            locate=locate,
        ),
        store,
    )


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    main()
