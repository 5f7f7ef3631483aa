"""The networks that are built here, with their arguments and SeisBench's defaults of these.

An argument comes from the weights' metadata; nothing depends on the name of the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from epicat.errors import ModelError
from epicat.pick.metadata import NetworkArguments
from epicat.pick.networks.eqtransformer import EQTransformer
from epicat.pick.networks.gpd import CLASSIFIED, SAMPLES, curve_samples, gpd, gpd_curve
from epicat.pick.networks.layers import shape_of
from epicat.pick.networks.normalization import Normalization, cosine_taper
from epicat.pick.networks.parameters import Parameters
from epicat.pick.networks.phasenet import phasenet, phasenet_light, variable_length_phasenet
from epicat.pick.weights.files import WeightFiles

__all__ = ["ARCHITECTURES", "Architecture", "network_arguments"]

_COMMON: Final[Mapping[str, Any]] = {
    "in_channels": 3,
    "sampling_rate": 100,
    "component_order": "ZNE",
    "filter_args": None,
    "filter_kwargs": None,
    "grouping": "instrument",
    "allow_padding": False,
    "default_args": None,
}
_NORMALIZED: Final[Mapping[str, Any]] = {"norm_amp_per_comp": False, "norm_detrend": False}
_PHASENET: Final[Mapping[str, Any]] = {
    **_COMMON,
    **_NORMALIZED,
    "classes": 3,
    "phases": "NPS",
    "norm": "std",
}
_PHASENET_ANNOTATE: Final[Mapping[str, Any]] = {
    "overlap": 1500,
    "stacking": "avg",
    "blinding": (0, 0),
    "*_threshold": 0.3,
}
_VARIABLE_LENGTH: Final[Mapping[str, Any]] = {
    **_COMMON,
    "in_samples": 600,
    "classes": 3,
    "phases": "PSN",
    "norm": "peak",
    "norm_axis": (-1,),
    "output_activation": "softmax",
    "empty": False,
}
_EQTRANSFORMER: Final[Mapping[str, Any]] = {
    **_COMMON,
    **_NORMALIZED,
    "in_samples": 6000,
    "classes": 2,
    "phases": "PS",
    "lstm_blocks": 3,
    "drop_rate": 0.1,
    "original_compatible": False,
    "norm": "std",
}
_EQTRANSFORMER_ANNOTATE: Final[Mapping[str, Any]] = {
    "overlap": 3000,
    "stacking": "max",
    "blinding": (500, 500),
    "*_threshold": 0.1,
}
_GPD: Final[Mapping[str, Any]] = {
    **_COMMON,
    "classes": 3,
    "phases": None,
    "eps": 1e-10,
    "pred_sample": 200,
    "original_compatible": False,
}
_PHASENET_SAMPLES: Final = 3001
_LONGEST_STRIDE: Final = 100
_TAPER_SAMPLES: Final = 6
_DIMENSIONS: Final = 3
_ORIGINAL_MODES: Final = (True, "conservative", "non-conservative")
_ORIGINAL_SAMPLES: Final = 6000
_NEWEST_SEISBENCH: Final = (0, 12)
"""The version of SeisBench whose arguments are understood here."""

Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Architecture:
    """A class of networks."""

    defaults: Mapping[str, Any]
    """Every argument that its weights may have, with its default."""
    annotate: Mapping[str, Any]
    """The class's own overlap, stacking, blinding and threshold."""
    build: Callable[[Any, Parameters, Arguments], Any]
    """From windows (batch, components, samples) of counts to probabilities."""
    samples: int | None = None
    """Length of a window, where it is not an argument."""
    is_classifier: bool = False
    """Whether it gives one probability for a window."""
    has_detections: bool = False
    """Whether a row of detections comes before those of the phases."""


