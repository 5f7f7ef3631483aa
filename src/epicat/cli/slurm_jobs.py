"""Submissions to SLURM as the commands see them: scripts, core-hours, progress."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from epicat.cli.job_status import Amount
from epicat.cli.messages import aligned, confirm, report, warnings_as_messages
from epicat.cli.submit_plan import TimeLimit, submit_due
from epicat.errors import InputError

if TYPE_CHECKING:
    from epicat.campaign.campaign import Campaign
    from epicat.campaign.options import CampaignOptions
    from epicat.ledger import Stage
    from epicat.pipeline.jobs.job_arrays import JobArray
    from epicat.pipeline.jobs.job_progress import JobProgress, LedgerCounts
    from epicat.slurm.cost import CoreTime
    from epicat.slurm.record import SlurmRecord
    from epicat.slurm.target import SlurmTarget
    from epicat.store.base import ReadableStore

__all__ = [
    "SlurmJobs",
    "cancel_slurm",
    "retry_on_slurm",
    "show_slurm_cost",
    "show_slurm_logs",
    "submit_to_slurm",
]

_HEADER = (
    "submission", "stage", "units", "attempts", "core-hours estimated", "core-hours",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SlurmDestination:
    """A cluster that a submission goes to."""

    target: SlurmTarget
    """SLURM."""
    record: SlurmRecord
    """The new submission, without jobs."""
    place: Path
    """Folder of submissions."""

    @property
    def folder(self) -> str:
        """Folder of the submission."""
        return self.record.folder

    @property
    def watch(self) -> str:
        """Command that shows the progress."""
        return f"epicat status --watch --folder {self.place}"

    @property
    def most_jobs(self) -> int:
        """Tasks in one array."""
        return self.target.cluster.most_tasks

    def time_limit(self, stage: Stage) -> TimeLimit:
        """Return the time limit of a unit, which is the same for all stages."""
        del stage
        settings = self.record.settings
        return TimeLimit(settings.unit_limit_s, settings.cores, "--time of `epicat submit`")

    def preview(self, array: JobArray) -> None:
        """Print the script of an array."""
        needs = f", after {', '.join(array.needs)}" if array.needs else ""
        typer.echo(f"# {array.name}.sbatch{needs}")
        typer.echo(self.record.script.text(array))

    def show(self, record: SlurmRecord, *, as_json: bool) -> None:
        """Print the jobs of a dry run as JSON; the scripts were shown already."""
        if as_json:
            lines = [job.model_dump(mode="json", exclude={"id"}) for job in record.jobs]
            typer.echo(json.dumps({"jobs": lines, "core_hours": round(_core_hours(record), 4)}))

    def summary(self, record: SlurmRecord) -> str:
        """Return the estimated core-hours."""
        return f"estimated {_core_hours(record):,.1f} core-hours"


def _core_hours(record: SlurmRecord) -> float:
    return sum(job.seconds for job in record.jobs) * record.settings.cores / 3600


class SlurmJobs:
    """The jobs of a submission to a cluster."""

    def __init__(self, record: SlurmRecord, place: Path) -> None:
        from epicat.slurm.target import Cluster, SlurmTarget

        self.record = record
        self.folder = f" --folder {place}"
        self._target = SlurmTarget(Cluster.from_config())

    def progress(self) -> list[JobProgress]:
        """Return the progress of each job."""
        return self._target.progress(self.record)

    def open_store(self) -> ReadableStore:
        """Return the store."""
        from epicat.store.open import open_readable

        return open_readable(self.record.store)

    def used(self, lines: list[JobProgress], found: LedgerCounts | None) -> Amount:
        """Return the core-hours of the attempts that have ended."""
        from epicat.slurm.cost import used_core_seconds

        del lines, found
        hours = sum(used_core_seconds(self.record).values()) / 3600
        return Amount("core_hours", hours, f"{hours:,.2f} core-hours")


def submit_to_slurm(
    options: CampaignOptions,
    slurm: Mapping[str, Any],
    *,
    chosen: Container[str],
    recheck: bool,
    strict: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Submit a campaign as array jobs; see ``epicat submit``.

    ``chosen`` are the names of the options of partitioning that the user has given.
    """
    from epicat.campaign.resolve import resolve
    from epicat.cli.picker_download import prepare_with_progress
    from epicat.cli.progress import report_campaign
    from epicat.cli.slurm_options import folder_path, settings_of
    from epicat.ledger import Stage
    from epicat.pipeline.estimate import with_unit_sizes
    from epicat.pipeline.jobs.submission import with_absolute_paths
    from epicat.slurm.record import SlurmRecord
    from epicat.slurm.target import Cluster, SlurmTarget

    place = folder_path(slurm["folder"])
    settings = settings_of(slurm, options.partition.workers)
    cluster = Cluster.from_config()
    if not dry_run:
        _check_idle(place)
    with warnings_as_messages():
        campaign = with_absolute_paths(resolve(options, report, prepare_with_progress))
    _check_secrets(campaign, has_file=settings.secrets is not None)
    processes = dict.fromkeys((Stage.PICK, Stage.ASSOCIATE), settings.cores)
    partition = with_unit_sizes(options.partition, chosen, campaign, processes, cluster.most_tasks)
    report_campaign(campaign, options.span)
    record = SlurmRecord.from_plan(
        place, cluster.name, settings, campaign, partition, strict=strict
    )
    destination = SlurmDestination(SlurmTarget(cluster), record, place)
    submit_due(destination, campaign, recheck=recheck, dry_run=dry_run, as_json=as_json)


