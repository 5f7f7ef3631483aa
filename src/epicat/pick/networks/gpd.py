"""Generalized Phase Detection (Ross et al. 2018, doi:10.1785/0120180080).

Four convolutions with pooling and three dense layers classify the middle of a window of 400
samples.
"""

from __future__ import annotations

from typing import Any, Final

from epicat.pick.networks.layers import (
    batch_norm,
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
from epicat.pick.networks.parameters import Parameters

__all__ = ["gpd"]

_CONVOLUTIONS: Final = ((32, 21), (64, 15), (128, 11), (256, 9))
"""Channels and taps."""
_UNITS: Final = 200
_EPSILON: Final = 1e-3


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
