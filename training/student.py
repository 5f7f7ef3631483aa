"""The student: its architecture and its metadata for SeisBench."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import torch

__all__ = ["ARCHITECTURE", "BLINDING", "load_student", "new_student", "write_pair"]

ARCHITECTURE: Final = "PhaseNet"
"""SeisBench's class of the student."""
BLINDING: Final = 250
"""Samples at a window's ends that are not used, as for PhaseNet `original`."""

_ARGUMENTS: Final[dict[str, Any]] = {
    "phases": "NPS",
    "sampling_rate": 100,
    "norm": "std",
}

_ABOUT: Final = (
    "The small picker of epicat, for quick looks: --model epicat-mini. MIT licence.\n"
    "PhaseNet's architecture, trained from random weights on synthetic earthquakes, on real ones "
    "of Northern California and on noise, towards known onsets and the probabilities of PhaseNet "
    "'original'. How, on what, how well and what it is not for: docs/howto/models.md of epicat."
)


def new_student(architecture: str = ARCHITECTURE) -> Any:
    """Return an untrained SeisBench model; torch's random seed determines its weights."""
    import seisbench.models

    return getattr(seisbench.models, architecture)(component_order="ZNE", **_ARGUMENTS)


def load_student(stem: Path, architecture: str = ARCHITECTURE) -> Any:
    """Return the SeisBench model of ``stem.pt`` and ``stem.json``."""
    import seisbench.models

    return getattr(seisbench.models, architecture).load(stem)


def write_pair(model: Any, stem: Path, thresholds: dict[str, float]) -> Path:
    """Write weights in SeisBench's format, ``stem.pt`` and ``stem.json``; return the former."""
    weights = stem.with_name(stem.name + ".pt")
    torch.save({name: _small(name, value) for name, value in model.state_dict().items()}, weights)
    about = {
        "docstring": _ABOUT,
        "model_args": {"component_order": "ZNE", "in_channels": 3, "classes": 3, **_ARGUMENTS},
        "seisbench_requirement": "0.12.0",
        "version": "1",
        "default_args": {
            "overlap": 1500,
            "blinding": [BLINDING, BLINDING],
            **{f"{phase}_threshold": value for phase, value in thresholds.items()},
        },
    }
    text = json.dumps(about, indent=4) + "\n"
    stem.with_name(stem.name + ".json").write_text(text, encoding="utf-8")
    return weights


def _small(name: str, values: torch.Tensor) -> torch.Tensor:
    """Return values in 16 bits if these represent them exactly."""
    half = values.half()
    exact = values.is_floating_point() and bool((half.float() == values).all())
    return half if exact and not name.endswith("running_var") else values
