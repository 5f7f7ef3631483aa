from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epicat.errors import InputError, ModelError, NameChoiceError
from epicat.pick.openvino.bundle import Bundle, bundle_folder, list_bundles
from epicat.pick.openvino.picker import OpenVinoPicker
from epicat.pick.picker import PickOptions
from epicat.pick.resolve import prepare_bundle
from epicat.pick.weights.files import find_weights
from epicat.pick.weights.read import read_tensors
from support.torch_file import archive, write_torch_file

Start = Callable[..., "subprocess.Popen[str]"]
Change = dict[str, Any]


@pytest.fixture(scope="session")
def light(seisbench_cache: Path) -> Path:
    """Give the folder of the smallest real weights."""
    return seisbench_cache / "models" / "v3" / "phasenetlight"


@pytest.fixture
def pair(light: Path, tmp_path: Path, own_cache: Path) -> Path:
    """Give the .pt file of a local pair, whose bundle is not in the cache."""
    return copy_pair(light, tmp_path / "mine", "")


def copy_pair(light: Path, stem: Path, version: str) -> Path:
    for kind in ("pt", "json"):
        shutil.copy(light / f"ethz.{kind}.v2", f"{stem}.{kind}{version}")
    return Path(f"{stem}.pt{version}")


def change(pair: Path, **changes: Change | str) -> None:
    """Change what the .json file of a pair says."""
    file = pair.with_suffix(".json")
    said = json.loads(file.read_text())
    for key, value in changes.items():
        said[key] = {**said.get(key, {}), **value} if isinstance(value, dict) else value
    file.write_text(json.dumps(said))


def prepare(weight: Path | str, *, force: bool = False) -> Bundle:
    return prepare_bundle(PickOptions(model="PhaseNetLight", weight=str(weight)), force=force)


def curve_of(bundle: Bundle) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(1)
    windows = rng.normal(size=(2, 3, bundle.info.samples)).astype(np.float32)
    return OpenVinoPicker(bundle).probabilities(windows)


# --- the second start

SECOND = """
import sys
import numpy as np
from epicat.pick.openvino.picker import OpenVinoPicker
from epicat.pick.pick_options import PickOptions
from epicat.pick.resolve import prepare_bundle
picker = OpenVinoPicker(prepare_bundle(PickOptions(model=sys.argv[1], weight=sys.argv[2])))
found = picker.probabilities(np.zeros((1, 3, picker.info.samples), np.float32))
print("shape", found.shape)
print(*(name for name, module in sys.modules.items() if module is not None))
"""


def test_a_second_start_is_light(bundle: Bundle, start: Start) -> None:
    process = start(SECOND, bundle.info.model, bundle.info.weight)
    out, err = process.communicate(timeout=120)  # measured: 1 s
    assert process.returncode == 0, err
    shape, names = out.splitlines()
    assert shape == "shape (1, 2, 3001)"
    packages = {name.partition(".")[0] for name in names.split()}
    assert "openvino" in packages
    heavy = {"torch", "seisbench", "obspy", "matplotlib", "pandas", "openvino_telemetry", "scipy"}
    assert not packages & heavy
    assert err == ""


def test_the_second_time_nothing_is_compiled(pair: Path) -> None:
    first = prepare(pair)
    stamps = {f: f.stat().st_mtime_ns for f in first.folder.iterdir()}
    assert {f.name for f in stamps} == {"bundle.json", "model.xml", "model.bin", "SHA256SUMS"}
    assert prepare(pair) == first
    assert {f: f.stat().st_mtime_ns for f in first.folder.iterdir()} == stamps
    assert prepare(pair, force=True) == first
    assert all(f.stat().st_mtime_ns > then for f, then in stamps.items())


def test_others_may_read_a_bundle(pair: Path) -> None:
    """A bundle compiled by root while an image is built is read by another user."""
    mask = os.umask(0o022)
    try:
        folder = prepare(pair).folder
    finally:
        os.umask(mask)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert all(f.stat().st_mode & 0o044 == 0o044 for f in folder.iterdir())


