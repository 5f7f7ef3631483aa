"""What jobs have cost: the times of all their attempts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from epicat.aws.compile_job import compilers
from epicat.aws.jobs import described, members
from epicat.aws.prices import Prices, Shape
from epicat.aws.session import Aws
from epicat.aws.stack import Stack
from epicat.aws.submission_record import Job, SubmissionRecord
from epicat.aws.template import COMPILE_ARCHITECTURE, COMPILE_MIB, COMPILE_VCPU
from epicat.model import Stage

__all__ = ["Spent", "spent_on", "spent_on_models"]


@dataclass(frozen=True, slots=True)
class Spent:
    """What jobs of one kind took, compared with the estimate."""

    submission: str
    """Name of the submission; empty for jobs that are of none."""
    stage: str
    """What they do: ``pick``, ``associate`` or ``compile``."""
    shape: Shape
    """What each has of a machine."""
    prices: Prices
    """What that costs by the hour."""
    jobs: int
    """How many jobs, children of arrays one by one."""
    forgotten: int
    """How many of them Batch does not know any more; they are not in the times."""
    attempts: int
    """How often they were started."""
    seconds: float
    """Seconds from the start to the end of all attempts, added up."""
    estimated_s: float
    """Seconds that were estimated, for jobs that Batch has forgotten too."""


def spent_on(aws: Aws, record: SubmissionRecord) -> Iterator[Spent]:
    """Ask Batch for every attempt of every job; a request for a hundred jobs."""
    for stage in (Stage.PICK, Stage.ASSOCIATE):
        jobs = [job for job in record.jobs if job.stage == stage]
        if jobs:
            yield _spent(aws, record, stage, jobs)


def spent_on_models(aws: Aws, stack: Stack) -> Iterator[Spent]:
    """Ask Batch for the jobs that compiled models, for whatever submission.

    There is no estimate for them, and those that Batch has forgotten are left out.  They
    never wait for Spot.
    """
    has_address = stack.parameters["PublicIp"] == "ENABLED"
    known, attempts, seconds = _added(described(aws, compilers(aws, stack)))
    if known:
        yield Spent(
            submission="",
            stage="compile",
            shape=Shape(vcpu=COMPILE_VCPU, memory_mib=COMPILE_MIB),
            prices=Prices.from_architecture(
                COMPILE_ARCHITECTURE, "on-demand", has_address=has_address
            ),
            jobs=known,
            forgotten=0,
            attempts=attempts,
            seconds=seconds,
            estimated_s=0.0,
        )


def _spent(aws: Aws, record: SubmissionRecord, stage: Stage, jobs: list[Job]) -> Spent:
    ids = (member for job in jobs for member in members(job.id, job.units))
    known, attempts, seconds = _added(described(aws, ids))
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
    """Return how many jobs there are, how often they were started, and their seconds."""
    jobs, attempts, seconds = 0, 0, 0.0
    for job in descriptions:
        times = list(_times(job))
        jobs += 1
        attempts += len(times)
        seconds += sum(times)
    return jobs, attempts, seconds


def _times(job: Mapping[str, Any]) -> Iterator[float]:
    """Give the seconds of each attempt; one that goes on counts until now."""
    attempts = list(job.get("attempts", []))
    is_running = job["status"] == "RUNNING"
    ended = [attempt for attempt in attempts if attempt.get("stoppedAt")]
    for attempt in ended:
        if attempt.get("startedAt"):  # one that never came to run costs nothing
            yield max(0, attempt["stoppedAt"] - attempt["startedAt"]) / 1000
    if is_running and job.get("startedAt"):
        yield max(0.0, time.time() - job["startedAt"] / 1000)
