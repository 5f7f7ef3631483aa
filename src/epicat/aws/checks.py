"""Checks before a deployment or submission: quotas, the image, the way to S3.

Each returns warnings, as sentences; none of them stops anything.  What an account may not ask
(Service Quotas, ECR, EC2 without the permission) is skipped without a word, since the check is
a courtesy and the deployment itself tells what is missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from epicat.aws.session import Aws
from epicat.aws.template import ECR_IMAGE

__all__ = ["deployment_warnings", "quota_vcpus"]

QUOTAS: Final = {"spot": "L-36FBB829", "on-demand": "L-3032A538"}
"""Codes of the quotas "Fargate Spot vCPU resource count" and "Fargate On-Demand vCPU resource
count" in Service Quotas."""
NAT_PER_GB: Final = 0.045
"""Dollars for a gigabyte through a NAT gateway.  Source: Amazon VPC Pricing, us-east-1, 2025."""
_PLATFORMS: Final = {"X86_64": "amd64", "ARM64": "arm64"}
_MANIFESTS: Final = (
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
)


def deployment_warnings(aws: Aws, parameters: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong, slow or expensive about a stack with these parameters."""
    yield from image_warnings(aws, parameters)
    yield from quota_warnings(aws, parameters)
    yield from nat_warnings(aws, parameters)


def quota_vcpus(aws: Aws, capacity: str) -> float | None:
    """Return how many vCPUs of ``spot`` or ``on-demand`` the account may use; None if unknown."""
    answer = _asked(
        aws, "service-quotas", "get_service_quota", ServiceCode="fargate",
        QuotaCode=QUOTAS[capacity],
    )  # fmt: skip
    value = (answer or {}).get("Quota", {}).get("Value")
    return None if value is None else float(value)


def quota_warnings(aws: Aws, parameters: Mapping[str, str]) -> Iterator[str]:
    """Warn if the account's quota of vCPUs is below what the stack would use."""
    capacity, wanted = parameters["Capacity"], int(parameters["MaxVcpus"])
    quota = quota_vcpus(aws, capacity)
    if quota is not None and quota < wanted:
        yield (
            f"this account may use {quota:g} vCPUs of Fargate {capacity} in {aws.region}, fewer "
            f"than --max-vcpus {wanted}: jobs wait for each other. Request more in Service Quotas "
            f"(Fargate, quota {QUOTAS[capacity]}); new accounts start low, and it takes hours to "
            "days"
        )


def image_warnings(aws: Aws, parameters: Mapping[str, str]) -> Iterator[str]:
    """Warn if the image in ECR does not exist, is in another region, or lacks the platform.

    Images of other registries cannot be checked without pulling them.
    """
    image, wanted = parameters["Image"], _PLATFORMS[parameters["Architecture"]]
    found = ECR_IMAGE.match(image)
    if found is None:
        return
    account, region, _, repository = found.groups()
    name, reference = _reference(repository + image[found.end() :])
    if region != aws.region:
        yield (
            f"image {image} is in {region}, the stack in {aws.region}: every start of a job pulls "
            "it across regions, slower and billed. Push it to a repository in the stack's region"
        )
        return
    answer = _asked(
        aws, "ecr", "batch_get_image", registryId=account, repositoryName=name,
        imageIds=[reference], acceptedMediaTypes=list(_MANIFESTS),
    )  # fmt: skip
    if answer is None:
        return
    if not answer.get("images"):
        reason = next((f.get("failureReason", "") for f in answer.get("failures", [])), "")
        why = f" ({reason})" if reason else ""
        yield f"image {image} is not in its repository{why}: push it first"
        return
    platforms = _platforms(json.loads(answer["images"][0]["imageManifest"]))
    if platforms and wanted not in platforms:
        yield (
            f"image {image} is built for {', '.join(sorted(platforms))}, jobs run on {wanted}: "
            f"build it with --platform linux/{wanted} (on an ARM Mac too), or choose "
            f"{'--x86-64' if wanted == 'arm64' else '--arm64'}"
        )


def nat_warnings(aws: Aws, parameters: Mapping[str, str]) -> Iterator[str]:
    """Warn if subnets of an existing VPC reach S3 through a NAT gateway.

    A petabyte of waveforms then costs more than the computing; a gateway endpoint is free.
    """
    subnets = [subnet for subnet in parameters["Subnets"].split(",") if subnet]
    if not subnets:
        return
    answer = _asked(aws, "ec2", "describe_route_tables", Filters=[
        {"Name": "vpc-id", "Values": [parameters["VpcId"]]}
    ])  # fmt: skip
    if answer is None:
        return
    through = [s for s in subnets if _is_through_nat(_table_of(s, answer["RouteTables"]))]
    if through:
        yield (
            f"subnets {', '.join(through)} reach S3 through a NAT gateway without an S3 gateway "
            f"endpoint: every gigabyte of waveforms costs ${NAT_PER_GB:g}, a station-year of about "
            f"7 GB ${NAT_PER_GB * 7:.2f}, more than the computing. Add a gateway endpoint for S3 "
            "to their route tables, which is free"
        )


def _table_of(subnet: str, tables: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the route table of a subnet: its own, else the main one of the VPC."""
    main = None
    for table in tables:
        for association in table.get("Associations", []):
            if association.get("SubnetId") == subnet:
                return table
            if association.get("Main"):
                main = table
    return main


def _is_through_nat(table: Mapping[str, Any] | None) -> bool:
    routes = table.get("Routes", []) if table else []
    has_endpoint = any(
        str(route.get("GatewayId", "")).startswith("vpce-") and route.get("DestinationPrefixListId")
        for route in routes
    )
    return not has_endpoint and any(
        route.get("NatGatewayId") and route.get("DestinationCidrBlock") == "0.0.0.0/0"
        for route in routes
    )


def _reference(image: str) -> tuple[str, dict[str, str]]:
    """Return the repository, and the tag or digest, of an image's name without its registry."""
    if "@" in image:
        name, _, digest = image.partition("@")
        return name.partition(":")[0], {"imageDigest": digest}
    name, _, tag = image.partition(":")
    return name, {"imageTag": tag or "latest"}


def _platforms(manifest: Mapping[str, Any]) -> set[str]:
    """Return the architectures of an index; none for a single image, whose config has it."""
    found = {
        str(entry.get("platform", {}).get("architecture", ""))
        for entry in manifest.get("manifests", [])
    }
    return found - {"", "unknown"}


def _asked(aws: Aws, service: str, call: str, **request: Any) -> dict[str, Any] | None:
    """Return an answer, or None where it may not be asked or there is no such service."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer: dict[str, Any] = getattr(aws.client(service), call)(**request)
    except (BotoCoreError, ClientError):
        return None
    return answer
