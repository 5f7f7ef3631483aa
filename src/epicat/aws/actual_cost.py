"""The actual cost of jobs, from the times of all their attempts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from epicat.aws.jobs import describe_jobs, members
from epicat.aws.prices import MINIMUM_S, PULLING_S, Prices, Shape
from epicat.aws.session import Aws
from epicat.aws.submission_record import Job, SubmissionRecord
from epicat.ledger import Stage

__all__ = ["Spent", "spent_on"]

_PULL = "CannotPullContainerError"


@dataclass(frozen=True, slots=True)
class Spent:
    """The actual and the estimated time of the jobs of one stage."""

    submission: str
    """Name of the submission; empty for jobs of no submission."""
    stage: str
    """``pick`` or ``associate``."""
    shape: Shape
    """vCPUs and memory of each job."""
    prices: Prices
    """Hourly prices."""
    jobs: int
    """Number of jobs, counting the children of arrays."""
    forgotten: int
    """Number of jobs that Batch has forgotten, which are not in the times."""
    attempts: int
    """Number of attempts, each of which pulls the image."""
    seconds: float
    """Billed duration of all attempts in seconds, as far as Batch reports it."""
    estimated_s: float
    """Estimated duration in seconds, including forgotten jobs."""


def spent_on(aws: Aws, record: SubmissionRecord) -> Iterator[Spent]:
    """Yield the time spent by stage, from every attempt of every job of a submission."""
    for stage in (Stage.PICK, Stage.ASSOCIATE):
        jobs = [job for job in record.jobs if job.stage == stage]
        if jobs:
            yield _spent(aws, record, stage, jobs)


def _spent(aws: Aws, record: SubmissionRecord, stage: Stage, jobs: list[Job]) -> Spent:
    ids = (member for job in jobs for member in members(job.id, job.units))
    known, attempts, seconds = _added(describe_jobs(aws, ids))
    units = sum(job.units for job in jobs)
    return Spent(
        submission=record.name,
        stage=stage.value,
        shape=record.shape(stage),
        prices=record.prices,
        jobs=units,
        forgotten=units - known,
        attempts=attempts,
        seconds=seconds,
        estimated_s=sum(job.seconds for job in jobs),
    )


def _added(descriptions: Iterable[Mapping[str, Any]]) -> tuple[int, int, float]:
    """Return the number of jobs, the number of attempts and their total seconds."""
    jobs, attempts, seconds = 0, 0, 0.0
    for job in descriptions:
        times = list(_times(job))
        jobs += 1
        attempts += len(times)
        seconds += sum(times)
    return jobs, attempts, seconds


def _times(job: Mapping[str, Any]) -> Iterator[float]:
    """Yield the billed seconds of each attempt; of a running one, until now.

    Billed from the begin of the pull of the image, a minute at least.  An attempt that never
    ran costs nothing unless it pulled the image in vain.
    """
    for attempt in job.get("attempts", []):
        if attempt.get("stoppedAt") and attempt.get("startedAt"):
            yield _billed((attempt["stoppedAt"] - attempt["startedAt"]) / 1000)
        elif str(attempt.get("container", {}).get("reason", "")).startswith(_PULL):
            yield MINIMUM_S
    if job["status"] == "RUNNING" and job.get("startedAt"):
        yield _billed(time.time() - job["startedAt"] / 1000)


def _billed(seconds: float) -> float:
    return max(MINIMUM_S, PULLING_S + seconds)
