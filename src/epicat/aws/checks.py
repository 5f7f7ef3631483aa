"""Warnings before a deployment: quotas, the image, the way to S3.

Each returns warnings, as sentences; none of them stops anything.  What an account may not ask
(Service Quotas, ECR, EC2 without the permission) is skipped without a word, since the check is
a courtesy and the deployment itself tells what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from epicat.aws.image import image_warnings
from epicat.aws.session import Aws, try_call
from epicat.pipeline.estimate import PICKING_S

__all__ = ["deployment_warnings", "quota_vcpus", "usable_vcpus"]

QUOTAS: Final = {"spot": "L-36FBB829", "on-demand": "L-3032A538"}
"""Codes of the quotas "Fargate Spot vCPU resource count" and "Fargate On-Demand vCPU resource
count" in Service Quotas."""
NAT_PER_GB: Final = 0.045
"""Dollars for a gigabyte through a NAT gateway.  Source: Amazon VPC Pricing, us-east-1, 2025."""


def deployment_warnings(aws: Aws, parameters: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong, slow or expensive about a stack with these parameters."""
    yield from image_warnings(aws, parameters)
    yield from quota_warnings(aws, parameters)
    yield from nat_warnings(aws, parameters)


def quota_vcpus(aws: Aws, capacity: str) -> float | None:
    """Return how many vCPUs of ``spot`` or ``on-demand`` the account may use; None if unknown."""
    answer = try_call(
        aws, "service-quotas", "get_service_quota", ServiceCode="fargate",
        QuotaCode=QUOTAS[capacity],
    )  # fmt: skip
    value = (answer or {}).get("Quota", {}).get("Value")
    return None if value is None else float(value)


def usable_vcpus(aws: Aws, parameters: Mapping[str, str]) -> float:
    """Return how many vCPUs the jobs of a stack may use at once, by its limit and the quota."""
    limit = float(parameters["MaxVcpus"])
    quota = quota_vcpus(aws, parameters["Capacity"])
    return limit if quota is None else min(limit, quota)


def quota_warnings(aws: Aws, parameters: Mapping[str, str]) -> Iterator[str]:
    """Warn if the account's quota of vCPUs is below what the stack would use."""
    capacity, wanted = parameters["Capacity"], int(parameters["MaxVcpus"])
    quota = quota_vcpus(aws, capacity)
    if quota is not None and quota < wanted:
        minutes = 1000 * PICKING_S / max(quota, 1.0) / 60
        yield (
            f"this account may use {quota:g} vCPUs of Fargate {capacity} in {aws.region}, fewer "
            f"than --max-vcpus {wanted}: jobs wait for each other, and picking 1,000 station-days "
            f"takes at least {minutes:,.0f} minutes. Request more in Service Quotas (Fargate, "
            f"quota {QUOTAS[capacity]}); new accounts start low, and it takes hours to days"
        )


def nat_warnings(aws: Aws, parameters: Mapping[str, str]) -> Iterator[str]:
    """Warn if subnets of an existing VPC reach S3 through a NAT gateway.

    A petabyte of waveforms then costs more than the computing; a gateway endpoint is free.
    """
    subnets = [subnet for subnet in parameters["Subnets"].split(",") if subnet]
    if not subnets:
        return
    answer = try_call(aws, "ec2", "describe_route_tables", Filters=[
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
