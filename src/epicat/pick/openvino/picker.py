"""A bundle, loaded: windows in, probabilities out."""

from __future__ import annotations

from queue import SimpleQueue
from typing import Any

import numpy as np

from epicat.errors import ModelError
from epicat.pick.openvino.bundle import Bundle
from epicat.pick.openvino.outputs import with_rows
from epicat.pick.openvino.polyphase import with_phases
from epicat.pick.openvino.runtime import BATCH, check_precision, core, cpu_properties
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
        self._bundle = bundle
        self._shape = (BATCH, len(self.info.component_order), self.info.samples)
        self.threads = 0
        self.use_threads(threads)
        if precision != "f32":
            self._check_finite()

    def use_threads(self, threads: int) -> None:
        """Let so many threads call `probabilities` at once from now on.

        Each batch is computed by one thread, so that the arithmetic of a window, to the last bit,
        does not depend on their number.
        """
        if threads != self.threads:
            compiled = self._compile(self._bundle, threads)
            self._free: SimpleQueue[_Request] = SimpleQueue()
            for _ in range(threads):
                self._free.put(_Request(compiled.create_infer_request(), self._shape, self._bits))
            self.threads = threads

    def _check_finite(self) -> None:
        """Raise `ModelError` if windows with zeros give NaN in reduced precision."""
        windows = np.random.default_rng(0).normal(size=self._shape).astype(np.float32)
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
            compiled = core().compile_model(model, "CPU", cpu_properties(threads, self._bits))
        except RuntimeError as error:
            reason = (str(error).split("\n\n")[0].splitlines() or ["?"])[-1]  # the rest is C++
            raise bundle.load_error(reason) from error
        actual = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if actual != self.precision:
            raise ModelError(f"OpenVINO computes in {actual}, not in {self.precision}")
        return compiled

    def probabilities(self, windows: F32) -> F32:
        """Return probabilities (n, picked phases, samples) of windows (n, components, samples)."""
        found = np.empty((len(windows), len(self.info.picked), self.info.samples), np.float32)
        request = self._free.get()
        try:
            for first in range(0, len(windows), BATCH):
                part = slice(first, first + BATCH)
                found[part] = request.infer(windows[part])
        finally:
            self._free.put(request)
        return found


class _Request:
    """What one thread infers with."""

    def __init__(self, request: Any, shape: tuple[int, int, int], bits: Bits) -> None:
        self._request, self._bits = request, bits
        self._batch = np.zeros(shape, np.float32)

    def infer(self, windows: F32) -> F32:
        """Return the probabilities of up to a batch of windows, valid until the next call."""
        self._request.infer([self._complete(windows)], share_inputs=True)
        found: F32 = self._request.get_output_tensor(0).data
        return found[: len(windows)]

    def _complete(self, windows: F32) -> F32:
        """Return a contiguous batch, with zeros after the windows."""
        full = windows
        if len(windows) < BATCH:
            self._batch[: len(windows)] = windows
            self._batch[len(windows) :] = 0
            full = self._batch
        if self._bits != "f32":
            full = _scaled(full, self._bits)
        return np.ascontiguousarray(full, np.float32)


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
