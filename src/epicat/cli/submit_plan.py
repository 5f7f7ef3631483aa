"""Plan a submission, estimate its cost and submit it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

import typer

from epicat.cli.messages import aligned, report

if TYPE_CHECKING:
    from epicat.aws.prices import Prices
    from epicat.aws.session import Aws
    from epicat.aws.stack import Stack
    from epicat.aws.submission_record import Job, SubmissionRecord
    from epicat.campaign.campaign import Campaign
    from epicat.campaign.options import Partition
    from epicat.pipeline.job_arrays import JobArray
    from epicat.pipeline.ledger_view import LedgerView

__all__ = ["submit_due"]

_HEADER = ("job", "from", "to", "units", "keys", "vCPU-hours", "Fargate", "Spot")


def submit_due(
    aws: Aws,
    stack: Stack,
    campaign: Campaign,
    partition: Partition,
    *,
    recheck: bool,
    strict: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Submit the work that is due, or only show it."""
    from epicat.aws.submission_record import SubmissionRecord
    from epicat.pipeline.job_arrays import plan_job_arrays
    from epicat.pipeline.ledger_view import LedgerView
    from epicat.store.open import find_store

    store = find_store(campaign.store)
    ledger = LedgerView.from_store(store, campaign)
    record = SubmissionRecord.from_plan(stack, campaign, partition, strict=strict)
    again: Counter[str] = Counter()
    arrays = _counting(plan_job_arrays(campaign, partition, ledger, recheck=recheck), ledger, again)
    first = next(arrays, None)
    if first is None:
        report("nothing to do: all station-days and their blocks are done")
        _print({"submission": None, "jobs": []}, as_json=as_json)
        return
    arrays = chain([first], arrays)
    if dry_run:
        _show(arrays, record, as_json=as_json)
    else:
        _submit(aws, stack, campaign, arrays, record, as_json=as_json)
    _report_again(again)


def _submit(
    aws: Aws,
    stack: Stack,
    campaign: Campaign,
    arrays: Iterable[JobArray],
    record: SubmissionRecord,
    *,
    as_json: bool,
) -> None:
    from epicat.aws.submission_record import folder_of
    from epicat.aws.submit import submit_arrays
    from epicat.pipeline.runner import write_records
    from epicat.pipeline.submission import Submission
    from epicat.store.open import open_store

    write_records(campaign, open_store(campaign.store, create=True))
    submission = Submission(folder_of(stack, record.name))
    submission.write_campaign(campaign)
    try:
        record = submit_arrays(aws, stack, submission, arrays, record)
    except BaseException:
        report(
            "submission incomplete: the jobs already submitted keep running; `epicat cancel` "
            "cancels them.  After they have ended, the same command submits the rest"
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
    report(f"{_totals(record.jobs, record)}; {_dollars(record)}")
    report(f"results go to {campaign.store}; `epicat status --watch` shows the progress")


def _show(arrays: Iterable[JobArray], record: SubmissionRecord, *, as_json: bool) -> None:
    """Print the jobs of a dry run; one array is in memory at a time."""
    from epicat.aws.submit import job_of

    jobs = tuple(job_of(array, record) for array in arrays)
    record = record.model_copy(update={"jobs": jobs})
    if as_json:
        lines = [job.model_dump(mode="json", exclude={"id"}) for job in jobs]
        _print({"jobs": lines, "dollars": _costs(record, jobs)}, as_json=True)
    else:
        in_order = sorted(jobs, key=lambda job: job.order)
        for line in aligned(_HEADER, [_row(record, job) for job in in_order], left=3):
            typer.echo(line)
    report(f"{_totals(jobs, record)}; {_dollars(record)}")
    report("nothing was written or submitted")


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
    """Add up what jobs cost in both kinds of capacity, and their addresses."""
    jobs = list(jobs)
    found = {
        name: sum(prices.compute(record.shape(job.stage), job.seconds) for job in jobs)
        for name, prices in _both(record).items()
    }
    addresses = sum(record.prices.addresses(job.seconds) for job in jobs)
    return {name: round(value, 4) for name, value in (found | {"addresses": addresses}).items()}


def _dollars(record: SubmissionRecord) -> str:
    from epicat.aws.prices import PRICED_IN

    costs = _costs(record, record.jobs)
    addresses = f", and ${costs['addresses']:,.2f} for addresses" if record.has_address else ""
    return (
        f"estimated cost: ${costs['spot']:,.2f} on Fargate Spot, ${costs['on-demand']:,.2f} on "
        f"Fargate{addresses}, at the prices of {PRICED_IN} (2025); this stack uses "
        f"{record.capacity}"
    )


def _totals(jobs: Iterable[Job], record: SubmissionRecord) -> str:
    jobs = list(jobs)
    picking = [job for job in jobs if job.stage.value == "pick"]
    hours = sum(job.seconds * record.shape(job.stage).vcpu for job in jobs) / 3600
    return (
        f"{len(jobs):,} submissions of {sum(job.units for job in jobs):,} jobs: "
        f"{sum(job.keys for job in picking):,} station-days in "
        f"{sum(job.units for job in picking):,} units, "
        f"{sum(job.keys for job in jobs if job not in picking):,} blocks; {hours:,.1f} vCPU-hours"
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
