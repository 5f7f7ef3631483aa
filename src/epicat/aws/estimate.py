"""Estimate the billed duration of jobs, and from that the size of units."""

from __future__ import annotations

from typing import Final

from epicat.aws.prices import Shape
from epicat.pipeline.estimate import stations_per_unit as units_of_equal_size
from epicat.pipeline.estimate import work_seconds
from epicat.pipeline.job_arrays import MOST_JOBS, JobArray

__all__ = ["STARTING_S", "job_seconds", "stations_per_unit"]

STARTING_S: Final = 60.0
"""Billed seconds until a job works: pulling the image, loading models."""


def job_seconds(array: JobArray, stations: int, shape: Shape) -> float:
    """Return the estimated billed seconds of all jobs of an array."""
    return work_seconds(array, stations, shape.processes) + STARTING_S * len(array.units)


def stations_per_unit(stations: int, window_days: int, shape: Shape) -> int:
    """Return the number of stations for units of about twenty minutes and equal size."""
    return units_of_equal_size(stations, window_days, shape.processes, MOST_JOBS)
