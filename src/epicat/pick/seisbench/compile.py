"""Compile SeisBench's models: the only file that imports torch and seisbench.

The graph is SeisBench's own ``annotate_batch_pre``, ``forward`` and ``annotate_batch_post``,
traced in one module.  Blinding stays outside: it is applied where windows are stacked.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from functools import partial
from importlib.metadata import version
from typing import Any, Final

import numpy as np

from epicat.errors import ModelError
from epicat.pick.metadata import NetworkArguments, describe
from epicat.pick.openvino.bundle import Bundle, bundle_folder, new_bundle
from epicat.pick.openvino.picker import OpenVinoPicker
from epicat.pick.openvino.runtime import BATCH, import_openvino
from epicat.pick.seisbench.package import seisbench_models
from epicat.pick.weights.files import WeightFiles
from epicat.pick.weights.read import read_tensors

__all__ = ["compile_bundle"]

_TOLERANCE: Final = 1e-4
"""Largest difference between the compiled model and PyTorch; measured: 1e-6 and less."""
_THRESHOLD: Final = 0.3
"""SeisBench's threshold of phases for which a model has none."""


def compile_bundle(files: WeightFiles) -> Bundle:
    """Compile a pair of files into a bundle in the cache; raise `ModelError` if that fails."""
    model = _load(files)
    info = describe(_arguments(model, files), files, _versions())
    with new_bundle(files, info) as bundle:
        _convert_and_compare(model, bundle)
    return Bundle.read(bundle_folder(files))


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("seisbench", "torch", "openvino")}


def _arguments(model: Any, files: WeightFiles) -> NetworkArguments:
    """Return what a loaded model says about picking with it."""
    if model.output_type != "array" or tuple(model.pred_sample) != (0, model.in_samples):
        raise ModelError(
            f"weights {str(files.weights)!r} need an output of type {model.output_type} for "
            f"samples {model.pred_sample}, which epicat does not support"
        )
    general = {name: value for name, (_, value) in model._annotate_args.items()}
    return NetworkArguments(
        sampling_rate=model.sampling_rate,
        in_samples=model.in_samples,
        labels=model.labels,
        component_order=model.component_order,
        filter_args=model.filter_args,
        filter_kwargs=model.filter_kwargs,
        annotate={"*_threshold": _THRESHOLD, **general, **model.default_args},
    )


def _load(files: WeightFiles) -> Any:
    architecture = getattr(seisbench_models(), files.model)
    files.read_metadata()  # SeisBench would not say which file is damaged
    read_tensors(files.weights)  # nor what is wrong with it
    stem, _, rest = files.weights.name.rpartition(".pt")
    try:
        with warnings.catch_warnings(action="ignore"):  # about choices that the weights made
            model = architecture.load(
                files.weights.with_name(stem), rest.removeprefix(".v") or None, weights_only=True
            )
    except Exception as error:
        raise ModelError(
            f"weights {str(files.weights)!r} do not fit {files.model}: {_reason(error)}"
        ) from error
    return model.eval()


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:200]
    return text if isinstance(error, RuntimeError) else f"{type(error).__name__}: {text}"


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep PyTorch to one thread: where cores are busy, several wait for each other."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _with_loops(model: Any) -> None:
    """Let SeisBench's own LSTM loop over time, instead of being traced step by step.

    The result is the same to the last bit; a worker loads the graph of EQTransformer in a third
    of a second instead of five.
    """
    import torch
    from seisbench.models.base import CustomLSTM, hard_sigmoid

    def recurrence(
        driven: torch.Tensor, weights: torch.Tensor, bias: torch.Tensor, hard: bool
    ) -> torch.Tensor:
        hidden = torch.zeros_like(driven[0, :, : weights.shape[0]])
        cell = torch.zeros_like(hidden)
        found = []
        for i in range(driven.shape[0]):
            gates = driven[i] + torch.mm(hidden, weights) + bias
            into, kept, new, out = gates.chunk(4, 1)
            if hard:
                into = torch.clamp(0.2 * into + 0.5, 0.0, 1.0)
                kept = torch.clamp(0.2 * kept + 0.5, 0.0, 1.0)
                out = torch.clamp(0.2 * out + 0.5, 0.0, 1.0)
            else:
                into, kept, out = torch.sigmoid(into), torch.sigmoid(kept), torch.sigmoid(out)
            cell = kept * cell + into * torch.tanh(new)
            hidden = out * torch.tanh(cell)
            found.append(hidden)
        return torch.stack(found)

    looped = torch.jit.script(recurrence)

    def one_way(cell: Any, values: Any) -> Any:
        driven = torch.matmul(values, cell.weight_ih.t()) + cell.bias_ih
        hard = cell.gate_activation is hard_sigmoid
        return looped(driven, cell.weight_hh.t(), cell.bias_hh, hard)

    def forward(lstm: Any, values: Any) -> tuple[Any, None]:
        found = one_way(lstm.cell_f, values)
        if lstm.bidirectional:
            backwards = one_way(lstm.cell_b, torch.flip(values, dims=[0]))
            found = torch.cat([found, torch.flip(backwards, dims=[0])], dim=-1)
        return found, None

    for module in model.modules():
        if isinstance(module, CustomLSTM):
            module.forward = partial(forward, module)


