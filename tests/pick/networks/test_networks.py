"""Networks with random weights against SeisBench's, over all arguments of its constructors.

The weights are larger than PyTorch's own first values, with which all probabilities lie near 1
divided by the number of rows; but not so large that rounding decides.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from epicat.errors import ModelError
from epicat.pick.networks.architectures import ARCHITECTURES
from epicat.pick.networks.build import build_network
from epicat.pick.openvino.runtime import BATCH, core, cpu_properties
from epicat.pick.supported import MODELS
from epicat.pick.weights.files import WeightFiles
from epicat.pick.weights.read import read_tensors
from support.torch_file import write_torch_file

pytestmark = pytest.mark.seisbench

Arguments = dict[str, Any]

NORMS: list[Arguments] = [
    {"norm": norm, "norm_amp_per_comp": per_component, "norm_detrend": detrend}
    for norm, per_component, detrend in product(("std", "peak", None), (False, True), (False, True))
]
COMPONENTS: list[Arguments] = [
    {"in_channels": 1, "component_order": "Z"},
    {"in_channels": 2, "component_order": "ZH"},
    {"in_channels": 3, "component_order": "ENZ"},
    {"in_channels": 4, "component_order": "Z12H"},
]
CLASSES: list[Arguments] = [
    {"classes": 2, "phases": "PS"},
    {"classes": 3, "phases": "PSN"},
    {"classes": 4, "phases": ["N", "P", "S", "Detection"]},
]
PHASENET: list[Arguments] = [
    *NORMS, *COMPONENTS, *CLASSES, {"filter_factor": 2}, {"filter_factor": 3},
]  # fmt: skip
VARIABLE: list[Arguments] = [
    {"norm": norm, "norm_axis": axis, "output_activation": activation}
    for norm, axis, activation in product(
        ("std", "peak"), ([-1], [-2, -1], [1], [2]), ("softmax", "sigmoid")
    )
]
VARIABLE += [*COMPONENTS, *CLASSES, *({"in_samples": n} for n in (64, 601, 1000, 1234, 3001, 4097))]
EQTRANSFORMER: list[Arguments] = [
    *({"original_compatible": mode, "lstm_blocks": blocks}
      for mode, blocks in product((False, True, "conservative", "non-conservative"), (1, 2, 3))),
    *(norm | {"lstm_blocks": 1} for norm in NORMS[::2]),
    *(some | {"lstm_blocks": 1, "original_compatible": "conservative"} for some in COMPONENTS),
    {"classes": 1, "phases": "P"},
    {"classes": 3, "phases": ["P", "S", "N"]},
    *({"in_samples": n, "lstm_blocks": 1} for n in (512, 1001, 3001, 6100, 12000)),
]  # fmt: skip
CASES: list[tuple[str, Arguments]] = [
    *(("PhaseNet", a) for a in PHASENET),
    *(("PhaseNetLight", a) for a in [*NORMS[::3], *COMPONENTS, *CLASSES]),
    *(("VariableLengthPhaseNet", a) for a in VARIABLE),
    ("LFEDetect", {"sampling_rate": 20, "in_samples": 1200}),
    *(("EQTransformer", a) for a in EQTRANSFORMER),
    ("OBSTransformer", {}),
    ("OBSTransformer", {"lstm_blocks": 3, "norm": "peak"}),
]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Keep PyTorch to one thread: several wait for each other where cores are busy."""
    torch = pytest.importorskip("torch", reason="PyTorch is what the networks are compared with")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def random_model(name: str, arguments: Mapping[str, Any]) -> Any:
    """Return a model of SeisBench whose probabilities vary."""
    models = pytest.importorskip("seisbench.models", reason="SeisBench is compared with")
    import torch

    torch.manual_seed(5)
    scale = 1.8 if "Transformer" in name else 1.2
    model = getattr(models, name)(**arguments).eval()
    with torch.no_grad():
        for key, values in model.state_dict().items():
            if key.endswith("running_var"):
                values.copy_(torch.rand_like(values) + 0.2)
            elif key.endswith("running_mean"):
                values.copy_(torch.randn_like(values) * 0.1)
            elif values.dtype.is_floating_point and values.ndim == 3:
                values.mul_(scale)
    return model


def pair(folder: Path, name: str, model: Any, arguments: Mapping[str, Any]) -> WeightFiles:
    files = WeightFiles(name, "random", folder / "random.pt", folder / "random.json")
    write_torch_file(files.weights, {k: v.numpy() for k, v in model.state_dict().items()})
    metadata: dict[str, Any] = {"model_args": arguments}
    if "in_samples" in arguments:
        metadata["default_args"] = {"overlap": 0.5, "blinding": [0, 0]}
    files.metadata.write_text(json.dumps(metadata))
    return files


