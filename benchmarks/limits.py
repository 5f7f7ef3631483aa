"""Distance from the hardware limit: arithmetic and decoding."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pymseed

from benchmarks.synthetic_day import write_day
from epicat.model import Span
from epicat.pick.openvino.bundle import Bundle
from epicat.pick.openvino.picker import OpenVinoPicker
from epicat.pick.openvino.runtime import BATCH, core, cpu_properties, import_openvino
from epicat.pick.picker import PickOptions
from epicat.pick.resolve import prepare_bundle
from epicat.time import DAY_NS
from epicat.waveforms.records import decode

__all__ = ["limits"]

_DAY = Span(1_577_836_800 * 10**9, 1_577_836_800 * 10**9 + DAY_NS)


def limits(folder: Path) -> str:
    """Return a table of measured and minimum times of a station-day on one core."""
    write_day(folder / "limits")
    peak = _peak_gflops()
    rows = [_inference(name, peak) for name in ("PhaseNet", "EQTransformer")]
    rows.append(_decoding(folder / "limits"))
    lines = [
        f"**How near to the limit**: one core, a station-day of 100 Hz; the peak is that of a "
        f"wide convolution of OpenVINO, {peak:.0f} GFLOP/s in f32.",
        "",
        "| | work | at best s | took s | share |",
        "|---|---|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {work} | {best:.2f} | {took:.2f} | {100 * best / took:.0f} % |"
        for name, work, best, took in rows
    ]
    return "\n".join(lines)


def _seconds(what: Callable[[], object], times: int = 10) -> float:
    """Return the CPU seconds of the fastest of several calls."""
    taken = []
    for _ in range(times):
        begin = time.process_time()
        what()
        taken.append(time.process_time() - begin)
    return min(taken)


def _peak_gflops() -> float:
    ov = import_openvino()
    import openvino.opset13 as op

    rng = np.random.default_rng(1)
    windows = op.parameter([4, 256, 800], ov.Type.f32)
    kernel = rng.normal(size=(256, 256, 7)).astype(np.float32)
    model = ov.Model([op.convolution(windows, op.constant(kernel), [1], [3], [3], [1])], [windows])
    request = core().compile_model(model, "CPU", cpu_properties()).create_infer_request()
    given = rng.normal(size=(4, 256, 800)).astype(np.float32)
    taken = _seconds(lambda: request.infer([given], share_inputs=True), 50)
    return 2 * 4 * 256 * 256 * 7 * 800 / taken / 1e9


def _inference(name: str, peak: float) -> tuple[str, str, float, float]:
    bundle = prepare_bundle(PickOptions(model=name, weight="original"))
    info = bundle.info
    picker = OpenVinoPicker(bundle)
    shape = (BATCH, len(info.component_order), info.samples)
    windows = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    count = 86_400 * info.sampling_rate / info.stride
    flop = _flop_per_window(bundle)
    took = _seconds(lambda: picker.probabilities(windows), 30) / BATCH * count
    work = f"{count:,.0f} windows of {flop / 1e6:.0f} MFLOP"
    return f"{name}, forward", work, flop * count / peak / 1e9, took


def _flop_per_window(bundle: Bundle) -> float:
    """Count the operations of SeisBench's convolutions, nearly all of the arithmetic."""
    model = import_openvino().Core().read_model(bundle.graph)
    return sum(map(_flop, model.get_ordered_ops())) / BATCH


def _flop(node: Any) -> float:
    transposed = node.get_type_name() == "ConvolutionBackpropData"
    if not transposed and node.get_type_name() != "Convolution":
        return 0.0
    batch, _, length = (node.input_value(0) if transposed else node.output(0)).get_shape()
    return 2.0 * batch * length * float(np.prod(node.input_value(1).get_shape()))


def _decoding(root: Path) -> tuple[str, str, float, float]:
    bodies = [path.read_bytes() for path in sorted(root.glob("2020/XX/*/*/*"))]

    def at_best() -> None:
        for body in bodies:
            with pymseed.MS3TraceList() as traces:
                traces.add_buffer(body, unpack_data=True)

    def ours() -> None:
        for body in bodies:
            decode(body, "XX", "BENC0", _DAY)

    size = sum(map(len, bodies)) / 1e6
    return "decoding", f"{size:.0f} MB of miniSEED", _seconds(at_best, 5), _seconds(ours, 5)