# --- local pairs and their content


@pytest.mark.parametrize("version", ["", ".v2", ".v10.1"])
def test_a_local_pair_is_compiled(
    light: Path, tmp_path: Path, bundles: dict[str, Bundle], own_cache: Path, version: str
) -> None:
    weights = copy_pair(light, tmp_path / "my.own", version)
    found = prepare(weights)
    assert found.info.weight == "my.own"
    assert found.folder.is_relative_to(own_cache)
    named = bundles["PhaseNetLight"]
    assert found.info.model_copy(update={"weight": "ethz"}) == named.info
    np.testing.assert_array_equal(curve_of(found), curve_of(named))
    metadata = weights.with_name(weights.name.replace(".pt", ".json"))
    assert prepare(metadata) == found


def test_other_content_under_the_same_name_is_another_bundle(pair: Path) -> None:
    first = prepare(pair)
    change(pair, default_args={"P_threshold": 0.2, "blinding": [100, 50], "stacking": "MAX"})
    second = prepare(pair)
    assert second.folder != first.folder
    assert second.info.thresholds == {"P": 0.2, "S": first.info.thresholds["S"]}
    assert second.info.blinding == (100, 50)
    assert second.info.stacking == "max"
    assert second.info.weights_sha256 == first.info.weights_sha256
    assert second.info.metadata_sha256 != first.info.metadata_sha256

    tensors = read_tensors(pair)
    tensors["inc.weight"] *= 1.5
    write_torch_file(pair, tensors)
    third = prepare(pair)
    assert third.folder not in {first.folder, second.folder}
    assert third.info.weights_sha256 != first.info.weights_sha256
    assert not np.array_equal(curve_of(third), curve_of(second))
    assert prepare(pair) == third
    assert len(list_bundles()) == 3


def test_the_overlap_may_be_a_share(pair: Path) -> None:
    change(pair, default_args={"overlap": 0.75})
    info = prepare(pair).info
    assert (info.overlap, info.stride) == (2250, 751)


def test_horizontals_may_be_called_1_and_2(pair: Path) -> None:
    """What SeisBench takes 1 and 2 for; the waveforms call them N and E."""
    change(pair, model_args={"component_order": "Z12"})
    assert prepare(pair).info.component_order == "ZNE"


def test_stray_files_in_seisbenchs_cache_do_not_disturb(
    light: Path, tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SeisBench's `from_pretrained` fails on such a cache; we load the files by their path."""
    folder = tmp_path / "models" / "v3" / "phasenetlight"
    folder.mkdir(parents=True)
    copy_pair(light, folder / "ethz", ".v2")
    for stray in ("ethz.json.v2.bak", "ethz.pt.v2.bak", "ethz.pt.v3.partial", "ethz.json.v9"):
        (folder / stray).write_bytes(b"stray")
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path))
    found = prepare("ethz")
    assert found.info.weight == "ethz"
    assert found.folder.is_relative_to(own_cache)
    assert sorted(f.name for f in folder.iterdir())[-1] == "ethz.pt.v3.partial"


# --- weights that cannot be used


