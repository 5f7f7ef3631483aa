"""User options for the quality control of waveforms."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from epicat._util.option_models import Limits

__all__ = ["BRIDGED_S", "QualityOptions"]

BRIDGED_S = 0.1
"""Longest gap in seconds that is interpolated unless the user chooses another."""


class QualityOptions(Limits):
    """Which waveforms are excluded before picking.  No limit applies unless it is set."""

    min_segment_s: float | None = Field(
        default=None,
        alias="min_segment",
        gt=0,
        description="Skip segments shorter than this, in s; default: the picker's window.",
        examples=[60.0],
    )
    max_gap_share: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="Skip station-days whose share of gaps exceeds this, 0 to 1.",
        examples=[0.5],
    )
    max_bridged_gap_s: float | None = Field(
        default=None,
        alias="max_bridged_gap",
        ge=0,
        le=10,
        description="Interpolate gaps of up to this, in s; default: 0.1.",
        examples=[0.05],
    )
    max_dead_share: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="Exclude channels that are dead for a larger share of the day, 0 to 1.",
        examples=[0.1],
    )
    dead_range: float | None = Field(
        default=None,
        ge=0,
        description="Peak-to-peak amplitude up to which a minute counts as dead, in the "
        "archive's unit, usually counts; default: 0.",
        examples=[2.0],
    )
    max_clipped_share: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="Exclude channels that are clipped for a larger share of the day, 0 to 1.",
        examples=[0.001],
    )

    @property
    def bridged_s(self) -> float:
        """Longest gap that is interpolated, in seconds."""
        return BRIDGED_S if self.max_bridged_gap_s is None else self.max_bridged_gap_s

    @model_validator(mode="after")
    def _range_has_effect(self) -> Self:
        if self.dead_range is not None and self.max_dead_share is None:
            raise ValueError("dead_range has no effect without max_dead_share: set both")
        return self
