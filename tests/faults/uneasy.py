"""A picker whose answer at a sample depends on the whole window around it, as a true one's does.

The one of `tiny_bundle` sees each sample alone, so that it would not show a window that is missing.
"""

from __future__ import annotations

from pathlib import Path

from epicat.pick.openvino.bundle import Bundle
from epicat.pick.openvino.runtime import BATCH, import_openvino
from support.tiny_bundle import FULL_SCALE, INFO

__all__ = ["write_uneasy"]

_HALF = 0.3 * FULL_SCALE
_UNEASE = 5.0


def write_uneasy(folder: Path) -> Path:
    """Write the picker's bundle into a folder; return the folder.

    The probability is half where a sample is 300 counts from the mean of its window, and fewer
    are enough the quieter the window is.
    """
    ov = import_openvino()
    import numpy as np
    import openvino.opset13 as op

    def constant(value: float):  # type: ignore[no-untyped-def]
        return op.constant(np.float32(value))

    def mean(node):  # type: ignore[no-untyped-def]
        return op.reduce_mean(node, op.constant(np.int64([2])), keep_dims=True)

    windows = op.parameter([BATCH, 3, INFO.samples], ov.Type.f32)
    size = op.abs(op.subtract(windows, mean(windows)))
    half = op.add(constant(_HALF), op.multiply(mean(size), constant(_UNEASE)))
    share = op.divide(size, op.add(size, half))
    vertical, north, east = op.split(share, op.constant(1), 3).outputs()
    horizontal = op.maximum(north, east)
    noise = op.subtract(constant(1), op.maximum(vertical, horizontal))
    found = op.concat([noise.output(0), vertical, horizontal.output(0)], 1)
    folder.mkdir(parents=True, exist_ok=True)
    bundle = Bundle(folder, INFO)
    ov.save_model(ov.Model([found], [windows], "uneasy"), bundle.graph, compress_to_fp16=False)
    bundle.description.write_text(INFO.model_dump_json(indent=1))
    bundle.write_checksums()
    return folder
