"""How long jobs will take, before any has run; and so how large units should be.

The three times are estimates, not promises: `epicat cost` shows afterwards what jobs really took.
"""

from __future__ import annotations

from math import ceil
from typing import Final

from epicat.aws.prices import Shape
from epicat.model import Stage
from epicat.pipeline.job_arrays import MOST_JOBS, JobArray

__all__ = ["ASSOCIATING_S", "PICKING_S", "STARTING_S", "job_seconds", "stations_per_unit"]

PICKING_S: Final = 10.0
"""vCPU-seconds for a station-day: three components at 100 Hz, read, decoded, picked, written."""
ASSOCIATING_S: Final = 1.0
"""vCPU-seconds for a station-day in the reach of a block, of a busy network."""
STARTING_S: Final = 60.0
"""Seconds from where a job begins to cost until it works: the image is fetched, models loaded."""
_UNIT_S: Final = 20 * 60.0


def job_seconds(array: JobArray, stations: int, shape: Shape) -> float:
    """Return the seconds that the jobs of an array will be billed for, together."""
    if array.stage == Stage.PICK:
        work = PICKING_S * sum(len(unit.keys) for unit in array.units)
    else:
        days = (sum(1 for _ in unit.needs.days()) for unit in array.units if unit.needs)
        work = ASSOCIATING_S * stations * sum(days)
    return work / shape.processes + STARTING_S * len(array.units)


def stations_per_unit(stations: int, window_days: int, shape: Shape) -> int:
    """Return how many stations make units of about twenty minutes, all about equally large.

    A unit that is interrupted is lost, and one that is short is mostly start.  A window's units
    never need more than one array, so that no job waits for more than it may.
    """
    days = _UNIT_S * shape.processes / PICKING_S
    units = ceil(stations / max(1, days // window_days))
    return max(1, ceil(stations / min(units, MOST_JOBS)))
