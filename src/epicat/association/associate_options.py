"""How to associate: what a user may set, and what is derived from the network once."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from epicat._util.option_models import Assigned, Place, Shown
from epicat.association.quality import CatalogQuality
from epicat.geo import Extent

__all__ = ["AUTO_VELOCITY", "AssociateOptions", "PyOctoOptions"]

AUTO_VELOCITY = "auto"
"""Instead of the name of a velocity model: fit one to the picks."""


def _is_model(name: str) -> bool:
    from epicat.velocity.builtin import is_model_name

    return name == AUTO_VELOCITY or is_model_name(name)


def _extent(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        value = ",".join(map(str, value))
    return Extent.parse(value) if isinstance(value, str) else value


class PyOctoOptions(BaseModel):
    """PyOcto's own parameters, under its names.  None: derived from the network, and printed."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    n_picks: int | None = Field(
        default=None,
        ge=1,
        description="Picks that an event needs; default: what noise at the sites within the "
        "cutoff hardly ever reaches, 6 at least.",
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
        description="Tolerance of the velocity model in s, while the space is searched; default: "
        "0.1 and the error of the S travel time to the cutoff, 0.3 to 2.",
        examples=[1.5],
    )
    pick_match_tolerance: float | None = Field(
        default=None,
        gt=0,
        description="Largest residual of a pick that belongs to an event, in s; default: 1.5 "
        "times the tolerance, 0.8 to 2.5.",
        examples=[1.0],
    )
    association_cutoff_distance: float | None = Field(
        default=None,
        gt=0,
        description="Sites farther than this in km do not take part in the search; default: what "
        "holds 12 sites around most sites, 30 at least.",
        examples=[150.0],
    )
    time_before: float | None = Field(
        default=None,
        gt=0,
        description="Overlap of the time slices in s; default: the longest S travel time to sites "
        "within twice the cutoff, from the whole depth of the search box.",
        examples=[60.0],
    )
    time_slicing: float = Field(
        default=1200.0,
        ge=1,
        description="Length of the time slices in s, counted from 1970, that PyOcto gets.",
    )
    min_node_size: float | None = Field(
        default=None,
        gt=0,
        description="Smallest node of the search in km; default: 10 for each second of tolerance, "
        "2 to 20.",
        examples=[5.0],
    )
    min_node_size_location: float | None = Field(
        default=None,
        gt=0,
        description="Smallest node of the location in km; default: a tenth of min_node_size, 0.2 "
        "to 2.",
        examples=[1.0],
    )
    min_interevent_time: float = Field(
        default=3.0,
        ge=0,
        description="Within it, in s, an event of picks that a larger one left is its double.",
    )
    min_pick_fraction: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="Share of the nearer sites that must have a pick, for the picks of sites that "
        "are farther away than the event is deep.",
    )
    max_pick_overlap: int = Field(
        default=4,
        ge=0,
        description="Picks that two of PyOcto's events may share; without effect, since PyOcto "
        "gets one slice at a time.",
    )
    refinement_iterations: int = Field(
        default=1, ge=0, description="Rounds of location and matching."
    )
    location_split_depth: int = Field(
        default=5, ge=1, description="Depth of the location's search."
    )
    location_split_return: int = Field(
        default=3, ge=0, description="Part of it that samples evenly."
    )
    exponential_edt: bool = Field(default=False, description="Use PyOcto's exponential EDT loss.")
    edt_pick_std: float = Field(
        default=1.0, gt=0, description="Pick uncertainty for that loss in s."
    )
    queue_memory_protection_dfs_size: int = Field(
        default=500_000,
        ge=1,
        description="Queue length beyond which PyOcto searches depth-first to save memory.",
    )
    second_pass_overwrites: dict[str, Any] | None = Field(
        default=None,
        description="Parameters of a second pass over the picks that no event has.",
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

    velocity: Annotated[str | None, Place(is_name=_is_model), Shown(metavar="NAME|FILE|auto")] = (
        Field(
            default=None,
            description="Velocity model: a name of `epicat velocity list`, a file with columns "
            "depth_km, vp, vs, or auto, which fits one to a sample of existing picks; default: the "
            "model of the region, else iasp91.",
            examples=["iasp91"],
        )
    )
    velocity_layers: Literal["gradient", "constant"] = Field(
        default="gradient",
        description="Whether the file's rows are nodes of a gradient or tops of constant layers.",
    )
    p_velocity: float | None = Field(
        default=None,
        gt=0,
        description="Constant P velocity in km/s instead of a model; default: that of S times "
        "1.73.",
        examples=[6.3],
    )
    s_velocity: float | None = Field(
        default=None,
        gt=0,
        description="Constant S velocity in km/s instead of a model; default: that of P over 1.73.",
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
        description="Bottom of the search box in km; default: a fifth of the aperture of the "
        "network, 30 to 200.",
        examples=[30.0],
    )
    event_extent: Annotated[Extent | None, BeforeValidator(_extent), Shown(metavar="EXTENT")] = (
        Field(
            default=None,
            description="Where earthquakes are wanted: those that are found outside are rejected; "
            "default: EXTENT, as far as the stations in it can hold events.",
            examples=["39.5,40.5,-124.5,-123.5"],
        )
    )
    margin_km: float | None = Field(
        default=None,
        alias="margin",
        description="The search box reaches this many km beyond that extent on all sides, or, if "
        "negative, stays so far inside; default: 5 % of the diagonal of EXTENT, for event_extent "
        "the cutoff, so that events outside are placed there.",
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
        "time_before and one more.  With less, events near a block's edge may differ.",
        examples=[1800.0],
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
