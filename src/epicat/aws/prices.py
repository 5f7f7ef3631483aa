"""Prices of Fargate, of requests and logs, and of data transfer between regions.

The prices are those of us-west-2; most regions of the United States have the same, others are up to
50 % higher.  They change: costs computed from them are a lower bound, without taxes, storage of
results and their download.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict

from epicat.aws.stack import Stack

__all__ = [
    "DOWNLOAD_PER_GB",
    "MINIMUM_S",
    "PRICED_IN",
    "PRICES_OF",
    "PRICE_PER_GB",
    "PULLING_S",
    "SPOT_SHARES",
    "Prices",
    "Shape",
    "cross_region_warning",
    "side_costs",
]

PRICED_IN: Final = "us-west-2"
"""The region of the prices."""
PRICES_OF: Final = "2025"
"""When the prices were published."""
FARGATE: Final[dict[str, tuple[float, float]]] = {
    "X86_64": (0.04048, 0.004445),
    "ARM64": (0.03238, 0.00356),
}
"""Dollars for a vCPU-hour and for a GB-hour of memory.  Source: AWS Fargate Pricing, 2025."""
SPOT_SHARES: Final = (0.3, 0.5)
"""Price of Fargate Spot as a share of the on-demand price, lowest and assumed highest.

Source of the lowest: AWS Fargate Pricing, 2025, "up to a 70 % discount"; it moves with supply and
demand, and AWS publishes no upper end.
"""
MINIMUM_S: Final = 60.0
"""Seconds that are billed at least for a start.  Source: AWS Fargate Pricing, 2025."""
PULLING_S: Final = 30.0
"""Billed seconds before a job's first instruction, for pulling the image of about 0.2 GB.

Fargate bills from the begin of the pull, which Batch does not report: an assumption.
"""
_PUT, _GET = 0.005 / 1000, 0.0004 / 1000
"""Dollars for a request that writes or lists, and for one that reads, of S3 Standard.  Source:
Amazon S3 Pricing, us-west-2, 2025.  Requests to a public archive are paid by its owner."""
_PUTS, _GETS = 10, 20
"""Requests of a job to the campaign's bucket: plan, campaign, model, results, ledger."""
_LOGS_PER_GB: Final = 0.50
"""Dollars for a gigabyte of logs.  Source: Amazon CloudWatch Pricing, us-west-2, 2025."""
_LOG_BYTES: Final = (4_000, 100)
"""Bytes of log of a job, and of each of its keys."""
DOWNLOAD_PER_GB: Final = 0.09
"""Dollars for a gigabyte to the internet, after 100 GB a month.  Source: Amazon EC2 On-Demand
Pricing, "Data Transfer", us-west-2, 2025."""
ADDRESS_HOUR: Final = 0.005
"""Dollars for an hour of a public IPv4 address.  Source: Amazon VPC Pricing, 2025."""


PRICE_PER_GB: Final[dict[str, float]] = {
    "us-east-1": 0.02,
    "us-east-2": 0.02,
    "us-west-2": 0.02,
    "ap-southeast-2": 0.098,
}
"""Dollars per gigabyte from S3 in a region to another region.

Source: Amazon S3 Pricing, "Data transfer", "Data Transfer OUT From Amazon S3 To", as published in
2025.  Only the source region matters; the owner of the bucket pays, unless the bucket is
"requester pays".
"""
_CLOSE_REGIONS: Final = frozenset({"us-east-1", "us-east-2"})
_CLOSE_REGIONS_PRICE: Final = 0.01


class Shape(BaseModel):
    """vCPUs and memory of a job."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vcpu: float
    """vCPUs."""
    memory_mib: int
    """Memory in MiB."""

    @classmethod
    def from_stack(cls, stack: Stack, stage: str) -> Shape:
        """Return the shape of a stage's jobs; ``stage`` is ``Pick`` or ``Associate``."""
        parameters = stack.parameters
        vcpu, memory = parameters[f"{stage}Vcpu"], parameters[f"{stage}Memory"]
        return cls(vcpu=float(vcpu), memory_mib=int(memory))

    @property
    def processes(self) -> int:
        """Number of processes of a job: one per whole vCPU."""
        return max(1, int(self.vcpu))


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars by the hour."""

    vcpu: float
    """For a vCPU."""
    gigabyte: float
    """For a GB of memory."""
    address: float = 0.0
    """For a job's public address."""

    @classmethod
    def from_architecture(cls, architecture: str, capacity: str, *, has_address: bool) -> Prices:
        """Return the prices of a processor architecture and of ``spot`` or ``on-demand``.

        Those of Spot are the lowest.
        """
        share = SPOT_SHARES[0] if capacity == "spot" else 1.0
        vcpu, gigabyte = FARGATE[architecture]
        return cls(vcpu * share, gigabyte * share, ADDRESS_HOUR if has_address else 0.0)

    def compute(self, shape: Shape, seconds: float) -> float:
        """Return the cost in dollars of ``seconds`` of jobs of a shape, without addresses."""
        hourly = shape.vcpu * self.vcpu + shape.memory_mib / 1024 * self.gigabyte
        return seconds / 3600 * hourly

    def addresses(self, seconds: float) -> float:
        """Return the cost in dollars of the public addresses of jobs."""
        return seconds / 3600 * self.address


def side_costs(jobs: int, keys: int) -> float:
    """Return dollars for the requests and logs of jobs with some keys in all."""
    logs = (_LOG_BYTES[0] * jobs + _LOG_BYTES[1] * keys) / 1e9 * _LOGS_PER_GB
    return jobs * (_PUTS * _PUT + _GETS * _GET) + logs


def cross_region_warning(archive: str, archive_region: str, stack_region: str) -> str | None:
    """Return a warning if reading an archive crosses regions, or None."""
    if archive_region == stack_region:
        return None
    price = PRICE_PER_GB.get(archive_region)
    if {archive_region, stack_region} == _CLOSE_REGIONS:
        price = _CLOSE_REGIONS_PRICE
    cost = (
        "costs extra"
        if price is None
        else f"costs ${price:g}, a station-year of about 7 GB ${7 * price:.2f}"
    )
    return (
        f"{archive} is in {archive_region}, the stack in {stack_region}: each GB that is read "
        f"crosses regions, which is slower, bypasses the S3 endpoint and {cost} (public price of "
        f"2025; paid by the owner of the bucket unless readers pay); avoid it by --region "
        f"{archive_region}"
    )
