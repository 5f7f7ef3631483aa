"""OpenVINO itself: its import, its one core in a process, and what this processor can do."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, Final

from epicat.errors import ModelError
from epicat.pick.pick_options import Bits, Precision

__all__ = [
    "BATCH",
    "check_precision",
    "core",
    "cpu_properties",
    "import_openvino",
    "import_opset",
    "reduced_precisions",
]

BATCH: Final = 16
"""Windows in one call.  Fixed, so that the arithmetic of a window is always the same."""

_CAPABILITIES: Final[Mapping[Bits, str]] = {"f16": "FP16", "bf16": "BF16"}
"""OpenVINO's names for the precisions that a processor computes in natively, finest first."""


def import_openvino() -> Any:
    """Import OpenVINO without its telemetry, which would call home at every import."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    return import_module("openvino")


def import_opset() -> Any:
    """Import OpenVINO's operations, of the version that this package writes."""
    import_openvino()
    return import_module("openvino.opset13")


@cache
def core() -> Any:
    """Return the one OpenVINO core of this process.

    It is never released: a damaged model makes it load libraries that set signal handlers, and
    unloading them with the core leaves Ctrl-C without a handler.
    """
    return import_openvino().Core()


def cpu_properties(threads: int = 1, precision: Bits = "f32") -> dict[str, Any]:
    """Return the properties that every model is compiled with.

    OpenVINO lets a model use the threads of one that was released before if both have as many
    streams and threads, even if only the earlier one was pinned to cores.  So a model that is
    compiled without these properties may later pin the threads of one that has them.
    """
    return {
        # OpenVINO's own default is bf16 where the CPU has it: different picks.
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": threads,  # one thread each
        # Each process would pin its thread to the first core: all to the same one.
        "ENABLE_CPU_PINNING": False,
    }


def reduced_precisions() -> tuple[Bits, ...]:
    """Return the precisions in addition to f32 that this machine computes in, finest first."""
    supported = core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return tuple(name for name, flag in _CAPABILITIES.items() if flag in supported)


def check_precision(precision: Precision) -> None:
    """Raise `ModelError` if this machine cannot compute in a precision.

    OpenVINO would silently take another one.
    """
    if precision in ("f32", "mixed"):  # mixed is f32 on a machine without anything less
        return
    supported = ["f32", *reduced_precisions()]
    if precision not in supported:
        raise ModelError(
            f"precision {precision!r}: this machine computes in {' and '.join(supported)} only"
        )
