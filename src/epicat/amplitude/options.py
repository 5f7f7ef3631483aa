"""Which amplitudes to measure: what a user may set."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from epicat._util.option_models import Place, Shown

__all__ = ["AmplitudeOptions", "ResponseOptions"]


def _is_service(name: str) -> bool:
    from epicat.archive.registry import DATA_CENTERS

    return name.casefold() in DATA_CENTERS or name.startswith(("http://", "https://", "s3://"))


class ResponseOptions(BaseModel):
    """Where the responses of instruments come from."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    responses: Annotated[str | None, Place(_is_service)] = Field(
        default=None,
        description="StationXML with responses: a file, a folder, s3://BUCKET/PREFIX, or an FDSN "
        "web service by URL or name.  Default: the station list, if it is one of these.",
        examples=["stations.xml"],
    )
    flat_response: Annotated[tuple[str, ...], Shown(metavar="CHANNELS=GAIN")] = Field(
        default=(),
        description="Response of channels that have none in the metadata, without frequency "
        "dependence: NET.STA.LOC.CHA=GAIN with * and ?, in counts per m/s, or GAIN:M/S**2.",
        examples=[["XX.*.*.HH?=6.3e8"]],
    )


class AmplitudeOptions(ResponseOptions):
    """Whether a campaign measures amplitudes, and with which responses."""

    amplitudes: Annotated[bool, Shown(negative="--no-amplitudes")] = Field(
        default=True,
        description="Measure Wood-Anderson amplitudes while picking, if responses are known.",
    )
