"""How to locate: what a user may set."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["LocateOptions"]


class LocateOptions(BaseModel):
    """What decides a location apart from events, stations and terms."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    model_error: float = Field(
        default=0.02,
        ge=0,
        le=0.2,
        description="Standard error of the velocity model, as a share of all travel times.",
    )
    floor_p: float = Field(
        default=0.025, gt=0, description="Smallest standard error of a P pick, in s."
    )
    floor_s: float = Field(
        default=0.04, gt=0, description="Smallest standard error of an S pick, in s."
    )
    fixed_depth: float = Field(
        default=10.0,
        description="Depth in km below sea level of events whose depth the picks do not hold.",
    )
