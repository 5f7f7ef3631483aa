"""The state of the tasks of a submission, with or without SLURM's accounting.

``squeue`` knows active tasks and, for some minutes, ended ones.  Each attempt that ends by itself
leaves an empty file whose name says how: ``INDEX.ATTEMPT.STATUS.SECONDS``.  A task that SLURM has
killed and forgotten leaves neither; accounting, where there is some, says what became of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from epicat._util.lists import batched
from epicat.pipeline.jobs.submission_record import Job
from epicat.slurm.commands import cluster_config, slurm, this_user
from epicat.slurm.record import SlurmRecord

__all__ = [
    "Attempt",
    "Queued",
    "accounted",
    "attempts",
    "final_states",
    "has_accounting",
    "last_ended_ms",
    "queued",
    "state_of",
]

_FORMAT = "%F|%K|%T|%r|%S"
_ACTIVE = frozenset({
    "CONFIGURING", "COMPLETING", "RUNNING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT",
    "RESIZING", "PREEMPTED",
})  # fmt: skip
_WAITING = frozenset({"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT"})
_IDS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Queued:
    """A task that ``squeue`` lists."""

    state: str
    """State of SLURM, such as ``RUNNING``."""
    reason: str
    """Why it waits."""
    started_ms: int | None
    """When it started, in milliseconds since 1970."""


@dataclass(frozen=True, slots=True, order=True)
class Attempt:
    """An attempt that ended by itself."""

    number: int
    """Number, from 1."""
    status: int
    """Exit status of the worker."""
    seconds: int
    """Duration in seconds."""


def queued(jobs: Iterable[Job]) -> dict[str, dict[int, Queued]]:
    """Return the tasks that ``squeue`` lists, by job name and index."""
    names = {job.id: job.name for job in jobs}
    text = slurm(
        "squeue", "--noheader", "--states=all", "--user", this_user(), "--format", _FORMAT,
        env={**os.environ, "SLURM_BITSTR_LEN": "0", "SLURM_TIME_FORMAT": "%s"},
    )  # fmt: skip
    found: dict[str, dict[int, Queued]] = {name: {} for name in names.values()}
    for line in text.splitlines():
        job, indices, state, reason, started = line.split("|")
        if job in names:
            task = Queued(state, reason, _milliseconds(started))
            found[names[job]].update(dict.fromkeys(_indices(indices), task))
    return found


def attempts(record: SlurmRecord, job: Job) -> dict[int, list[Attempt]]:
    """Return the attempts of a job that ended by themselves, by index of the task."""
    found: dict[int, list[Attempt]] = {}
    for name in _names(Path(record.script.ended, job.name)):
        index, number, status, seconds = map(int, name.split("."))
        found.setdefault(index, []).append(Attempt(number, status, seconds))
    return {index: sorted(all_) for index, all_ in found.items()}


def last_ended_ms(record: SlurmRecord, job: Job) -> int | None:
    """Return when the last attempt of a job ended by itself, in milliseconds since 1970."""
    folder = Path(record.script.ended, job.name)
    return round(folder.stat().st_mtime * 1000) if _names(folder) else None


def has_accounting() -> bool:
    """Return whether the cluster keeps accounts."""
    storage = cluster_config().get("AccountingStorageType", "")
    return storage not in ("", "(null)", "accounting_storage/none")


def accounted(jobs: Iterable[Job]) -> Iterator[tuple[str, int, str, float]]:
    """Yield job name, index, final state and core-seconds of all attempts in the accounts."""
    names = {job.id: job.name for job in jobs}
    for some in batched(names, _IDS_AT_ONCE):
        text = slurm(
            "sacct", "--noheader", "--parsable2", "--allocations", "--duplicates", "--jobs",
            ",".join(some), "--format", "JobID,State,CPUTimeRAW",
        )  # fmt: skip
        for line in text.splitlines():
            task, state, seconds = line.split("|")
            job, _, index = task.partition("_")
            if index.isdecimal():
                yield names[job], int(index), state.split(" ")[0], float(seconds or 0)


def state_of(task: Queued | None, ended: list[Attempt], final: str | None) -> str:
    """Return the state of a unit, one of `epicat.pipeline.jobs.job_progress.STATES`.

    ``final`` is the state in the accounts, if there are any.
    """
    if task is not None and task.state in _ACTIVE:
        return "running"
    if task is not None and task.state in _WAITING:
        return "submitted" if task.reason == "Dependency" else "runnable"
    succeeded = bool(ended) and ended[-1].status == 0
    listed = task.state if task is not None else final
    return "done" if succeeded or listed == "COMPLETED" else "failed"


def _names(folder: Path) -> list[str]:
    """Return the names in a folder; read anew, as another node has written them."""
    try:
        return [name for name in os.listdir(folder) if name.count(".") == 3]  # noqa: PTH208
    except FileNotFoundError:
        return []


def _indices(text: str) -> Iterator[int]:
    """Yield the indices in SLURM's notation, such as ``0-2,7%50`` or ``0-10:2``."""
    for part in text.partition("%")[0].strip("[]").split(","):
        span, _, step = part.partition(":")
        first, _, last = span.partition("-")
        if first.isdecimal():
            yield from range(int(first), int(last or first) + 1, int(step or 1))


def _milliseconds(text: str) -> int | None:
    """Return the milliseconds since 1970 of a start; None if there is none yet."""
    if text.isdecimal():
        return int(text) * 1000
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)  # local time of this node
    except ValueError:
        return None


def final_states(jobs: Iterable[Job]) -> Mapping[tuple[str, int], str]:
    """Return the final states of the tasks in the accounts; the last attempt decides."""
    return {(name, index): state for name, index, state, _ in accounted(jobs)}