class Evil:
    """Leaves a file behind when it is unpickled without care."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_malicious_pickle_is_refused_and_nothing_is_run(
    pair: Path, tmp_path: Path, wrapped: bool
) -> None:
    trace = tmp_path / "was-here"
    body = pickle.dumps({"inc.weight": Evil(trace)}, protocol=2)
    if wrapped:
        body = archive({"data.pkl": body})
    pair.write_bytes(body)
    with pytest.raises(ModelError) as caught:
        prepare(pair)
    said = str(caught.value)
    assert said.startswith(f"weights {str(pair)!r} cannot be used: ")
    if wrapped:
        assert "it refers to __builtin__.getattr; nothing in it was run" in said
    assert not trace.exists()
    assert list_bundles() == []


@pytest.mark.parametrize("body", [b"", b"hello", bytes(range(256)) * 8, b"PK\x03\x04garbage"])
def test_garbage_is_refused(pair: Path, body: bytes) -> None:
    pair.write_bytes(body)
    with pytest.raises(ModelError, match=r"mine\.pt' cannot be used: ") as caught:
        prepare(pair)
    assert "\n" not in str(caught.value)
    assert list_bundles() == []


def test_weights_cut_short_are_refused(pair: Path) -> None:
    pair.write_bytes(pair.read_bytes()[:50_000])
    with pytest.raises(ModelError, match=r"mine\.pt' cannot be used: "):
        prepare(pair)


def test_weights_of_another_model_are_refused(pair: Path) -> None:
    with pytest.raises(ModelError, match=r"do not fit PhaseNet: tensor 'inc\.weight' has the"):
        prepare_bundle(PickOptions(model="PhaseNet", weight=str(pair)))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"'])
def test_bad_metadata_are_named(pair: Path, text: str) -> None:
    pair.with_suffix(".json").write_text(text)
    with pytest.raises(ModelError, match=r"mine\.json' (cannot be read|hold no JSON object)"):
        prepare(pair)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_args": {"filter_args": ["bandpass"]}}, "need a filter"),
        ({"model_args": {"phases": "NPX"}}, "need the phases N, P, X"),
        ({"model_args": {"phases": ["N", "Pg", "Sg"]}}, "need the phases N, Pg, Sg"),
        ({"model_args": {"component_order": "ZNX"}}, "Z, N, X"),
        ({"model_args": {"surprise": 1}}, "unknown arguments surprise"),
        ({"model_args": {"sampling_rate": None}}, r"mine\.json' cannot be used: "),
        ({"seisbench_requirement": "99.0"}, "require SeisBench 99.0"),
        ({"default_args": {"stacking": "median"}}, r"mine\.json' cannot be used: .*'median'"),
        ({"default_args": {"overlap": "many"}}, r"mine\.json' cannot be used: "),
        ({"default_args": {"overlap": 3001}}, "an overlap of 3001 .* leave nothing"),
        ({"default_args": {"blinding": [1, 2, 3]}}, r"mine\.json' cannot be used: .*blinding"),
        ({"default_args": {"blinding": [2000, 2000]}}, "leave nothing of a window of 3001"),
        ({"default_args": {"P_threshold": None}}, r"mine\.json' cannot be used: "),
    ],
)
def test_weights_that_need_what_epicat_lacks_are_refused(
    pair: Path, changes: Change, said: str
) -> None:
    change(pair, **changes)
    with pytest.raises(ModelError, match=said) as caught:
        prepare(pair)
    assert "\n" not in str(caught.value)
    assert list_bundles() == []
    assert [p for p in bundle_parent(pair).iterdir() if p.name.startswith(".making")] == []


def bundle_parent(pair: Path) -> Path:
    files = find_weights("PhaseNetLight", str(pair))
    assert files is not None
    return bundle_folder(files).parent


def test_a_missing_partner_is_told_before_anything_heavy(pair: Path) -> None:
    pair.with_suffix(".json").unlink()
    with pytest.raises(InputError, match=r"there is no file '.*mine\.json'"):
        prepare(pair)


def test_a_damaged_bundle_is_told_and_made_again_on_request(pair: Path) -> None:
    found = prepare(pair)
    found.description.unlink()
    with pytest.raises(ModelError, match="delete it and run `epicat models compile` again"):
        prepare(pair)
    assert prepare(pair, force=True).info == found.info
    found.graph.write_text("")
    assert OpenVinoPicker(prepare(pair, force=True)).precision == "f32"
    shutil.rmtree(found.folder)
    assert prepare(pair) == found


# --- names


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("phasenet", "did you mean PhaseNet"),
        ("PhaseNetLite", "did you mean PhaseNetLight"),
        ("EQTransformr", "did you mean EQTransformer"),
    ],
)
def test_an_unknown_model_shows_the_near_ones(name: str, near: str) -> None:
    with pytest.raises(NameChoiceError, match=f"unknown model '{name}': .*{near}") as caught:
        prepare_bundle(PickOptions(model=name))
    assert "PhaseNet, PhaseNetLight" in str(caught.value)


def test_weights_that_cannot_be_had_are_told_quickly(
    seisbench_cache: Path, unreachable: None, own_cache: Path
) -> None:
    began = time.monotonic()
    with pytest.raises(ModelError) as caught:
        prepare("ehtz")
    assert time.monotonic() - began < 5  # measured: 0.02 s
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith("weights 'ehtz' of PhaseNetLight are not in SeisBench's cache")
    assert "cannot be reached" in said
    assert "Did you mean ethz?" in said
    assert "In the cache: ethz." in said
    assert "SEISBENCH_CACHE_ROOT" in said
    assert "--model epicat-mini" in said


def test_weights_without_a_near_name_suggest_none(
    seisbench_cache: Path, unreachable: None, own_cache: Path
) -> None:
    with pytest.raises(ModelError) as caught:
        prepare("volcanoes")
    assert "In the cache: ethz. Check the name" in str(caught.value)


def test_a_bundle_serves_where_its_weights_are_not(
    pair: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unreachable: None
) -> None:
    """As on a worker, whose image has the bundle alone."""
    found = prepare(pair)
    change(pair, default_args={"P_threshold": 0.2})
    os.utime(found.description, (1, 1))
    newest = prepare(pair)
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path / "nothing"))
    assert prepare("mine") == newest
    with pytest.raises(ModelError, match="not in SeisBench's cache and cannot be downloaded"):
        prepare("mine", force=True)


# --- several at once


def test_a_bundle_that_is_made_again_can_be_read_all_the_while(
    pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may look between any two steps that change a folder."""
    found = prepare(pair)
    steps: list[set[str]] = []

    def watch(name: str) -> None:
        step = getattr(os, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            try:
                return step(*args, **kwargs)
            finally:
                steps.append({f.name for f in found.folder.glob("*")})

        monkeypatch.setattr(os, name, watched)

    for name in ("rename", "replace", "unlink", "rmdir"):
        watch(name)
    prepare(pair, force=True)
    assert len(steps) >= 3
    assert all(names == {"bundle.json", "model.xml", "model.bin", "SHA256SUMS"} for names in steps)


AT_ONCE = """
import sys, time
from pathlib import Path
from epicat.pick.openvino.bundle import Bundle
from epicat.pick.openvino.picker import OpenVinoPicker
from epicat.pick.pick_options import PickOptions
from epicat.pick.resolve import prepare_bundle
Path(sys.argv[1], sys.argv[2]).touch()
deadline = time.monotonic() + 120
while len(list(Path(sys.argv[1]).iterdir())) < 2:
    assert time.monotonic() < deadline, "the other process did not come"
    time.sleep(0.01)
options = PickOptions(model="PhaseNetLight", weight="ethz")
prepare_bundle(options)
for _ in range(2):
    bundle = prepare_bundle(options, force=True)
    assert OpenVinoPicker(prepare_bundle(options)).info == bundle.info
print(bundle.folder)
"""


def test_two_processes_that_compile_at_once_end_with_one_good_bundle(
    seisbench_cache: Path, own_cache: Path, tmp_path: Path, start: Start
) -> None:
    (tmp_path / "ready").mkdir()
    both = [start(AT_ONCE, tmp_path / "ready", name) for name in "ab"]
    ended = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    folders = {out.strip() for out, _ in ended}
    (bundle,) = list_bundles()
    assert folders == {str(bundle.folder)}
    assert [p.name for p in bundle.folder.parent.iterdir()] == [bundle.folder.name]
    assert curve_of(bundle).shape == (2, 2, 3001)
