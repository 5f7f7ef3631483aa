"""The core-hours that a submission has used, from the accounts or from its own records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from epicat.ledger import Stage
from epicat.pipeline.jobs.submission_record import Job
from epicat.slurm.record import SlurmRecord
from epicat.slurm.tasks import accounted, attempts, has_accounting

__all__ = ["CoreTime", "core_time", "used_core_seconds"]


@dataclass(frozen=True, slots=True)
class CoreTime:
    """The estimated and the actual time of the jobs of one stage."""

    submission: str
    """Name of the submission."""
    stage: str
    """``pick`` or ``associate``."""
    units: int
    """Number of units."""
    attempts: int
    """Number of ended attempts."""
    estimated_s: float
    """Estimated core-seconds."""
    seconds: float
    """Core-seconds of the ended attempts."""


def core_time(record: SlurmRecord) -> Iterator[CoreTime]:
    """Yield the time of each stage of a submission.

    With accounting, killed attempts are included; without, only those that ended by themselves.
    """
    for stage in dict.fromkeys(job.stage for job in record.jobs):
        jobs = [job for job in record.jobs if job.stage == stage]
        yield _core_time(record, stage, jobs)


def _core_time(record: SlurmRecord, stage: Stage, jobs: list[Job]) -> CoreTime:
    seconds = list(_attempt_seconds(record, jobs))
    return CoreTime(
        submission=record.name,
        stage=stage.value,
        units=sum(job.units for job in jobs),
        attempts=len(seconds),
        estimated_s=sum(job.seconds for job in jobs) * record.settings.cores,
        seconds=sum(seconds),
    )


def _attempt_seconds(record: SlurmRecord, jobs: list[Job]) -> Iterator[float]:
    if has_accounting():
        yield from (seconds for _, _, _, seconds in accounted(jobs))
        return
    for job in jobs:
        for ended in attempts(record, job).values():
            yield from (one.seconds * record.settings.cores for one in ended)


def used_core_seconds(record: SlurmRecord) -> dict[str, float]:
    """Return the core-seconds of the ended attempts by stage, without asking the accounts."""
    used: Counter[str] = Counter()
    for job in record.jobs:
        for ended in attempts(record, job).values():
            used[job.stage.value] += sum(one.seconds for one in ended) * record.settings.cores
    return dict(used)
