"""How to pick: what a user may set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from epicat._util.option_models import Place, Shown

__all__ = ["Bits", "PickOptions", "Precision"]

Bits = Literal["f32", "f16", "bf16"]
"""Numbers that a model is computed in, by their bits."""

Precision = Literal["f32", "mixed", "f16", "bf16"]
"""How exactly to pick: ``mixed`` looks in fewer bits, and picks in 32 where picks may be."""


def _is_name(weight: str) -> bool:
    path = Path(weight)
    return not path.suffix and len(path.parts) == 1


class PickOptions(BaseModel):
    """How to pick."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    model: str = Field(default="PhaseNet", description="SeisBench model, or epicat-mini.")
    weight: Annotated[str, Place(_is_name), Shown(alias="--weights")] = Field(
        default="original",
        description="Weights by SeisBench's name, or a .pt file beside its .json.",
    )
    p_threshold: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Probability that a P pick must reach; default: the weights' own, else the "
        "model's.",
        examples=[0.3],
    )
    s_threshold: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Probability that an S pick must reach; default: the weights' own, else the "
        "model's.",
        examples=[0.3],
    )
    precision: Precision = Field(
        default="f32",
        description="Numbers to compute in: f32 gives SeisBench's picks; mixed looks in fewer bits "
        "and computes in f32 where picks may be; f16 and bf16 give slightly other picks, and only "
        "on machines that have them.",
    )
