"""Read off a model of SeisBench what it takes to pick with it, or why epicat cannot.

SeisBench keeps part of it in the class, part in the weights' ``.json`` file.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from importlib.metadata import version
from itertools import product
from typing import Any, Final

from epicat.errors import ModelError
from epicat.model import Filter
from epicat.pick.picker import PickerInfo
from epicat.pick.seisbench.weights import WeightFiles

__all__ = ["describe"]

_HORIZONTALS: Final = str.maketrans("12", "NE")
_PICKED: Final = "PS"
_LEFT_OUT: Final = frozenset({"N", "Detection", "Polarity_U", "Polarity_D"})
"""Rows of probabilities that are no arrivals."""

_CORNERS: Final = {"bandpass": ("freqmin", "freqmax"), "highpass": ("freq",), "lowpass": ("freq",)}
"""The filters that epicat applies, and what ObsPy calls their corners."""
_LOWEST_NYQUIST_HZ: Final = 5.0
"""Channels of 10 Hz are picked: a filter must leave something of them."""

_BANDS: Final = "FGDCESHBMLVU"
_MOTION, _PRESSURE = "HNLPG", "D"


def describe(model: Any, files: WeightFiles) -> PickerInfo:
    """Return what is known about a loaded model; raise `ModelError` if epicat cannot use it."""
    if lacking := _lacking(model):
        raise ModelError(f"weights {str(files.weights)!r} need {lacking}; epicat cannot use them")
    try:
        return _described(model, files)
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"weights {str(files.metadata)!r} cannot be used: {reason}") from error


def _lacking(model: Any) -> str:
    """Tell what a model needs that epicat does not have, if anything."""
    if model.output_type != "array" or tuple(model.pred_sample) != (0, model.in_samples):
        return f"an output of type {model.output_type} for samples {model.pred_sample}"
    order = "".join(model.component_order or "?").translate(_HORIZONTALS)
    if not set(order) <= set("ZNEH") or len(set(order)) < len(order):
        return f"the components {', '.join(model.component_order or 'one by one')}"
    labels = list(model.labels)
    if not set(_PICKED).intersection(labels) or not set(labels) <= {*_PICKED, *_LEFT_OUT}:
        return f"the phases {', '.join(map(str, labels))}"
    try:
        _filters(model)
    except ValueError as error:
        return f"a filter that epicat does not have: {error}"
    return ""


def _described(model: Any, files: WeightFiles) -> PickerInfo:
    phases = tuple(model.labels)
    arguments: dict[str, Any] = dict(model.default_args)
    known: Mapping[str, tuple[str, Any]] = model._annotate_args
    overlap = _argument(arguments, known, "overlap")
    weights_sha256, metadata_sha256 = files.sha256
    return PickerInfo(
        model=files.model,
        weight=files.weight,
        sampling_rate=float(model.sampling_rate),
        samples=int(model.in_samples),
        phases=phases,
        component_order="".join(model.component_order).translate(_HORIZONTALS),
        filters=_filters(model),
        overlap=int(overlap * model.in_samples) if 0 < overlap < 1 else int(overlap),
        blinding=tuple(_argument(arguments, known, "blinding")),
        stacking=_argument(arguments, known, "stacking").lower(),
        thresholds={p: _threshold(arguments, known, p) for p in phases if p in _PICKED},
        weights_sha256=weights_sha256,
        metadata_sha256=metadata_sha256,
        made_with={name: version(name) for name in ("seisbench", "torch", "openvino")},
        version=files.version,
        about=files.about,
    )


def _argument(own: Mapping[str, Any], known: Mapping[str, tuple[str, Any]], name: str) -> Any:
    general = (0, 0) if name == "blinding" else None
    return own[name] if name in own else known[name][1] if name in known else general


def _threshold(own: Mapping[str, Any], known: Mapping[str, tuple[str, Any]], phase: str) -> float:
    name = f"{phase}_threshold"
    general = known["*_threshold"][1] if "*_threshold" in known else 0.3
    return float(own.get(name, known[name][1] if name in known else general))


def _filters(model: Any) -> dict[str, Filter]:
    """Return the filter of each component; raise ValueError for what epicat does not have."""
    given, options = model.filter_args, model.filter_kwargs
    if not given and not options:
        return {}
    letters = "".join(model.component_order)
    if not isinstance(given, Mapping):
        same = _filter(given, options)
        return dict.fromkeys(letters.translate(_HORIZONTALS), same)
    found: dict[str, Filter] = {}
    for pattern, one in given.items():
        how = _filter(one, (options or {}).get(pattern))
        for letter in letters:
            if _means(pattern, letter):
                name = letter.translate(_HORIZONTALS)
                if name in found:
                    raise ValueError(f"two filters for component {letter}")
                found[name] = how
    return found


def _filter(given: Any, options: Mapping[str, Any] | None) -> Filter:
    names = list(given or ())
    rest = dict(options or {})
    corners, zerophase = int(rest.pop("corners", 4)), bool(rest.pop("zerophase", False))
    if len(names) != 1 or names[0] not in _CORNERS or set(rest) != set(_CORNERS[names[0]]):
        raise ValueError(f"{names} with {dict(options or {})}")
    (kind,) = names
    frequencies = [float(rest[name]) for name in _CORNERS[kind]]
    low = None if kind == "lowpass" else frequencies[0]
    high = None if kind == "highpass" else frequencies[-1]
    if (low or 0.0) >= _LOWEST_NYQUIST_HZ or sorted(set(frequencies)) != frequencies:
        raise ValueError(f"a {kind} with corners at {frequencies} Hz")
    if min(frequencies) <= 0 or corners < 1:
        raise ValueError(f"a {kind} with corners at {frequencies} Hz of order {corners}")
    return Filter(kind, low, high, corners, zerophase)


def _means(pattern: str, letter: str) -> bool:
    """Tell whether a pattern for channel codes, such as ``??H``, is about a component."""
    instruments = _PRESSURE if letter == "H" else _MOTION
    codes = ["".join(parts) for parts in product(_BANDS, instruments, letter)]
    matches = {fnmatchcase(code, pattern.upper()) for code in codes}
    if len(matches) > 1:
        raise ValueError(f"channels {pattern!r} are some of component {letter}, but not all")
    return matches.pop()
