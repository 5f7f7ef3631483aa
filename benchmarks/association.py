"""``python -m benchmarks.association``: a month of picks, and the overhead over PyOcto.

The picks are imported into a store and associated as `epicat associate` does it, in one process;
PyOcto's time is that inside its calls.  For comparison, the same picks in one PyOcto call a day
with the same parameters, as in a script.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from benchmarks.measure import machine
from benchmarks.month_of_picks import BEGIN, EXTENT, VP, VS, write_month
from epicat._util.files import cache_folder
from epicat.association.associate_options import AssociateOptions
from epicat.association.associator import Associator, site_picks
from epicat.association.search import Found, Search, SearchInput
from epicat.association.sites import SiteIndex
from epicat.association.slices import Slice
from epicat.campaign.campaign import Campaign
from epicat.campaign.options import AssociationOptions, Partition
from epicat.campaign.resolve import resolve_association
from epicat.pipeline.runner import make_plan
from epicat.pipeline.store_tasks.import_picks import import_picks
from epicat.pipeline.worker import Worker
from epicat.store.base import Store, Where
from epicat.store.open import open_store
from epicat.table_rows import stations_table
from epicat.time import DAY_NS, day_of, parse_time


@dataclass(slots=True)
class _Clock:
    """Seconds inside PyOcto."""

    seconds: float = 0.0
    calls: int = 0


def main() -> None:
    """Run the benchmark and print a table."""
    asked = _arguments()
    print(_HEAD.format(machine=machine(), **vars(asked)), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        print(_row(Path(folder), asked), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.association", description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--stations", type=int, default=50)
    parser.add_argument("--picks", type=int, default=100_000)
    return parser.parse_args()


_HEAD = """\
{picks:,} picks of {stations} stations on {days} days, in one process. {machine}.

| picks | earthquakes | events | PyOcto s | calls | around s | added | by the day s | peak MB |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|"""


def _row(folder: Path, asked: argparse.Namespace) -> str:
    quakes = write_month(folder, asked.stations, asked.days, asked.picks)
    store = open_store(str(folder / "store"), create=True)
    campaign = _campaign(folder, store, asked.days)
    units = make_plan(campaign, Partition(), store, recheck=False).associating
    worker = Worker(campaign)
    before_mb = _peak_mb()
    with _timed() as clock:
        begin = time.process_time()
        events = sum(worker.work(unit).n_rows for unit in units)
        whole = time.process_time() - begin
    peak_mb = _peak_mb()
    picks = store.read("picks", Where()).num_rows
    around = whole - clock.seconds
    return (
        f"| {picks:,} | {quakes:,} | {events:,} "
        f"| {clock.seconds:.1f} | {clock.calls:,} | {around:.2f} "
        f"| {100 * around / clock.seconds:.1f} % | {_by_the_day(campaign, store, asked.days):.1f} "
        f"| {peak_mb:.0f}, {before_mb:.0f} before |"
    )


def _campaign(folder: Path, store: Store, days: int) -> Campaign:
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
        ),
        store,
    )


@contextmanager
def _timed() -> Iterator[_Clock]:
    """Measure the seconds spent inside PyOcto."""
    clock, method = _Clock(), Search.find

    def timed(search: Search, picks: SearchInput) -> list[Found]:
        begin = time.process_time()
        try:
            return method(search, picks)
        finally:
            clock.seconds += time.process_time() - begin
            clock.calls += 1

    Search.find = timed  # type: ignore[method-assign]
    try:
        yield clock
    finally:
        Search.find = method  # type: ignore[method-assign]


def _by_the_day(campaign: Campaign, store: Store, days: int) -> float:
    """Return the seconds of PyOcto on the same picks, one day at a time."""
    design = campaign.design
    index = SiteIndex.from_stations(campaign.stations, design.plane, campaign.site_radius_m)
    picks = site_picks(store.read("picks", Where()), index)
    associator = Associator(design, cache_folder("traveltimes"))
    first_ns = parse_time(BEGIN)
    with _timed() as clock:
        for day in range(days):
            start_ns = first_ns + day * DAY_NS
            part = tuple(p for p in picks if start_ns <= p.time_ns < start_ns + DAY_NS)
            associator.associate_slice(Slice(start_ns, part))
    return clock.seconds


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    pa.set_cpu_count(1)
    main()
