"""User-facing options of a campaign and of the store commands.

These models are the only place where options are named, described and given defaults.  The
command line, the campaign file, the template of ``epicat init`` and the reference page are
generated from them: a new field here is a new flag and a new key.  They import nothing heavy,
since every start of the command line needs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from epicat._util.option_models import Place, Shown
from epicat.amplitude.options import AmplitudeOptions, ResponseOptions
from epicat.association.associate_options import AssociateOptions
from epicat.errors import InputError
from epicat.geo import Extent
from epicat.locate.options import LocateOptions, LocateSection
from epicat.magnitude.options import MagnitudeOptions, MagnitudeSection
from epicat.model import Span
from epicat.pick.pick_options import PickOptions
from epicat.time import parse_time
from epicat.waveforms.quality_options import QualityOptions

__all__ = [
    "AssociationOptions",
    "CampaignOptions",
    "ImportOptions",
    "LedgerOptions",
    "LocationOptions",
    "MagnitudesOptions",
    "MeasureOptions",
    "Partition",
    "StoreOptions",
]

_SERVICES = ("fdsn:", "http://", "https://")
_DAY = "day or UTC time"


def _time_text(value: Any) -> str:
    """Return a time as text: text, a date of TOML, or a year and day of year without quotes."""
    if isinstance(value, date):  # a datetime is one, too
        value = value.isoformat()
    if isinstance(value, Decimal):
        value = str(value)
    if not isinstance(value, str):
        raise InputError(
            f"{value!r} is not a time; write it as 2019.172, 2019-06-21 or 2019-06-21T12:30:00Z"
        )
    parse_time(value)
    return value.strip()


def _extent(value: Any) -> Extent:
    if isinstance(value, Extent):
        return value
    if isinstance(value, (list, tuple)):
        value = ",".join(map(str, value))
    return Extent.parse(str(value))


def _is_archive(name: str) -> bool:
    from epicat.archive.registry import PUBLIC_ARCHIVES

    return name in PUBLIC_ARCHIVES or name.startswith(_SERVICES)


def _is_service(name: str) -> bool:
    from epicat.stations.fdsn import SERVICES

    return name.casefold() in SERVICES


Start = Annotated[
    str,
    BeforeValidator(_time_text),
    Shown(metavar="TIME", kind=_DAY),
    Field(
        description="First day: 2019.172, 2019-06-21 or a UTC time.  Whole UTC days are processed.",
        examples=["2019.172"],
    ),
]
End = Annotated[
    str,
    BeforeValidator(_time_text),
    Shown(metavar="TIME", kind=_DAY),
    Field(
        description="End of the time range (exclusive), same formats as START.",
        examples=["2019.182"],
    ),
]
Box = Annotated[
    Extent,
    BeforeValidator(_extent),
    Shown(metavar="EXTENT", kind="four numbers"),
    Field(
        description="minlat,maxlat,minlon,maxlon in degrees: the stations to take and, widened by "
        "a margin, the region searched for earthquakes.",
        examples=[[39, 41, -125, -123]],
    ),
]
Select = Annotated[
    tuple[str, ...],
    Shown(metavar="PATTERN"),
    Field(
        description="Include only stations whose NET.STA.LOC matches a pattern.",
        examples=[["NC.*", "BK.*"]],
    ),
]
Exclude = Annotated[
    tuple[str, ...],
    Shown(metavar="PATTERN"),
    Field(
        description="Exclude stations whose NET.STA.LOC matches a pattern.", examples=[["*.*.10"]]
    ),
]
StoreText = Annotated[
    str,
    Place(mark="@"),
    Shown(variable="EPICAT_STORE"),
    Field(
        description="Results: a folder, s3://BUCKET/FOLDER, mongodb://USER@HOST, or @FILE, which "
        "contains one of these.",
        examples=["catalog"],
    ),
]
_Name = Annotated[
    str | None,
    Shown(metavar="NAME", kind="up to 64 letters, digits, '.', '_' and '-'"),
    Field(
        pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="Name of the catalog, which other commands take as the run.  Default: model, "
        "weights and thresholds, such as PhaseNet-original-0.3.  Does not change the results.",
        examples=["mendocino"],
    ),
]
_Associate = Annotated[
    AssociateOptions, Field(title="Association", description="How picks become events.")
]


class Partition(BaseModel):
    """How the work is divided into units and processes.  Never changes a result."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    workers: int | None = Field(
        default=None, ge=1, description="Worker processes.  Default: one per core.", examples=[4]
    )
    stations_per_unit: int = Field(default=1, ge=1, description="Stations in a unit of picking.")
    days_per_unit: int = Field(default=10, ge=1, description="Days in a unit of picking.")
    window_days: int = Field(default=2, ge=1, description="Days in a window of association.")
    blocks_per_unit: int | None = Field(
        default=None,
        ge=1,
        description="Blocks in a unit of association.  Default: all of a window, or, on AWS and "
        "SLURM, as many as take about twenty minutes.",
        examples=[4],
    )


