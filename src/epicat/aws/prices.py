"""What Fargate costs.

The prices are those of us-west-2; most regions of the United States have the same, others ask up
to half as much again.  They change: what is computed from them is an estimate.  Taxes, logs,
requests and storage are not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict

from epicat.aws.stack import Stack

__all__ = ["PRICED_IN", "Prices", "Shape"]

PRICED_IN: Final = "us-west-2"
"""The region of the prices."""
FARGATE: Final[dict[str, tuple[float, float]]] = {
    "X86_64": (0.04048, 0.004445),
    "ARM64": (0.03238, 0.00356),
}
"""Dollars for a vCPU-hour and for a GB-hour of memory.  Source: AWS Fargate Pricing, 2025."""
SPOT_SHARE: Final = 0.3
"""Fargate Spot's price, as a share.

Source: AWS Fargate Pricing, 2025, "up to a 70 % discount"; it moves with supply and demand.
"""
ADDRESS_HOUR: Final = 0.005
"""Dollars for an hour of a public IPv4 address.  Source: Amazon VPC Pricing, 2025."""


class Shape(BaseModel):
    """What one job has of a machine."""

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
        """How many processes a job works with: one for each whole vCPU."""
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
        """Return the prices of a kind of processor and of ``spot`` or ``on-demand``."""
        share = SPOT_SHARE if capacity == "spot" else 1.0
        vcpu, gigabyte = FARGATE[architecture]
        return cls(vcpu * share, gigabyte * share, ADDRESS_HOUR if has_address else 0.0)

    def compute(self, shape: Shape, seconds: float) -> float:
        """Return what jobs of a shape cost that run for some seconds in all, without addresses."""
        hourly = shape.vcpu * self.vcpu + shape.memory_mib / 1024 * self.gigabyte
        return seconds / 3600 * hourly

    def addresses(self, seconds: float) -> float:
        """Return what the public addresses of jobs cost."""
        return seconds / 3600 * self.address
