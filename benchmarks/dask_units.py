"""``python -m benchmarks.dask_units [UNITS [WORKERS]]``: what Dask costs for units without work.

A unit asks for the amplitudes of a station-day without picks, so that its worker looks into an
empty ledger and answers.  The scheduler of a local cluster is part of this process, too.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.submit_at_scale import campaign_of
from epicat.campaign.campaign import Campaign
from epicat.ledger import Stage
from epicat.pipeline.dask.cluster import DaskCluster, connected
from epicat.pipeline.dask.executor import DaskExecutor
from epicat.pipeline.plan import Unit
from epicat.pipeline.runner import write_records
from epicat.store.parquet import ParquetStore

_UNITS, _WORKERS = 12_000, 2
_FIRST = 200
"""Units before the measurement, while workers import what they need."""


def main(units: int = _UNITS, workers: int = _WORKERS) -> None:
    with tempfile.TemporaryDirectory() as folder, connected(None, workers, print) as cluster:
        executor = DaskExecutor(cluster, _campaign(Path(folder)), print)
        _run(executor, _FIRST)
        before_mb, begin, begin_cpu = _memory_mb(), time.monotonic(), time.process_time()
        begin_workers = _workers_cpu(cluster)
        _run(executor, units)
        seconds, cpu = time.monotonic() - begin, time.process_time() - begin_cpu
        workers_cpu = _workers_cpu(cluster) - begin_workers
        grown_mb = _memory_mb() - before_mb
        executor.close(now=False)
    print(
        f"{units:,} units on {workers} workers in {seconds:.1f} s: {units / seconds:.0f} a second; "
        f"client and scheduler took {1000 * cpu / units:.2f} ms of CPU for each, workers "
        f"{1000 * workers_cpu / units:.2f} ms; client and scheduler grew by {grown_mb:.1f} MB"
    )


def _campaign(folder: Path) -> Campaign:
    store = ParquetStore(folder / "store", create=True)
    update = {"store": store.location, "bundle": None, "archive": ""}
    campaign = campaign_of(20, 2).model_copy(update=update)
    write_records(campaign, store)
    return campaign


def _run(executor: DaskExecutor, units: int) -> None:
    """Run units, as many at once as the executor takes."""
    sent = done = 0
    while done < units:
        while sent < units and sent - done < executor.capacity:
            key = f"XX.S{sent:05d}/2020.001"
            executor.submit(Unit(Stage.PICK, (key,), measure_only=True))
            sent += 1
        outcome = executor.next_outcome()
        if outcome.failure:
            raise SystemExit(outcome.failure)
        done += 1


def _workers_cpu(cluster: DaskCluster) -> float:
    """Return the CPU seconds that the worker processes have used."""
    ticks = 0
    for process in cluster.local_processes():
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _memory_mb() -> float:
    """Return the resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
