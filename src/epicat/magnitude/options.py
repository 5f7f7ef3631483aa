"""How to compute magnitudes: what a user may set."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from epicat._util.option_models import Shown

__all__ = ["MagnitudeOptions", "MagnitudeSection"]


class MagnitudeOptions(BaseModel):
    """What decides a magnitude apart from places, amplitudes and station corrections."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    law: str = Field(
        default="iaspei",
        description="Magnitude law: a name (see `epicat magnitudes laws`), or the coefficients "
        "LOG_SLOPE,SLOPE,CONSTANT of ML = log10(A) + LOG_SLOPE log10(R) + SLOPE R + CONSTANT, with "
        "A in mm on a Wood-Anderson seismograph of gain 2080 and R in km.  A is the mean of the "
        "horizontals, unless ,maximum or ,vertical follows.",
        examples=["california", "1.11,0.00189,0.591"],
    )
    least_snr: float = Field(
        default=1.75,
        gt=1,
        description="Amplitudes below this multiple of the largest noise are upper bounds.",
    )
    least_stations: int = Field(
        default=4, ge=1, description="Stations with an amplitude that a magnitude needs."
    )

    @field_validator("law")
    @classmethod
    def _is_known(cls, law: str) -> str:
        from epicat.magnitude.laws import law_named

        law_named(law)
        return law


class MagnitudeSection(MagnitudeOptions):
    """Whether, and how, a campaign computes magnitudes."""

    magnitudes: Annotated[bool, Shown(negative="--no-magnitudes")] = Field(
        default=True,
        description="Compute local magnitudes where the instrument responses are known.",
    )

    @property
    def options(self) -> MagnitudeOptions:
        """What decides the magnitudes."""
        return MagnitudeOptions(**self.model_dump(exclude={"magnitudes"}))
