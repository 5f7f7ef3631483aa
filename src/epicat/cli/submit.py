"""``epicat submit`` and ``epicat retry``: run a campaign as jobs on AWS or a SLURM cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from epicat.campaign.options import CampaignOptions
from epicat.campaign.parse import Given, Values, make_options
from epicat.cli import cloud_options as o
from epicat.cli import slurm_options as s
from epicat.cli.aws_credentials import at_stack
from epicat.cli.campaign_args import takes
from epicat.cli.messages import report, warnings_as_messages
from epicat.cli.picker_download import prepare_with_progress
from epicat.cli.progress import report_campaign
from epicat.cli.run import Recheck
from epicat.cli.short_help import COMMON
from epicat.cli.submit_plan import submit_due

if TYPE_CHECKING:
    from epicat.aws.session import Aws
    from epicat.aws.stack import Stack
    from epicat.campaign.campaign import Campaign
    from epicat.campaign.options import Partition
    from epicat.cli.aws_jobs import AwsDestination

__all__ = ["retry", "submit"]


DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Show jobs, hours and dollars, or the scripts for SLURM; write and submit nothing.",
    ),
]


_Collection = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Name of a store among several at one place: the folder in --store or in the stack's "
        "bucket, or the database of a MongoDB server.  Default: --store itself, in the stack's "
        "bucket 'store', for a server 'tutorial'.",
    ),
]
_AllowMissing = Annotated[
    bool,
    typer.Option(
        "--allow-missing/--strict",
        help="Whether association ignores failed picking, and reports it, or fails, too.",
    ),
]


_To = Annotated[
    Literal["aws", "slurm"],
    typer.Option(help="Where the jobs run: the campaign's stack on AWS, or this SLURM cluster."),
]


@takes(CampaignOptions, without=("name",), common=COMMON)
def submit(
    given: Values,
    to: _To = "aws",
    collection: _Collection = None,
    name: o.Name = "campaign",
    region: o.Region = None,
    profile: o.Profile = None,
    endpoint: o.Endpoint = None,
    dry_run: DryRun = False,
    recheck: Recheck = False,
    allow_missing: _AllowMissing = True,
    folder: s.Folder = None,
    partition: s.SlurmPartition = None,
    account: s.Account = None,
    time: s.Time = None,
    memory: s.Memory = None,
    at_once: s.AtOnce = None,
    sbatch: s.Sbatch = None,
    secrets: s.Secrets = None,
    as_json: o.Json = False,
) -> None:
    """Submit the work of `run` with the same arguments to AWS Batch or to a SLURM cluster.

    On AWS, results go to the bucket of the campaign's stack or the given store.  On SLURM,
    --folder names a folder that all nodes see, and --workers the cores of a task.  Jobs keep
    running after this command: see `epicat status --watch`.  Submitting again submits the missing
    work.
    """
    slurm = {
        "folder": folder, "partition": partition, "account": account, "time": time,
        "memory": memory, "at_once": at_once, "sbatch": sbatch, "secrets": secrets,
    }  # fmt: skip
    if to == "slurm":
        s.refuse({"region": region, "profile": profile, "endpoint": endpoint}, to)
        _submit_to_slurm(
            given, slurm,
            recheck=recheck, strict=not allow_missing, dry_run=dry_run, as_json=as_json,
        )  # fmt: skip
        return
    s.refuse(slurm, to)
    with at_stack(name, region, profile, endpoint) as (aws, stack):
        destination, campaign = _on_aws(
            aws, stack, given, collection, strict=not allow_missing, dry_run=dry_run
        )
        submit_due(destination, campaign, recheck=recheck, dry_run=dry_run, as_json=as_json)


def _submit_to_slurm(given: Values, slurm: dict[str, Any], **flags: bool) -> None:
    from epicat.cli.slurm_jobs import submit_to_slurm

    options = make_options(CampaignOptions, given)
    submit_to_slurm(options, slurm, chosen=_chosen(given), **flags)


def _on_aws(
    aws: Aws,
    stack: Stack,
    given: Values,
    collection: str | None,
    *,
    strict: bool,
    dry_run: bool,
) -> tuple[AwsDestination, Campaign]:
    """Resolve a campaign for a stack."""
    from epicat.archive.registry import locate
    from epicat.aws.preflight import (
        check_address,
        check_archive,
        check_store,
    )
    from epicat.campaign.resolve import resolve

    options = make_options(CampaignOptions, _completed(given, stack, collection))
    check_archive(locate(options.archive))
    check_store(options.store, stack)
    _inspect(aws, stack, dry_run=dry_run)
    with warnings_as_messages():
        campaign = resolve(options, report, prepare_with_progress)
    check_address(campaign.store)
    _warn_of_crossing(campaign, aws.region)
    partition = _partition(options.partition, given, campaign, stack)
    report_campaign(campaign, options.span)
    return _destination(aws, stack, campaign, partition, strict=strict), campaign


def retry(
    name: o.Name = "campaign",
    region: o.Region = None,
    profile: o.Profile = None,
    endpoint: o.Endpoint = None,
    folder: s.SubmissionsFolder = None,
    dry_run: DryRun = False,
    as_json: o.Json = False,
) -> None:
    """Submit the failed and missing work of the last submission again.

    Station-days that failed or could not be read are picked again; blocks whose picks change are
    associated again.
    """
    if folder is not None:
        from epicat.cli.slurm_jobs import retry_on_slurm

        retry_on_slurm(folder, dry_run=dry_run, as_json=as_json)
        return
    from epicat.aws.submission_record import find_last

    with at_stack(name, region, profile, endpoint) as (aws, stack):
        submission, last = find_last(stack)
        _inspect(aws, stack, dry_run=dry_run)
        campaign = submission.campaign()
        destination = _destination(aws, stack, campaign, last.partition, strict=last.strict)
        submit_due(destination, campaign, recheck=False, dry_run=dry_run, as_json=as_json)


def _inspect(aws: Aws, stack: Stack, *, dry_run: bool) -> None:
    """Refuse a submission that would do work twice or could not start; warn before a dry run."""
    from epicat.aws.image import check_image, image_warnings
    from epicat.aws.preflight import check_idle

    if dry_run:
        for warning in image_warnings(aws, stack.parameters):
            report(f"warning: {warning}")
        return
    check_idle(aws, stack)
    check_image(aws, stack.parameters)


def _destination(
    aws: Aws, stack: Stack, campaign: Campaign, partition: Partition, *, strict: bool
) -> AwsDestination:
    from epicat.aws.submission_record import SubmissionRecord
    from epicat.aws.submit import BatchTarget
    from epicat.cli.aws_jobs import AwsDestination

    record = SubmissionRecord.from_plan(stack, campaign, partition, strict=strict)
    return AwsDestination(BatchTarget(aws, stack), record)


def _completed(given: Values, stack: Stack, collection: str | None) -> Values:
    """Add the values that a stack determines: the store, and whether requests are signed."""
    from epicat.archive.registry import find_public
    from epicat.archive.s3 import is_bucket
    from epicat.aws.preflight import is_own, results_of

    resolved: dict[Any, Given] = {
        ("store",): Given(results_of(stack, collection), f"stack {stack.name}")
    }
    if "StoreSecret" in stack.outputs and ("store",) not in given:
        report(
            f"{stack.name} has the address of a database, but EPICAT_STORE is not set here: "
            "results go to the bucket"
        )
    archive = str(given[("archive",)].value) if ("archive",) in given else ""
    if is_bucket(archive) and find_public(archive) is None:
        # The role of the workers grants access to the campaign's bucket only.
        resolved[("archive_signed",)] = Given(is_own(archive, stack), f"stack {stack.name}")
    return {**resolved, **given}


def _chosen(given: Values) -> frozenset[str]:
    """Return the names of the options of partitioning that the user has given."""
    return frozenset(path[1] for path in given if path[0] == "partition")


def _partition(partition: Partition, given: Values, campaign: Campaign, stack: Stack) -> Partition:
    """Choose the sizes of units that the user has not."""
    from epicat.aws.prices import Shape
    from epicat.ledger import Stage
    from epicat.pipeline.estimate import with_unit_sizes
    from epicat.pipeline.jobs.job_arrays import MOST_JOBS

    processes = {
        Stage.PICK: Shape.from_stack(stack, "Pick").processes,
        Stage.ASSOCIATE: Shape.from_stack(stack, "Associate").processes,
    }
    return with_unit_sizes(partition, _chosen(given), campaign, processes, MOST_JOBS)


def _warn_of_crossing(campaign: Campaign, region: str) -> None:
    from epicat.archive.s3 import is_bucket
    from epicat.aws.prices import cross_region_warning

    if is_bucket(campaign.archive):
        warning = cross_region_warning(campaign.archive, campaign.access.region, region)
        if warning:
            report(f"warning: {warning}")
