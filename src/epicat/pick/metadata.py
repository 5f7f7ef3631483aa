"""From a network's arguments to the description of a picker, or the reason why there is none.

SeisBench keeps part of what it takes in the class of a model, part in the weights' ``.json`` file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product
from typing import Any, Final

from epicat.errors import ModelError
from epicat.model import Filter
from epicat.pick.picker import PickerInfo
from epicat.pick.weights.files import WeightFiles

__all__ = ["NetworkArguments", "describe"]

_NORTH_EAST: Final = str.maketrans("12", "NE")
_PICKED: Final = "PS"
_NOT_PICKED: Final = frozenset({"N", "Detection", "Polarity_U", "Polarity_D"})
"""Rows of probabilities that are not arrivals."""

_CORNERS: Final = {"bandpass": ("freqmin", "freqmax"), "highpass": ("freq",), "lowpass": ("freq",)}
"""The filters that epicat applies, and ObsPy's names of their corner frequencies."""
_LOWEST_NYQUIST_HZ: Final = 5.0
"""Channels of 10 Hz are picked: a filter must leave something of them."""

_BANDS: Final = "FGDCESHBMLVU"
_MOTION, _PRESSURE = "HNLPG", "D"


@dataclass(frozen=True, slots=True)
class NetworkArguments:
    """What the weights' metadata and the class of a network say, as SeisBench names it."""

    sampling_rate: float
    """Samples a second."""
    in_samples: int
    """Length of a window."""
    labels: Sequence[str]
    """The meaning of each row of probabilities."""
    component_order: Sequence[str]
    """The components of a window; 1 and 2 stand for north and east."""
    filter_args: Any
    """Name of the filter, or names by component."""
    filter_kwargs: Any
    """Arguments of the filter, or arguments by component."""
    annotate: Mapping[str, Any]
    """``overlap``, ``blinding``, ``stacking`` and thresholds, those of the weights included."""
    step: int = 1
    """Samples for which one probability stands."""


def describe(
    arguments: NetworkArguments, files: WeightFiles, made_with: Mapping[str, str]
) -> PickerInfo:
    """Return the description of a picker; raise `ModelError` if epicat cannot use it."""
    if unsupported := _unsupported(arguments):
        raise ModelError(
            f"weights {str(files.weights)!r} need {unsupported}, which epicat does not support"
        )
    try:
        return _described(arguments, files, made_with)
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"weights {str(files.metadata)!r} cannot be used: {reason}") from error


def _unsupported(arguments: NetworkArguments) -> str:
    """Return what a network needs that epicat lacks, if anything."""
    order = "".join(arguments.component_order or "?").translate(_NORTH_EAST)
    if not set(order) <= set("ZNEH") or len(set(order)) < len(order):
        return f"the components {', '.join(arguments.component_order or 'one by one')}"
    labels = list(arguments.labels)
    if not set(_PICKED).intersection(labels) or not set(labels) <= {*_PICKED, *_NOT_PICKED}:
        return f"the phases {', '.join(map(str, labels))}"
    try:
        _filters(arguments)
    except (TypeError, ValueError) as error:
        return f"a filter ({error})"
    return ""


def _described(
    arguments: NetworkArguments, files: WeightFiles, made_with: Mapping[str, str]
) -> PickerInfo:
    annotate = arguments.annotate
    overlap, samples = annotate["overlap"], int(arguments.in_samples)
    weights_sha256, metadata_sha256 = files.sha256
    return PickerInfo(
        model=files.model,
        weight=files.weight,
        sampling_rate=float(arguments.sampling_rate),
        samples=samples,
        phases=tuple(arguments.labels),
        component_order="".join(arguments.component_order).translate(_NORTH_EAST),
        filters=_filters(arguments),
        overlap=int(overlap * samples) if 0 < overlap < 1 else int(overlap),
        blinding=tuple(annotate.get("blinding", (0, 0))),
        stacking=annotate["stacking"].lower(),
        thresholds={p: _threshold(annotate, p) for p in arguments.labels if p in _PICKED},
        weights_sha256=weights_sha256,
        metadata_sha256=metadata_sha256,
        made_with=dict(made_with),
        step=arguments.step,
        version=files.version,
        about=files.about,
    )


def _threshold(annotate: Mapping[str, Any], phase: str) -> float:
    return float(annotate.get(f"{phase}_threshold", annotate["*_threshold"]))


def _filters(arguments: NetworkArguments) -> dict[str, Filter]:
    """Return the filter of each component; raise ValueError for those that epicat lacks."""
    given, options = arguments.filter_args, arguments.filter_kwargs
    if not given and not options:
        return {}
    letters = "".join(arguments.component_order)
    if not isinstance(given, Mapping):
        same = _filter(given, options)
        return dict.fromkeys(letters.translate(_NORTH_EAST), same)
    found: dict[str, Filter] = {}
    for pattern, one in given.items():
        one_filter = _filter(one, (options or {}).get(pattern))
        for letter in letters:
            if _matches(pattern, letter):
                name = letter.translate(_NORTH_EAST)
                if name in found:
                    raise ValueError(f"two filters for component {letter}")
                found[name] = one_filter
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


def _matches(pattern: str, letter: str) -> bool:
    """Return whether a pattern for channel codes, such as ``??H``, matches a component."""
    instruments = _PRESSURE if letter == "H" else _MOTION
    codes = ["".join(parts) for parts in product(_BANDS, instruments, letter)]
    matches = {fnmatchcase(code, pattern.upper()) for code in codes}
    if len(matches) > 1:
        raise ValueError(f"channels {pattern!r} match some of component {letter}, but not all")
    return matches.pop()
