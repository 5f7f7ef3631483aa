"""From a pair of weights' files to a bundle, without PyTorch."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np

from epicat.errors import ModelError
from epicat.pick.metadata import describe
from epicat.pick.networks.architectures import ARCHITECTURES, network_arguments
from epicat.pick.networks.layers import op, shape_of
from epicat.pick.networks.parameters import Parameters
from epicat.pick.openvino.bundle import Bundle, bundle_folder, new_bundle
from epicat.pick.openvino.runtime import BATCH, import_openvino
from epicat.pick.picker import PickerInfo
from epicat.pick.weights.files import WeightFiles
from epicat.pick.weights.read import read_tensors

__all__ = ["build_bundle", "build_network"]


def build_bundle(files: WeightFiles) -> Bundle:
    """Build the network of a pair of files as a bundle in the cache.

    Raises `ModelError` if the files are damaged or do not fit their network.
    """
    info, model = build_network(files)
    with new_bundle(files, info) as bundle:
        bundle.write(model)
    return Bundle.read(bundle_folder(files))


def build_network(files: WeightFiles) -> tuple[PickerInfo, Any]:
    """Return the description of a picker and its OpenVINO model.

    The model takes windows (batch, components, samples) of counts and gives probabilities
    (batch, phases, samples).
    """
    architecture = ARCHITECTURES[files.model]
    arguments, general = network_arguments(architecture, files)
    info = describe(general, files, {"openvino": version("openvino")})
    parameters = Parameters(read_tensors(files.weights), str(files.weights), files.model)
    shape = [BATCH, len(info.component_order), info.samples]
    windows = op.parameter(shape, np.float32, name="windows")
    try:
        probabilities = architecture.build(windows, parameters, arguments)
    except (RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise parameters.error(f"their arguments give no network ({reason})") from error
    parameters.check_all_used()
    if shape_of(probabilities) != (BATCH, len(info.phases), info.samples):
        raise ModelError(
            f"weights {str(files.weights)!r} give probabilities of the shape "
            f"{shape_of(probabilities)}"
        )
    return info, import_openvino().Model([probabilities], [windows], files.model)
