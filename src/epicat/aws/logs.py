"""Logs of the jobs of a unit, from CloudWatch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from epicat.aws.errors import code_of, translated_errors
from epicat.aws.jobs import describe_jobs, members
from epicat.aws.session import Aws
from epicat.aws.stack import Stack
from epicat.aws.submission_record import Job, SubmissionRecord
from epicat.errors import InputError
from epicat.model import Stage, StationDay
from epicat.pipeline.submission import Submission
from epicat.time import DAY_NS, day_start, iso, parse_time

__all__ = ["Attempt", "attempts_in", "attempts_of", "find_unit", "log_lines"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One start of a job."""

    number: int
    """Number, from 1."""
    stream: str
    """Name of its log stream; empty if it wrote none."""
    how: str
    """How it ended, or that it is running."""


def find_unit(submission: Submission, record: SubmissionRecord, text: str) -> tuple[Job, int]:
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


def attempts_of(aws: Aws, job: Job, index: int) -> list[Attempt]:
    """Return the attempts of a unit's job, including a running one."""
    description = next(describe_jobs(aws, [members(job.id, job.units)[index]]), None)
    if description is None:
        raise InputError(f"AWS Batch has forgotten {job.name}, as it does after about a week")
    return attempts_in(description)


def attempts_in(description: dict[str, Any]) -> list[Attempt]:
    """Return the attempts in the description of a job."""
    attempts = [
        Attempt(number, attempt["container"].get("logStreamName", ""), _how(attempt))
        for number, attempt in enumerate(description.get("attempts", []), 1)
    ]
    stream = description.get("container", {}).get("logStreamName", "")
    if description["status"] == "RUNNING" and stream not in [
        attempt.stream for attempt in attempts
    ]:
        attempts.append(Attempt(len(attempts) + 1, stream, "running"))
    return attempts


def log_lines(aws: Aws, stack: Stack, stream: str) -> Iterator[str]:
    """Yield the lines of a log, the oldest first."""
    from botocore.exceptions import ClientError

    request: dict[str, Any] = {
        "logGroupName": stack.outputs["LogGroup"], "logStreamName": stream, "startFromHead": True,
    }  # fmt: skip
    while True:
        with translated_errors("read the log", aws.region):
            try:
                page = aws.client("logs").get_log_events(**request)
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":  # nothing was logged yet
                    return
                raise
        yield from (event["message"] for event in page["events"])
        if page["nextForwardToken"] == request.get("nextToken"):
            return
        request["nextToken"] = page["nextForwardToken"]


def _index(job: Job, text: str) -> int:
    if job.units == 1 and not text:
        return 0
    if not text.isdecimal() or int(text) >= job.units:
        raise InputError(
            f"{job.name} has {job.units} units: give one of {job.name}:0 to "
            f"{job.name}:{job.units - 1}"
        )
    return int(text)


def _candidates(
    submission: Submission, record: SubmissionRecord, text: str
) -> Iterator[tuple[Job, str]]:
    """Yield the jobs that may have a key, and the key: for a station-day, those of its window."""
    try:
        day = StationDay.parse(text) if "/" in text else None
        at_ns = day_start(day.day) if day else parse_time(text)
    except ValueError:
        return
    if day is None:
        yield from ((job, iso(at_ns)) for job in record.jobs if job.stage == Stage.ASSOCIATE)
        return
    days = (at_ns - submission.campaign().span.start_ns) // DAY_NS
    window = f"{days // record.partition.window_days:04d}"
    picking = (job for job in record.jobs if job.stage == Stage.PICK)
    yield from ((job, str(day)) for job in picking if job.window == window)


def _how(attempt: dict[str, Any]) -> str:
    code = attempt["container"].get("exitCode")
    description = [attempt.get("statusReason", ""), attempt["container"].get("reason", "")]
    words = [f"exit code {code}"] if code is not None else []
    if not attempt.get("stoppedAt"):
        return "running"
    return ", ".join([*words, *(text for text in description if text and code != 0)])
