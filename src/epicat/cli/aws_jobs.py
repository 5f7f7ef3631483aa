"""Submissions to AWS as the commands see them: vCPU-hours, dollars, progress."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import typer

from epicat.aws.submission_record import SubmissionRecord
from epicat.aws.submit import BatchTarget
from epicat.cli.aws_credentials import exported_credentials
from epicat.cli.job_status import Amount
from epicat.cli.messages import aligned
from epicat.cli.submit_plan import TimeLimit
from epicat.pipeline.jobs.job_arrays import MOST_JOBS

if TYPE_CHECKING:
    from epicat.aws.prices import Prices
    from epicat.aws.session import Aws
    from epicat.ledger import Stage
    from epicat.pipeline.jobs.job_arrays import JobArray
    from epicat.pipeline.jobs.job_progress import JobProgress, LedgerCounts
    from epicat.pipeline.jobs.submission_record import Job
    from epicat.store.base import ReadableStore

__all__ = ["AwsDestination", "AwsJobs"]

_HEADER = ("job", "from", "to", "units", "keys", "vCPU-hours", "Fargate", "Spot")


@dataclass(frozen=True, slots=True)
class AwsDestination:
    """A stack that a submission goes to."""

    target: BatchTarget
    """AWS Batch."""
    record: SubmissionRecord
    """The new submission, without jobs."""

    @property
    def folder(self) -> str:
        """Folder of the submission."""
        from epicat.aws.submission_record import folder_of

        return folder_of(self.target.stack, self.record.name)

    @property
    def watch(self) -> str:
        """Command that shows the progress."""
        return "epicat status --watch"

    @property
    def most_jobs(self) -> int:
        """Jobs in one array."""
        return MOST_JOBS

    def time_limit(self, stage: Stage) -> TimeLimit:
        """Return the timeout of the jobs of a stage."""
        from epicat.aws.submit import time_limit

        option = "--timeout" if stage.value == "pick" else "--associate-timeout"
        return TimeLimit(
            seconds=time_limit(self.target.stack.parameters, stage),
            processes=self.record.shape(stage).processes,
            longer=f"the stack's limit (`epicat cloud up {option} SECONDS`)",
        )

    def preview(self, array: JobArray) -> None:
        """Print nothing: the jobs are shown in one table."""

    def show(self, record: SubmissionRecord, *, as_json: bool) -> None:
        """Print the jobs of a dry run."""
        if as_json:
            lines = [job.model_dump(mode="json", exclude={"id"}) for job in record.jobs]
            typer.echo(json.dumps({"jobs": lines, "dollars": _costs(record, record.jobs)}))
            return
        in_order = sorted(record.jobs, key=lambda job: job.order)
        for line in aligned(_HEADER, [_row(record, job) for job in in_order], left=3):
            typer.echo(line)

    def summary(self, record: SubmissionRecord) -> str:
        """Return the vCPU-hours and the estimated cost."""
        hours = sum(job.seconds * record.shape(job.stage).vcpu for job in record.jobs) / 3600
        return f"{hours:,.1f} vCPU-hours; {self._duration(record)}; {_dollars(record)}"

    def _duration(self, record: SubmissionRecord) -> str:
        """Return how long the jobs take at least, by the stack's limit and the account's quota."""
        from epicat.aws.checks import usable_vcpus
        from epicat.aws.estimate import least_seconds

        vcpus = usable_vcpus(self.target.aws, self.target.stack.parameters)
        if not vcpus:
            return f"this account may not use Fargate {record.capacity} yet (see Service Quotas)"
        duration = timedelta(seconds=round(least_seconds(record, vcpus), -1))
        return f"at least {duration} with {vcpus:g} vCPUs at once"


def _row(record: SubmissionRecord, job: Job) -> tuple[str, ...]:
    shape = record.shape(job.stage)
    hours = job.seconds / 3600 * shape.vcpu
    prices = _both(record)
    dollars = (f"${prices[name].compute(shape, job.seconds):,.3f}" for name in prices)
    return (
        job.name, job.first, job.last, f"{job.units:,}", f"{job.keys:,}", f"{hours:,.2f}",
        *dollars,
    )  # fmt: skip


def _both(record: SubmissionRecord) -> dict[str, Prices]:
    from epicat.aws.prices import Prices

    return {
        name: Prices.from_architecture(record.architecture, name, has_address=record.has_address)
        for name in ("on-demand", "spot")
    }


def _costs(record: SubmissionRecord, jobs: Iterable[Job]) -> dict[str, float]:
    """Add up what jobs cost in both kinds of capacity, and what they cost besides."""
    from epicat.aws.prices import SPOT_SHARES, side_costs

    jobs = list(jobs)
    found = {
        name: sum(prices.compute(record.shape(job.stage), job.seconds) for job in jobs)
        for name, prices in _both(record).items()
    }
    found["spot_most"] = found["on-demand"] * SPOT_SHARES[1]
    found["addresses"] = sum(record.prices.addresses(job.seconds) for job in jobs)
    found["requests_and_logs"] = side_costs(sum(j.units for j in jobs), sum(j.keys for j in jobs))
    return {name: round(value, 4) for name, value in found.items()}


def _dollars(record: SubmissionRecord) -> str:
    from epicat.aws.prices import DOWNLOAD_PER_GB, PRICED_IN, PRICES_OF

    costs = _costs(record, record.jobs)
    addresses = f"${costs['addresses']:,.2f} for addresses and " if record.has_address else ""
    return (
        f"estimated cost at least: ${costs['spot']:,.2f} to ${costs['spot_most']:,.2f} on Fargate "
        f"Spot, ${costs['on-demand']:,.2f} on Fargate; in addition {addresses}"
        f"${costs['requests_and_logs']:,.2f} for requests and logs. "
        f"{sum(job.units for job in record.jobs):,} starts pull the image. Prices of {PRICED_IN} "
        f"of {PRICES_OF}, without taxes, restarts after interruptions, storage, and downloads "
        f"(${DOWNLOAD_PER_GB:g} a GB). This stack uses {record.capacity}"
    )


class AwsJobs:
    """The jobs of a submission to a stack."""

    folder = ""

    def __init__(self, aws: Aws, record: SubmissionRecord) -> None:
        self._aws = aws
        self.record = record
        self._keys: dict[str, str] = {}
        self._store: ReadableStore | None = None

    def progress(self) -> list[JobProgress]:
        """Return the progress of each job, according to Batch."""
        from epicat.aws.progress import job_progress

        return job_progress(self._aws, self.record)

    def open_store(self) -> ReadableStore:
        """Return the store, reopened when temporary credentials were renewed."""
        from epicat.store.open import open_readable

        keys = self._aws.credential_variables()
        if self._store is None or keys != self._keys:
            with exported_credentials(self._aws):
                self._store = open_readable(self.record.store)
            self._keys = keys
        return self._store

    def used(self, lines: list[JobProgress], found: LedgerCounts | None) -> Amount:
        """Return the approximate dollars."""
        from epicat.aws.progress import dollars_so_far

        dollars = dollars_so_far(self.record, lines, found)
        return Amount("dollars", dollars, f"${dollars:,.2f}")
