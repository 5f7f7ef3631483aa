"""SLURM as a target of submissions: one array job per array."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from epicat._util.lists import batched
from epicat.errors import ClusterError, InputError
from epicat.pipeline.estimate import work_seconds
from epicat.pipeline.jobs.job_arrays import JobArray
from epicat.pipeline.jobs.job_progress import JobProgress
from epicat.pipeline.jobs.submission import Submission
from epicat.pipeline.jobs.submission_record import Job
from epicat.slurm.commands import cluster_config, public_environment, slurm, this_user
from epicat.slurm.record import SlurmRecord
from epicat.slurm.tasks import (
    Attempt,
    Queued,
    attempts,
    final_states,
    has_accounting,
    last_ended_ms,
    queued,
    state_of,
)

__all__ = ["Cluster", "SlurmTarget", "active_jobs", "cancel_jobs"]

_STARTING_S = 5.0
"""Seconds until a task works: starting Python, loading the model."""
_SUBMISSIONS = 5
_IDS_AT_ONCE = 200
_MAYBE_ACCEPTED = ("timed out", "Unable to contact", "temporarily unable", "did not answer")


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a cluster says of itself."""

    name: str
    """Its name."""
    most_tasks: int
    """Tasks in one array."""

    @classmethod
    def from_config(cls) -> Cluster:
        """Ask the controller; raise `InputError` if arrays are switched off."""
        config = cluster_config()
        most = int(config.get("MaxArraySize", "1001"))
        if most < 1:
            raise InputError(f"cluster {config.get('ClusterName')!r} allows no job arrays")
        return cls(config.get("ClusterName", ""), most)


@dataclass(frozen=True, slots=True)
class SlurmTarget:
    """Submits arrays with ``sbatch``."""

    cluster: Cluster
    """Limits of the cluster."""

    def seconds(self, array: JobArray, record: SlurmRecord) -> float:
        """Return the estimated seconds of all tasks of an array."""
        work = work_seconds(array, record.stations, record.settings.cores)
        return work + _STARTING_S * len(array.units)

    def check(self, submission: Submission, array: JobArray, record: SlurmRecord) -> None:
        """Raise `InputError` for an array that the cluster would refuse."""
        del submission, record
        if len(array.units) > self.cluster.most_tasks:
            raise InputError(
                f"{array.name} has {len(array.units):,} units: an array of cluster "
                f"{self.cluster.name!r} has at most {self.cluster.most_tasks:,} tasks"
            )

    def submit(self, submission: Submission, array: JobArray, record: SlurmRecord) -> str:
        """Submit an array; return its job id.  Raises `ClusterError`."""
        del submission
        script = record.script
        for folder in (script.logs, script.ended):
            Path(folder, array.name).mkdir(parents=True, exist_ok=True)
        text = script.text(array)
        Path(record.folder, f"{array.name}.sbatch").write_text(text)
        return _submit_once(text, _dependency(array, record), script.job_name(array.name))

    def progress(self, record: SlurmRecord) -> list[JobProgress]:
        """Return the progress of each job of a submission."""
        tasks = queued(record.jobs)
        accounts = final_states(record.jobs) if has_accounting() else {}
        return [_progress(record, job, tasks[job.name], accounts) for job in record.jobs]


def active_jobs(record: SlurmRecord) -> list[Job]:
    """Return the jobs of a submission that have waiting or running tasks."""
    found = queued(record.jobs)
    waiting = ("submitted", "runnable", "running")
    return [
        job
        for job in record.jobs
        if any(state_of(task, [], None) in waiting for task in found[job.name].values())
    ]


def cancel_jobs(jobs: list[Job]) -> None:
    """Cancel all waiting and running tasks of jobs."""
    for some in batched((job.id for job in jobs), _IDS_AT_ONCE):
        slurm("scancel", *some)


def _progress(
    record: SlurmRecord,
    job: Job,
    tasks: Mapping[int, Queued],
    accounts: Mapping[tuple[str, int], str],
) -> JobProgress:
    ended = attempts(record, job)
    counts: Counter[str] = Counter()
    for index in range(job.units):
        own: list[Attempt] = ended.get(index, [])
        final = accounts.get((job.name, index))
        counts[state_of(tasks.get(index), own, final)] += 1
    started = [task.started_ms for task in tasks.values() if task.started_ms]
    return JobProgress(job, dict(counts), min(started, default=None), last_ended_ms(record, job))


def _dependency(array: JobArray, record: SlurmRecord) -> list[str]:
    if not array.needs:
        return []
    ids = record.ids
    kind = "afterok" if record.strict else "afterany"
    needs = ":".join(ids[name] for name in array.needs)
    return [f"--dependency={kind}:{needs}", "--kill-on-invalid-dep=yes"]


def _submit_once(text: str, dependency: list[str], name: str) -> str:
    """Submit a script and return the job id; one that may have been accepted is looked for first.

    The name of a job is unique, so that a lost answer never leads to a second job.
    """
    environment = public_environment()
    for attempt in range(1, _SUBMISSIONS + 1):
        try:
            answer = slurm("sbatch", "--parsable", *dependency, env=environment, text=text)
            return answer.strip().partition(";")[0]
        except ClusterError as error:
            if attempt == _SUBMISSIONS or not any(word in str(error) for word in _MAYBE_ACCEPTED):
                raise
            found = _find_job(name)
            if found is not None:
                return found
    raise AssertionError("the last attempt returns or raises")


def _find_job(name: str) -> str | None:
    text = slurm(
        "squeue", "--noheader", "--states=all", "--user", this_user(), "--name", name,
        "--format", "%F",
    )  # fmt: skip
    return next(iter(text.split()), None)
