"""Estimate the duration of jobs, and from that the size of units.

The times are estimates: `epicat cost` shows the actual ones afterwards.
"""

from __future__ import annotations

from math import ceil
from typing import Final

from epicat.model import Stage
from epicat.pipeline.job_arrays import JobArray

__all__ = ["ASSOCIATING_S", "LOCATING_S", "PICKING_S", "stations_per_unit", "work_seconds"]

PICKING_S: Final = 10.0
"""Core-seconds for a station-day: three components at 100 Hz, read, decoded, picked, written."""
ASSOCIATING_S: Final = 1.0
"""Core-seconds for a station-day in the reach of a block, of a busy network."""
LOCATING_S: Final = 0.2
"""Core-seconds for a station-day in the reach of a block to locate its events.

An event takes about 5 ms: 1.2 s for 261 events at 20 stations.
"""
_UNIT_S: Final = 20 * 60.0


def work_seconds(array: JobArray, stations: int, processes: int) -> float:
    """Return the estimated seconds of work of all jobs of an array, without their start-up."""
    if array.stage == Stage.PICK:
        work = PICKING_S * sum(len(unit.keys) for unit in array.units)
    else:
        days = (sum(1 for _ in unit.needs.days()) for unit in array.units if unit.needs)
        work = (ASSOCIATING_S + LOCATING_S) * stations * sum(days)
    return work / processes


def stations_per_unit(stations: int, window_days: int, processes: int, most_jobs: int) -> int:
    """Return the number of stations for units of about twenty minutes and equal size.

    Interrupted units are lost, and short units consist mostly of start-up.  The units of a window
    never exceed one array of ``most_jobs``, so that no job depends on too many arrays.
    """
    days = _UNIT_S * processes / PICKING_S
    units = ceil(stations / max(1, days // window_days))
    return max(1, ceil(stations / min(units, most_jobs)))
