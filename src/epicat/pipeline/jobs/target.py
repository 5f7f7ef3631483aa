"""Targets: where the arrays of a submission run, AWS Batch or a cluster."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from epicat.pipeline.jobs.job_arrays import JobArray
from epicat.pipeline.jobs.job_progress import JobProgress
from epicat.pipeline.jobs.submission import Submission
from epicat.pipeline.jobs.submission_record import BaseRecord, Job
from epicat.time import day_name

__all__ = ["Target", "job_of", "submit_arrays"]

_SAVED_EVERY = 50

R = TypeVar("R", bound=BaseRecord)
R_contra = TypeVar("R_contra", bound=BaseRecord, contravariant=True)


class Target(Protocol[R_contra]):
    """Accepts arrays of units and reports what became of them.  Each job runs `epicat work`."""

    def seconds(self, array: JobArray, record: R_contra) -> float:
        """Return the estimated duration of all jobs of an array in seconds."""
        ...

    def check(self, submission: Submission, array: JobArray, record: R_contra) -> None:
        """Raise `InputError` for an array that the target would refuse."""
        ...

    def submit(self, submission: Submission, array: JobArray, record: R_contra) -> str:
        """Submit an array, whose units are written; return the id of its job.

        ``record`` has the jobs on which the array depends.
        """
        ...

    def progress(self, record: R_contra) -> list[JobProgress]:
        """Return the progress of each job of a submission."""
        ...


def submit_arrays(
    target: Target[R], submission: Submission, arrays: Iterable[JobArray], record: R
) -> R:
    """Write the units of each array and submit it; return the record with the jobs.

    ``jobs.json`` in the folder is written repeatedly and at the end, even after an error or
    Ctrl-C.  Raises what the target raises, `StoreError`, and `InputError` before anything is sent
    that the target would refuse.
    """
    try:
        for array in arrays:
            job = job_of(target, array, record)
            target.check(submission, array, record)
            submission.write_units(array.name, array.units)
            submitted = job.model_copy(update={"id": target.submit(submission, array, record)})
            record = record.model_copy(update={"jobs": (*record.jobs, submitted)})
            if len(record.jobs) % _SAVED_EVERY == 1:
                submission.write_jobs(record.model_dump_json())
    finally:
        submission.write_jobs(record.model_dump_json())
    return record


def job_of(target: Target[R], array: JobArray, record: R) -> Job:
    """Return the record of an array, without its id."""
    return Job(
        name=array.name,
        stage=array.stage,
        id="",
        units=len(array.units),
        keys=sum(len(unit.keys) for unit in array.units),
        first=day_name(min(array.days)),
        last=day_name(max(array.days)),
        seconds=target.seconds(array, record),
    )
