"""``epicat cancel``, ``epicat logs`` and ``epicat cost``: what was submitted to AWS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from epicat.cli import cloud_options as o
from epicat.cli.aws_credentials import at_stack
from epicat.cli.progress import say
from epicat.cli.prompts import agreed
from epicat.cli.text_table import aligned

if TYPE_CHECKING:
    from epicat.aws.actual_cost import Spent

__all__ = ["cancel", "cost", "logs"]


def cancel(
    name: o.Name = "campaign",
    region: o.Region = None,
    profile: o.Profile = None,
    endpoint: o.Endpoint = None,
    yes: o.Yes = False,
) -> None:
    """End all jobs of a campaign that are under way; what they have marked as done is kept."""
    from epicat.aws.jobs import active_jobs, end_jobs

    with at_stack(name, region, profile, endpoint) as (aws, stack):
        under_way = [job.id for job in active_jobs(aws, stack)]
        if not under_way:
            say(f"nothing to end: no job of {stack.name} is under way")
            return
        agreed(f"end {len(under_way):,} jobs and arrays of {stack.name}", yes=yes)
        ended = end_jobs(aws, under_way, "epicat cancel")
        say(f"ended {ended:,}; `epicat retry` submits what is missing")


def logs(
    unit: Annotated[
        str,
        typer.Argument(
            metavar="UNIT",
            help="A job and its index, pick-0002:5; or a key: NC.KBG/2019.172, the start of a "
            "block.",
        ),
    ],
    name: o.Name = "campaign",
    region: o.Region = None,
    profile: o.Profile = None,
    endpoint: o.Endpoint = None,
) -> None:
    """Show what the jobs of a unit have said, one attempt after the other."""
    from epicat.aws.logs import attempts_of, find_unit, said
    from epicat.aws.submission_record import find_last

    with at_stack(name, region, profile, endpoint) as (aws, stack):
        submission, handed = find_last(stack)
        job, index = find_unit(submission, handed, unit.strip())
        attempts = attempts_of(aws, job, index)
        say(f"{job.name}:{index} of {handed.name}: {submission.unit(job.name, index).name}")
        if not attempts:
            say("it has not begun")
        for attempt in attempts:
            say(f"attempt {attempt.number}: {attempt.how}")
            for line in said(aws, stack, attempt.stream) if attempt.stream else ():
                typer.echo(line)


def cost(
    name: o.Name = "campaign",
    region: o.Region = None,
    profile: o.Profile = None,
    endpoint: o.Endpoint = None,
    as_json: o.Json = False,
) -> None:
    """Show what jobs were reckoned to take and cost, beside what they took.

    Of each submission of a campaign, and of the jobs that compiled models for them.  AWS Batch
    forgets jobs a week or so after they ended.
    """
    from epicat.aws.actual_cost import spent_on, spent_on_models
    from epicat.aws.prices import PRICED_IN
    from epicat.aws.submission_record import find_submissions

    with at_stack(name, region, profile, endpoint) as (aws, stack):
        submissions = reversed([handed for _, handed in find_submissions(stack)])
        spent = [s for handed in submissions for s in spent_on(aws, handed)]
        told = [_costs(each) for each in (*spent_on_models(aws, stack), *spent)]
    if as_json:
        typer.echo(json.dumps({"prices": PRICED_IN, "submissions": told}))
        return
    if not told:
        say(f"nothing was submitted to {stack.name}")
        return
    for line in aligned(_HEADER, [*map(_row, told), _row(_total(told))], left=2):
        typer.echo(line)
    forgotten = sum(int(line["forgotten"]) for line in told)
    if forgotten:
        say(f"AWS Batch does not know {forgotten:,} jobs any more; they are not in the sums")
    say(f"dollars by the prices of {PRICED_IN} (2025); the bill tells what it really was")


_HEADER = (
    "submission", "stage", "jobs", "starts", "vCPU-s reckoned", "vCPU-s", "$ reckoned", "$",
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
        "vcpu_seconds_reckoned": round(spent.reckoned_s * shape.vcpu, 1),
        "vcpu_seconds": round(spent.seconds * shape.vcpu, 1),
        "dollars_reckoned": round(prices.compute(shape, spent.reckoned_s), 6),
        "dollars": round(prices.compute(shape, spent.seconds), 6),
        "dollars_addresses": round(prices.addresses(spent.seconds), 6),
    }


def _total(told: list[dict[str, str | int | float]]) -> dict[str, str | int | float]:
    names = [name for name in told[0] if name not in ("submission", "stage")]
    sums = {name: sum(float(line[name]) for line in told) for name in names}
    return {"submission": "all", "stage": "", **sums}


def _row(line: dict[str, str | int | float]) -> tuple[str, ...]:
    seconds = (f"{line[name]:,.0f}" for name in ("vcpu_seconds_reckoned", "vcpu_seconds"))
    names = ("dollars_reckoned", "dollars", "dollars_addresses")
    return (
        str(line["submission"]), str(line["stage"]), f"{line['jobs']:,.0f}",
        f"{line['attempts']:,.0f}", *seconds, *(f"{line[name]:,.4f}" for name in names),
    )  # fmt: skip