def retry_on_slurm(folder: str, *, dry_run: bool, as_json: bool) -> None:
    """Submit the failed and missing work of the last submission again."""
    from epicat.slurm.record import SlurmRecord, find_last
    from epicat.slurm.target import Cluster, SlurmTarget

    place = _path(folder)
    if not dry_run:
        _check_idle(place)
    submission, last = find_last(place)
    campaign, cluster = submission.campaign(), Cluster.from_config()
    record = SlurmRecord.from_plan(
        place, cluster.name, last.settings, campaign, last.partition, strict=last.strict
    )
    destination = SlurmDestination(SlurmTarget(cluster), record, place)
    submit_due(destination, campaign, recheck=False, dry_run=dry_run, as_json=as_json)


def cancel_slurm(folder: str, *, yes: bool) -> None:
    """Cancel the active tasks of the last submission."""
    from epicat.slurm.record import find_last
    from epicat.slurm.target import active_jobs, cancel_jobs

    place = _path(folder)
    _, record = find_last(place)
    active = active_jobs(record)
    if not active:
        report(f"nothing to cancel: submission {record.name} has no active jobs")
        return
    confirm(f"cancel {len(active):,} job arrays of submission {record.name}", yes=yes)
    cancel_jobs(active)
    report(f"cancelled {len(active):,}; `epicat retry --folder {place}` submits the missing work")


def show_slurm_logs(folder: str, unit: str) -> None:
    """Show the log of a unit with all attempts."""
    from epicat.pipeline.find_unit import find_unit
    from epicat.slurm.record import find_last
    from epicat.slurm.tasks import attempts

    submission, record = find_last(_path(folder))
    job, index = find_unit(submission, record, unit)
    report(f"{job.name}:{index} of {record.name}: {submission.unit(job.name, index).name}")
    ended = attempts(record, job).get(index, [])
    log = Path(record.script.logs, job.name, f"{index}.log")
    if not ended and not log.exists():
        report("it has not started")
        return
    for one in ended:
        report(f"attempt {one.number}: exit status {one.status} after {one.seconds} s")
    if log.exists():
        for line in log.read_text(errors="replace").splitlines():
            typer.echo(line)


def show_slurm_cost(folder: str, *, as_json: bool) -> None:
    """Show the core-hours of all submissions from a folder."""
    from epicat.slurm.cost import core_time
    from epicat.slurm.record import find_submissions

    place = _path(folder)
    records = reversed([record for _, record in find_submissions(place)])
    rows = [_cost(time) for record in records for time in core_time(record)]
    if as_json:
        typer.echo(json.dumps({"submissions": rows}))
        return
    if not rows:
        report(f"nothing was submitted from {place}")
        return
    numbers = ("units", "attempts", "core_hours_estimated", "core_hours")
    total = {name: sum(row[name] for row in rows) for name in numbers}
    shown = [*rows, {"submission": "all", "stage": "", **total}]
    for line in aligned(_HEADER, [_row(row) for row in shown], left=2):
        typer.echo(line)


def _cost(time: CoreTime) -> dict[str, Any]:
    return {
        "submission": time.submission,
        "stage": time.stage,
        "units": time.units,
        "attempts": time.attempts,
        "core_hours_estimated": round(time.estimated_s / 3600, 6),
        "core_hours": round(time.seconds / 3600, 6),
    }


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["submission"], row["stage"], f"{row['units']:,}", f"{row['attempts']:,}",
        f"{row['core_hours_estimated']:,.2f}", f"{row['core_hours']:,.2f}",
    )  # fmt: skip


def _path(folder: str) -> Path:
    return Path(folder).expanduser().absolute()


def _check_idle(place: Path) -> None:
    """Raise `InputError` while jobs of the last submission are active: no unit runs twice."""
    from epicat.slurm.record import find_submissions
    from epicat.slurm.target import active_jobs

    last = next(find_submissions(place), None) if place.is_dir() else None
    if last is None:
        return
    active = active_jobs(last[1])
    if active:
        raise InputError(
            f"{len(active):,} job arrays of submission {last[1].name} are still active: wait for "
            f"them (epicat status --watch --folder {place}) or cancel them (epicat cancel "
            f"--folder {place})"
        )


def _check_secrets(campaign: Campaign, *, has_file: bool) -> None:
    """Raise `InputError` if jobs would lack a secret; only references to secrets are sent."""
    if has_file:
        return
    if "#env:" in campaign.store:
        raise InputError(
            "the password of the store is in the environment, which is not sent to jobs: write "
            "the address to a file that only you can read, and give --store @FILE, or "
            "--secrets FILE with EPICAT_STORE=..."
        )
    if campaign.access.signed or campaign.store.startswith("s3://"):
        report(
            "warning: credentials of AWS in the environment are not sent to jobs: give "
            "--secrets FILE unless the nodes have their own"
        )
