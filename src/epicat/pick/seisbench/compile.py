"""Compile SeisBench's models: the only file that imports torch and seisbench.

The graph is SeisBench's own ``annotate_batch_pre``, ``forward`` and ``annotate_batch_post``,
traced in one module.  Blinding stays outside: it is applied where windows are stacked.
"""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from epicat.errors import ModelError
from epicat.pick.openvino.bundle import (
    BATCH,
    Bundle,
    OpenVinoPicker,
    bundle_folder,
    import_openvino,
)
from epicat.pick.seisbench.hub import INSTEAD, seisbench_models
from epicat.pick.seisbench.metadata import describe
from epicat.pick.seisbench.weights import (
    VERSION,
    WeightFiles,
    cached_weights,
    find_weights,
    seisbench_cache,
)

__all__ = ["compile_bundle", "fetch_weights"]

_TOLERANCE = 1e-4
"""Largest difference between the compiled model and PyTorch; measured: 1e-6 and less."""


def fetch_weights(model: str, weight: str) -> WeightFiles:
    """Download weights into SeisBench's cache; raise `ModelError` if they cannot be had."""
    architecture = _only_fetching(getattr(seisbench_models(), model))
    logging.getLogger("seisbench").setLevel(logging.ERROR)
    try:
        architecture.from_pretrained(weight)
    except Exception as error:
        raise ModelError(_unreachable(model, weight, error)) from error
    files = find_weights(model, weight)
    if files is None:
        raise ModelError(_unreachable(model, weight, FileNotFoundError("nothing was downloaded")))
    return files


def _only_fetching(architecture: Any) -> Any:
    """Return an architecture whose `from_pretrained` fetches files and opens none of them.

    SeisBench's own loads them as PyTorch's default has it: before PyTorch 2.6, or where
    TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD is set, that runs whatever the file says.  A version comes
    from the hub and becomes part of a path, so that only numbers are let through.
    """

    def list_versions(cls: Any, name: str, remote: bool = True) -> list[str]:
        found = super(cls, cls).list_versions(name, remote=remote)
        return [version for version in found if VERSION.fullmatch(version)]

    def load(cls: Any, *_: Any, **__: Any) -> None:
        del cls

    own = {"list_versions": classmethod(list_versions), "load": classmethod(load)}
    return type(architecture.__name__, (architecture,), own)  # its name is that of the folder


def _unreachable(model: str, weight: str, error: Exception) -> str:
    known = sorted({files.weight for files in cached_weights(model)})
    # Messages of HTTP libraries run over lines and name hosts; their kind says enough.
    told = type(error) is ValueError or isinstance(error, FileNotFoundError)
    reason = str(error) if told else f"SeisBench's hub cannot be reached: {type(error).__name__}"
    near = get_close_matches(weight, known, n=1)
    guess = f" Did you mean {near[0]}?" if near else ""
    return (
        f"weights {weight!r} of {model} are neither in SeisBench's cache nor can they be fetched "
        f"({reason}). In the cache: {', '.join(known) or 'none'}.{guess} Check the name and "
        f"the connection, or bring the .pt and the .json file to {str(seisbench_cache(model))!r} "
        "(SEISBENCH_CACHE_ROOT names another root), or give --weight the path of a .pt file with "
        f"its .json beside it; {INSTEAD}"
    )


def compile_bundle(files: WeightFiles) -> Bundle:
    """Compile a pair of files into a bundle in the cache; raise `ModelError` if that fails.

    The bundle is made beside its place and moved there: several at once do no harm.
    """
    model = _load(files)
    info = describe(model, files)
    folder = bundle_folder(files)
    # Not `tempfile.mkdtemp`: other users, such as a container's, may have to read it.
    partial = folder.with_name(f".making-{uuid4().hex}")
    partial.mkdir()
    try:
        bundle = Bundle(partial, info)
        bundle.about.write_text(info.model_dump_json(indent=1), encoding="utf-8")
        _converted(model, bundle)
        _publish(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Bundle.read(folder)


def _publish(made: Path, folder: Path) -> None:
    """Move a bundle to its place; readers of an equal one that is there never miss a file."""
    try:
        made.rename(folder)
    except OSError:  # there is one: another process was first, or it is to be made again
        for file in made.iterdir():
            file.replace(folder / file.name)


def _load(files: WeightFiles) -> Any:
    architecture = getattr(seisbench_models(), files.model)
    files.read_metadata()  # SeisBench would not say which file is bad
    stem, _, rest = files.weights.name.rpartition(".pt")
    try:
        with warnings.catch_warnings(action="ignore"):  # about choices that the weights made
            model = architecture.load(
                files.weights.with_name(stem), rest.removeprefix(".v") or None, weights_only=True
            )
    except Exception as error:
        raise ModelError(
            f"weights {str(files.weights)!r} are none of {files.model}: {_reason(error)}"
        ) from error
    return model.eval()


def _reason(error: Exception) -> str:
    if isinstance(error, RuntimeError | TypeError) or type(error) is ValueError:
        return " ".join(str(error).split())[:200]
    # PyTorch's own words advise to load the file whatever it would run.
    return "the file is damaged, or holds more than weights; nothing in it was run"


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
    """Let SeisBench's own LSTM loop over time, rather than be traced step by step.

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


def _converted(model: Any, bundle: Bundle) -> None:
    """Write the graph, seal the bundle, and see that it gives what PyTorch gives."""
    import torch

    shape = (BATCH, len(bundle.info.component_order), bundle.info.samples)
    windows = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    try:
        with warnings.catch_warnings(action="ignore"), torch.no_grad(), _one_thread():
            _with_loops(model)
            wanted = _convert(model, bundle)(windows.clone()).numpy()
            bundle.seal()
        found = OpenVinoPicker(bundle).probabilities(windows.numpy())
        difference = np.abs(found - wanted[:, bundle.info.picked_rows])
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{bundle.info.model} cannot be compiled: {reason}") from error
    if wanted.shape[:2] != (BATCH, len(bundle.info.phases)) or np.nanmax(difference) > _TOLERANCE:
        raise ModelError(
            f"{bundle.info.model} {bundle.info.weight} cannot be compiled: probabilities of shape "
            f"{wanted.shape} that differ from PyTorch's by up to {np.nanmax(difference):.2g}"
        )


def _convert(model: Any, bundle: Bundle) -> Any:
    """Write the graph; return what it was made of."""
    import torch

    samples = bundle.info.samples

    class Whole(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, windows: Any) -> Any:
            arguments = {"blinding": (0, 0)}
            # SeisBench takes off the mean, but sums in 32 bits do not hold an offset of a million
            # counts: a dead channel that has one would come out as anything but zeros.
            first, middle, last = (windows[..., i : i + 1] for i in (0, samples // 2, samples - 1))
            low, high = torch.minimum(first, last), torch.maximum(first, last)
            level = torch.maximum(low, torch.minimum(high, middle))
            prepared = self.model.annotate_batch_pre(windows - level, arguments)
            found = self.model.annotate_batch_post(self.model(prepared), None, arguments)
            return found.transpose(-1, -2)

    ov = import_openvino()
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    shape = (BATCH, len(bundle.info.component_order), samples)
    example = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), open(os.devnull, "w") as null, redirect_stdout(null):  # noqa: PTH123
        whole = Whole()
        # PyTorch would trace three times and compare; `_converted` compares in the end.
        traced = TorchScriptPythonDecoder(
            whole, example_input=example, trace_kwargs={"check_trace": False}
        )
        converted = ov.convert_model(traced)
        converted.reshape(list(shape))
        ov.save_model(converted, bundle.graph, compress_to_fp16=False)
    return whole
