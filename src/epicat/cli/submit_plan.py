"""Plan against the ledger, show what that means in jobs and dollars, and hand it over."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

import typer

from epicat.cli.progress import say
from epicat.cli.text_table import aligned

if TYPE_CHECKING:
    from epicat.aws.prices import Prices
    from epicat.aws.session import Aws
    from epicat.aws.stack import Stack
    from epicat.aws.submission_record import Job, SubmissionRecord
    from epicat.campaign.campaign import Campaign
    from epicat.campaign.options import Partition
    from epicat.pipeline.job_arrays import JobArray
    from epicat.pipeline.ledger_view import LedgerView

__all__ = ["hand"]

_HEADER = ("job", "from", "to", "units", "keys", "vCPU-hours", "Fargate", "Spot")


def hand(
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
    """Submit what is due, or only show it; say so if nothing is."""
    from epicat.aws.submission_record import SubmissionRecord
    from epicat.pipeline.job_arrays import arrays_of
    from epicat.pipeline.ledger_view import LedgerView
    from epicat.store.open import find_store

    store = find_store(campaign.store)
    known = LedgerView.from_store(store, campaign)
    handed = SubmissionRecord.from_plan(stack, campaign, partition, strict=strict)
    again: Counter[str] = Counter()
    arrays = _counting(arrays_of(campaign, partition, known, recheck=recheck), known, again)
    first = next(arrays, None)
    if first is None:
        say("nothing to do: all station-days and their blocks are done")
        _tell({"submission": None, "jobs": []}, as_json=as_json)
        return
    arrays = chain([first], arrays)
    if dry_run:
        _show(arrays, handed, as_json=as_json)
    else:
        _submit(aws, stack, campaign, arrays, handed, as_json=as_json)
    _say_again(again)


def _submit(
    aws: Aws,
    stack: Stack,
    campaign: Campaign,
    arrays: Iterable[JobArray],
    handed: SubmissionRecord,
    *,
    as_json: bool,
) -> None:
    from epicat.aws.submission_record import folder_of
    from epicat.aws.submit import hand_over
    from epicat.pipeline.runner import write_records
    from epicat.pipeline.submission import Submission
    from epicat.store.open import open_store

    write_records(campaign, open_store(campaign.store, create=True))
    submission = Submission(folder_of(stack, handed.name))
    submission.write_campaign(campaign)
    try:
        handed = hand_over(aws, stack, submission, arrays, handed)
    except BaseException:
        say(
            "not all was submitted; what was goes on: `epicat cancel` ends it, and when it is over "
            "the same command submits the rest"
        )
        raise
    _tell(
        {
            "submission": submission.location,
            "store": campaign.store,
            "jobs": [job.model_dump(mode="json") for job in handed.jobs],
        },
        as_json=as_json,
    )
    say(f"{_totals(handed.jobs, handed)}; {_dollars(handed)}")
    say(f"results go to {campaign.store}; `epicat status --watch` shows how far it is")


def _show(arrays: Iterable[JobArray], handed: SubmissionRecord, *, as_json: bool) -> None:
    """Print the jobs as they would be; one array is in memory at a time."""
    from epicat.aws.submit import job_of

    jobs = tuple(job_of(array, handed) for array in arrays)
    handed = handed.model_copy(update={"jobs": jobs})
    if as_json:
        lines = [job.model_dump(mode="json", exclude={"id"}) for job in jobs]
        _tell({"jobs": lines, "dollars": _costs(handed, jobs)}, as_json=True)
    else:
        in_order = sorted(jobs, key=lambda job: job.order)
        for line in aligned(_HEADER, [_row(handed, job) for job in in_order], left=3):
            typer.echo(line)
    say(f"{_totals(jobs, handed)}; {_dollars(handed)}")
    say("nothing was written or submitted")


def _row(handed: SubmissionRecord, job: Job) -> tuple[str, ...]:
    shape = handed.shape(job.stage)
    hours = job.seconds / 3600 * shape.vcpu
    prices = _both(handed)
    dollars = (f"${prices[name].compute(shape, job.seconds):,.3f}" for name in prices)
    return (
        job.name, job.first, job.last, f"{job.units:,}", f"{job.keys:,}", f"{hours:,.2f}",
        *dollars,
    )  # fmt: skip


def _both(handed: SubmissionRecord) -> dict[str, Prices]:
    from epicat.aws.prices import Prices

    return {
        name: Prices.from_architecture(handed.architecture, name, has_address=handed.has_address)
        for name in ("on-demand", "spot")
    }


def _costs(handed: SubmissionRecord, jobs: Iterable[Job]) -> dict[str, float]:
    """Add up what jobs cost in both kinds of capacity, and their addresses."""
    jobs = list(jobs)
    found = {
        name: sum(prices.compute(handed.shape(job.stage), job.seconds) for job in jobs)
        for name, prices in _both(handed).items()
    }
    addresses = sum(handed.prices.addresses(job.seconds) for job in jobs)
    return {name: round(value, 4) for name, value in (found | {"addresses": addresses}).items()}


def _dollars(handed: SubmissionRecord) -> str:
    from epicat.aws.prices import PRICED_IN

    costs = _costs(handed, handed.jobs)
    addresses = f", and ${costs['addresses']:,.2f} for addresses" if handed.has_address else ""
    return (
        f"reckoned to cost ${costs['spot']:,.2f} on Fargate Spot, ${costs['on-demand']:,.2f} on "
        f"Fargate{addresses}, at the prices of {PRICED_IN} (2025); this stack takes "
        f"{handed.capacity}"
    )


def _totals(jobs: Iterable[Job], handed: SubmissionRecord) -> str:
    jobs = list(jobs)
    picking = [job for job in jobs if job.stage.value == "pick"]
    hours = sum(job.seconds * handed.shape(job.stage).vcpu for job in jobs) / 3600
    return (
        f"{len(jobs):,} submissions of {sum(job.units for job in jobs):,} jobs: "
        f"{sum(job.keys for job in picking):,} station-days in "
        f"{sum(job.units for job in picking):,} units, "
        f"{sum(job.keys for job in jobs if job not in picking):,} blocks; {hours:,.1f} vCPU-hours"
    )


def _counting(
    arrays: Iterator[JobArray], known: LedgerView, again: Counter[str]
) -> Iterator[JobArray]:
    """Count by the way what is done again, and why."""
    for array in arrays:
        entries = known.picks if array.stage.value == "pick" else known.blocks
        words = "station-days" if array.stage.value == "pick" else "blocks"
        for unit in array.units if entries else ():
            found = (entries[key].status.value for key in unit.keys if key in entries)
            again.update(f"{words} ({status})" for status in found)
        yield array


def _say_again(again: Counter[str]) -> None:
    if again:
        told = ", ".join(f"{count:,} {what}" for what, count in sorted(again.items()))
        say(f"looked at again: {told}")


def _tell(told: dict[str, Any], *, as_json: bool) -> None:
    """Print the result on stdout."""
    if as_json:
        typer.echo(json.dumps(told))
    elif told["submission"]:
        typer.echo(told["submission"])
