"""The options that `run`, `plan` and `associate` share, and what becomes of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from epicat.errors import InputError, NameChoiceError

__all__ = [
    "Archive",
    "ArchiveEndpoint",
    "ArchiveRegion",
    "ArchiveSigned",
    "BlockHours",
    "Columns",
    "DaysPerUnit",
    "End",
    "Exclude",
    "ExtentText",
    "Halo",
    "Layout",
    "Margin",
    "MaxDepth",
    "MinDepth",
    "Model",
    "PThreshold",
    "PVelocity",
    "PyOcto",
    "Recheck",
    "SThreshold",
    "SVelocity",
    "Select",
    "SiteRadius",
    "Start",
    "Stations",
    "StationsPerUnit",
    "StoreText",
    "Velocity",
    "VelocityLayers",
    "Views",
    "Weight",
    "WindowDays",
    "gather",
    "gather_association",
]

_WHERE, _PICK, _EVENTS, _CUT = "Where", "Picking", "Association", "Cutting the work"

Start = Annotated[str, typer.Argument(metavar="START", help="2019.172, 2019-06-21 or a UTC time.")]
End = Annotated[str, typer.Argument(metavar="END", help="As START; not included.")]
ExtentText = Annotated[
    str, typer.Argument(metavar="EXTENT", help="minlat,maxlat,minlon,maxlon in degrees.")
]
Archive = Annotated[
    str,
    typer.Option(
        help="Folder or s3://BUCKET/PREFIX in which the layout's names start; or ncedc, scedc, "
        "earthscope, geonet.",
        rich_help_panel=_WHERE,
    ),
]
Layout = Annotated[
    str | None,
    typer.Option(
        help="ncedc, scedc, earthscope, geonet, sds or files; default: that of a known archive.",
        rich_help_panel=_WHERE,
    ),
]
ArchiveRegion = Annotated[
    str | None,
    typer.Option(
        help="Region of the bucket; default: a known archive's, else AWS_REGION.",
        rich_help_panel=_WHERE,
    ),
]
ArchiveEndpoint = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="An S3 server that is not AWS; default: AWS_ENDPOINT_URL.",
        rich_help_panel=_WHERE,
    ),
]
ArchiveSigned = Annotated[
    bool | None,
    typer.Option(
        "--archive-signed/--archive-anonymous",
        help="Use the environment's credentials, or none; default: none for known archives and "
        "where AWS_ACCESS_KEY_ID is not set.",
        rich_help_panel=_WHERE,
    ),
]
Stations = Annotated[
    str,
    typer.Option(
        help="A .csv, StationXML (a file or a folder), or an FDSN station service by address or "
        "name, such as ncedc.",
        rich_help_panel=_WHERE,
    ),
]
Select = Annotated[
    list[str] | None,
    typer.Option(
        "--select",
        metavar="PATTERN",
        help="Only stations whose NET.STA.LOC matches, for example 'NC.*'; may be repeated.",
        rich_help_panel=_WHERE,
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude", metavar="PATTERN", help="No stations that match.", rich_help_panel=_WHERE
    ),
]
StoreText = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="EPICAT_STORE",
        help="Where results are kept: a folder, s3://BUCKET/FOLDER, mongodb://USER@HOST, or @FILE "
        "with one of these in it.",
        rich_help_panel=_WHERE,
    ),
]
Model = Annotated[str, typer.Option(help="SeisBench model.", rich_help_panel=_PICK)]
Weight = Annotated[
    str,
    typer.Option(help="Weights by name, or a .pt file beside its .json.", rich_help_panel=_PICK),
]
PThreshold = Annotated[
    float | None,
    typer.Option(help="P threshold, 0 to 1; default: the weights' own.", rich_help_panel=_PICK),
]
SThreshold = Annotated[
    float | None,
    typer.Option(help="S threshold, 0 to 1; default: the weights' own.", rich_help_panel=_PICK),
]
Recheck = Annotated[
    bool,
    typer.Option(
        "--recheck", help="Look again at days whose objects may have changed.",
        rich_help_panel=_PICK,
    ),
]  # fmt: skip
Velocity = Annotated[
    Path | None,
    typer.Option(
        help="File with depth_km, vp, vs; default: constant velocities.", rich_help_panel=_EVENTS
    ),
]
VelocityLayers = Annotated[
    str,
    typer.Option(help="Rows are a 'gradient' or 'constant' layers.", rich_help_panel=_EVENTS),
]
PVelocity = Annotated[
    float | None, typer.Option(help="Constant P velocity in km/s.", rich_help_panel=_EVENTS)
]
SVelocity = Annotated[
    float | None, typer.Option(help="Constant S velocity in km/s.", rich_help_panel=_EVENTS)
]
MinDepth = Annotated[
    float | None,
    typer.Option(
        "--min-depth", help="Top of the search box, km below sea level.", rich_help_panel=_EVENTS
    ),
]
MaxDepth = Annotated[
    float | None,
    typer.Option("--max-depth", help="Bottom of the search box in km.", rich_help_panel=_EVENTS),
]
Margin = Annotated[
    float | None,
    typer.Option(
        "--margin",
        help="The search box reaches this many km beyond EXTENT; default: 5 % of its diagonal.",
        rich_help_panel=_EVENTS,
    ),
]
SiteRadius = Annotated[
    float,
    typer.Option(help="Stations within this many metres are one site.", rich_help_panel=_EVENTS),
]
BlockHours = Annotated[
    float, typer.Option(help="Length of the association blocks.", rich_help_panel=_EVENTS)
]
Halo = Annotated[
    float | None,
    typer.Option("--halo", help="Seconds of picks read around a block.", rich_help_panel=_EVENTS),
]
Views = Annotated[
    bool,
    typer.Option(
        "--views/--one-view",
        help="Associate three times with other tolerances and keep the best; or once, faster.",
        rich_help_panel=_EVENTS,
    ),
]
PyOcto = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="A parameter of PyOcto, for example n_picks=8; may be repeated.",
        rich_help_panel=_EVENTS,
    ),
]
StationsPerUnit = Annotated[
    int, typer.Option(min=1, help="Stations in a unit of picking.", rich_help_panel=_CUT)
]
DaysPerUnit = Annotated[
    int, typer.Option(min=1, help="Days in a unit of picking.", rich_help_panel=_CUT)
]
WindowDays = Annotated[
    int, typer.Option(min=1, help="Days in a unit of association.", rich_help_panel=_CUT)
]
Columns = Annotated[str, typer.Option(help="'standard' or 'all'.")]


def gather(values: dict[str, Any]) -> Any:
    """Make `epicat.config.Options` of what the command line gave; raise `InputError`."""
    from epicat.config import Options  # noqa: PLC0415 - heavy

    pick = {name: values[name] for name in ("model", "weight", "p_threshold", "s_threshold")}
    where = {
        name: values[name]
        for name in ("archive", "layout", "archive_region", "archive_endpoint", "archive_signed",
                     "stations", "store")
    }  # fmt: skip
    return _validated(Options, {**_asked(values), **where, "pick": pick})


def gather_association(values: dict[str, Any]) -> Any:
    """Make `epicat.stored.AssociationOptions`; raise `InputError`."""
    from epicat.stored import AssociationOptions  # noqa: PLC0415 - heavy

    where = {"store": values["store"], "run": values["design"] or ""}
    return _validated(AssociationOptions, {**_asked(values), **where})


def _asked(values: dict[str, Any]) -> dict[str, Any]:
    """Return what picking and associating have in common."""
    from epicat.geo import Extent  # noqa: PLC0415 - heavy
    from epicat.model import Span  # noqa: PLC0415

    associate = {
        "velocity": str(values["velocity"]) if values["velocity"] else None,
        "velocity_layers": _layers(values["velocity_layers"]),
        "p_velocity": values["p_velocity"],
        "s_velocity": values["s_velocity"],
        "min_depth_km": values["min_depth"],
        "max_depth_km": values["max_depth"],
        "margin_km": values["margin"],
        "site_radius_m": values["site_radius"],
        "block_hours": values["block_hours"],
        "halo_s": values["halo"],
        "views": values["views"],
        "pyocto": _pyocto(values["pyocto"] or ()),
    }
    return {
        "span": Span.parse(values["start"], values["end"]),
        "extent": Extent.parse(values["extent"]),
        "select": tuple(values["select"] or ()),
        "exclude": tuple(values["exclude"] or ()),
        "associate": associate,
    }


def _validated(kind: Any, values: dict[str, Any]) -> Any:
    from pydantic import ValidationError  # noqa: PLC0415 - heavy

    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{name}: {first['msg']}, not {first['input']!r}") from error


def _layers(text: str) -> str:
    if text not in ("gradient", "constant"):
        raise NameChoiceError("kind of velocity layers", text, ["gradient", "constant"])
    return text


def _pyocto(assignments: Sequence[str]) -> dict[str, Any]:
    from epicat.associate.options import PyOctoOptions  # noqa: PLC0415 - heavy

    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise InputError(f"--pyocto {assignment!r}: write NAME=VALUE, for example n_picks=8")
        if name.strip() not in PyOctoOptions.model_fields:
            raise NameChoiceError("PyOcto parameter", name.strip(), PyOctoOptions.model_fields)
        try:
            values[name.strip()] = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"--pyocto {assignment!r}: {text!r} is no number") from error
    return values
