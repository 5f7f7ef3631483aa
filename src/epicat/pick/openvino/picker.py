"""A bundle, loaded: windows in, probabilities out."""

from __future__ import annotations

from typing import Any

import numpy as np

from epicat.errors import ModelError
from epicat.pick.openvino.bundle import Bundle
from epicat.pick.openvino.outputs import with_rows
from epicat.pick.openvino.polyphase import with_phases
from epicat.pick.openvino.runtime import BATCH, check_precision, core
from epicat.pick.pick_options import Bits, Precision
from epicat.pick.picker import F32, Picker

__all__ = ["OpenVinoPicker"]

_F16_EXPONENT = 4
"""Windows are scaled to 16 at most for f16, by a power of two."""


class OpenVinoPicker(Picker):
    """A bundle, loaded: the picker that workers use."""

    def __init__(self, bundle: Bundle, threads: int = 1, precision: Bits = "f32") -> None:
        """Load a bundle; raise `ModelError` if that fails or this machine lacks the precision."""
        self.info = bundle.info
        check_precision(precision)
        self.precision: Precision = precision
        self._bits: Bits = precision
        self._request = self._compile(bundle, threads)
        self._batch = np.zeros((BATCH, len(self.info.component_order), self.info.samples), "f4")
        if precision != "f32":
            self._check_finite()

    def _check_finite(self) -> None:
        """Raise `ModelError` if windows with zeros give NaN in reduced precision."""
        windows = np.random.default_rng(0).normal(size=self._batch.shape).astype(np.float32)
        windows[0] = windows[1, :1] = windows[2, :, : self.info.samples // 2] = 0
        missing = np.isnan(self.probabilities(windows))
        if missing[-1].all() or (missing != missing[-1]).any():  # some models leave samples out
            raise ModelError(
                f"precision {self.precision!r}: {self.info.model} {self.info.weight!r} gives NaN "
                "in it; use f32 or mixed"
            )

    def _compile(self, bundle: Bundle, threads: int) -> Any:
        bundle.check()
        try:
            complete = core().read_model(bundle.graph)
            model = with_phases(with_rows(complete, bundle.info.picked_rows))
            compiled = core().compile_model(model, "CPU", self._properties(threads))
        except RuntimeError as error:
            reason = (str(error).split("\n\n")[0].splitlines() or ["?"])[-1]  # the rest is C++
            raise bundle.load_error(reason) from error
        actual = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if actual != self.precision:
            raise ModelError(f"OpenVINO computes in {actual}, not in {self.precision}")
        return compiled.create_infer_request()

    def _properties(self, threads: int) -> dict[str, Any]:
        return {
            # OpenVINO's own default is bf16 where the CPU has it: different picks.
            "INFERENCE_PRECISION_HINT": self.precision,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            # Each process would pin its thread to the first core: all to the same one.
            "ENABLE_CPU_PINNING": False,
        }

    def probabilities(self, windows: F32) -> F32:
        """Return probabilities (n, picked phases, samples) of windows (n, components, samples)."""
        results = [self._infer(windows[i : i + BATCH]) for i in range(0, len(windows), BATCH)]
        if not results:
            return np.empty((0, len(self.info.picked), self.info.samples), np.float32)
        return results[0] if len(results) == 1 else np.concatenate(results)

    def _infer(self, part: F32) -> F32:
        full = part
        if len(part) < BATCH:
            self._batch[: len(part)] = part
            self._batch[len(part) :] = 0
            full = self._batch
        if self.precision != "f32":
            full = _scaled(full, self._bits)
        self._request.infer([np.ascontiguousarray(full, np.float32)], share_inputs=True)
        output: F32 = self._request.get_output_tensor(0).data
        return output[: len(part)].copy()


def _scaled(windows: F32, bits: Bits) -> F32:
    """Return windows without their means, and for f16 in the range that it can hold.

    A digitizer's offset of a million counts leaves nothing of a signal of a thousand in bf16, and
    overflows in f16.  Pickers remove the mean and normalize anyway, so that a factor of a power of
    two changes nothing.
    """
    centered: F32 = windows - windows.mean(axis=2, keepdims=True)
    if bits == "bf16":  # its range is that of f32
        return centered
    largest = np.abs(centered).max(axis=(1, 2), keepdims=True)
    return np.asarray(np.ldexp(centered, _F16_EXPONENT - np.frexp(largest)[1]), np.float32)
