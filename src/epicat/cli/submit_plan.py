"""Plan a submission, estimate its cost and submit it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Protocol

import typer

from epicat.cli.messages import counted, report

if TYPE_CHECKING:
    from epicat.campaign.campaign import Campaign
    from epicat.ledger import Stage
    from epicat.pipeline.jobs.job_arrays import JobArray
    from epicat.pipeline.jobs.submission_record import Job
    from epicat.pipeline.jobs.target import Target
    from epicat.pipeline.ledger_view import LedgerView

__all__ = ["Destination", "TimeLimit", "submit_due"]


_SPARE: Final = 2
"""A swarm, or a slow machine, takes about twice the estimated time of a unit."""


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """How long a job may take."""

    seconds: float
    """Limit of an attempt in seconds."""
    processes: int
    """Worker processes of a job."""
    longer: str
    """The option that raises the limit."""


class Destination(Protocol):
    """A target, the record of the new submission, and how both are shown."""

    @property
    def target(self) -> Target[Any]:
        """Accepts the arrays."""
        ...

    @property
    def record(self) -> Any:
        """The record of the submission, without jobs."""
        ...

    @property
    def folder(self) -> str:
        """Folder of the submission."""
        ...

    @property
    def watch(self) -> str:
        """The command that shows the progress."""
        ...

    @property
    def most_jobs(self) -> int:
        """The number of jobs in one array."""
        ...

    def time_limit(self, stage: Stage) -> TimeLimit:
        """Return how long a job may take, and what to do about it."""
        ...

    def preview(self, array: JobArray) -> None:
        """Print what would be submitted for an array."""
        ...

    def show(self, record: Any, *, as_json: bool) -> None:
        """Print the jobs of a dry run."""
        ...

    def summary(self, record: Any) -> str:
        """Return the estimated time or cost."""
        ...


def submit_due(
    destination: Destination,
    campaign: Campaign,
    *,
    recheck: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Submit the work that is due, or only show it."""
    from epicat.pipeline.jobs.job_arrays import plan_job_arrays
    from epicat.pipeline.ledger_view import LedgerView
    from epicat.store.open import find_store

    store = find_store(campaign.store)
    ledger = LedgerView.from_store(store, campaign)
    partition = destination.record.partition
    again: Counter[str] = Counter()
    planned = plan_job_arrays(
        campaign, partition, ledger, recheck=recheck, most_jobs=destination.most_jobs
    )
    arrays = _counting(planned, ledger, again)
    first = next(arrays, None)
    if first is None:
        report("nothing to do: all station-days and their blocks are done")
        _print({"submission": None, "jobs": []}, as_json=as_json)
        return
    arrays = _with_warnings(chain([first], arrays), destination)
    if dry_run:
        _show(arrays, destination, as_json=as_json)
    else:
        _submit(campaign, arrays, destination, as_json=as_json)
    _report_again(again)


def _submit(
    campaign: Campaign, arrays: Iterable[JobArray], destination: Destination, *, as_json: bool
) -> None:
    from epicat.pipeline.jobs.submission import Submission
    from epicat.pipeline.jobs.target import submit_arrays
    from epicat.pipeline.runner import write_records
    from epicat.store.open import open_store

    write_records(campaign, open_store(campaign.store, create=True))
    submission = Submission(destination.folder)
    submission.write_campaign(campaign)
    try:
        record = submit_arrays(destination.target, submission, arrays, destination.record)
    except BaseException:
        report(
            "submission incomplete: jobs that were submitted keep running; `epicat cancel` "
            "cancels them.  When none is active, the same command submits the rest"
        )
        raise
    _print(
        {
            "submission": submission.location,
            "store": campaign.store,
            "jobs": [job.model_dump(mode="json") for job in record.jobs],
        },
        as_json=as_json,
    )
    report(f"{_totals(record.jobs)}; {destination.summary(record)}")
    report(f"results go to {campaign.store}; `{destination.watch}` shows the progress")


def _show(arrays: Iterable[JobArray], destination: Destination, *, as_json: bool) -> None:
    """Print the jobs of a dry run; one array is in memory at a time."""
    from epicat.pipeline.jobs.target import job_of

    jobs: list[Job] = []
    for array in arrays:
        if not as_json:
            destination.preview(array)
        jobs.append(job_of(destination.target, array, destination.record))
    record = destination.record.model_copy(update={"jobs": tuple(jobs)})
    destination.show(record, as_json=as_json)
    report(f"{_totals(jobs)}; {destination.summary(record)}")
    report("nothing was written or submitted")


def _totals(jobs: Iterable[Job]) -> str:
    jobs = list(jobs)
    picking = [job for job in jobs if job.stage.value == "pick"]
    return (
        f"{counted(len(jobs), 'submission')} of {counted(sum(job.units for job in jobs), 'job')}: "
        f"{counted(sum(job.keys for job in picking), 'station-day')} in "
        f"{counted(sum(job.units for job in picking), 'unit')}, "
        f"{counted(sum(job.keys for job in jobs if job not in picking), 'block')}"
    )


def _counting(
    arrays: Iterator[JobArray], ledger: LedgerView, again: Counter[str]
) -> Iterator[JobArray]:
    """Count the keys that are processed again, by their status."""
    for array in arrays:
        entries = ledger.picks if array.stage.value == "pick" else ledger.blocks
        words = "station-days" if array.stage.value == "pick" else "blocks"
        for unit in array.units if entries else ():
            found = (entries[key].status.value for key in unit.keys if key in entries)
            again.update(f"{words} ({status})" for status in found)
        yield array


def _with_warnings(arrays: Iterable[JobArray], destination: Destination) -> Iterator[JobArray]:
    """Warn of the first array of each stage whose units may take longer than they are allowed to.

    That is if `_SPARE` times the estimated time of the longest unit exceeds the limit.
    """
    from epicat.pipeline.estimate import longest_seconds

    warned: set[Stage] = set()
    for array in arrays:
        limit = destination.time_limit(array.stage)
        seconds = longest_seconds(array, destination.record.stations, limit.processes)
        if seconds * _SPARE > limit.seconds and array.stage not in warned:
            warned.add(array.stage)
            report(f"warning: {_too_long(array, seconds, limit)}")
        yield array


def _too_long(array: JobArray, seconds: float, limit: TimeLimit) -> str:
    from epicat.cli.progress_counts import format_duration

    smaller = "--stations-per-unit or --window-days"
    if array.stage.value == "associate":
        is_smallest = max(len(unit.keys) for unit in array.units) <= limit.processes
        smaller = "--block-hours" if is_smallest else "--blocks-per-unit"
    return (
        f"a unit of {array.name} takes an estimated {format_duration(seconds)}, a swarm or a slow "
        f"machine twice that, and its limit is {format_duration(limit.seconds)}: a unit that "
        f"reaches it fails.  Raise {limit.longer}, or make units smaller ({smaller})"
    )


def _report_again(again: Counter[str]) -> None:
    if again:
        counts = ", ".join(f"{count:,} {what}" for what, count in sorted(again.items()))
        report(f"processed again: {counts}")


def _print(result: dict[str, Any], *, as_json: bool) -> None:
    """Print the result on stdout."""
    if as_json:
        typer.echo(json.dumps(result))
    elif result["submission"]:
        typer.echo(result["submission"])
