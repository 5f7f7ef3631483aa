"""Layers that the networks share, on tensors of shape (batch, channels, samples).

Batch normalization is an affine function of each channel once a network is trained; where it
follows a convolution it is merged into the convolution's weights, in double precision.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from epicat.pick.networks.parameters import F32, F64, Parameters
from epicat.pick.openvino.runtime import import_opset

__all__ = [
    "Affine",
    "Kernel",
    "batch_norm",
    "center_crop",
    "constant",
    "conv",
    "convolution",
    "crop",
    "dense",
    "integers",
    "length",
    "max_pool",
    "pad_same",
    "relu",
    "shape_of",
    "transposed_conv",
    "transposed_convolution",
    "upsample",
]

op = import_opset()


def constant(values: Any) -> Any:
    """Return a constant of 32-bit numbers."""
    return op.constant(np.asarray(values, np.float32))


def integers(*values: int) -> Any:
    """Return a constant vector of integers."""
    return op.constant(np.array(values, np.int64))


def length(tensor: Any) -> int:
    """Return the number of samples, the last dimension."""
    return shape_of(tensor)[-1]


def shape_of(tensor: Any) -> tuple[int, ...]:
    """Return the shape of a node's only output, or of one output."""
    return tuple(tensor.output(0).get_shape() if hasattr(tensor, "output") else tensor.get_shape())


@dataclass(frozen=True, slots=True)
class Affine:
    """A factor and a summand for each channel."""

    scale: F64
    """Factors, of shape (channels,)."""
    shift: F64
    """Summands, of shape (channels,)."""

    def __call__(self, tensor: Any) -> Any:
        """Apply it to a tensor (batch, channels, samples)."""
        scaled = op.multiply(tensor, constant(self.scale[None, :, None]))
        return op.add(scaled, constant(self.shift[None, :, None]))


def batch_norm(parameters: Parameters, name: str, channels: int, epsilon: float) -> Affine:
    """Return a trained batch normalization (Ioffe and Szegedy 2015, arXiv:1502.03167)."""
    gain, offset, mean, variance = (
        parameters.get(f"{name}.{part}", channels)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    if (variance + epsilon <= 0).any():
        raise parameters.error(f"tensor '{name}.running_var' has negative values")
    scale = gain / np.sqrt(variance + epsilon)
    return Affine(scale, offset - mean * scale)


@dataclass(frozen=True, slots=True)
class Kernel:
    """The weights of a convolution."""

    weights: F64
    """Of shape (out, in, taps)."""
    bias: F64
    """Of shape (out,)."""

    def then(self, affine: Affine) -> Kernel:
        """Return the kernel whose result is the affine function of this one's."""
        return replace(
            self,
            weights=self.weights * affine.scale[:, None, None],
            bias=self.bias * affine.scale + affine.shift,
        )


def conv(
    parameters: Parameters, name: str, shape: tuple[int, int, int], *, bias: bool = True
) -> Kernel:
    """Return the kernel of a convolution, of shape (out, in, taps)."""
    out = shape[0]
    offset = parameters.get(f"{name}.bias", out) if bias else np.zeros(out)
    return Kernel(parameters.get(f"{name}.weight", *shape), offset)


def transposed_conv(
    parameters: Parameters, name: str, shape: tuple[int, int, int], *, bias: bool = True
) -> Kernel:
    """Return the kernel of a transposed convolution, of shape (out, in, taps).

    Files hold the transpose (in, out, taps).
    """
    out, into, taps = shape
    offset = parameters.get(f"{name}.bias", out) if bias else np.zeros(out)
    return Kernel(parameters.get(f"{name}.weight", into, out, taps).transpose(1, 0, 2), offset)


def convolution(tensor: Any, kernel: Kernel, pads: tuple[int, int], stride: int = 1) -> Any:
    """Convolve, with zeros put before and after the samples."""
    found = op.convolution(tensor, constant(kernel.weights), [stride], [pads[0]], [pads[1]], [1])
    return op.add(found, constant(kernel.bias[None, :, None]))


def transposed_convolution(
    tensor: Any, kernel: Kernel, stride: int, pad: int = 0, extra: int = 0
) -> Any:
    """Do a transposed convolution; ``extra`` samples are added at the end."""
    found = op.convolution_backprop_data(
        tensor,
        constant(kernel.weights.transpose(1, 0, 2)),
        strides=[stride],
        pads_begin=[pad],
        pads_end=[pad],
        dilations=[1],
        output_padding=[extra],
    )
    return op.add(found, constant(kernel.bias[None, :, None]))


def pad_same(samples: int, taps: int, stride: int) -> tuple[int, int]:
    """Return the zeros before and after that leave ``ceil(samples / stride)`` samples.

    These are TensorFlow's: where their number is odd, one more is put after.
    """
    total = max((-(-samples // stride) - 1) * stride + taps - samples, 0)
    return total // 2, total - total // 2


def relu(tensor: Any) -> Any:
    """Set negative values to zero."""
    return op.relu(tensor)


def max_pool(tensor: Any) -> Any:
    """Return the larger of every two samples; an odd one at the end stays."""
    odd = length(tensor) % 2
    return op.max_pool(tensor, [2], [1], [0], [odd], [2]).output(0)


def upsample(tensor: Any) -> Any:
    """Repeat every sample once."""
    return op.interpolate(
        tensor,
        constant([2.0]),
        mode="nearest",
        shape_calculation_mode="scales",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
        axes=integers(2),
    )


def crop(tensor: Any, begin: int, end: int) -> Any:
    """Return the samples from one up to another."""
    if (begin, end) == (0, length(tensor)):
        return tensor
    return op.slice(tensor, integers(begin), integers(end), integers(1), integers(2))


def center_crop(tensor: Any, samples: int) -> Any:
    """Return the samples in the middle; where an odd number goes, one more goes at the end."""
    begin = (length(tensor) - samples) // 2
    return crop(tensor, begin, begin + samples)


def dense(tensor: Any, weights: F64 | F32, bias: F64 | F32) -> Any:
    """Multiply the last dimension by weights (in, out), and add a bias (out,)."""
    return op.add(op.matmul(tensor, constant(weights), False, False), constant(bias))
