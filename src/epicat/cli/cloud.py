"""``epicat cloud``: create, inspect and delete the AWS stack of a campaign."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from epicat.cli import cloud_options as o
from epicat.cli.messages import confirm, report
from epicat.cli.store_address import warn_if_readable

if TYPE_CHECKING:
    from epicat.aws.session import Aws
    from epicat.aws.teardown import Holdings

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    help="A campaign on AWS: queues, job definitions, roles, logs and a bucket as one stack.",
)


@app.command()
def up(
    name: o.Name = "campaign",
    region: o.Region = None,
    profile: o.Profile = None,
    endpoint: o.Endpoint = None,
    image: o.Image = None,
    max_vcpus: o.MaxVcpus = None,
    spot: o.Spot = None,
    cpu: o.Cpu = None,
    memory: o.Memory = None,
    associate_cpu: o.AssociateCpu = None,
    associate_memory: o.AssociateMemory = None,
    storage: o.Storage = None,
    arm: o.Arm = None,
    read_only: o.ReadOnly = None,
    timeout: o.Timeout = None,
    associate_timeout: o.AssociateTimeout = None,
    tries: o.Tries = None,
    service_role: o.ServiceRole = None,
    permissions_boundary: o.Boundary = None,
    archive: o.Archive = None,
    bucket: o.Bucket = None,
    prefix: o.Prefix = None,
    kms_key: o.KmsKey = None,
    store: o.StoreSource = None,
    log_days: o.LogDays = None,
    vpc: o.Vpc = None,
    subnets: o.Subnets = None,
    security_group: o.SecurityGroup = None,
    public_ip: o.PublicIp = None,
    yes: o.Yes = False,
    as_json: o.Json = False,
) -> None:
    """Create the stack, or change the given parameters and keep the others.

    While no job runs, only the contents of the bucket, the logs and a secret cost money.  With the
    same options again it does nothing.
    """
    given = o.parameters(locals())
    from epicat.aws.deploy import up as deploy
    from epicat.aws.secret import read_secret

    secret = read_secret(store) if store not in (None, "none") else None
    if store is not None and store.startswith("file:"):
        warn_if_readable(store.removeprefix("file:"))
    aws = _connected(region, profile, endpoint, archive)
    done = deploy(
        aws, name, given, secret, report=report, confirm=lambda question: confirm(question, yes=yes)
    )
    words = {"created": "created", "updated": "updated", "unchanged": "no changes"}
    report(f"stack {done.stack.name} in {aws.region}: {words[done.change]}")
    result = {"stack": done.stack.name, "region": aws.region, "change": done.change}
    _show({**result, "status": done.stack.status, "outputs": done.stack.outputs}, as_json=as_json)


@app.command()
def status(
    name: o.Name = "campaign",
    region: o.Region = None,
    profile: o.Profile = None,
    endpoint: o.Endpoint = None,
    as_json: o.Json = False,
) -> None:
    """Show the stack, its parameters and the number of jobs."""
    from epicat.aws.jobs import active_jobs
    from epicat.aws.stack import find_stack
    from epicat.aws.template import stack_of

    aws = _connected(region, profile, endpoint, None)
    stack = find_stack(aws, stack_of(name))
    if stack is None or not stack.is_begun:
        report(
            f"there is no stack {stack_of(name)} in {aws.region}; create it with `epicat cloud up`"
        )
        result: dict[str, Any] = {"stack": stack_of(name), "region": aws.region, "status": None}
        _show(result if as_json else {}, as_json=as_json)
        raise typer.Exit(1)
    result = {"stack": stack.name, "region": aws.region, "status": stack.status}
    if stack.reason:
        result["reason"] = stack.reason
    jobs = sum(1 for _ in active_jobs(aws, stack))
    _show(
        {**result, "jobs": jobs, "outputs": stack.outputs, "parameters": stack.parameters},
        as_json=as_json,
    )


@app.command()
def down(
    name: o.Name = "campaign",
    region: o.Region = None,
    profile: o.Profile = None,
    endpoint: o.Endpoint = None,
    bucket: o.Bucket = None,
    delete_data: o.DeleteData = False,
    yes: o.Yes = False,
    as_json: o.Json = False,
) -> None:
    """Delete the stack and keep the data: after that, only the bucket costs money."""
    from epicat.aws.teardown import holdings, tear_down

    aws = _connected(region, profile, endpoint, None)
    held = holdings(aws, name, bucket)
    kept = held.bucket if held.bucket and not delete_data else None
    result = {"stack": held.name, "region": aws.region, "kept": kept}
    if held.is_empty or (held.stack is None and not held.leftovers and not delete_data):
        also = f"; its data remain in bucket {kept} (see --delete-data)" if kept else ""
        report(f"nothing to delete: there is no stack {held.name} in {aws.region}{also}")
        _show({**result, "change": "unchanged"} if as_json else {}, as_json=as_json)
        return
    _list(held, delete_data=delete_data)
    confirm("delete this", yes=yes)
    tear_down(aws, held, delete_data=delete_data, report=report)
    report(f"deleted {held.name}" + (f"; its data remain in bucket {kept}" if kept else ""))
    _show({**result, "change": "deleted"} if as_json else {}, as_json=as_json)


@app.command()
def template() -> None:
    """Print the CloudFormation template, to read or use without epicat."""
    from epicat.aws.template import template as text

    typer.echo(text(), nl=False)


@app.command()
def policy(
    name: Annotated[
        str,
        typer.Argument(help="deploy: for `cloud up` and `down`; submit: for everything else."),
    ],
) -> None:
    """Print an IAM policy for people, to attach to a user or a permission set as it is."""
    from epicat.aws.policies import POLICIES
    from epicat.aws.policies import policy as text
    from epicat.errors import NameChoiceError

    if name not in POLICIES:
        raise NameChoiceError("policy", name, POLICIES)
    typer.echo(text(name), nl=False)


@app.command("exec", context_settings={"ignore_unknown_options": True})
def execute(
    command: Annotated[
        list[str],
        typer.Argument(metavar="-- COMMAND", help="The command, after two hyphens."),
    ],
    region: o.Region = None,
    profile: o.Profile = None,
    endpoint: o.Endpoint = None,
) -> None:
    """Run a command with fresh AWS credentials of a profile or single sign-on.

    For commands that read a bucket, such as `epicat export --store s3://...`: they know the
    variables AWS_ACCESS_KEY_ID, ... only.  The variables are those of this one command.
    """
    import os

    from epicat.aws.session import Aws
    from epicat.errors import InputError

    variables = Aws(region, profile, endpoint).credential_variables()
    kept = {name: value for name, value in os.environ.items() if name not in variables}
    given = {name: value for name, value in variables.items() if value}
    try:
        os.execvpe(command[0], command, kept | given)  # noqa: S606 # nosec B606 - what the user typed
    except OSError as error:
        raise InputError(f"{command[0]!r} cannot be run: {error.strerror}") from error


def _connected(
    region: str | None, profile: str | None, endpoint: str | None, archive: str | None
) -> Aws:
    """Connect to AWS, and warn if the archive is in another region."""
    from epicat.archive.registry import PUBLIC_ARCHIVES, find_public
    from epicat.aws.prices import cross_region_warning
    from epicat.aws.session import Aws
    from epicat.errors import NameChoiceError

    known = find_public(archive) if archive else None
    if archive and known is None and "://" not in archive:
        raise NameChoiceError("archive", archive, PUBLIC_ARCHIVES)
    aws = Aws(region, profile, endpoint)
    if archive and known:
        warning = cross_region_warning(archive, known.region, aws.region)
        if warning:
            report(f"warning: {warning}")
    return aws


def _list(held: Holdings, *, delete_data: bool) -> None:
    from epicat.aws.bucket import STORAGE_PER_GB_MONTH

    report("this will be deleted:")
    if held.stack is not None:
        report(f"  stack {held.name} ({held.stack.status})")
    for logical, kind in held.resources:
        if logical not in ("CampaignBucket", "TlsOnly"):
            report(f"    {logical} ({kind.removeprefix('AWS::')})")
    if held.jobs:
        report(f"  {len(held.jobs):,} active jobs")
    if held.stack is None:
        for leftover in held.leftovers:
            report(f"  {leftover}")
    if held.bucket and held.contents:
        where = f"{held.bucket}/{held.prefix}".rstrip("/")
        if delete_data:
            whole = "the bucket itself and " if held.is_own_bucket else ""
            report(f"  {whole}the data in s3://{where}: {held.contents}")
        else:
            monthly = held.contents.size / 1e9 * STORAGE_PER_GB_MONTH
            report(
                f"the data will be kept in s3://{where}: {held.contents}, ${monthly:.2f} a month"
            )


def _show(result: dict[str, Any], *, as_json: bool) -> None:
    """Print the result on stdout."""
    if as_json:
        typer.echo(json.dumps(result))
        return
    for key, value in result.items():
        if isinstance(value, dict):
            typer.echo(f"{key}:")
            for inner, text in sorted(value.items()):
                typer.echo(f"  {inner}: {text}")
        else:
            typer.echo(f"{key}: {value}")
