"""Find a unit of a submission by its job and index, or by one of its keys."""

from __future__ import annotations

from collections.abc import Iterator

from epicat.errors import InputError
from epicat.ledger import Stage
from epicat.model import StationDay
from epicat.pipeline.jobs.submission import Submission
from epicat.pipeline.jobs.submission_record import BaseRecord, Job
from epicat.time import DAY_NS, day_of, day_start, iso, parse_time

__all__ = ["find_unit"]


def find_unit(submission: Submission, record: BaseRecord, text: str) -> tuple[Job, int]:
    """Return the job and the index of a unit.

    ``text`` is an array's name with an index, ``pick-0002:5``, a plain job's name, or a key:
    ``NC.KBG/2019.172``, or the start of a block in any form of a time.  Raises `InputError` if
    there is no such unit.
    """
    name, _, index = text.partition(":")
    named = next((job for job in record.jobs if job.name == name), None)
    if named is not None:
        return named, _index(named, index)
    for job, key in _candidates(submission, record, text):
        for place, unit in enumerate(submission.units(job.name)):
            if key in unit.keys:
                return job, place
    raise InputError(
        f"no unit {text!r} in submission {record.name}: give the name and index of a job, such as "
        f"{record.jobs[0].name if record.jobs else 'pick-0000'}:0, a station-day, such as "
        "NC.KBG/2019.172, or the start of a block, such as 2019-06-21T06:00"
    )


def _index(job: Job, text: str) -> int:
    if job.units == 1 and not text:
        return 0
    if not text.isdecimal() or int(text) >= job.units:
        raise InputError(
            f"{job.name} has {job.units} units: give one of {job.name}:0 to "
            f"{job.name}:{job.units - 1}"
        )
    return int(text)


def _candidates(submission: Submission, record: BaseRecord, text: str) -> Iterator[tuple[Job, str]]:
    """Yield the jobs that may have a key, and the key: for a station-day, those of its window."""
    try:
        day = StationDay.parse(text) if "/" in text else None
        at_ns = day_start(day.day) if day else parse_time(text)
    except ValueError:
        return
    if day is None:
        yield from ((job, iso(at_ns)) for job in record.jobs if job.stage == Stage.ASSOCIATE)
        return
    days = (at_ns - day_start(day_of(submission.campaign().span.start_ns))) // DAY_NS
    window = f"{days // record.partition.window_days:04d}"
    picking = (job for job in record.jobs if job.stage == Stage.PICK)
    yield from ((job, str(day)) for job in picking if job.window == window)
