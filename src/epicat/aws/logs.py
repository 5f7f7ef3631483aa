"""Logs of the jobs of a unit, from CloudWatch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from epicat.aws.errors import code_of, translated_errors
from epicat.aws.jobs import describe_jobs, members
from epicat.aws.session import Aws
from epicat.aws.stack import Stack
from epicat.errors import InputError
from epicat.pipeline.jobs.submission_record import Job

__all__ = ["Attempt", "attempts_in", "attempts_of", "log_lines"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One start of a job."""

    number: int
    """Number, from 1."""
    stream: str
    """Name of its log stream; empty if it wrote none."""
    how: str
    """How it ended, or that it is running."""


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


def _how(attempt: dict[str, Any]) -> str:
    code = attempt["container"].get("exitCode")
    description = [attempt.get("statusReason", ""), attempt["container"].get("reason", "")]
    words = [f"exit code {code}"] if code is not None else []
    if not attempt.get("stoppedAt"):
        return "running"
    return ", ".join([*words, *(text for text in description if text and code != 0)])