def windows_of(components: int, samples: int) -> NDArray[np.float32]:
    """Return counts with an offset, a trend, an arrival, dead components and a dead window."""
    rng = np.random.default_rng(8)
    windows = rng.normal(size=(BATCH, components, samples)) * 100
    windows[:, :, samples // 3 :] *= 1 + 20 * np.exp(-np.arange(samples - samples // 3) / 300)
    windows += np.linspace(-500, 1000, samples)
    windows[1] = 0
    windows[2, 0] = 7
    windows[3, -1, samples // 2 :] = 0
    windows[4] += 10_000
    return np.round(windows).astype(np.float32)


def seisbench_probabilities(model: Any, windows: NDArray[np.float32]) -> NDArray[np.float32]:
    import torch

    options = {"blinding": (0, 0)}
    with torch.no_grad():
        found = model(model.annotate_batch_pre(torch.from_numpy(windows.copy()), options))
        found = model.annotate_batch_post(found, None, options)
    return np.asarray(found.numpy().transpose(0, 2, 1))


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=lambda value: str(value)[:80])
def test_probabilities_are_those_of_seisbench(
    name: str, arguments: Arguments, tmp_path: Path
) -> None:
    """Measured: 3e-6 at most."""
    model = random_model(name, arguments)
    info, network = build_network(pair(tmp_path, name, model, arguments))
    windows = windows_of(len(info.component_order), info.samples)
    if arguments.get("norm", "std") is None and not arguments["norm_amp_per_comp"]:
        windows /= np.float32(300)  # nothing else makes them small
    found = core().compile_model(network, "CPU", cpu_properties())([windows])[0]
    expected = seisbench_probabilities(model, windows)
    assert list(info.phases) == list(model.labels)
    assert info.samples == model.in_samples
    assert found.shape == expected.shape
    assert np.ptp(expected[0]) > 0.01  # not the same everywhere
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_every_model_that_needs_no_seisbench_is_built_here_and_tried() -> None:
    own = {n for n, some in MODELS.items() if not (some.needs_seisbench or some.refused)}
    tried = {name for name, _ in CASES} | {"GPD"}  # held against annotate() in test_supported.py
    assert own - {"PickBlue"} == set(ARCHITECTURES) == tried


@pytest.mark.parametrize("name", sorted(set(ARCHITECTURES) - {"GPD"}))  # which names no phases
def test_defaults_are_those_of_the_classes(name: str, tmp_path: Path) -> None:
    model = random_model(name, {})
    info, _ = build_network(pair(tmp_path, name, model, {}))
    general = {key: value for key, (_, value) in model._annotate_args.items()}
    assert info.sampling_rate == model.sampling_rate
    assert info.component_order == "".join(model.component_order)
    assert info.overlap == model._get_overlap(model.in_samples, {})
    assert info.stacking == general["stacking"]
    assert info.blinding == tuple(general["blinding"])
    assert info.thresholds == dict.fromkeys(info.picked, general["*_threshold"])


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("PhaseNet", {"filter_factor": 2}, r"tensor 'inc\.bias' has the shape \(8,\), not \(16,\)"),
        ("PhaseNet", {"in_samples": 600}, "unknown arguments in_samples"),
        ("PhaseNet", {"classes": 2}, "3 phases for 2 classes"),
        ("PhaseNet", {"phases": None}, "phases None"),
        ("PhaseNet", {"grouping": "full"}, "grouping 'full'"),
        ("PhaseNet", {"sampling_rate": None}, "cannot be used: "),
        ("VariableLengthPhaseNet", {"norm_axis": [0]}, r"norm_axis \[0\]"),
        ("VariableLengthPhaseNet", {"output_activation": "tanh"}, "output_activation 'tanh'"),
        ("VariableLengthPhaseNet", {"in_samples": 0}, "in_samples 0"),
        ("EQTransformer", {"original_compatible": "very"}, "original_compatible 'very'"),
        (
            "EQTransformer",
            {"original_compatible": True, "in_samples": 7000},
            "windows of 6000 samples",
        ),
        ("EQTransformer", {"lstm_blocks": 2}, "unexpected tensors bi_lstm_stack.members.2"),
        ("EQTransformer", {"lstm_blocks": 4}, "members.3.* is missing"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    name: str, arguments: Arguments, reason: str, tmp_path: Path
) -> None:
    files = pair(tmp_path, name, random_model(name, {}), arguments)
    with pytest.raises(ModelError, match=reason) as caught:
        build_network(files)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_weights_that_give_no_numbers_are_refused(value: float, tmp_path: Path) -> None:
    files = pair(tmp_path, "PhaseNetLight", random_model("PhaseNetLight", {}), {})
    tensors = read_tensors(files.weights)
    tensors["in_bn.running_var"][0] = value
    write_torch_file(files.weights, tensors)
    with pytest.raises(ModelError, match=r"running_var' has (values that are not fi|negative)"):
        build_network(files)
