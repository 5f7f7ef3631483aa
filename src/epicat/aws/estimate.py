"""Estimate the billed duration of jobs, and from that the size of units."""

from __future__ import annotations

from typing import Final

from epicat.aws.prices import Shape
from epicat.aws.submission_record import SubmissionRecord
from epicat.ledger import Stage
from epicat.pipeline.estimate import stations_per_unit as units_of_equal_size
from epicat.pipeline.estimate import work_seconds
from epicat.pipeline.jobs.job_arrays import MOST_JOBS, JobArray

__all__ = ["STARTING_S", "job_seconds", "least_seconds", "stations_per_unit"]

STARTING_S: Final = 60.0
"""Billed seconds until a job works: pulling the image, loading models."""


def job_seconds(array: JobArray, stations: int, shape: Shape) -> float:
    """Return the estimated billed seconds of all jobs of an array."""
    return work_seconds(array, stations, shape.processes) + STARTING_S * len(array.units)


def least_seconds(record: SubmissionRecord, vcpus: float) -> float:
    """Return the shortest duration of a submission if its jobs may use ``vcpus`` at once."""
    work = sum(job.seconds * record.shape(job.stage).vcpu for job in record.jobs)
    longest = {
        stage: max((j.seconds / j.units for j in record.jobs if j.stage == stage), default=0.0)
        for stage in (Stage.PICK, Stage.ASSOCIATE)
    }
    return max(work / vcpus, sum(longest.values()))


def stations_per_unit(stations: int, window_days: int, shape: Shape) -> int:
    """Return the number of stations for units of about twenty minutes and equal size."""
    return units_of_equal_size(stations, window_days, shape.processes, MOST_JOBS)
