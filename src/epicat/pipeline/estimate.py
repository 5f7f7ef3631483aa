"""Estimate the duration of jobs, and from that the size of units.

The times are estimates: `epicat cost` shows the actual ones afterwards.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from math import ceil
from typing import Final

from epicat.campaign.campaign import Campaign
from epicat.campaign.options import Partition
from epicat.ledger import Stage
from epicat.pipeline.jobs.job_arrays import JobArray
from epicat.pipeline.plan import Unit
from epicat.time import DAY_NS, parse_time

__all__ = [
    "ASSOCIATING_S",
    "LOCATING_S",
    "PICKING_S",
    "blocks_per_unit",
    "longest_seconds",
    "stations_per_unit",
    "with_unit_sizes",
    "work_seconds",
]

PICKING_S: Final = 10.0
"""Core-seconds for a station-day: three components at 100 Hz, read, decoded, picked, written."""
ASSOCIATING_S: Final = 1.0
"""Core-seconds for a station-day of one run of the associator, of a busy network."""
LOCATING_S: Final = 0.2
"""Core-seconds for a station-day to locate its events and compute their magnitudes.

An event takes about 5 ms: 1.2 s for 261 events at 20 stations.
"""
_UNIT_S: Final = 20 * 60.0


_EXTRA_RUNS: Final = 2
"""Runs of the associator besides one for each of a row of blocks: the neighbours at its ends."""


def work_seconds(array: JobArray, stations: int, processes: int) -> float:
    """Return the estimated seconds of work of all jobs of an array, without their start-up."""
    if array.stage == Stage.PICK:
        return PICKING_S * sum(len(unit.keys) for unit in array.units) / processes
    return sum(_block_seconds(unit, stations, processes) for unit in array.units)


def longest_seconds(array: JobArray, stations: int, processes: int) -> float:
    """Return the estimated seconds of work of the longest job of an array."""
    if array.stage == Stage.PICK:
        return PICKING_S * max(ceil(len(unit.keys) / processes) for unit in array.units)
    return max(_block_seconds(unit, stations, processes) for unit in array.units)


def _block_seconds(unit: Unit, stations: int, processes: int) -> float:
    """Return the estimated seconds of a unit of association, whose blocks are in a row."""
    if unit.needs is None:
        return 0.0
    reach_ns = parse_time(unit.keys[0]) - unit.needs.start_ns
    block_ns = unit.needs.end_ns - reach_ns - parse_time(unit.keys[-1])
    each = ceil(len(unit.keys) / processes)
    work = ASSOCIATING_S * (each + _EXTRA_RUNS) + LOCATING_S * each
    return work * stations * block_ns / DAY_NS


def with_unit_sizes(
    partition: Partition,
    chosen: Container[str],
    campaign: Campaign,
    processes: Mapping[Stage, int],
    most_jobs: int,
) -> Partition:
    """Return a partition into units of about twenty minutes, except for what is ``chosen``.

    ``chosen`` are names of fields, ``processes`` those of a job by stage, and ``most_jobs`` is
    the number of jobs in an array.
    """
    stations = len(campaign.names)
    window_days, picking = partition.window_days, processes[Stage.PICK]
    sizes = {
        "stations_per_unit": stations_per_unit(stations, window_days, picking, most_jobs),
        "blocks_per_unit": blocks_per_unit(
            stations, campaign.design.block_ns, processes[Stage.ASSOCIATE]
        ),
    }
    return partition.model_copy(
        update={name: size for name, size in sizes.items() if name not in chosen}
    )


def stations_per_unit(stations: int, window_days: int, processes: int, most_jobs: int) -> int:
    """Return the number of stations for units of about twenty minutes and equal size.

    Interrupted units are lost, and short units consist mostly of start-up.  The units of a window
    never exceed one array of ``most_jobs``, so that no job depends on too many arrays.
    """
    days = _UNIT_S * processes / PICKING_S
    units = ceil(stations / max(1, days // window_days))
    return max(1, ceil(stations / min(units, most_jobs)))


def blocks_per_unit(stations: int, block_ns: int, processes: int) -> int:
    """Return the number of blocks for units of association of about twenty minutes.

    As many for each process, one at least.  A row of blocks costs two runs of the associator more
    than it has blocks, so that small units are inefficient.
    """
    station_days = max(stations, 1) * block_ns / DAY_NS
    blocks = _UNIT_S / station_days - ASSOCIATING_S * _EXTRA_RUNS
    return processes * max(1, int(blocks / (ASSOCIATING_S + LOCATING_S)))
