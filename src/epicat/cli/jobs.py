"""``epicat cancel``, ``epicat logs`` and ``epicat cost``: submitted jobs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from epicat.cli import cloud_options as o
from epicat.cli import slurm_options as s
from epicat.cli.aws_credentials import at_stack
from epicat.cli.messages import aligned, confirm, report

if TYPE_CHECKING:
    from epicat.aws.actual_cost import Spent

__all__ = ["cancel", "cost", "logs"]


def cancel(
    name: o.Name = "campaign",
    region: o.Region = None,
    profile: o.Profile = None,
    endpoint: o.Endpoint = None,
    folder: s.SubmissionsFolder = None,
    yes: o.Yes = False,
) -> None:
    """Cancel all running and waiting jobs of a campaign; finished work is kept."""
    if folder is not None:
        from epicat.cli.slurm_jobs import cancel_slurm

        cancel_slurm(folder, yes=yes)
        return
    from epicat.aws.jobs import active_jobs, cancel_jobs

    with at_stack(name, region, profile, endpoint) as (aws, stack):
        active = [job.id for job in active_jobs(aws, stack)]
        if not active:
            report(f"nothing to cancel: {stack.name} has no active jobs")
            return
        confirm(f"cancel {len(active):,} jobs and arrays of {stack.name}", yes=yes)
        ended = cancel_jobs(aws, active, "epicat cancel")
        report(f"cancelled {ended:,}; `epicat retry` submits the missing work")


def logs(
    unit: Annotated[
        str,
        typer.Argument(
            metavar="UNIT",
            help="A job and its index, pick-0002:5; or a key: NC.KBG/2019.172, or the start of "
            "a block.",
        ),
    ],
    name: o.Name = "campaign",
    region: o.Region = None,
    profile: o.Profile = None,
    endpoint: o.Endpoint = None,
    folder: s.SubmissionsFolder = None,
) -> None:
    """Show the logs of the jobs of a unit, one attempt after the other."""
    if folder is not None:
        from epicat.cli.slurm_jobs import show_slurm_logs

        show_slurm_logs(folder, unit.strip())
        return
    from epicat.aws.logs import attempts_of, log_lines
    from epicat.aws.submission_record import find_last
    from epicat.pipeline.find_unit import find_unit

    with at_stack(name, region, profile, endpoint) as (aws, stack):
        submission, record = find_last(stack)
        job, index = find_unit(submission, record, unit.strip())
        attempts = attempts_of(aws, job, index)
        report(f"{job.name}:{index} of {record.name}: {submission.unit(job.name, index).name}")
        if not attempts:
            report("it has not started")
        for attempt in attempts:
            report(f"attempt {attempt.number}: {attempt.how}")
            for line in log_lines(aws, stack, attempt.stream) if attempt.stream else ():
                typer.echo(line)


def cost(
    name: o.Name = "campaign",
    region: o.Region = None,
    profile: o.Profile = None,
    endpoint: o.Endpoint = None,
    folder: s.SubmissionsFolder = None,
    bill: Annotated[
        bool,
        typer.Option("--bill", help="Also ask Cost Explorer, which costs $0.01 a request."),
    ] = False,
    as_json: o.Json = False,
) -> None:
    """Show the estimated and the actual time and cost of jobs.

    For each submission of a campaign: dollars on AWS, core-hours on SLURM.  AWS Batch forgets jobs
    about a week after they end.
    """
    if folder is not None:
        from epicat.cli.slurm_jobs import show_slurm_cost

        show_slurm_cost(folder, as_json=as_json)
        return
    from epicat.aws.actual_cost import spent_on
    from epicat.aws.bill import billed
    from epicat.aws.prices import PRICED_IN, PRICES_OF
    from epicat.aws.submission_record import find_submissions

    with at_stack(name, region, profile, endpoint) as (aws, stack):
        records = [record for _, record in find_submissions(stack)][::-1]
        spent = [s for record in records for s in spent_on(aws, record)]
        rows = [_costs(each) for each in spent]
        asked = bill and bool(records)
        services = billed(aws, stack.name, records[0].time.date()) if asked else None
    if as_json:
        result = {"prices": f"{PRICED_IN} {PRICES_OF}", "submissions": rows, "bill": services}
        typer.echo(json.dumps(result))
        return
    if not rows:
        report(f"nothing was submitted to {stack.name}")
        return
    for line in aligned(_HEADER, [*map(_row, rows), _row(_total(rows))], left=2):
        typer.echo(line)
    forgotten = sum(int(line["forgotten"]) for line in rows)
    if forgotten:
        report(f"AWS Batch has forgotten {forgotten:,} jobs, which are not in the sums")
    report(
        f"at least, at prices of {PRICED_IN} of {PRICES_OF}; Spot at its largest discount; each "
        "start with 30 s for the image, a minute at least; without taxes, requests, logs, storage"
    )
    if services is not None:
        _report_bill(services)


def _report_bill(services: dict[str, float]) -> None:
    """Report the bill beside the computed cost."""
    for service, dollars in sorted(services.items()):
        report(f"bill: {service} ${dollars:,.4f}")
    if not services:
        report(
            "bill: nothing yet. Activate the cost allocation tag epicat:stack (Billing, Cost "
            "allocation tags); costs appear about a day later, and not for earlier days"
        )


_HEADER = (
    "submission", "stage", "jobs", "starts", "vCPU-s estimated", "vCPU-s", "$ estimated", "$",
    "$ addresses",
)  # fmt: skip


def _costs(spent: Spent) -> dict[str, str | int | float]:
    shape, prices = spent.shape, spent.prices
    return {
        "submission": spent.submission,
        "stage": spent.stage,
        "jobs": spent.jobs,
        "forgotten": spent.forgotten,
        "attempts": spent.attempts,
        "vcpu_seconds_estimated": round(spent.estimated_s * shape.vcpu, 1),
        "vcpu_seconds": round(spent.seconds * shape.vcpu, 1),
        "dollars_estimated": round(prices.compute(shape, spent.estimated_s), 6),
        "dollars": round(prices.compute(shape, spent.seconds), 6),
        "dollars_addresses": round(prices.addresses(spent.seconds), 6),
    }


def _total(rows: list[dict[str, str | int | float]]) -> dict[str, str | int | float]:
    names = [name for name in rows[0] if name not in ("submission", "stage")]
    sums = {name: sum(float(line[name]) for line in rows) for name in names}
    return {"submission": "all", "stage": "", **sums}


def _row(line: dict[str, str | int | float]) -> tuple[str, ...]:
    seconds = (f"{line[name]:,.0f}" for name in ("vcpu_seconds_estimated", "vcpu_seconds"))
    names = ("dollars_estimated", "dollars", "dollars_addresses")
    return (
        str(line["submission"]), str(line["stage"]), f"{line['jobs']:,.0f}",
        f"{line['attempts']:,.0f}", *seconds, *(f"{line[name]:,.4f}" for name in names),
    )  # fmt: skip
