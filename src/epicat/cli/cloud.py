"""``epicat cloud``: a campaign's stack on AWS, made, looked at and taken away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

from epicat.cli import cloud_options as o
from epicat.cli.progress import say
from epicat.cli.prompts import agreed
from epicat.cli.store_address import tell_if_open

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
    compile_image: o.CompileImage = None,
    max_vcpus: o.MaxVcpus = None,
    spot: o.Spot = None,
    cpu: o.Cpu = None,
    memory: o.Memory = None,
    associate_cpu: o.AssociateCpu = None,
    associate_memory: o.AssociateMemory = None,
    storage: o.Storage = None,
    arm: o.Arm = None,
    timeout: o.Timeout = None,
    associate_timeout: o.AssociateTimeout = None,
    tries: o.Tries = None,
    service_role: o.ServiceRole = None,
    archive: o.Archive = None,
    bucket: o.Bucket = None,
    prefix: o.Prefix = None,
    store: o.StoreSource = None,
    log_days: o.LogDays = None,
    vpc: o.Vpc = None,
    subnets: o.Subnets = None,
    security_group: o.SecurityGroup = None,
    public_ip: o.PublicIp = None,
    yes: o.Yes = False,
    as_json: o.Json = False,
) -> None:
    """Make the stack, or change what is asked for and leave the rest as it is.

    It costs nothing while no job runs, but for what the bucket, the logs and a secret hold.
    Again with the same options it does nothing.
    """
    given = o.parameters(locals())
    from epicat.aws.deploy import up as deploy
    from epicat.aws.secret import read_secret

    secret = read_secret(store) if store not in (None, "none") else None
    if store is not None and store.startswith("file:"):
        tell_if_open(store.removeprefix("file:"))
    aws = _connected(region, profile, endpoint, archive)
    done = deploy(
        aws, name, given, secret, talk=say, agree=lambda question: agreed(question, yes=yes)
    )
    words = {"created": "made", "updated": "changed", "unchanged": "nothing to change"}
    say(f"stack {done.stack.name} in {aws.region}: {words[done.change]}")
    told = {"stack": done.stack.name, "region": aws.region, "change": done.change}
    _show({**told, "status": done.stack.status, "outputs": done.stack.outputs}, as_json=as_json)


@app.command()
def status(
    name: o.Name = "campaign",
    region: o.Region = None,
    profile: o.Profile = None,
    endpoint: o.Endpoint = None,
    as_json: o.Json = False,
) -> None:
    """Show the stack, its parameters and what its queues hold."""
    from epicat.aws.jobs import active_jobs
    from epicat.aws.stack import find_stack
    from epicat.aws.template import stack_of

    aws = _connected(region, profile, endpoint, None)
    stack = find_stack(aws, stack_of(name))
    if stack is None or not stack.is_begun:
        say(f"there is no stack {stack_of(name)} in {aws.region}; `epicat cloud up` makes it")
        told: dict[str, Any] = {"stack": stack_of(name), "region": aws.region, "status": None}
        _show(told if as_json else {}, as_json=as_json)
        raise typer.Exit(1)
    told = {"stack": stack.name, "region": aws.region, "status": stack.status}
    if stack.reason:
        told["reason"] = stack.reason
    jobs = sum(1 for _ in active_jobs(aws, stack))
    _show(
        {**told, "jobs": jobs, "outputs": stack.outputs, "parameters": stack.parameters},
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
    """Take the stack away and keep the data: nothing that is left costs money but the bucket."""
    from epicat.aws.teardown import holdings, take_down

    aws = _connected(region, profile, endpoint, None)
    held = holdings(aws, name, bucket)
    kept = held.bucket if held.bucket and not delete_data else None
    told = {"stack": held.name, "region": aws.region, "kept": kept}
    if held.is_empty or (held.stack is None and not held.leftovers and not delete_data):
        also = f"; its data stay in bucket {kept} (see --delete-data)" if kept else ""
        say(f"nothing to delete: there is no stack {held.name} in {aws.region}{also}")
        _show({**told, "change": "unchanged"} if as_json else {}, as_json=as_json)
        return
    _list(held, delete_data=delete_data)
    agreed("delete this", yes=yes)
    take_down(aws, held, delete_data=delete_data, talk=say)
    say(f"{held.name} is gone" + (f"; its data stay in bucket {kept}" if kept else ""))
    _show({**told, "change": "deleted"} if as_json else {}, as_json=as_json)


@app.command()
def template() -> None:
    """Print the CloudFormation template, to be read or used without epicat."""
    from epicat.aws.template import template as text

    typer.echo(text(), nl=False)


def _connected(
    region: str | None, profile: str | None, endpoint: str | None, archive: str | None
) -> Aws:
    """Reach AWS, and warn if the archive is elsewhere."""
    from epicat.archive.registry import PUBLIC_ARCHIVES, find_public
    from epicat.aws.cross_region import crossing
    from epicat.aws.session import Aws
    from epicat.errors import NameChoiceError

    known = find_public(archive) if archive else None
    if archive and known is None and "://" not in archive:
        raise NameChoiceError("archive", archive, PUBLIC_ARCHIVES)
    aws = Aws(region, profile, endpoint)
    if archive and known:
        warning = crossing(archive, known.region, aws.region)
        if warning:
            say(f"warning: {warning}")
    return aws


def _list(held: Holdings, *, delete_data: bool) -> None:
    from epicat.aws.bucket import STORAGE_PER_GB_MONTH

    say("this deletes")
    if held.stack is not None:
        say(f"  stack {held.name} ({held.stack.status})")
    for logical, kind in held.resources:
        if logical not in ("CampaignBucket", "TlsOnly"):
            say(f"    {logical} ({kind.removeprefix('AWS::')})")
    if held.jobs:
        say(f"  {len(held.jobs):,} jobs that are not over")
    if held.stack is None:
        for leftover in held.leftovers:
            say(f"  {leftover}")
    if held.bucket and held.contents:
        where = f"{held.bucket}/{held.prefix}".rstrip("/")
        if delete_data:
            whole = "the bucket itself and " if held.is_own_bucket else ""
            say(f"  {whole}the data in s3://{where}: {held.contents}")
        else:
            monthly = held.contents.size / 1e9 * STORAGE_PER_GB_MONTH
            say(f"and keeps the data in s3://{where}: {held.contents}, ${monthly:.2f} a month")


def _show(told: dict[str, Any], *, as_json: bool) -> None:
    """Print the result on stdout."""
    if as_json:
        typer.echo(json.dumps(told))
        return
    for key, value in told.items():
        if isinstance(value, dict):
            typer.echo(f"{key}:")
            for inner, text in sorted(value.items()):
                typer.echo(f"  {inner}: {text}")
        else:
            typer.echo(f"{key}: {value}")
