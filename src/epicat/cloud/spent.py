"""What jobs have cost: the times of all their attempts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from epicat.cloud.access import Aws
from epicat.cloud.jobs import described, members
from epicat.cloud.submitted import Handed, Job
from epicat.model import Stage

__all__ = ["Spent", "spent_on"]


@dataclass(frozen=True, slots=True)
class Spent:
    """What the jobs of a stage took, beside what they were reckoned to take."""

    stage: Stage
    """What they do."""
    jobs: int
    """How many jobs, children of arrays one by one."""
    forgotten: int
    """How many of them Batch does not know any more; they are not in the times."""
    attempts: int
    """How often they were started."""
    seconds: float
    """Seconds from the start to the end of all attempts, added up."""
    reckoned_s: float
    """Seconds that were reckoned with, forgotten jobs included."""


def spent_on(aws: Aws, handed: Handed) -> Iterator[Spent]:
    """Ask Batch for every attempt of every job; a request for a hundred jobs."""
    for stage in (Stage.PICK, Stage.ASSOCIATE):
        jobs = [job for job in handed.jobs if job.stage == stage]
        if jobs:
            yield _spent(aws, stage, jobs)


def _spent(aws: Aws, stage: Stage, jobs: Iterable[Job]) -> Spent:
    jobs = list(jobs)
    ids = (member for job in jobs for member in members(job.id, job.units))
    known, attempts, seconds = 0, 0, 0.0
    for told in described(aws, ids):
        times = list(_times(told))
        known += 1
        attempts += len(times)
        seconds += sum(times)
    units = sum(job.units for job in jobs)
    reckoned = sum(job.seconds for job in jobs)
    return Spent(stage, units, units - known, attempts, seconds, reckoned)


def _times(told: Mapping[str, Any]) -> Iterator[float]:
    """Give the seconds of each attempt; one that goes on counts until now."""
    attempts = list(told.get("attempts", []))
    is_running = told["status"] == "RUNNING"
    ended = [attempt for attempt in attempts if attempt.get("stoppedAt")]
    for attempt in ended:
        if attempt.get("startedAt"):  # one that never came to run costs nothing
            yield max(0, attempt["stoppedAt"] - attempt["startedAt"]) / 1000
    if is_running and told.get("startedAt"):
        yield max(0.0, time.time() - told["startedAt"] / 1000)
