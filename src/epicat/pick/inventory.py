"""What can pick on this machine: the shipped picker, SeisBench's weights, compiled models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from epicat.errors import ModelError
from epicat.pick.builtin import shipped_bundle
from epicat.pick.openvino.bundle import Bundle, list_bundles
from epicat.pick.seisbench.supported import PICKERS
from epicat.pick.seisbench.weights import WeightFiles, cached_weights

__all__ = ["Known", "inventory"]


@dataclass(frozen=True, slots=True)
class Known:
    """Weights that are shipped, cached or compiled."""

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
    """Samples a second; None if only the architecture, which was not loaded, would tell."""
    thresholds: Mapping[str, float]
    """Threshold of each phase; of weights that are not compiled those that they name."""
    about: str
    """First line of what their authors say, often with the licence."""


def inventory() -> list[Known]:
    """Return the weights and compiled models that are here, in the order of names."""
    compiled = {
        (b.info.model, b.info.weights_sha256, b.info.metadata_sha256): b for b in list_bundles()
    }
    found = []
    for files in _cached():
        bundle = compiled.pop((files.model, *files.sha256), None)
        found.append(_of_bundle(bundle, files) if bundle else _of_files(files))
    found += [_of_bundle(bundle, None) for bundle in compiled.values()]
    found.append(_of_bundle(shipped_bundle(), None))
    return sorted(found, key=lambda k: (k.model, k.weight, k.version, k.sha256))


def _cached() -> Iterator[WeightFiles]:
    for model in PICKERS:
        yield from cached_weights(model)


def _of_bundle(bundle: Bundle, files: WeightFiles | None) -> Known:
    info = bundle.info
    return Known(
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


def _of_files(files: WeightFiles) -> Known:
    try:
        said = files.read_metadata()
        about, version = files.about, files.version
    except ModelError as error:
        said, about, version = {}, str(error), ""
    weights_sha256, metadata_sha256 = files.sha256
    rate = _part(said, "model_args").get("sampling_rate")
    named = _part(said, "default_args")
    return Known(
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


def _part(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = said.get(name)
    return part if isinstance(part, Mapping) else {}
