"""Every model of SeisBench: those that run give SeisBench's curves, the others say why not.

Weights are random here but for a few: what is tried is the way from counts to curves.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from epicat.cli.app import app
from epicat.errors import InputError, ModelError, NameChoiceError
from epicat.model import Filter, Span
from epicat.pick.builtin import BUILTIN
from epicat.pick.openvino.bundle import Bundle, list_bundles
from epicat.pick.openvino.picker import OpenVinoPicker
from epicat.pick.openvino.runtime import BATCH
from epicat.pick.picker import PickOptions
from epicat.pick.resolve import prepare_bundle
from epicat.pick.supported import MODELS, PICKBLUE, PICKERS, check_model
from epicat.pick.windows import Stretch, curves, window_starts
from epicat.waveforms.grid import Grid
from epicat.waveforms.segments import segments
from epicat.waveforms.traces import Clock, Trace

pytestmark = pytest.mark.seisbench

seisbench_models = pytest.importorskip("seisbench.models")

EVER = Span.parse("1980-01-01", "2040-01-01")
PICKBLUE_ARGS: dict[str, Any] = {
    "in_channels": 4, "component_order": "Z12H", "phases": "PSN", "norm": "peak",
    "norm_amp_per_comp": True, "norm_detrend": True,
    "filter_args": {"??H": ["highpass"]},
    "filter_kwargs": {"??H": {"freq": 0.5, "corners": 2, "zerophase": True}},
}  # fmt: skip

VARIANTS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "PhaseNet": ("PhaseNet", {}, {}),
    "PhaseNetWC": ("PhaseNet", {"filter_factor": 2}, {"blinding": [250, 250]}),
    "DiTing at 50 Hz": ("PhaseNet", {"sampling_rate": 50, "phases": "NPS"}, {}),
    "PhaseNet of one component": ("PhaseNet", {"in_channels": 1, "component_order": "Z"}, {}),
    "PhaseNet with a band of its own": (
        "PhaseNet",
        {"filter_args": ["lowpass"], "filter_kwargs": {"freq": 20}},
        {"stacking": "max", "overlap": 0.5},
    ),
    "PickBlue phasenet": ("PhaseNet", PICKBLUE_ARGS, {"P_threshold": 0.2, "S_threshold": 0.1}),
    "PickBlue eqtransformer": ("EQTransformer", PICKBLUE_ARGS | {"phases": "PS"}, {}),
    "PhaseNetLight": ("PhaseNetLight", {}, {}),
    "VariableLengthPhaseNet": (
        "VariableLengthPhaseNet",
        {"in_samples": 1000, "norm": "std", "norm_axis": [-1, -2], "output_activation": "sigmoid"},
        {},
    ),
    "LFEDetect": ("LFEDetect", {"sampling_rate": 20, "in_samples": 1200}, {}),
    "EQTransformer": ("EQTransformer", {}, {}),
    "EQTransformer non-conservative": (
        "EQTransformer",
        {"original_compatible": "non-conservative", "norm": "peak", "component_order": "ENZ"},
        {},
    ),
    "OBSTransformer": ("OBSTransformer", {}, {}),
    "GPD": ("GPD", {"phases": "PSN"}, {}),
    "GPD as in Keras, at another stride": (
        "GPD",
        {"phases": "PSN", "original_compatible": True, "component_order": "ENZ"},
        {"stride": 7, "P_threshold": 0.5},
    ),
    "EQTP": ("EQTP", {"in_samples": 6000}, {}),
    "EQCCTP": ("EQCCTP", {}, {}),
    "EQCCTS": ("EQCCTS", {}, {}),
    "Skynet": ("Skynet", {}, {}),
    "BasicPhaseAE": ("BasicPhaseAE", {}, {}),
}


def pair(folder: Path, model: str, args: dict[str, Any], defaults: dict[str, Any]) -> Path:
    """Write a pair of files with random weights; return the ``.pt``."""
    import torch

    torch.manual_seed(7)
    torch.save(getattr(seisbench_models, model)(**args).state_dict(), folder / "random.pt")
    said = {"model_args": args, "default_args": defaults, "version": "4"}
    said["docstring"] = "Random weights. CC0.\nNobody should pick with them."
    (folder / "random.json").write_text(json.dumps(said))
    return folder / "random.pt"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Keep PyTorch to one thread: several wait for each other where cores are busy."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EPICAT_CACHE", str(tmp_path / "epicat-cache"))
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path / "seisbench"))
    return tmp_path / "epicat-cache"


def compiled(folder: Path, model: str, args: dict[str, Any], defaults: dict[str, Any]) -> Bundle:
    weights = pair(folder, model, args, defaults)
    return prepare_bundle(PickOptions(model=model, weight=str(weights)))


# --- the table


def offered() -> set[str]:
    """Return what SeisBench has that could be taken for a model."""
    bases = (seisbench_models.SeisBenchModel, seisbench_models.WaveformPipeline)
    abstract = {"SeisBenchModel", "WaveformModel", "WaveformPipeline", "DASModel"}
    names = {
        name
        for name, value in vars(seisbench_models).items()
        if inspect.isclass(value) and issubclass(value, bases)
    }
    return (names - abstract) | {"PickBlue"}


def test_the_table_has_every_model_of_seisbench() -> None:
    assert set(MODELS) == offered()
    waiting = [seisbench_models.WaveformModel]
    known = set()
    while waiting:
        below = waiting.pop().__subclasses__()
        waiting += below
        known |= {c.__name__ for c in below if c.__module__.startswith("seisbench.models")}
    assert {name for name in known if name[0] != "_"} <= set(MODELS)


def test_every_picker_is_tried_here() -> None:
    assert {model for model, _, _ in VARIANTS.values()} | {"PickBlue"} == set(PICKERS)
    assert {model for model, _ in PICKBLUE.values()} <= set(PICKERS)


def test_the_command_line_takes_what_the_table_says(own_cache: Path) -> None:
    runner = CliRunner()
    rows = json.loads(runner.invoke(app, ["models", "known", "--json"]).stdout)
    assert {row["model"]: row["runs"] for row in rows} == {n: n in PICKERS for n in MODELS}
    for name, kind in MODELS.items():
        if name in PICKERS:
            check_model(name)
            continue
        caught = runner.invoke(app, ["models", "compile", name, "original"]).exception
        assert isinstance(caught, InputError)
        assert str(caught).startswith(f"model {name!r} cannot pick for epicat: {kind.refused}. ")
        assert "Choose from BasicPhaseAE, EQCCTP, " in str(caught)


def test_the_page_has_every_model() -> None:
    page = (Path(__file__).parents[2] / "docs" / "howto" / "models.md").read_text()
    rows = re.findall(r"^\| (`.+`) \| (runs|refused) \|", page, re.MULTILINE)
    said = {name: state for names, state in rows for name in re.findall(r"`(\w+)`", names)}
    assert said == {name: "runs" if name in PICKERS else "refused" for name in MODELS}


def test_an_unknown_name_shows_the_near_ones() -> None:
    with pytest.raises(NameChoiceError, match="did you mean EQTransformer"):
        check_model("EQTransfomer")


def test_pickblue_is_weights_of_two_models(own_cache: Path, tmp_path: Path) -> None:
    with pytest.raises(NameChoiceError, match="Choose from eqtransformer, phasenet"):
        prepare_bundle(PickOptions(model="PickBlue"))
    folder = tmp_path / "seisbench" / "models" / "v3" / "phasenet"
    folder.mkdir(parents=True)
    pair(folder, "PhaseNet", PICKBLUE_ARGS, {})
    for kind in ("pt", "json"):
        (folder / f"random.{kind}").rename(folder / f"obs.{kind}.v4")
    info = prepare_bundle(PickOptions(model="PickBlue", weight="phasenet")).info
    assert (info.model, info.weight, info.version) == ("PhaseNet", "obs", "4")
    assert info.component_order == "ZNEH"
    assert info.filters == {"H": Filter("highpass", 0.5, None, 2, True)}
    assert info.about == "Random weights. CC0."


# --- the same curves


def counts_of(components: str, samples: int) -> dict[str, NDArray[np.int32]]:
    rng = np.random.default_rng(3)
    shape = np.exp(-((np.arange(samples) % 1500) / 300.0)) + 0.05
    return {
        code: (rng.normal(size=samples) * shape * 1e4 + 500 * row).astype(np.int32)
        for row, code in enumerate(components)
    }


def curves_of(picker: OpenVinoPicker, runs: dict[str, NDArray[np.int32]], first: int) -> Any:
    info = picker.info
    rate = Fraction(info.sampling_rate)
    clock = Clock(np.array([first]), np.array([0]))
    components = {code: [Trace(rate, first, x, clock)] for code, x in runs.items()}
    (found,) = segments(components, info.component_order, rate, EVER, info.filters)
    starts = window_starts(found.first, found.stop, info, starts_really=True, ends_really=True)
    stretch = Stretch(found, found.first, found.stop - found.first, starts - found.first)
    return np.concatenate(list(next(curves(picker, [stretch], BATCH))), axis=1)


@pytest.mark.parametrize("name", VARIANTS)
def test_curves_are_those_of_seisbench(name: str, tmp_path: Path, own_cache: Path) -> None:
    """Measured: 2e-7 at most, with NaN in the same places."""
    import obspy

    model, args, defaults = VARIANTS[name]
    bundle = compiled(tmp_path, model, args, defaults)
    info, picker = bundle.info, OpenVinoPicker(bundle)
    theirs = getattr(seisbench_models, model).load(tmp_path / "random")
    rate = Fraction(info.sampling_rate)
    first = -(-(10**9 * rate.numerator) // info.stride) * info.stride
    runs = counts_of(info.component_order, 2 * info.samples + 777)
    stats = {"sampling_rate": float(rate), "network": "XX", "station": "AAA"}
    stats["starttime"] = obspy.UTCDateTime(ns=Grid(rate).time_ns(first))
    stream = obspy.Stream(
        [
            obspy.Trace(x.copy(), {**stats, "channel": "HDH" if code == "H" else f"HH{code}"})
            for code, x in runs.items()
        ]
    )
    annotated = {t.stats.channel.partition("_")[2]: t for t in theirs.annotate(stream)}
    assert list(annotated) == list(info.phases)
    ours = curves_of(picker, runs, first)
    for phase, row in zip(info.picked, ours, strict=True):
        trace = annotated[phase]
        begin = round((trace.stats.starttime - stats["starttime"]) * float(rate))
        there = np.flatnonzero(~np.isnan(row))
        assert (begin, begin + trace.stats.npts * info.step - 1) == (there[0], there[-1])
        part = row[begin : there[-1] + 1]
        assert (part.reshape(-1, info.step) == part[:: info.step, None]).all() or info.step == 1
        part = part[:: info.step]
        np.testing.assert_allclose(part, trace.data, atol=1e-5, equal_nan=True)
        print(name, phase, "within", float(np.nanmax(np.abs(part - trace.data))))


def test_thresholds_are_those_of_the_classes(tmp_path: Path, own_cache: Path) -> None:
    for model, wanted in {
        "EQCCTP": {"P": 0.3}, "EQCCTS": {"S": 0.5}, "BasicPhaseAE": {"P": 0.3, "S": 0.3},
    }.items():  # fmt: skip
        assert compiled(tmp_path, model, {}, {}).info.thresholds == wanted


# --- weights that are refused


def bandpass(**options: Any) -> dict[str, Any]:
    return {"filter_args": ["bandpass"], "filter_kwargs": options}


def by_channel(*patterns: str) -> dict[str, Any]:
    return {
        "filter_args": {p: ["highpass"] for p in patterns},
        "filter_kwargs": {p: {"freq": 1} for p in patterns},
    }


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"component_order": "ZNX"}, "need the components Z, N, X"),
        ({"component_order": "Z1N"}, "need the components Z, 1, N"),
        ({"phases": ["Pn", "Pg", "Sn"]}, "need the phases Pn, Pg, Sn"),
        ({"phases": "NDX"}, "need the phases N, D, X"),
        ({"filter_args": ["bandstop"], "filter_kwargs": {"freqmin": 1, "freqmax": 2}}, "bandstop"),
        (bandpass(freqmin=1), r"need a filter \(.*freqmin.*which epicat does not support"),
        (bandpass(freqmin=3, freqmax=2), r"a bandpass with corners at \[3.0, 2.0\] Hz"),
        (bandpass(freqmin=6, freqmax=8), "a bandpass with corners at"),
        (bandpass(freqmin=1, freqmax=8, ftype="cheby1"), "cheby1"),
        (by_channel("?DZ"), None),
        (by_channel("H??"), "channels 'H..' match some of component Z, but not all"),
        (by_channel("??Z", "*"), "two filters for component Z"),
    ],
)
def test_weights_that_need_what_epicat_lacks_are_refused(
    args: dict[str, Any], said: str | None, tmp_path: Path, own_cache: Path
) -> None:
    if said is None:
        assert compiled(tmp_path, "PhaseNetLight", args, {}).info.filters == {}
        return
    with pytest.raises(ModelError, match=said) as caught:
        compiled(tmp_path, "PhaseNetLight", args, {})
    assert "\n" not in str(caught.value)
    assert list_bundles() == []


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("PhaseNetLight", "the components 'ZNE' for 1 channels"),
        ("Skynet", "Skynet cannot be compiled: "),
    ],
)
def test_components_that_do_not_fit_are_refused(
    model: str, reason: str, tmp_path: Path, own_cache: Path
) -> None:
    args = {"in_channels": 1, "component_order": "ZNE"}
    with pytest.raises(ModelError, match=reason) as caught:
        compiled(tmp_path, model, args, {})
    assert "\n" not in str(caught.value)
    assert list_bundles() == []


# --- what is here


def test_the_inventory_tells_what_is_cached_and_what_is_compiled(
    tmp_path: Path, own_cache: Path
) -> None:
    runner = CliRunner()
    (shipped,) = json.loads(runner.invoke(app, ["models", "list", "--json"]).stdout)
    assert shipped["weight"] == BUILTIN
    folder = tmp_path / "seisbench" / "models" / "v3" / "phasenetlight"
    folder.mkdir(parents=True)
    pair(folder, "PhaseNetLight", {}, {"P_threshold": 0.2})
    shipped, row = json.loads(runner.invoke(app, ["models", "list", "--json"]).stdout)
    assert row["compiled"] == ""
    assert row["cached"] == str(folder / "random.pt")
    assert (row["version"], row["about"]) == ("4", "Random weights. CC0.")
    assert (row["thresholds"], row["sampling_rate"]) == ({"P": 0.2}, None)
    made = runner.invoke(app, ["models", "compile", "PhaseNetLight", "random"]).stdout.strip()
    shipped, after = json.loads(runner.invoke(app, ["models", "list", "--json"]).stdout)
    assert after["compiled"] == made
    assert after["sha256"] == row["sha256"]
    assert after["thresholds"] == {"P": 0.2, "S": 0.3}
    assert after["sampling_rate"] == 100
    for file in folder.iterdir():
        file.unlink()
    shipped, bare = json.loads(runner.invoke(app, ["models", "list", "--json"]).stdout)
    assert bare == after | {"cached": ""}
    shown = runner.invoke(app, ["models", "list"]).stdout
    for part in ("random version 4: compiled", "CC0.", "100 Hz", "P 0.2, S 0.3", row["sha256"]):
        assert part in shown
    assert "weights: not in the cache" in shown