def _convert_and_compare(model: Any, bundle: Bundle) -> None:
    """Write a bundle and check that it gives what PyTorch gives."""
    import torch

    shape = (BATCH, len(bundle.info.component_order), bundle.info.samples)
    windows = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    try:
        with warnings.catch_warnings(action="ignore"), torch.no_grad(), _one_thread():
            _with_loops(model)
            complete, converted = _convert(model, shape)
            bundle.write(converted)
            expected = complete(windows.clone()).numpy()
        found = OpenVinoPicker(bundle).probabilities(windows.numpy())
        difference = np.abs(found - expected[:, bundle.info.picked_rows])
    except Exception as error:
        raise ModelError(f"{bundle.info.model} cannot be compiled: {_reason(error)}") from error
    is_same_shape = expected.shape[:2] == (BATCH, len(bundle.info.phases))
    if not is_same_shape or np.nanmax(difference) > _TOLERANCE:
        raise ModelError(
            f"{bundle.info.model} {bundle.info.weight} cannot be compiled: probabilities of shape "
            f"{expected.shape} that differ from PyTorch's by up to {np.nanmax(difference):.2g}"
        )


def _convert(model: Any, shape: tuple[int, int, int]) -> tuple[Any, Any]:
    """Return a PyTorch module from counts to probabilities, and its OpenVINO model."""
    import torch

    samples = shape[2]

    class Complete(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, windows: Any) -> Any:
            arguments = {"blinding": (0, 0)}
            # SeisBench removes the mean, but 32-bit sums do not hold an offset of a million
            # counts: a dead channel that has one would not come out as zeros.
            first, middle, last = (windows[..., i : i + 1] for i in (0, samples // 2, samples - 1))
            low, high = torch.minimum(first, last), torch.maximum(first, last)
            level = torch.maximum(low, torch.minimum(high, middle))
            prepared = self.model.annotate_batch_pre(windows - level, arguments)
            found = self.model.annotate_batch_post(self.model(prepared), None, arguments)
            return found.transpose(-1, -2)

    openvino = import_openvino()
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    example = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), open(os.devnull, "w") as null, redirect_stdout(null):  # noqa: PTH123
        complete = Complete()
        # PyTorch would trace three times and compare; the caller compares in the end.
        traced = TorchScriptPythonDecoder(
            complete, example_input=example, trace_kwargs={"check_trace": False}
        )
        converted = openvino.convert_model(traced)
        converted.reshape(list(shape))
    return complete, converted
