"""PhaseNet (Zhu and Beroza 2019, doi:10.1093/gji/ggy423) and its variants.

A U-Net over one window: four convolutions of stride 4 lead down, four transposed ones lead back
up, and each level on the way up also sees what the same level gave on the way down (Ronneberger
et al. 2015, arXiv:1505.04597).  PhaseNetLight has one convolution a level in place of two
(Woollam et al. 2019, doi:10.1785/0220180312).
"""

from __future__ import annotations

from typing import Any, Final, Literal

from epicat.pick.networks.layers import (
    Kernel,
    batch_norm,
    center_crop,
    conv,
    convolution,
    crop,
    length,
    op,
    pad_same,
    relu,
    shape_of,
    transposed_conv,
    transposed_convolution,
)
from epicat.pick.networks.parameters import Parameters

__all__ = ["phasenet", "phasenet_light", "variable_length_phasenet"]

_TAPS: Final = 7
_STRIDE: Final = 4
_LEVELS: Final = 5
_FILTERS: Final = 8
"""Channels of the first level; each level has twice as many as the one above."""
_EPSILON: Final = 1e-3
_CENTERED: Final = (_TAPS // 2, _TAPS // 2)

_LIGHT_FILTERS: Final = (8, 11, 16, 22, 32)
_LIGHT_EPSILON: Final = 1e-5
_LIGHT_UP: Final = ((2, 0), (2, 1), (2, 0), (3, 0))
"""Padding of the transposed convolutions, and samples added at the end."""

Activation = Literal["softmax", "sigmoid"]


def phasenet(windows: Any, parameters: Parameters, classes: int, filter_factor: int) -> Any:
    """Return probabilities (batch, classes, samples) of normalized windows of 3001 samples."""
    network = _UNet(parameters, _FILTERS * filter_factor)
    return op.softmax(network(windows, classes), 1)


def variable_length_phasenet(
    windows: Any, parameters: Parameters, classes: int, activation: Activation
) -> Any:
    """Return probabilities (batch, classes, samples) of normalized windows of any length."""
    found = _UNet(parameters, _FILTERS, any_length=True)(windows, classes)
    return op.softmax(found, 1) if activation == "softmax" else op.sigmoid(found)


class _UNet:
    """PhaseNet up to its output activation."""

    def __init__(self, parameters: Parameters, filters: int, *, any_length: bool = False) -> None:
        self._parameters = parameters
        self._widths = [filters << level for level in range(_LEVELS)]
        self._any_length = any_length

    def __call__(self, windows: Any, classes: int) -> Any:
        components = shape_of(windows)[1]
        first = conv(self._parameters, "inc", (self._widths[0], components, _TAPS))
        found = self._activated(windows, first, "in_bn", _CENTERED)
        skips = []
        for level in range(_LEVELS - 1):
            found = self._flat(f"down_branch.{level}", 0, found, self._widths[level])
            skips.append(found)
            found = self._down(level, found)
        found = self._flat(f"down_branch.{_LEVELS - 1}", 0, found, self._widths[-1])
        for step, skip in enumerate(reversed(skips)):
            found = op.concat([skip, self._up(step, found, length(skip))], 1)
            found = self._flat(f"up_branch.{step}", 2, found, self._widths[-2 - step])
        last = conv(self._parameters, "out", (classes, self._widths[0], 1))
        return convolution(found, last, (0, 0))

    def _activated(
        self, tensor: Any, kernel: Kernel, norm: str, pads: tuple[int, int], stride: int = 1
    ) -> Any:
        affine = batch_norm(self._parameters, norm, len(kernel.bias), _EPSILON)
        return relu(convolution(tensor, kernel.then(affine), pads, stride))

    def _flat(self, branch: str, place: int, tensor: Any, width: int) -> Any:
        """Convolve at the same rate."""
        shape = (width, shape_of(tensor)[1], _TAPS)
        kernel = conv(self._parameters, f"{branch}.{place}", shape, bias=False)
        return self._activated(tensor, kernel, f"{branch}.{place + 1}", _CENTERED)

    def _down(self, level: int, tensor: Any) -> Any:
        """Convolve to a fourth of the rate."""
        width = self._widths[level]
        kernel = conv(self._parameters, f"down_branch.{level}.2", (width, width, _TAPS), bias=False)
        pads = _CENTERED if self._any_length else pad_same(length(tensor), _TAPS, _STRIDE)
        return self._activated(tensor, kernel, f"down_branch.{level}.3", pads, _STRIDE)

    def _up(self, step: int, tensor: Any, samples: int) -> Any:
        """Go back to four times the rate, and to the length of the way down."""
        above, width = self._widths[-1 - step], self._widths[-2 - step]
        name = f"up_branch.{step}"
        kernel = transposed_conv(
            self._parameters, f"{name}.0", (width, above, _TAPS), bias=False
        ).then(batch_norm(self._parameters, f"{name}.1", width, _EPSILON))
        found = relu(transposed_convolution(tensor, kernel, _STRIDE))
        if not self._any_length:
            found = crop(found, 1, length(found) - 2)
        return center_crop(found, samples)


def phasenet_light(windows: Any, parameters: Parameters, classes: int) -> Any:
    """Return probabilities (batch, classes, samples) of normalized windows of 3001 samples."""

    def normed(kernel: Kernel, norm: str) -> Kernel:
        return kernel.then(batch_norm(parameters, norm, len(kernel.bias), _LIGHT_EPSILON))

    widths = _LIGHT_FILTERS
    first = conv(parameters, "inc", (widths[0], shape_of(windows)[1], 1))
    found = relu(convolution(windows, normed(first, "in_bn"), (0, 0)))
    skips = []
    for level in range(1, _LEVELS):
        skips.append(found)
        kernel = conv(parameters, f"conv{level}.conv", (widths[level], widths[level - 1], _TAPS))
        found = relu(convolution(found, normed(kernel, f"bnd{level}"), _CENTERED, _STRIDE))
    for step, (pad, extra) in enumerate(_LIGHT_UP, start=1):
        shape = (widths[-1 - step], shape_of(found)[1], _TAPS)
        kernel = normed(transposed_conv(parameters, f"up{step}", shape), f"bnu{step}")
        found = relu(transposed_convolution(found, kernel, _STRIDE, pad, extra))
        found = op.concat([found, skips[-step]], 1)
    last = transposed_conv(parameters, "out", (classes, 2 * widths[0], 1))
    return op.softmax(convolution(found, last, (0, 0)), 1)
