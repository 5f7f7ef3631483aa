"""The CloudFormation template: its parameters, and the names that follow from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from typing import Final

from epicat.aws import limits
from epicat.errors import InputError

__all__ = [
    "DEFAULTS",
    "ECR_IMAGE",
    "bucket_of",
    "check",
    "repositories_of",
    "stack_of",
    "template",
]

DEFAULTS: Final[dict[str, str]] = {
    "Repositories": "",
    "Architecture": "X86_64",
    "ReadOnlyRoot": "yes",
    "PickVcpu": "1",
    "PickMemory": "4096",
    "AssociateVcpu": "2",
    "AssociateMemory": "8192",
    "Storage": "20",
    "PickTimeout": "14400",
    "AssociateTimeout": "28800",
    "Attempts": "10",
    "Tries": "3",
    "Capacity": "spot",
    "MaxVcpus": "256",
    "ServiceRole": "",
    "PermissionsBoundary": "",
    "BucketOrigin": "new",
    "Prefix": "",
    "KmsKey": "",
    "NoncurrentDays": "30",
    "StoreSecret": "no",
    "LogDays": "30",
    "VpcId": "",
    "Subnets": "",
    "SecurityGroup": "",
    "PublicIp": "ENABLED",
}
"""The defaults of the template, as a test verifies.  ``Image`` and ``Bucket`` have none."""

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,22}[a-z0-9])?")
ECR_IMAGE = re.compile(
    r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?/([a-z0-9][a-z0-9._/-]*)"
)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"|([A-Za-z0-9._=+-]+/)+")


def template() -> str:
    """Return the CloudFormation template, as YAML."""
    return (resources.files("epicat.aws") / "stack.yaml").read_text(encoding="utf-8")


def stack_of(name: str) -> str:
    """Return the name of a campaign's stack; raise `InputError` for an invalid name."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"--name {name!r}: use 1 to 24 lower-case letters, digits and hyphens, starting with a "
            "letter and not ending with a hyphen"
        )
    return f"epicat-{name}"


def bucket_of(name: str, account: str, region: str) -> str:
    """Return the default name of a campaign's bucket, which is globally unique."""
    return f"{stack_of(name)}-{account}-{region}"


def repositories_of(*images: str) -> str:
    """Return the ARNs of the private ECR repositories among images, as the template needs them."""
    arns = []
    for image in images:
        if found := ECR_IMAGE.match(image):
            account, region, china, repository = found.groups()
            partition = "aws-cn" if china else "aws-us-gov" if "-gov-" in region else "aws"
            arns.append(f"arn:{partition}:ecr:{region}:{account}:repository/{repository}")
    return ",".join(dict.fromkeys(arns))


def check(parameters: Mapping[str, str]) -> None:
    """Check all parameters of the template; raise `InputError` for invalid ones."""
    if not parameters.get("Image"):
        raise InputError("--image is missing: the workers' image, such as REGISTRY/epicat:TAG")
    limits.check_size(parameters["PickVcpu"], int(parameters["PickMemory"]))
    limits.check_size(parameters["AssociateVcpu"], int(parameters["AssociateMemory"]))
    limits.check_storage(int(parameters["Storage"]))
    limits.check_attempts(int(parameters["Attempts"]))
    limits.check_attempts(int(parameters["Tries"]))
    limits.check_timeout(int(parameters["PickTimeout"]))
    limits.check_timeout(int(parameters["AssociateTimeout"]))
    limits.check_log_days(int(parameters["LogDays"]))
    _check_capacity(parameters)
    if bool(parameters["VpcId"]) != bool(parameters["Subnets"]):
        raise InputError("--vpc and --subnets must be given together")
    if parameters["SecurityGroup"] and not parameters["VpcId"]:
        raise InputError("--security-group needs --vpc and --subnets")
    if not _BUCKET.fullmatch(parameters["Bucket"]):
        raise InputError(f"bucket {parameters['Bucket']!r}: not a valid S3 bucket name")
    if not _PREFIX.fullmatch(parameters["Prefix"]):
        raise InputError(
            f"--prefix {parameters['Prefix']!r}: use letters, digits and . _ = + -, "
            "separated by slashes"
        )


def _check_capacity(parameters: Mapping[str, str]) -> None:
    most = int(parameters["MaxVcpus"])
    least = max(float(parameters["PickVcpu"]), float(parameters["AssociateVcpu"]))
    if most < least:
        raise InputError(f"--max-vcpus {most}: a single job needs {least:g} vCPUs")
