"""Generalized Phase Detection (Ross et al. 2018, doi:10.1785/0120180080).

Four convolutions with pooling and three dense layers classify the middle of a window of 400
samples.  A continuous curve takes such a window at every few samples: `gpd_curve` classifies
several of them in one longer window, and repeats each result up to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from epicat.pick.networks.layers import (
    batch_norm,
    constant,
    conv,
    convolution,
    dense,
    integers,
    length,
    max_pool,
    op,
    relu,
    shape_of,
)
from epicat.pick.networks.normalization import Normalization
from epicat.pick.networks.parameters import Parameters

__all__ = ["CLASSIFIED", "SAMPLES", "curve_samples", "gpd", "gpd_curve"]

SAMPLES: Final = 400
"""Length of the window that is classified."""
CLASSIFIED: Final = 16
"""Windows that are classified in one longer window."""

Classifier = Callable[[Any], Any]
"""From normalized windows (batch, components, 400) to probabilities (batch, classes)."""

_CONVOLUTIONS: Final = ((32, 21), (64, 15), (128, 11), (256, 9))
"""Channels and taps."""
_UNITS: Final = 200
_EPSILON: Final = 1e-3


def curve_samples(stride: int) -> int:
    """Return the length of a window in which `CLASSIFIED` windows start at every ``stride``."""
    return SAMPLES + (CLASSIFIED - 1) * stride


def gpd_curve(
    windows: Any, stride: int, first: int, normalization: Normalization, classify: Classifier
) -> Any:
    """Return probabilities (batch, classes, samples) of windows of `curve_samples` counts.

    Those of the window that starts at ``k * stride`` are at the samples from ``first + k * stride``
    up to the next; before and after these there are zeros.
    """
    batch, components, samples = shape_of(windows)
    places = np.arange(CLASSIFIED)[:, None] * stride + np.arange(SAMPLES)
    parts = op.gather(windows, op.constant(places), op.constant(np.int64(2)))
    parts = op.transpose(parts, integers(0, 2, 1, 3))
    parts = op.reshape(parts, integers(-1, components, SAMPLES), special_zero=False)
    found = classify(normalization(parts))
    found = op.reshape(found, integers(batch, CLASSIFIED, -1), special_zero=False)
    found = op.unsqueeze(op.transpose(found, integers(0, 2, 1)), integers(3))
    repeated = op.tile(found, integers(1, 1, 1, stride))
    curve = op.reshape(repeated, integers(batch, -1, CLASSIFIED * stride), special_zero=False)
    before = np.zeros((batch, shape_of(curve)[1], first))
    after = np.zeros((batch, shape_of(curve)[1], samples - first - CLASSIFIED * stride))
    return op.concat([constant(before), curve, constant(after)], 2)


def gpd(windows: Any, parameters: Parameters, classes: int, *, is_original: bool) -> Any:
    """Return probabilities (batch, classes) of normalized windows (batch, components, 400).

    ``is_original`` is for weights converted from the authors' Keras file, which orders the
    features of the first dense layer by samples, then channels.
    """
    found = windows
    for layer, (width, taps) in enumerate(_CONVOLUTIONS, start=1):
        shape = (width, shape_of(found)[1], taps)
        kernel = conv(parameters, f"conv{layer}", shape)
        kernel = kernel.then(batch_norm(parameters, f"bn{layer}", width, _EPSILON))
        found = max_pool(relu(convolution(found, kernel, (taps // 2, taps // 2))))
    features = _CONVOLUTIONS[-1][0] * length(found)
    if is_original:
        found = op.transpose(found, integers(0, 2, 1))
    found = op.reshape(found, integers(-1, features), special_zero=False)
    for layer, (norm, width) in enumerate((("bn5", features), ("bn6", _UNITS)), start=1):
        found = relu(_dense(parameters, f"fc{layer}", (_UNITS, width), found, norm))
    return op.softmax(_dense(parameters, "fc3", (classes, _UNITS), found), 1)


def _dense(
    parameters: Parameters, name: str, shape: tuple[int, int], tensor: Any, norm: str = ""
) -> Any:
    weights, bias = (
        parameters.get(f"{name}.weight", *shape),
        parameters.get(f"{name}.bias", shape[0]),
    )
    if norm:
        affine = batch_norm(parameters, norm, shape[0], _EPSILON)
        weights, bias = weights * affine.scale[:, None], bias * affine.scale + affine.shift
    return dense(tensor, weights.T, bias)