_Locate = Annotated[
    LocateSection,
    Field(title="Location", description="How events get their places and uncertainties."),
]
_Magnitude = Annotated[
    MagnitudeSection,
    Field(title="Magnitudes", description="How events get magnitudes from amplitudes."),
]
_Partition = Annotated[
    Partition,
    Field(
        title="Partitioning of the work",
        description="How the work is divided into units and processes; never changes a result.",
    ),
]


class _Spanned(BaseModel):
    """Options with a time range."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="When and where", defer_build=True)

    start: Start
    end: End

    @cached_property
    def span(self) -> Span:
        """The time range."""
        return Span.parse(self.start, self.end)

    @field_validator("end")
    @classmethod
    def _ends_after_start(cls, end: str, info: ValidationInfo) -> str:
        if "start" in info.data:
            Span.parse(info.data["start"], end)
        return end


class CampaignOptions(_Spanned):
    """A campaign: from waveforms to events.

    Examples
    --------
    >>> import epicat as ec
    >>> options = ec.CampaignOptions.from_toml("campaign.toml")
    >>> options.pick.model
    'epicat-mini'

    """

    extent: Box
    archive: Annotated[str, Place(_is_archive)] = Field(
        description="Root of the archive: a folder or s3://BUCKET/PREFIX; the name of a public "
        "archive: ncedc, scedc, earthscope, geonet; or fdsn: with the name or URL of a data center "
        "that serves FDSN dataselect, such as fdsn:NCEDC.",
        examples=["ncedc"],
    )
    layout: str | None = Field(
        default=None,
        description="How the archive names its objects: ncedc, scedc, earthscope, geonet, sds or "
        "files.  Default: the layout of the public archive.",
        examples=["sds"],
    )
    archive_region: str | None = Field(
        default=None,
        description="Region of the bucket.  Default: the public archive's, otherwise AWS_REGION.",
        examples=["us-east-2"],
    )
    archive_endpoint: Annotated[str | None, Shown(metavar="URL")] = Field(
        default=None,
        description="An S3-compatible server other than AWS.  Default: AWS_ENDPOINT_URL.",
        examples=["https://s3.example.org:9000"],
    )
    archive_signed: Annotated[bool | None, Shown(negative="--archive-anonymous")] = Field(
        default=None,
        description="Sign requests with the credentials in the environment.  Default: no for "
        "public archives and if AWS_ACCESS_KEY_ID is not set.",
        examples=[False],
    )
    network: Annotated[str | None, Shown(kind="up to 8 letters and digits")] = Field(
        default=None,
        pattern="^[A-Za-z0-9]{1,8}$",
        description="Network of records whose network code is blank.",
        examples=["XX"],
    )
    keep: Annotated[str | None, Place()] = Field(
        default=None,
        description="Folder that keeps what a data center sends, in the SDS layout, so that "
        "another run needs no network.",
        examples=["waveforms"],
    )
    stations: Annotated[str | None, Place(_is_service)] = Field(
        default=None,
        validate_default=True,
        description="A .csv file; StationXML: a file, a folder or s3://BUCKET/PREFIX; or an "
        "FDSN web service by URL or name, such as ncedc.  Default for an fdsn: archive: the same "
        "data center; required for others.",
        examples=["ncedc"],
    )
    select: Select = ()
    exclude: Exclude = ()
    store: StoreText
    name: _Name = None
    pick: PickOptions = Field(
        default_factory=PickOptions, title="Picking", description="How waveforms become picks."
    )
    quality: QualityOptions = Field(
        default_factory=QualityOptions,
        title="Quality control of waveforms",
        description="Criteria for excluding waveforms.",
    )
    amplitude: AmplitudeOptions = Field(
        default_factory=AmplitudeOptions,
        title="Amplitudes",
        description="Wood-Anderson amplitudes at the picks, for magnitudes.",
    )
    associate: _Associate = Field(default_factory=AssociateOptions)
    locate: _Locate = Field(default_factory=LocateSection)
    magnitude: _Magnitude = Field(default_factory=MagnitudeSection)
    partition: _Partition = Field(default_factory=Partition)

    @field_validator("stations")
    @classmethod
    def _are_given(cls, stations: str | None, info: ValidationInfo) -> str | None:
        if not stations and not str(info.data.get("archive", "")).startswith(_SERVICES):
            raise PydanticCustomError("missing", "Field required")
        return stations

    @classmethod
    def from_toml(cls, path: str | Path, **overrides: Any) -> Self:
        """Read a campaign file; ``overrides`` take precedence over its top-level keys.

        Raises `InputError` that names the file and key of whatever cannot be used.
        """
        from epicat.campaign.file import read_campaign
        from epicat.campaign.parse import Given, make_options

        given = dict(read_campaign(Path(path)))
        given.update({(key,): Given(value, key) for key, value in overrides.items()})
        return make_options(cls, given)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Make options of a mapping with the keys and tables of a campaign file.

        Raises `InputError` that names each key that is unknown or cannot be used.
        """
        from epicat.campaign.parse import from_mapping

        return from_mapping(cls, values)


