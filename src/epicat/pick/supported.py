"""SeisBench's models: which of them epicat runs, what that takes, and why not the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from epicat.errors import InputError, NameChoiceError
from epicat.pick.builtin import BUILTIN

__all__ = ["MODELS", "PICKBLUE", "PICKERS", "ModelSupport", "check_model"]


@dataclass(frozen=True, slots=True)
class ModelSupport:
    """What epicat does with a model of SeisBench."""

    remark: str = ""
    """What there is to know about picking with it."""
    refused: str = ""
    """Why it is not run; empty if it is."""
    needs_seisbench: bool = False
    """Whether SeisBench and PyTorch compile it; epicat builds the others by itself."""


_DETECTS = ModelSupport(refused="it detects earthquakes and picks no P or S")
_DENOISES = ModelSupport(refused="it removes noise from waveforms and picks nothing")
_DAS = ModelSupport(refused="it is for arrays of fibre-optic channels, not for seismometers")
_STATIONS = ModelSupport(refused="it sees many stations at once; epicat picks station by station")
_UNFINISHED = ModelSupport(refused="SeisBench itself cannot run it over continuous waveforms")

MODELS: Final[Mapping[str, ModelSupport]] = {
    "PhaseNet": ModelSupport("variants such as PhaseNetWC and DiTing (50 Hz) are weights of it"),
    "PhaseNetLight": ModelSupport(),
    "VariableLengthPhaseNet": ModelSupport(),
    "LFEDetect": ModelSupport("low-frequency earthquakes"),
    "EQTransformer": ModelSupport("detections are not kept"),
    "OBSTransformer": ModelSupport("ocean bottom; detections are not kept"),
    "PickBlue": ModelSupport(
        "ocean bottom, with a hydrophone; its weights are phasenet and eqtransformer"
    ),
    "EQTP": ModelSupport("polarities are not kept", needs_seisbench=True),
    "EQCCTP": ModelSupport(
        "picks P alone: set PyOcto's n_s_picks and n_p_and_s_picks to 0", needs_seisbench=True
    ),
    "EQCCTS": ModelSupport(
        "picks S alone: set PyOcto's n_p_picks and n_p_and_s_picks to 0", needs_seisbench=True
    ),
    "Skynet": ModelSupport(
        "weights for P and S; those for Pn, Pg, Sn and Sg are refused", needs_seisbench=True
    ),
    "BasicPhaseAE": ModelSupport(needs_seisbench=True),
    "GPD": ModelSupport("slow: classifies 860,000 windows a day, some minutes of work"),
    "CRED": _DETECTS,
    "DKPN": ModelSupport(
        refused="it needs running averages of all waveforms, which depend on where these begin"
    ),
    "DPPDetector": _UNFINISHED,
    "DPPPicker": _UNFINISHED,
    "DeepPhasePick": _UNFINISHED,
    "DeepDenoiser": _DENOISES,
    "SeisDAE": _DENOISES,
    "DepthPhaseNet": ModelSupport(
        refused="it picks depth phases of known distant earthquakes, and no S"
    ),
    "DepthPhaseTEAM": _STATIONS,
    "PhaseTEAM": _STATIONS,
    "DeepSubDAS": _DAS,
    "DASWaveformModelWrapper": _DAS,
}
"""What SeisBench 0.12 offers."""

PICKERS: Final = tuple(name for name, support in MODELS.items() if not support.refused)
"""The models that epicat runs."""

PICKBLUE: Final[Mapping[str, tuple[str, str]]] = {
    "phasenet": ("PhaseNet", "obs"),
    "eqtransformer": ("EQTransformer", "obs"),
}
"""What SeisBench uses for the weights of PickBlue: a model and the name of weights."""


def check_model(name: str) -> None:
    """Raise `InputError` for a model that does not exist or cannot pick, with the choices."""
    if name not in MODELS:
        raise NameChoiceError("model", name, (*PICKERS, BUILTIN))
    if MODELS[name].refused:
        raise InputError(
            f"model {name!r} cannot pick for epicat: {MODELS[name].refused}. "
            f"Choose from {', '.join(sorted((*PICKERS, BUILTIN)))}"
        )
