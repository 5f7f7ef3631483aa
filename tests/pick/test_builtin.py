"""The picker that comes with epicat: there, whole, the same as its weights, and able to pick."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from epicat.cli.app import app
from epicat.errors import InputError, ModelError, NameChoiceError
from epicat.pick.builtin import BUILTIN, builtin_bundle
from epicat.pick.openvino.bundle import Bundle
from epicat.pick.openvino.picker import OpenVinoPicker
from epicat.pick.picker import PickOptions
from epicat.pick.resolve import prepare_bundle
from epicat.pick.windows import triggers
from epicat.synthetic.training_windows import Recipe, Window, make_window

PAIR = Path(__file__).parents[2] / "weights" / f"{BUILTIN}.pt"
MEGABYTE = 10**6


@pytest.fixture(scope="module")
def picker() -> OpenVinoPicker:
    return OpenVinoPicker(prepare_bundle(PickOptions(model=BUILTIN)))


@pytest.fixture
def copied(tmp_path: Path) -> Bundle:
    """Give a copy of the shipped bundle, to damage."""
    shutil.copytree(builtin_bundle().folder, tmp_path / "bundle")
    return Bundle.read(tmp_path / "bundle")


def clear_window(seed: int, band: str = "HH") -> Window:
    """Return an earthquake that stands out, with P and S inside."""
    rng = np.random.default_rng(seed)
    recipe = Recipe(band=band, distance_km=(5, 60), snr=(50, 500), disturbed=0.0, second=0.0)
    while True:
        window = make_window(rng, recipe)
        inside = [500 < a.sample < window.data.shape[1] - 500 for a in window.arrivals]
        if all(inside) and all(a.snr > 20 for a in window.arrivals):
            return window


def test_it_is_small() -> None:
    assert sum(f.stat().st_size for f in builtin_bundle().folder.iterdir()) < 1.2 * MEGABYTE


def test_it_is_made_of_the_weights_in_the_repository() -> None:
    info = builtin_bundle().info
    files = PAIR, PAIR.with_suffix(".json")
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    assert [info.weights_sha256, info.metadata_sha256] == digests
    assert (info.model, info.weight) == ("PhaseNet", BUILTIN)


def test_it_gives_what_seisbench_makes_of_the_weights(picker: OpenVinoPicker) -> None:
    models = pytest.importorskip("seisbench.models")
    import torch

    model = models.PhaseNet.load(PAIR.with_suffix("")).eval()
    real = np.stack([np.pad(clear_window(s).data, ((0, 0), (0, 1)), "edge") for s in range(8)])
    dead = real.copy()
    dead[:, 1] = 0
    for windows in (real, dead):
        with torch.no_grad():
            given = model.annotate_batch_pre(torch.from_numpy(windows), {})
            wanted = model(given).numpy()[:, picker.info.picked_rows]
        np.testing.assert_allclose(picker.probabilities(windows), wanted, atol=5e-6)


@pytest.mark.parametrize("seed", range(6))
def test_it_finds_p_and_s(picker: OpenVinoPicker, seed: int) -> None:
    window = clear_window(seed)
    data = np.pad(window.data, ((0, 0), (0, 1)), "edge")
    curve = picker.probabilities(data[None])[0]
    for arrival in window.arrivals:
        row = curve[picker.info.picked.index(arrival.phase)]
        peaks = [t.peak for t in triggers(row, picker.info.thresholds[arrival.phase])]
        assert min(abs(peak - arrival.sample) for peak in peaks) < 50


@pytest.mark.parametrize("band", ["HH", "EH", "EN"])
def test_it_is_neither_early_nor_late(picker: OpenVinoPicker, band: str) -> None:
    """The median is less than a sample off: a common shift of P or S would move depths."""
    late: dict[str, list[float]] = {"P": [], "S": []}
    for seed in range(100, 150):
        window = clear_window(seed, band)
        curve = picker.probabilities(np.pad(window.data, ((0, 0), (0, 1)), "edge")[None])[0]
        for arrival in window.arrivals:
            row = curve[picker.info.picked.index(arrival.phase)]
            around = round(arrival.sample) - 30
            late[arrival.phase].append(around + row[around : around + 61].argmax() - arrival.sample)
    assert abs(np.median(late["P"])) < 1
    assert abs(np.median(late["S"])) < 1


ALONE = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "seisbench", "obspy"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import numpy as np
from epicat.pick.openvino.picker import OpenVinoPicker
from epicat.pick.pick_options import PickOptions
from epicat.pick.resolve import prepare_bundle
picker = OpenVinoPicker(prepare_bundle(PickOptions(model="epicat-mini")))
print(picker.precision, picker.probabilities(np.ones((1, 3, 3001), np.float32)).shape)
prepare_bundle(PickOptions(model="Skynet", weight="regional"))
"""


def test_it_needs_no_torch_and_is_named_where_torch_is_missing(
    start: Callable[..., Any], own_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path))
    out, err = start(ALONE).communicate(timeout=120)
    assert out == "f32 (1, 2, 3001)\n"
    assert "compiling Skynet needs PyTorch and SeisBench; install both with: pip" in err
    assert not (own_cache / "bundles").exists() or list((own_cache / "bundles").iterdir()) == []


@pytest.mark.parametrize("name", ["model.bin", "model.xml", "bundle.json"])
def test_damage_is_told(copied: Bundle, name: str) -> None:
    """One bit of the weights would be run without a word, and pick otherwise."""
    file = copied.folder / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ModelError, match=f"cannot be loaded: {name} changed after it was compiled"):
        OpenVinoPicker(copied)


@pytest.mark.parametrize("name", ["model.bin", "model.xml"])
def test_a_missing_file_is_told(copied: Bundle, name: str) -> None:
    (copied.folder / name).unlink()
    with pytest.raises(ModelError, match="cannot be loaded"):
        OpenVinoPicker(copied)


def test_a_list_of_check_sums_that_is_none_is_told(copied: Bundle) -> None:
    (copied.folder / "SHA256SUMS").write_bytes(b"\xff\xfe")
    with pytest.raises(ModelError, match="cannot be read"):
        OpenVinoPicker(copied)


def test_it_has_its_own_weights() -> None:
    assert prepare_bundle(PickOptions(model=BUILTIN, weight=BUILTIN)) == builtin_bundle()
    with pytest.raises(InputError, match="weights 'stead': epicat-mini has its own weights"):
        prepare_bundle(PickOptions(model=BUILTIN, weight="stead"))
    with pytest.raises(NameChoiceError, match="did you mean epicat-mini"):
        prepare_bundle(PickOptions(model="epicat_mini"))


def test_it_is_listed(own_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path))
    (row,) = json.loads(CliRunner().invoke(app, ["models", "list", "--json"]).stdout)
    assert (row["weight"], row["sha256"]) == (BUILTIN, builtin_bundle().info.weights_sha256)
    assert "--model epicat-mini" in row["about"]
    assert "MIT licence" in row["about"]
