"""How to associate: what a user may set, and what is derived from the network once."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from epicat._util.option_fields import Assigned, Place, Shown
from epicat.association.quality import CatalogQuality

__all__ = ["AssociateOptions", "PyOctoOptions"]


class PyOctoOptions(BaseModel):
    """PyOcto's own parameters, under its names.  None: derived from the network, and told."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    n_picks: int | None = Field(
        default=None,
        ge=1,
        description="Picks that an event needs; default: 0.7 of the number of sites, 6 to 10.",
        examples=[8],
    )
    n_p_picks: int = Field(default=3, ge=0, description="P picks that an event needs.")
    n_s_picks: int = Field(default=3, ge=0, description="S picks that an event needs.")
    n_p_and_s_picks: int = Field(
        default=3, ge=0, description="Sites with both a P and an S pick that an event needs."
    )
    tolerance: float | None = Field(
        default=None,
        gt=0,
        description="Tolerance of the velocity model in s, while the space is searched; default: 1 "
        "with layers, 1.5 without, 0.5 more above 400 km.",
        examples=[1.5],
    )
    pick_match_tolerance: float = Field(
        default=1.5, gt=0, description="Largest residual of a pick that belongs to an event, in s."
    )
    association_cutoff_distance: float | None = Field(
        default=None,
        gt=0,
        description="Sites farther than this in km do not take part in the search; default: half "
        "the size of search box and network, 100 to 250.",
        examples=[150.0],
    )
    time_before: float | None = Field(
        default=None,
        gt=0,
        description="Overlap of the time slices in s; default: the longest S travel time through "
        "the network.",
        examples=[60.0],
    )
    time_slicing: float = Field(
        default=1200.0,
        ge=1,
        description="Length of the time slices in s, counted from 1970, that PyOcto gets.",
    )
    min_node_size: float = Field(
        default=10.0, gt=0, description="Smallest node of the search in km."
    )
    min_node_size_location: float | None = Field(
        default=None,
        gt=0,
        description="Smallest node of the location in km; default: 0.5 % of the size of search "
        "box and network, 0.3 to 1.5.",
        examples=[1.0],
    )
    min_interevent_time: float = Field(default=3.0, ge=0, description="Between two events, in s.")
    min_pick_fraction: float = Field(
        default=0.25, ge=0, le=1, description="Share of nearer sites that must have a pick."
    )
    max_pick_overlap: int = Field(
        default=4,
        ge=0,
        description="Picks that two of PyOcto's events may share; without effect as long as PyOcto "
        "gets one slice at a time.",
    )
    refinement_iterations: int = Field(
        default=3, ge=0, description="Rounds of location and matching."
    )
    location_split_depth: int = Field(
        default=9, ge=1, description="Depth of the location's search."
    )
    location_split_return: int = Field(
        default=6, ge=0, description="Part of it that samples evenly."
    )
    exponential_edt: bool = Field(default=False, description="Spikier loss for the location.")
    edt_pick_std: float = Field(
        default=1.0, gt=0, description="Pick uncertainty for that loss in s."
    )
    queue_memory_protection_dfs_size: int = Field(
        default=500_000,
        ge=1,
        description="Length of the search queue from which depth comes first.",
    )
    second_pass_overwrites: dict[str, Any] | None = Field(
        default=None,
        description="Parameters of a second pass over the picks that are left.",
        examples=[{"n_picks": 8}],
    )

    @field_validator("second_pass_overwrites")
    @classmethod
    def _known(cls, overwrites: dict[str, Any] | None) -> dict[str, Any] | None:
        unknown = set(overwrites or ()) - set(cls.model_fields) - {"iterations"}
        if unknown:
            raise ValueError(f"unknown parameters {', '.join(sorted(unknown))}")
        return overwrites


class AssociateOptions(BaseModel):
    """How to associate picks into events.

    Examples
    --------
    >>> import epicat as ec
    >>> ec.AssociateOptions(max_depth=40).max_depth_km
    40.0

    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)

    velocity: Annotated[str | None, Place(), Shown(metavar="FILE")] = Field(
        default=None,
        description="File with columns depth_km, vp, vs; default: constant velocities.",
        examples=["velocity.csv"],
    )
    velocity_layers: Literal["gradient", "constant"] = Field(
        default="gradient",
        description="Whether the file's rows are nodes of a gradient or tops of constant layers.",
    )
    p_velocity: float | None = Field(
        default=None,
        gt=0,
        description="Constant P velocity in km/s; default: by the size of the region.",
        examples=[6.3],
    )
    s_velocity: float | None = Field(
        default=None,
        gt=0,
        description="Constant S velocity in km/s; default: by the size of the region.",
        examples=[3.7],
    )
    min_depth_km: float | None = Field(
        default=None,
        alias="min_depth",
        description="Top of the search box in km below sea level, negative above it; default: "
        "above the highest station.",
        examples=[-1.0],
    )
    max_depth_km: float | None = Field(
        default=None,
        alias="max_depth",
        description="Bottom of the search box in km; default: a fifth of its diagonal, 30 to 200.",
        examples=[30.0],
    )
    margin_km: float | None = Field(
        default=None,
        alias="margin",
        ge=0,
        description="The search box reaches this many km beyond the extent on all sides; default: "
        "5 % of the extent's diagonal, at least 2 km.",
        examples=[10.0],
    )
    site_radius_m: float = Field(
        default=100.0,
        alias="site_radius",
        ge=0,
        description="Stations within this many metres of each other are one site.",
    )
    block_hours: float = Field(
        default=6.0,
        gt=0,
        le=168,
        description="Length of the association blocks, anchored to absolute time.",
    )
    halo_s: float | None = Field(
        default=None,
        alias="halo",
        gt=0,
        description="Seconds of picks read before and after a block; default: time_slicing, "
        "time_before and one more.  With less, the events near a block's edge may be others.",
        examples=[1800.0],
    )
    views: Annotated[bool, Shown(negative="--one-view")] = Field(
        default=True,
        description="Run PyOcto three times (as set, with a strict search, with a strict search "
        "and match) and keep the best supported events; or once, which is faster.",
    )
    pyocto: Annotated[PyOctoOptions, Assigned("n_picks=8")] = Field(
        default_factory=PyOctoOptions,
        title="PyOcto",
        description="PyOcto's own parameters, under its names.",
    )
    quality: CatalogQuality = Field(
        default_factory=CatalogQuality,
        title="Quality control of picks and events",
        description="Which picks are not associated, and which events are rejected.",
    )
