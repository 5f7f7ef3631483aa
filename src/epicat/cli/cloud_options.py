"""The options of ``epicat cloud``, and the parameters of the template that they are."""

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
    "Bucket",
    "CompileImage",
    "Cpu",
    "DeleteData",
    "Endpoint",
    "Image",
    "Json",
    "LogDays",
    "MaxVcpus",
    "Memory",
    "Name",
    "Prefix",
    "Profile",
    "PublicIp",
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
    str, typer.Option(metavar="NAME", help="Name of the campaign; several live side by side.")
]
Region = Annotated[
    str | None, typer.Option(help="AWS region; default: AWS_REGION, then the profile's.")
]
Profile = Annotated[str | None, typer.Option(help="Profile of the AWS configuration.")]
Endpoint = Annotated[
    str | None, typer.Option(metavar="URL", help="A server that stands for AWS, for tests.")
]
Json = Annotated[bool, typer.Option("--json", help="As JSON on stdout.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
DeleteData = Annotated[
    bool, typer.Option("--delete-data", help="Delete the bucket and all that is in it, too.")
]

Image = Annotated[str | None, _job("Image of the workers; needed the first time.")]
CompileImage = Annotated[
    str | None, _job("Image that can compile models as well; default: none, and no such job.")
]
MaxVcpus = Annotated[int | None, _job("vCPUs at work at once; default 256.", min=1)]
Spot = Annotated[
    bool | None,
    _job("Cheap capacity that may be interrupted (default), or the other.", "--spot/--on-demand"),
]
Cpu = Annotated[str | None, _job("vCPUs of a picking job; default 1.")]
Memory = Annotated[int | None, _job("Its memory in MiB; default 4096.")]
AssociateCpu = Annotated[str | None, _job("vCPUs of an associating job; default 2.")]
AssociateMemory = Annotated[int | None, _job("Its memory in MiB; default 8192.")]
Storage = Annotated[int | None, _job("Disk of a job in GiB; default 20, which are free.")]
Arm = Annotated[
    bool | None, _job("Processors that the image is for; default x86-64.", "--arm64/--x86-64")
]
Timeout = Annotated[int | None, _job("Longest attempt at picking, in seconds; default 14400.")]
AssociateTimeout = Annotated[
    int | None, _job("Longest attempt at associating, in seconds; default 28800.")
]
Tries = Annotated[int | None, _job("Tries of a job that fails; default 3.")]
ServiceRole = Annotated[
    str | None, _job("ARN of a role for AWS Batch itself; default: the service-linked one.")
]
Archive = Annotated[
    str | None, _data("Archive that will be read: warns if it is in another region.")
]
Bucket = Annotated[str | None, _data("Bucket; default: one of the campaign's own.")]
Prefix = Annotated[
    str | None, _data("Folder of the bucket that the workers may use; default: all of it.")
]
StoreSource = Annotated[
    str | None,
    _data(
        "Where the address of a MongoDB store is found: env:NAME or file:PATH; none takes it away.",
        metavar="SOURCE",
    ),
]
LogDays = Annotated[int | None, _data("How long logs are kept, in days; default 30.")]
Vpc = Annotated[str | None, _network("An existing VPC; default: a small one is made.")]
Subnets = Annotated[str | None, _network("Its subnets, with commas between.")]
SecurityGroup = Annotated[
    str | None, _network("Its security group; default: one that lets nothing in is made.")
]
PublicIp = Annotated[
    bool | None,
    _network(
        "Whether jobs get a public address (default); not behind a NAT.",
        "--public-ip/--no-public-ip",
    ),
]

_PARAMETERS = {
    "image": "Image",
    "compile_image": "CompileImage",
    "max_vcpus": "MaxVcpus",
    "spot": "Capacity",
    "cpu": "PickVcpu",
    "memory": "PickMemory",
    "associate_cpu": "AssociateVcpu",
    "associate_memory": "AssociateMemory",
    "storage": "Storage",
    "arm": "Architecture",
    "timeout": "PickTimeout",
    "associate_timeout": "AssociateTimeout",
    "tries": "Tries",
    "service_role": "ServiceRole",
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
    "PublicIp": ("ENABLED", "DISABLED"),
}


def parameters(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the template's parameters for the options that were given, by their names."""
    given = {
        parameter: options[name]
        for name, parameter in _PARAMETERS.items()
        if options[name] is not None
    }
    for parameter, (yes, no) in _EITHER.items():
        if parameter in given:
            given[parameter] = yes if given[parameter] else no
    if "StoreSecret" in given:  # the source is nobody's business but this machine's
        given["StoreSecret"] = "no" if given["StoreSecret"] == "none" else "yes"
    if "Prefix" in given:
        inner = given["Prefix"].strip("/")
        given["Prefix"] = f"{inner}/" if inner else ""
    return {parameter: str(value) for parameter, value in given.items()}