def network_arguments(
    architecture: Architecture, files: WeightFiles
) -> tuple[Arguments, NetworkArguments]:
    """Return a network's own arguments and those that tell how to pick with it.

    Raises `ModelError` if the metadata has an argument that is unknown or cannot be used.
    """
    metadata = files.read_metadata()
    _check_requirement(metadata.get("seisbench_requirement"), files)
    given = _mapping(metadata, "model_args", files)
    if unknown := sorted(set(given) - set(architecture.defaults)):
        raise _error(files, f"unknown arguments {', '.join(unknown)}")
    arguments = {**architecture.defaults, **given}
    labels = _labels(arguments["phases"], files)
    if len(labels) != arguments["classes"]:
        raise _error(files, f"{len(labels)} phases for {arguments['classes']} classes")
    if len(arguments["component_order"] or "") != arguments["in_channels"]:
        raise _error(
            files,
            f"the components {arguments['component_order']!r} for {arguments['in_channels']} "
            "channels",
        )
    if arguments["grouping"] not in ("instrument", None):
        raise _error(files, f"grouping {arguments['grouping']!r}; epicat groups by instrument")
    own = metadata.get("default_args") if "default_args" in metadata else given.get("default_args")
    annotate = {**architecture.annotate, **(own or {})}
    step = 1
    if architecture.is_classifier:
        step, annotate = _curve(arguments, annotate, files)
        arguments = {**arguments, "stride": step}
    return arguments, NetworkArguments(
        sampling_rate=arguments["sampling_rate"],
        in_samples=curve_samples(step)
        if architecture.is_classifier
        else _samples(architecture, arguments, files),
        labels=["Detection", *labels] if architecture.has_detections else labels,
        component_order=arguments["component_order"],
        filter_args=arguments["filter_args"],
        filter_kwargs=arguments["filter_kwargs"],
        annotate=annotate,
        step=step,
    )


def _curve(
    arguments: Arguments, annotate: Arguments, files: WeightFiles
) -> tuple[int, dict[str, Any]]:
    """Return the stride of a classifier, and how the windows of its curve overlap."""
    stride, first = annotate["stride"], arguments["pred_sample"]
    if type(stride) is not int or not 1 <= stride <= _LONGEST_STRIDE:
        raise _error(files, f"stride {stride!r}, which is not 1 to {_LONGEST_STRIDE} samples")
    if type(first) is not int or not 0 <= first <= SAMPLES - stride:
        raise _error(files, f"pred_sample {first!r}")
    samples, covered = curve_samples(stride), CLASSIFIED * stride
    blinding = (first, samples - first - covered)
    return stride, {**annotate, "overlap": samples - covered, "blinding": blinding}


def _check_requirement(required: Any, files: WeightFiles) -> None:
    parts = str(required or "0").split(".")[:2]
    if all(part.isdecimal() for part in parts) and tuple(map(int, parts)) > _NEWEST_SEISBENCH:
        newest = ".".join(map(str, _NEWEST_SEISBENCH))
        raise _error(files, f"they require SeisBench {required}; epicat reads those up to {newest}")


def _mapping(metadata: Mapping[str, Any], name: str, files: WeightFiles) -> Mapping[str, Any]:
    found = metadata.get(name, {})
    if not isinstance(found, Mapping):
        raise _error(files, f"{name} is not a JSON object")
    return found


def _labels(phases: Any, files: WeightFiles) -> list[str]:
    if not isinstance(phases, str | list) or not all(isinstance(one, str) for one in phases):
        raise _error(files, f"phases {phases!r}")
    return list(phases)


def _samples(architecture: Architecture, arguments: Arguments, files: WeightFiles) -> int:
    samples = architecture.samples or arguments["in_samples"]
    if type(samples) is not int or not 1 < samples <= 1_000_000:
        raise _error(files, f"in_samples {samples!r}")
    return samples


def _error(files: WeightFiles, reason: str) -> ModelError:
    return ModelError(f"weights {str(files.metadata)!r} cannot be used: {reason}")


def _normalization(arguments: Arguments, *, std_axes: tuple[int, ...]) -> Normalization:
    """Return how PhaseNet and EQTransformer normalize.

    Both take the largest value of each component; their standard deviations differ in the axes.
    """
    is_detrended = bool(arguments["norm_detrend"])
    if arguments["norm_amp_per_comp"] or arguments["norm"] == "peak":
        return Normalization("peak", (2,), is_detrended)
    if arguments["norm"] == "std":
        return Normalization("std", std_axes, is_detrended)
    return Normalization("", detrend=is_detrended)  # SeisBench takes any other value for none


