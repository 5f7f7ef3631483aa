"""Weights that SeisBench fetches: files of others, from elsewhere."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from epicat.campaign.pick_run import PickRun
from epicat.errors import ModelError
from epicat.pick.openvino.bundle import Bundle, list_bundles
from epicat.pick.picker import PickOptions
from epicat.pick.resolve import prepare_bundle
from support import weights_hub


class Evil:
    """Leaves a file behind when it is unpickled without care."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


@pytest.fixture
def hub(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the folder of PhaseNetLight in a hub; SeisBench's cache is empty."""
    seisbench = pytest.importorskip("seisbench")
    folder = tmp_path / "hub" / "models" / "v3" / "phasenetlight"
    folder.mkdir(parents=True)
    with weights_hub.serving(tmp_path / "hub") as address:
        monkeypatch.setattr(seisbench, "remote_model_root", f"{address}models/v3/")
        monkeypatch.setattr(seisbench, "cache_model_root", tmp_path / "cache" / "models" / "v3")
        monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path / "cache"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield folder


def offer(hub: Path, realdata: Path, version: str = ".v2") -> Path:
    """Put the real weights into the hub; return their ``.pt``."""
    real = realdata / "weights" / "models" / "v3" / "phasenetlight"
    for kind in ("pt", "json"):
        shutil.copyfile(real / f"ethz.{kind}.v2", hub / f"ethz.{kind}{version}")
    return hub / f"ethz.pt{version}"


def prepare() -> Bundle:
    return prepare_bundle(PickOptions(model="PhaseNetLight", weight="ethz"))


@pytest.mark.filterwarnings("ignore:Environment variable TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_malicious_pickle_from_the_hub_is_not_run(
    hub: Path, realdata: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever PyTorch does by default, which this variable changes to what it once was."""
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    trace = tmp_path / "was-here"
    offer(hub, realdata).write_bytes(pickle.dumps(Evil(trace), protocol=2))
    with pytest.raises(ModelError, match="nothing in it was run"):
        prepare()
    assert not trace.exists()
    assert list_bundles() == []


@pytest.mark.parametrize("version", ["", ".v2"])
def test_weights_are_fetched_and_their_digest_is_kept(
    hub: Path, realdata: Path, tmp_path: Path, version: str
) -> None:
    offer(hub, realdata, version)
    found = prepare()
    (weights,) = (tmp_path / "cache").rglob("*.pt*")
    assert weights.name == "ethz.pt.v2"
    assert found.info.weights_sha256 in weights_hub.digests(weights)
    shutil.rmtree(hub)
    assert prepare() == found


def test_other_weights_under_the_same_name_are_another_run(
    hub: Path, realdata: Path, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    offer(hub, realdata)
    first = prepare()
    (weights,) = (tmp_path / "cache").rglob("*.pt*")
    state = torch.load(weights, weights_only=True)
    torch.save({name: values * 1.5 for name, values in state.items()}, weights)
    with pytest.warns(
        UserWarning, match=r"weights ethz of PhaseNetLight, version 2, are not those"
    ):
        second = prepare()
    assert second.folder != first.folder
    runs = [PickRun.from_options(bundle.info, PickOptions()) for bundle in (first, second)]
    assert runs[0].digest != runs[1].digest
    assert runs[1].picker.weights_sha256 in weights_hub.digests(weights)


@pytest.mark.parametrize("version", ["../../../../escaped", "/tmp/escaped", "2/../../escaped", ""])
def test_a_version_from_the_hub_leads_to_no_other_folder(
    hub: Path, realdata: Path, tmp_path: Path, version: str
) -> None:
    """It becomes part of a file's name, and SeisBench makes the folders that are in it."""
    offer(hub, realdata, "")
    metadata = hub / "ethz.json"
    metadata.write_text(json.dumps(json.loads(metadata.read_text()) | {"version": version}))
    with pytest.raises(ModelError, match="No version for weight 'ethz' available"):
        prepare()
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent != hub]
    assert written == [tmp_path / "cache" / "config.json"]  # SeisBench's settings
    assert not [*tmp_path.rglob("*escaped*"), *Path("/tmp").glob("escaped*")]