class AssociationOptions(_Spanned):
    """A campaign that associates the picks of a store."""

    extent: Box
    store: StoreText
    name: _Name = None
    run: str = Field(
        default="",
        description="Run whose picks are associated: its name or the beginning of its digest; "
        "required if the store has several runs.",
    )
    select: Select = ()
    exclude: Exclude = ()
    associate: _Associate = Field(default_factory=AssociateOptions)
    locate: _Locate = Field(default_factory=LocateSection)
    magnitude: _Magnitude = Field(default_factory=MagnitudeSection)
    partition: _Partition = Field(default_factory=Partition)


class StoreOptions(BaseModel):
    """Options of commands that need only a store."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    store: StoreText


class LocationOptions(StoreOptions):
    """How the events of a store are located."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)

    associator: str = Field(
        default="",
        description="Catalog whose events are located: its name or the beginning of a digest.  "
        "Default: the newest.",
    )
    velocity: Annotated[str | None, Place(), Shown(metavar="NAME|FILE")] = Field(
        default=None,
        description="Velocity model: a name of `epicat velocity list`, or a file with columns "
        "depth_km, vp, vs.  Default: that of the association, of an imported catalog that of the "
        "region.",
    )
    velocity_layers: Literal["gradient", "constant"] = Field(
        default="gradient",
        description="Whether the file's rows are nodes of a gradient or tops of constant layers.",
    )
    site_radius_m: float = Field(
        default=100.0,
        alias="site_radius",
        ge=0,
        description="Site radius of the association, in m.",
    )
    locate: LocateOptions = Field(default_factory=LocateOptions)


class MagnitudesOptions(StoreOptions):
    """How the events of a store get magnitudes."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)

    associator: str = Field(
        default="",
        description="Catalog whose events get magnitudes: its name or the beginning of a digest.  "
        "Default: the newest.",
    )
    location: str = Field(
        default="",
        description="Name or beginning of the digest of the location that distances are from, or "
        "'association'.  Default: the preferred one.",
    )
    site_radius_m: float = Field(
        default=100.0,
        alias="site_radius",
        ge=0,
        description="Site radius of the association, in m.",
    )
    magnitude: MagnitudeOptions = Field(default_factory=MagnitudeOptions)


class MeasureOptions(MagnitudesOptions):
    """How the events of a store get magnitudes, possibly after amplitudes were measured."""

    measure: bool = Field(
        default=False,
        description="First measure amplitudes: read the archive again, for picks that were made "
        "without responses.",
    )
    archive: Annotated[str | None, Place(_is_archive)] = Field(
        default=None,
        description="Where the waveforms are now, for --measure.  Default: where they were picked.",
    )
    response: ResponseOptions = Field(
        default_factory=ResponseOptions,
        title="Responses",
        description="Responses of the instruments, for --measure.",
    )


class LedgerOptions(StoreOptions):
    """Filters for ledger queries: the days and stations that should have results."""

    start: Annotated[str | None, BeforeValidator(_time_text), Shown(metavar="TIME", kind=_DAY)] = (
        Field(default=None, description="First day that should have results.")
    )
    end: Annotated[str | None, BeforeValidator(_time_text), Shown(metavar="TIME", kind=_DAY)] = (
        Field(default=None, description="End of the time range (exclusive), same formats as START.")
    )
    extent: Annotated[Extent | None, BeforeValidator(_extent), Shown(metavar="EXTENT")] = Field(
        default=None, description="Stations inside minlat,maxlat,minlon,maxlon in degrees."
    )
    select: Select = ()
    exclude: Exclude = ()

    @cached_property
    def span(self) -> Span | None:
        """The days that should have results; None: those that earlier invocations requested."""
        if self.start is None or self.end is None:
            return None
        return Span.parse(self.start, self.end)

    @model_validator(mode="after")
    def _has_a_span_or_none(self) -> Self:
        if (self.start is None) != (self.end is None):
            raise ValueError("START and END belong together: give both or neither")
        return self


class ImportOptions(StoreOptions):
    """Which stations are imported into a store."""

    extent: Annotated[Extent | None, BeforeValidator(_extent), Shown(metavar="EXTENT")] = Field(
        default=None,
        description="Import only stations inside minlat,maxlat,minlon,maxlon in degrees.",
    )
    select: Select = ()
    exclude: Exclude = ()
