"""How to locate: what a user may set."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from epicat._util.option_models import Shown

__all__ = ["LocateOptions", "LocateSection"]


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


class LocateSection(LocateOptions):
    """Whether, and how, a campaign locates its events."""

    locate: Annotated[bool, Shown(negative="--no-locate")] = Field(
        default=True, description="Locate the events, with their uncertainty."
    )

    @property
    def options(self) -> LocateOptions:
        """What decides the locations."""
        return LocateOptions(**self.model_dump(exclude={"locate"}))
