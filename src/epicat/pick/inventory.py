"""What can pick on this machine: the built-in picker, SeisBench's weights, compiled models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from epicat.errors import ModelError
from epicat.pick.builtin import builtin_bundle
from epicat.pick.openvino.bundle import Bundle, list_bundles
from epicat.pick.supported import PICKERS
from epicat.pick.weights.files import WeightFiles, cached_weights

__all__ = ["AvailableWeights", "inventory"]


@dataclass(frozen=True, slots=True)
class AvailableWeights:
    """Weights that are built in, cached or compiled."""

    model: str
    """SeisBench's name of the architecture."""
    weight: str
    """Name of the weights."""
    version: str
    """Version of the weights."""
    cached: str
    """The file of weights in SeisBench's cache, if it is there."""
    compiled: str
    """The folder of the compiled model, if there is one."""
    sha256: str
    """SHA-256 of the file of weights."""
    metadata_sha256: str
    """SHA-256 of the file that describes them."""
    sampling_rate: float | None
    """Samples a second; None if only the class of the model, which was not loaded, has it."""
    thresholds: Mapping[str, float]
    """Threshold of each phase; for weights that are not compiled, those in their metadata."""
    about: str
    """First line of what their authors say, often with the license."""


def inventory() -> list[AvailableWeights]:
    """Return the weights and compiled models that are here, in the order of names."""
    compiled = {
        (b.info.model, b.info.weights_sha256, b.info.metadata_sha256): b for b in list_bundles()
    }
    found = []
    for files in _cached():
        bundle = compiled.pop((files.model, *files.sha256), None)
        found.append(_from_bundle(bundle, files) if bundle else _from_files(files))
    found += [_from_bundle(bundle, None) for bundle in compiled.values()]
    found.append(_from_bundle(builtin_bundle(), None))
    return sorted(found, key=lambda k: (k.model, k.weight, k.version, k.sha256))


def _cached() -> Iterator[WeightFiles]:
    for model in PICKERS:
        yield from cached_weights(model)


def _from_bundle(bundle: Bundle, files: WeightFiles | None) -> AvailableWeights:
    info = bundle.info
    return AvailableWeights(
        model=info.model,
        weight=info.weight,
        version=info.version,
        cached=str(files.weights) if files else "",
        compiled=str(bundle.folder),
        sha256=info.weights_sha256,
        metadata_sha256=info.metadata_sha256,
        sampling_rate=info.sampling_rate,
        thresholds=info.thresholds,
        about=info.about,
    )


def _from_files(files: WeightFiles) -> AvailableWeights:
    try:
        metadata = files.read_metadata()
        about, version = files.about, files.version
    except ModelError as error:
        metadata, about, version = {}, str(error), ""
    weights_sha256, metadata_sha256 = files.sha256
    rate = _part(metadata, "model_args").get("sampling_rate")
    named = _part(metadata, "default_args")
    return AvailableWeights(
        model=files.model,
        weight=files.weight,
        version=version,
        cached=str(files.weights),
        compiled="",
        sha256=weights_sha256,
        metadata_sha256=metadata_sha256,
        sampling_rate=float(rate) if isinstance(rate, int | float) else None,
        thresholds={p: named[f"{p}_threshold"] for p in "PS" if f"{p}_threshold" in named},
        about=about,
    )


def _part(metadata: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = metadata.get(name)
    return part if isinstance(part, Mapping) else {}
