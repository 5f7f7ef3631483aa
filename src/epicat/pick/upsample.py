"""Transposed convolutions as plain ones, for machines on which OpenVINO's own are wrong.

On arm64 OpenVINO 2026.4.1 computes ``ConvolutionBackpropData`` over one dimension wrongly: the
relative error is of order one, and PhaseNet, which consists of them, finds a quarter of the picks,
at wrong times.  A transposed convolution of stride s is a convolution, with the kernel reversed, of
samples that have s - 1 zeros after each (Dumoulin and Visin 2016, arXiv:1603.07285, section 4);
plain convolutions are right there.
"""

from __future__ import annotations

import platform
from typing import Any

import numpy as np

__all__ = ["needs_plain_convolutions", "with_plain_convolutions"]

_TRANSPOSED = "ConvolutionBackpropData"


def needs_plain_convolutions(machine: str | None = None) -> bool:
    """Tell whether this machine, or one that `platform.machine` calls so, needs the rewriting."""
    return (machine or platform.machine()).lower() in {"aarch64", "arm64"}


def with_plain_convolutions(model: Any) -> Any:
    """Replace every transposed convolution over one dimension in an OpenVINO model; return it."""
    for node in model.get_ordered_ops():
        if node.get_type_name() == _TRANSPOSED and len(node.get_attributes()["strides"]) == 1:
            replacement = _plain(node)
            replacement.set_friendly_name(node.get_friendly_name())
            for reader in node.output(0).get_target_inputs():
                reader.replace_source_output(replacement.output(0))
    model.validate_nodes_and_infer_types()
    return model


def _plain(node: Any) -> Any:
    """Build what equals a transposed convolution of samples (n, in, t), kernel (in, out, k)."""
    import openvino.opset13 as op  # noqa: PLC0415 - heavy

    samples, kernel = node.input_value(0), node.input_value(1)
    given = node.get_attributes()
    (stride,), (dilation,) = given["strides"], given["dilations"]
    length = kernel.get_shape()[2]
    reach = dilation * (length - 1)
    before = reach - given["pads_begin"][0]
    after = reach - given["pads_end"][0] + given["output_padding"][0] - (stride - 1)

    apart = op.unsqueeze(samples, _integers(3))
    apart = op.pad(apart, _integers([0] * 4), _integers([0, 0, 0, stride - 1]), "constant")
    stuffed = op.reshape(apart, _integers([0, 0, -1]), special_zero=True)
    # A pad below zero cuts off: a kernel shorter than the stride.
    padded = op.pad(stuffed, _integers([0, 0, before]), _integers([0, 0, after]), "constant")
    turned = op.transpose(kernel, _integers([1, 0, 2]))
    turned = op.gather(turned, _integers(np.arange(length)[::-1]), _integers(2))
    return op.convolution(padded, turned, [1], [0], [0], [dilation])


def _integers(values: Any) -> Any:
    import openvino.opset13 as op  # noqa: PLC0415 - heavy

    return op.constant(np.array(values, np.int64))
