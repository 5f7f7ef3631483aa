"""Write the student: a pair of files for SeisBench, and the bundle included in epicat.

Both store the same 16-bit numbers and compute in 32 bits: half the size, equal results.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from epicat.pick.openvino.bundle import Bundle
from epicat.pick.openvino.runtime import import_openvino
from epicat.pick.picker import PickOptions
from epicat.pick.resolve import prepare_bundle

__all__ = ["in_half_precision", "ship"]


def in_half_precision(model: Any) -> Any:
    """Fold each normalization into its convolution and round every weight to 16 bits, in place.

    Only the biases of the normalizations remain: a remaining factor, or a second bias to add, would
    turn the 16-bit numbers back into 32-bit ones.
    """
    layers = [(model.inc, model.in_bn)]
    for first, first_norm, second, second_norm in [*model.down_branch, *model.up_branch]:
        layers += [(first, first_norm), (second, second_norm)]
    with torch.no_grad():
        for convolution, norm in layers:
            if convolution is not None:
                _fold(convolution, norm)
        for parameter in model.parameters():
            parameter.copy_(parameter.half())
    return model


def _fold(convolution: Any, norm: Any) -> None:
    factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    outputs = 1 if isinstance(convolution, torch.nn.ConvTranspose1d) else 0
    shape = [1, 1, 1]
    shape[outputs] = -1
    convolution.weight.mul_(factor.reshape(shape))
    if convolution.bias is not None:
        norm.bias.add_(convolution.bias * factor)
        convolution.bias.zero_()
    norm.bias.sub_(norm.running_mean * factor)
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)
    norm.weight.fill_(1)


def ship(weights: Path, folder: Path) -> Bundle:
    """Compile a pair of files and write the bundle, its weights in 16 bits, to a folder."""
    compiled = prepare_bundle(PickOptions(model="PhaseNet", weight=str(weights)), force=True)
    folder.mkdir(parents=True, exist_ok=True)
    shipped = Bundle(folder, compiled.info)
    ov = import_openvino()
    ov.save_model(ov.Core().read_model(compiled.graph), shipped.graph, compress_to_fp16=True)
    shipped.description.write_text(compiled.info.model_dump_json(indent=1) + "\n", encoding="utf-8")
    shipped.write_checksums()
    return shipped