def _phasenet(windows: Any, parameters: Parameters, arguments: Arguments) -> Any:
    normalized = _normalization(arguments, std_axes=(2,))(windows)
    return phasenet(normalized, parameters, arguments["classes"], arguments["filter_factor"])


def _phasenet_light(windows: Any, parameters: Parameters, arguments: Arguments) -> Any:
    normalized = _normalization(arguments, std_axes=(2,))(windows)
    return phasenet_light(normalized, parameters, arguments["classes"])


def _variable_length(windows: Any, parameters: Parameters, arguments: Arguments) -> Any:
    axes = arguments["norm_axis"]
    if not axes or not all(
        type(a) is int and a % _DIMENSIONS and abs(a) < _DIMENSIONS for a in axes
    ):
        raise parameters.error(f"norm_axis {axes!r}, which is not components or samples")
    if (activation := arguments["output_activation"]) not in ("softmax", "sigmoid"):
        raise parameters.error(f"output_activation {activation!r}")
    scale = {"std": "std", "peak": "peak"}.get(arguments["norm"], "")
    normalization = Normalization(scale, tuple(sorted({a % _DIMENSIONS for a in axes})))
    return variable_length_phasenet(
        normalization(windows), parameters, arguments["classes"], activation
    )


def _eqtransformer(windows: Any, parameters: Parameters, arguments: Arguments) -> Any:
    normalized = _normalization(arguments, std_axes=(1, 2))(windows)
    mode = arguments["original_compatible"]
    if mode and mode not in _ORIGINAL_MODES:
        raise parameters.error(f"original_compatible {mode!r}")
    if mode and shape_of(windows)[2] != _ORIGINAL_SAMPLES:
        raise parameters.error(
            f"original_compatible {mode!r} takes windows of {_ORIGINAL_SAMPLES} samples"
        )
    network = EQTransformer(
        parameters,
        phases=arguments["classes"],
        lstm_blocks=arguments["lstm_blocks"],
        is_original=bool(mode),
        has_hard_gates=mode == "conservative",
    )
    return network(cosine_taper(normalized, _TAPER_SAMPLES))


def _gpd(windows: Any, parameters: Parameters, arguments: Arguments) -> Any:
    def classify(parts: Any) -> Any:
        is_original = bool(arguments["original_compatible"])
        return gpd(parts, parameters, arguments["classes"], is_original=is_original)

    normalization = Normalization("peak", (1, 2), small=arguments["eps"])
    return gpd_curve(
        windows, arguments["stride"], arguments["pred_sample"], normalization, classify
    )


ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    "PhaseNet": Architecture(
        {**_PHASENET, "filter_factor": 1}, _PHASENET_ANNOTATE, _phasenet, _PHASENET_SAMPLES
    ),
    "PhaseNetLight": Architecture(
        _PHASENET, _PHASENET_ANNOTATE, _phasenet_light, _PHASENET_SAMPLES
    ),
    "VariableLengthPhaseNet": Architecture(
        _VARIABLE_LENGTH, {**_PHASENET_ANNOTATE, "overlap": 0.5}, _variable_length
    ),
    "LFEDetect": Architecture(
        _VARIABLE_LENGTH, {**_PHASENET_ANNOTATE, "overlap": 0.5}, _variable_length
    ),
    "EQTransformer": Architecture(
        _EQTRANSFORMER, _EQTRANSFORMER_ANNOTATE, _eqtransformer, has_detections=True
    ),
    "GPD": Architecture(
        _GPD,
        {"stride": 10, "stacking": "avg", "*_threshold": 0.7},
        _gpd,
        is_classifier=True,
    ),
    "OBSTransformer": Architecture(
        {**_EQTRANSFORMER, "lstm_blocks": 2, "original_compatible": "non-conservative"},
        _EQTRANSFORMER_ANNOTATE,
        _eqtransformer,
        has_detections=True,
    ),
}
"""The networks that need no PyTorch."""
