"""A compiled picker of a few operations, so that tests run without PyTorch.

The probability of P is the amplitude of the vertical component over 1000 counts, that of S the
largest of the horizontal ones.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from uuid import uuid4

from epicat.pick.openvino.bundle import Bundle, bundle_folder
from epicat.pick.openvino.runtime import BATCH, import_openvino
from epicat.pick.picker import PickerInfo
from epicat.pick.weights.files import find_weights

RATE = 20
FULL_SCALE = 1000

INFO = PickerInfo(
    model="PhaseNet",
    weight="tiny",
    sampling_rate=RATE,
    samples=301,
    phases=("N", "P", "S"),
    component_order="ZNE",
    overlap=151,
    blinding=(25, 25),
    stacking="avg",
    thresholds={"P": 0.3, "S": 0.3},
    weights_sha256="0" * 64,
    metadata_sha256="1" * 64,
    made_with={},
)


def write_bundle(folder: Path, info: PickerInfo = INFO) -> Bundle:
    """Write the bundle to a folder."""
    ov = import_openvino()
    import openvino.opset13 as op

    windows = op.parameter([BATCH, 3, info.samples], ov.Type.f32)
    share = op.minimum(op.divide(op.abs(windows), _constant(FULL_SCALE)), _constant(1))
    vertical, north, east = op.split(share, op.constant(1), 3).outputs()
    horizontal = op.maximum(north, east)
    noise = op.subtract(_constant(1), op.maximum(vertical, horizontal))
    found = op.concat([noise.output(0), vertical, horizontal.output(0)], 1)
    folder.mkdir(parents=True, exist_ok=True)
    bundle = Bundle(folder, info)
    ov.save_model(ov.Model([found], [windows], "tiny"), bundle.graph, compress_to_fp16=False)
    bundle.description.write_text(info.model_dump_json(indent=1))
    bundle.write_checksums()
    return bundle


def _constant(value: float):  # type: ignore[no-untyped-def]
    import numpy as np
    import openvino.opset13 as op

    return op.constant(np.float32(value))


def install(folder: Path) -> Path:
    """Write a pair of weight files and, in epicat's cache, their bundle; return the ``.pt``.

    `epicat run --model PhaseNet --weight` takes it like any other: it finds the bundle there.
    What is there already stays untouched: other processes may be reading it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "tiny.pt"
    _write_once(weights, b"no weights: see tests/support/tiny_bundle.py")
    _write_once(weights.with_suffix(".json"), b"{}")
    files = find_weights("PhaseNet", str(weights))
    assert files is not None
    bundle = bundle_folder(files)
    if not bundle.is_dir():
        _move(write_bundle(bundle.with_name(f".{uuid4().hex}")).folder, bundle)
    return weights


def _write_once(path: Path, data: bytes) -> None:
    if not path.exists():
        partial = path.with_name(f".{uuid4().hex}")
        partial.write_bytes(data)
        partial.replace(path)


def _move(made: Path, bundle: Path) -> None:
    try:
        made.rename(bundle)
    except OSError:  # another process was first
        if not bundle.is_dir():
            raise
        shutil.rmtree(made)
