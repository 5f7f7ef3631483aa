"""Bundles: a picker compiled once, run without PyTorch.

A bundle is a folder with an OpenVINO model (pre-processing, network and post-processing in one
graph) and what there is to know about it.  It lies in epicat's cache under a digest of the
files of weights, so that the same name with other content is another bundle.  A list of check
sums tells a damaged one, which OpenVINO would run without a word.
"""

from __future__ import annotations

import hashlib
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import ValidationError

from epicat._util.cache import cache_folder
from epicat.errors import ModelError
from epicat.model import digest_of
from epicat.pick.openvino.outputs import with_rows
from epicat.pick.openvino.polyphase import with_phases
from epicat.pick.options import Bits, Precision
from epicat.pick.picker import F32, PickerInfo
from epicat.pick.seisbench.weights import WeightFiles

__all__ = [
    "ABOUT",
    "BATCH",
    "SEAL",
    "Bundle",
    "OpenVinoPicker",
    "bundle_folder",
    "bundle_name",
    "check_precision",
    "import_openvino",
    "list_bundles",
]

BATCH = 16
"""Windows in one call.  Fixed, so that the arithmetic of a window is always the same."""

_FORMAT = 3
_GRAPH, _WEIGHTS = "model.xml", "model.bin"
ABOUT = "bundle.json"
"""The file that describes a bundle."""
SEAL = "SHA256SUMS"
"""The file with the check sums of the others."""
_SEALED = (ABOUT, _GRAPH, _WEIGHTS)
_CAPABILITIES: Final[Mapping[Bits, str]] = {"f16": "FP16", "bf16": "BF16"}
"""What OpenVINO says of a processor that computes in a precision by itself; the finer one first."""
_EXPONENT = 4
"""Windows are scaled to 16 at most for f16, by a power of two."""
_PAUSES_S = (0.0, 0.05, 0.5)
"""When to look again: another process may be putting an equal bundle there, file by file."""
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._+-]")
_COMPILE_AGAIN = "remove it and run `epicat models compile` again"
_INSTALL_AGAIN = "it came with epicat: install epicat again"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A compiled picker on disk."""

    folder: Path
    """Where it lies."""
    info: PickerInfo
    """What is known about it."""

    @classmethod
    def read(cls, folder: Path) -> Bundle:
        """Read what is known about a bundle; raise `ModelError` if there is none."""
        try:
            return cls(folder, PickerInfo.model_validate_json((folder / ABOUT).read_bytes()))
        except (OSError, ValidationError) as error:
            raise ModelError(
                f"compiled model {str(folder)!r} cannot be read; {_remedy(folder)}"
            ) from error

    @property
    def graph(self) -> Path:
        """The OpenVINO model."""
        return self.folder / _GRAPH

    @property
    def about(self) -> Path:
        """The file that describes it."""
        return self.folder / ABOUT

    def seal(self) -> None:
        """Write the check sums of its files, as ``sha256sum`` does."""
        lines = [f"{_sha256(self.folder / name)}  {name}\n" for name in _SEALED]
        (self.folder / SEAL).write_text("".join(lines), encoding="utf-8")

    def check(self) -> None:
        """Raise `ModelError` if a file is not what was sealed, or nothing was."""
        for pause_s in _PAUSES_S:
            time.sleep(pause_s)
            damaged = self._damaged()
            if not damaged:
                return
        raise self._unusable(f"{', '.join(damaged)} changed after it was compiled")

    def _damaged(self) -> list[str]:
        try:
            said = (self.folder / SEAL).read_text(encoding="utf-8").splitlines()
            sums = {line[66:]: line[:64] for line in said}
            return [name for name in _SEALED if _sha256(self.folder / name) != sums.get(name)]
        except FileNotFoundError as error:
            raise self._unusable(f"it has no {Path(error.filename).name}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise self._unusable("it cannot be read") from error

    def _unusable(self, told: str) -> ModelError:
        return ModelError(
            f"compiled model {str(self.folder)!r} cannot be loaded: {told}; {_remedy(self.folder)}"
        )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _remedy(folder: Path) -> str:
    shipped = folder.parent == Path(__file__).parent
    return _INSTALL_AGAIN if shipped else _COMPILE_AGAIN


def bundle_folder(files: WeightFiles) -> Path:
    """Return where the bundle of a pair of files lies, or will lie."""
    return cache_folder("bundles") / bundle_name(files.model, files.weight, *files.sha256)


def bundle_name(model: str, weight: str, *told: str) -> str:
    """Return the name of a bundle's folder, of this version of bundles.

    ``told`` are the SHA-256 of the weights and of the metadata; or what else tells one from
    another, as long as these are not known.
    """
    shown = _NOT_IN_NAMES.sub("_", weight)[:80]  # for people; the digest tells the content
    return f"{model}-{shown}-{digest_of(_FORMAT, model, *told)}"


def list_bundles() -> list[Bundle]:
    """Return every bundle in the cache, in the order of names; damaged ones are left out."""
    found = []
    for path in sorted(cache_folder("bundles").glob(f"[!.]*/{ABOUT}")):
        try:
            found.append(Bundle.read(path.parent))
        except ModelError:
            continue
    return found


def import_openvino() -> Any:
    """Import OpenVINO without its telemetry, which would call home at every import."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


