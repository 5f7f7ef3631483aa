"""SeisBench's models: which of them epicat runs, and why not the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from epicat.errors import InputError, NameChoiceError
from epicat.pick.builtin import SHIPPED

__all__ = ["MODELS", "PICKBLUE", "PICKERS", "Kind", "check_model"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What epicat does with a model of SeisBench."""

    remark: str = ""
    """What there is to know about picking with it."""
    refused: str = ""
    """Why it is not run; empty if it is."""


_DETECTS = Kind(refused="it detects earthquakes and picks no P or S")
_DENOISES = Kind(refused="it takes noise off waveforms and picks nothing")
_DAS = Kind(refused="it is for arrays of fibre-optic channels, not for seismometers")
_STATIONS = Kind(refused="it looks at many stations at once; epicat picks station by station")
_UNFINISHED = Kind(refused="SeisBench itself cannot run it over continuous waveforms")

MODELS: Final[Mapping[str, Kind]] = {
    "PhaseNet": Kind("variants such as PhaseNetWC and DiTing (50 Hz) are weights of it"),
    "PhaseNetLight": Kind(),
    "VariableLengthPhaseNet": Kind(),
    "LFEDetect": Kind("low-frequency earthquakes"),
    "EQTransformer": Kind("detections are not kept"),
    "OBSTransformer": Kind("ocean bottom; detections are not kept"),
    "PickBlue": Kind("ocean bottom, with a hydrophone; its weights are phasenet and eqtransformer"),
    "EQTP": Kind("polarities are not kept"),
    "EQCCTP": Kind("picks P alone: set PyOcto's n_s_picks and n_p_and_s_picks to 0"),
    "EQCCTS": Kind("picks S alone: set PyOcto's n_p_picks and n_p_and_s_picks to 0"),
    "Skynet": Kind("weights for P and S; those for Pn, Pg, Sn and Sg are refused"),
    "BasicPhaseAE": Kind(),
    "GPD": Kind(
        refused="it gives one probability for a window, not a curve: 860,000 windows a day"
    ),
    "CRED": _DETECTS,
    "DKPN": Kind(
        refused="it wants running averages of the whole waveform, which depend on where it was cut"
    ),
    "DPPDetector": _UNFINISHED,
    "DPPPicker": _UNFINISHED,
    "DeepPhasePick": _UNFINISHED,
    "DeepDenoiser": _DENOISES,
    "SeisDAE": _DENOISES,
    "DepthPhaseNet": Kind(refused="it picks depth phases of known distant earthquakes, and no S"),
    "DepthPhaseTEAM": _STATIONS,
    "PhaseTEAM": _STATIONS,
    "DeepSubDAS": _DAS,
    "DASWaveformModelWrapper": _DAS,
}
"""What SeisBench 0.12 offers."""

PICKERS: Final = tuple(name for name, kind in MODELS.items() if not kind.refused)
"""The models that epicat runs."""

PICKBLUE: Final[Mapping[str, tuple[str, str]]] = {
    "phasenet": ("PhaseNet", "obs"),
    "eqtransformer": ("EQTransformer", "obs"),
}
"""What the weights of PickBlue are to SeisBench: a model and the name of weights."""


def check_model(name: str) -> None:
    """Raise `InputError` for a model that is not there or cannot pick, with what can."""
    if name not in MODELS:
        raise NameChoiceError("model", name, (*PICKERS, SHIPPED))
    if MODELS[name].refused:
        raise InputError(
            f"model {name!r} cannot pick for epicat: {MODELS[name].refused}. "
            f"Choose from {', '.join(sorted((*PICKERS, SHIPPED)))}"
        )
