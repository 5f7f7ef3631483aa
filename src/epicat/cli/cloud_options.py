"""The options of ``epicat cloud`` and the template parameters that they set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

__all__ = [
    "Archive",
    "Arm",
    "AssociateCpu",
    "AssociateMemory",
    "AssociateTimeout",
    "Boundary",
    "Bucket",
    "Cpu",
    "DeleteData",
    "Endpoint",
    "Image",
    "Json",
    "KmsKey",
    "LogDays",
    "MaxVcpus",
    "Memory",
    "Name",
    "Prefix",
    "Profile",
    "PublicIp",
    "ReadOnly",
    "Region",
    "SecurityGroup",
    "ServiceRole",
    "Spot",
    "Storage",
    "StoreSource",
    "Subnets",
    "Timeout",
    "Tries",
    "Vpc",
    "Yes",
    "parameters",
]


def _job(help_: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=help_, rich_help_panel="Jobs", **more)


def _data(help_: str, **more: Any) -> Any:
    return typer.Option(help=help_, rich_help_panel="Data", **more)


def _network(help_: str, *names: str) -> Any:
    return typer.Option(*names, help=help_, rich_help_panel="Network")


Name = Annotated[
    str, typer.Option(metavar="NAME", help="Name of the campaign; several can exist at once.")
]
Region = Annotated[
    str | None, typer.Option(help="AWS region.  Default: AWS_REGION, then that of the profile.")
]
Profile = Annotated[str | None, typer.Option(help="Profile of the AWS configuration.")]
Endpoint = Annotated[
    str | None, typer.Option(metavar="URL", help="URL of a mock AWS server, for tests.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
DeleteData = Annotated[
    bool, typer.Option("--delete-data", help="Also delete the bucket with all its contents.")
]

Image = Annotated[str | None, _job("Image of the workers; required the first time.")]
MaxVcpus = Annotated[int | None, _job("Maximum number of vCPUs in use; default 256.", min=1)]
Spot = Annotated[
    bool | None,
    _job("Interruptible, cheaper capacity (default), or on-demand.", "--spot/--on-demand"),
]
Cpu = Annotated[str | None, _job("vCPUs of a picking job; default 1.")]
Memory = Annotated[int | None, _job("Memory of a picking job in MiB; default 4096.")]
AssociateCpu = Annotated[str | None, _job("vCPUs of an association job; default 2.")]
AssociateMemory = Annotated[int | None, _job("Memory of an association job in MiB; default 8192.")]
Storage = Annotated[int | None, _job("Disk of a job in GiB; default 20, which is free of charge.")]
Arm = Annotated[
    bool | None, _job("Processor architecture of the image; default x86-64.", "--arm64/--x86-64")
]
ReadOnly = Annotated[
    bool | None,
    _job(
        "Whether the image's file system is read-only except /tmp (default).",
        "--read-only/--writable",
    ),
]
Timeout = Annotated[int | None, _job("Timeout of a picking attempt in seconds; default 14400.")]
AssociateTimeout = Annotated[
    int | None, _job("Timeout of an association attempt in seconds; default 28800.")
]
Tries = Annotated[int | None, _job("Attempts of a failing job; default 3.")]
ServiceRole = Annotated[
    str | None, _job("ARN of a service role for AWS Batch.  Default: the service-linked role.")
]
Boundary = Annotated[
    str | None, _job("ARN of a permissions boundary for the roles, if the account demands one.")
]
KmsKey = Annotated[
    str | None, _data("ARN of the KMS key of an existing bucket that is encrypted with one.")
]
Archive = Annotated[str | None, _data("Archive of the campaign; warns if it is in another region.")]
Bucket = Annotated[str | None, _data("Existing bucket.  Default: a new bucket for the campaign.")]
Prefix = Annotated[
    str | None, _data("Folder of the bucket that workers may use.  Default: the whole bucket.")
]
StoreSource = Annotated[
    str | None,
    _data(
        "Source of the address of a MongoDB store: env:NAME or file:PATH; none removes it.",
        metavar="SOURCE",
    ),
]
LogDays = Annotated[int | None, _data("Retention of logs in days; default 30.")]
Vpc = Annotated[str | None, _network("Existing VPC.  Default: a small one is created.")]
Subnets = Annotated[str | None, _network("Subnets of the VPC, comma-separated.")]
SecurityGroup = Annotated[
    str | None,
    _network("Security group of the VPC.  Default: one without inbound rules is created."),
]
PublicIp = Annotated[
    bool | None,
    _network(
        "Whether jobs get a public IP address (default); use --no-public-ip behind a NAT.",
        "--public-ip/--no-public-ip",
    ),
]

_PARAMETERS = {
    "image": "Image",
    "max_vcpus": "MaxVcpus",
    "spot": "Capacity",
    "cpu": "PickVcpu",
    "memory": "PickMemory",
    "associate_cpu": "AssociateVcpu",
    "associate_memory": "AssociateMemory",
    "storage": "Storage",
    "arm": "Architecture",
    "read_only": "ReadOnlyRoot",
    "timeout": "PickTimeout",
    "associate_timeout": "AssociateTimeout",
    "tries": "Tries",
    "service_role": "ServiceRole",
    "permissions_boundary": "PermissionsBoundary",
    "kms_key": "KmsKey",
    "bucket": "Bucket",
    "prefix": "Prefix",
    "store": "StoreSecret",
    "log_days": "LogDays",
    "vpc": "VpcId",
    "subnets": "Subnets",
    "security_group": "SecurityGroup",
    "public_ip": "PublicIp",
}
_EITHER = {
    "Capacity": ("spot", "on-demand"),
    "Architecture": ("ARM64", "X86_64"),
    "ReadOnlyRoot": ("yes", "no"),
    "PublicIp": ("ENABLED", "DISABLED"),
}


def parameters(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the template parameters by name for the given options."""
    given = {
        parameter: options[name]
        for name, parameter in _PARAMETERS.items()
        if options[name] is not None
    }
    for parameter, (yes, no) in _EITHER.items():
        if parameter in given:
            given[parameter] = yes if given[parameter] else no
    if "StoreSecret" in given:  # the source stays on this machine
        given["StoreSecret"] = "no" if given["StoreSecret"] == "none" else "yes"
    if "Prefix" in given:
        inner = given["Prefix"].strip("/")
        given["Prefix"] = f"{inner}/" if inner else ""
    return {parameter: str(value) for parameter, value in given.items()}