@cache
def _core() -> Any:
    """Return the one OpenVINO core of this process.

    It is never let go: a damaged model makes it load libraries that set signal handlers, and
    unloading these with the core leaves Ctrl-C pointing nowhere.
    """
    return import_openvino().Core()


def fewer_bits() -> tuple[Bits, ...]:
    """Return the precisions beside f32 that this machine computes in, the finer one first."""
    has = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return tuple(name for name, said in _CAPABILITIES.items() if said in has)


def check_precision(precision: Precision) -> None:
    """Raise `ModelError` if this machine cannot compute in a precision.

    OpenVINO would take another one without a word.
    """
    if precision in ("f32", "mixed"):  # mixed is f32 on a machine without anything less
        return
    found = ["f32", *fewer_bits()]
    if precision not in found:
        raise ModelError(
            f"precision {precision!r}: this machine computes in {' and '.join(found)} only"
        )


class OpenVinoPicker:
    """A bundle, loaded: the `Picker` that workers use."""

    def __init__(self, bundle: Bundle, threads: int = 1, precision: Bits = "f32") -> None:
        """Load a bundle; raise `ModelError` if that fails or this machine lacks the precision."""
        self.info = bundle.info
        check_precision(precision)
        self.precision: Bits = precision
        self._request = self._compile(bundle, threads)
        self._batch = np.zeros((BATCH, len(self.info.component_order), self.info.samples), "f4")
        if precision != "f32":
            self._check_numbers()

    def _check_numbers(self) -> None:
        """Raise `ModelError` if windows that are zero in part are not a number in fewer bits."""
        windows = np.random.default_rng(0).normal(size=self._batch.shape).astype(np.float32)
        windows[0] = windows[1, :1] = windows[2, :, : self.info.samples // 2] = 0
        none = np.isnan(self.probabilities(windows))
        if none[-1].all() or (none != none[-1]).any():  # some models leave samples out
            raise ModelError(
                f"precision {self.precision!r}: {self.info.model} {self.info.weight!r} gives no "
                "numbers in it; use f32 or mixed"
            )

    def _compile(self, bundle: Bundle, threads: int) -> Any:
        bundle.check()
        try:
            whole = _core().read_model(bundle.graph)
            model = with_phases(with_rows(whole, bundle.info.picked_rows))
            compiled = _core().compile_model(
                model,
                "CPU",
                {
                    # OpenVINO's own default is bf16 where the CPU has it: other picks.
                    "INFERENCE_PRECISION_HINT": self.precision,
                    "INFERENCE_NUM_THREADS": threads,
                    "NUM_STREAMS": 1,
                    # Each process would pin its thread to the first core: all to the same one.
                    "ENABLE_CPU_PINNING": False,
                },
            )
        except RuntimeError as error:
            reason = (str(error).split("\n\n")[0].splitlines() or ["?"])[-1]  # the rest is C++
            raise ModelError(
                f"compiled model {str(bundle.folder)!r} cannot be loaded: {reason}; "
                f"{_remedy(bundle.folder)}"
            ) from error
        computed_in = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if computed_in != self.precision:
            raise ModelError(f"OpenVINO computes in {computed_in}, not in {self.precision}")
        return compiled.create_infer_request()

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
            full = _eased(full, self.precision)
        self._request.infer([np.ascontiguousarray(full, np.float32)], share_inputs=True)
        output: F32 = self._request.get_output_tensor(0).data
        return output[: len(part)].copy()


def _eased(windows: F32, bits: Bits) -> F32:
    """Return windows without their means, and in f16 of a size that it can hold.

    A digitizer's offset of a million counts leaves nothing of a signal of a thousand in bf16, and
    a million is no number at all in f16.  Pickers take the means away by themselves, and what is
    doubled is the same to them.
    """
    centred: F32 = windows - windows.mean(axis=2, keepdims=True)
    if bits == "bf16":  # which holds what f32 does
        return centred
    largest = np.abs(centred).max(axis=(1, 2), keepdims=True)
    return np.asarray(np.ldexp(centred, _EXPONENT - np.frexp(largest)[1]), np.float32)
