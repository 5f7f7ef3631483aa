"""Weights from the hub: files of others, from elsewhere."""

from __future__ import annotations

import json
import pickle
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from epicat.campaign.pick_run import PickRun
from epicat.errors import InputError, ModelError
from epicat.pick.openvino.bundle import Bundle, list_bundles
from epicat.pick.picker import PickOptions
from epicat.pick.resolve import prepare_bundle
from epicat.pick.weights.hub import ENVIRONMENT_VARIABLE, HubWeights, list_weights
from epicat.pick.weights.read import read_tensors
from support import weights_hub
from support.torch_file import write_torch_file


class Evil:
    """Leaves a file behind when it is unpickled without care."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


@pytest.fixture
def served(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[weights_hub.Hub]:
    """Give a hub with an empty folder of PhaseNetLight; SeisBench's cache is empty."""
    (tmp_path / "hub" / "models" / "v3" / "phasenetlight").mkdir(parents=True)
    with weights_hub.serving(tmp_path / "hub") as hub:
        monkeypatch.setenv(ENVIRONMENT_VARIABLE, f"{hub.address}models/v3")
        monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path / "cache"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr("epicat.pick.weights.download._RETRY_AFTER_S", (0.01, 0.02))
        yield hub


@pytest.fixture
def hub(served: weights_hub.Hub) -> Path:
    """Give the folder of PhaseNetLight in the hub."""
    return served.root / "models" / "v3" / "phasenetlight"


def offer(hub: Path, realdata: Path, version: str = ".v2", name: str = "ethz") -> Path:
    """Put the real weights into the hub; return their ``.pt``."""
    real = realdata / "weights" / "models" / "v3" / "phasenetlight"
    for kind in ("pt", "json"):
        shutil.copyfile(real / f"ethz.{kind}.v2", hub / f"{name}.{kind}{version}")
    return hub / f"{name}.pt{version}"


def prepare(weight: str = "ethz") -> Bundle:
    return prepare_bundle(PickOptions(model="PhaseNetLight", weight=weight))


def test_a_malicious_pickle_from_the_hub_is_not_run(
    hub: Path, realdata: Path, tmp_path: Path
) -> None:
    trace = tmp_path / "was-here"
    offer(hub, realdata).write_bytes(pickle.dumps(Evil(trace), protocol=2))
    with pytest.raises(ModelError, match="the file is damaged, or not one that PyTorch saved"):
        prepare()
    assert not trace.exists()
    assert list_bundles() == []


@pytest.mark.parametrize("version", ["", ".v2"])
def test_weights_are_downloaded_and_their_digest_is_kept(
    hub: Path, realdata: Path, tmp_path: Path, version: str
) -> None:
    offered = offer(hub, realdata, version)
    found = prepare()
    (weights,) = (tmp_path / "cache").rglob("*.pt*")
    assert weights.name == "ethz.pt.v2"
    assert weights.read_bytes() == offered.read_bytes()
    assert found.info.weights_sha256 in weights_hub.digests(weights)
    shutil.rmtree(hub)
    assert prepare() == found


def test_seisbench_finds_the_files_that_were_downloaded(
    hub: Path, realdata: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seisbench = pytest.importorskip("seisbench")
    models = pytest.importorskip("seisbench.models")
    offer(hub, realdata)
    prepare()
    shutil.rmtree(hub)
    monkeypatch.setattr(seisbench, "cache_model_root", tmp_path / "cache" / "models" / "v3")
    assert models.PhaseNetLight.from_pretrained("ethz").weights_version == "2"


def test_the_newest_version_is_downloaded(hub: Path, realdata: Path, tmp_path: Path) -> None:
    for version in (".v2", ".v10", ".v9"):
        offer(hub, realdata, version)
    prepare()
    assert [path.name for path in (tmp_path / "cache").rglob("*.pt*")] == ["ethz.pt.v10"]


def test_the_weights_of_a_model_are_listed(hub: Path, realdata: Path) -> None:
    for name, version in (("ethz", ".v2"), ("ethz", ".v1"), ("geofon", ""), ("stead", ".v3")):
        offer(hub, realdata, version, name)
    (hub / "alone.pt.v1").write_bytes(b"without metadata")
    (hub / "README").write_bytes(b"")
    assert list_weights("PhaseNetLight") == [
        HubWeights("ethz", ("1", "2")),
        HubWeights("geofon", ("",)),
        HubWeights("stead", ("3",)),
    ]
    assert list_weights("PhaseNet") == []


def test_an_unknown_name_shows_those_on_the_hub(hub: Path, realdata: Path) -> None:
    offer(hub, realdata)
    with pytest.raises(ModelError, match=r"none of that name\. Did you mean ethz\? On the hub: et"):
        prepare("ehtz")


def test_progress_is_reported(hub: Path, realdata: Path) -> None:
    weights = offer(hub, realdata)
    seen: list[tuple[str, int, int]] = []
    options = PickOptions(model="PhaseNetLight", weight="ethz")
    prepare_bundle(options, progress=lambda *report: seen.append(report))
    size = weights.stat().st_size
    sizes = [done for name, done, total in seen if name == weights.name and total == size]
    assert sizes[-1] == size
    assert sizes == sorted(set(sizes))
    assert len(sizes) > 1


@pytest.mark.parametrize("failures", [1, 2])
def test_a_failure_that_passes_is_survived(
    served: weights_hub.Hub, hub: Path, realdata: Path, failures: int
) -> None:
    offer(hub, realdata)
    served.failures = {"PROPFIND": [503] * failures, "GET": [weights_hub.BREAK_OFF] * failures}
    assert prepare().info.weight == "ethz"


def test_failures_that_stay_are_reported_and_leave_nothing(
    served: weights_hub.Hub, hub: Path, realdata: Path, tmp_path: Path
) -> None:
    offer(hub, realdata)
    served.failures = {"GET": [503] * 9}
    with pytest.raises(ModelError, match=r"json\.v2' cannot be downloaded \(status 503\)"):
        prepare()
    assert len(served.failures["GET"]) == 6
    served.failures = {"GET": [403]}
    with pytest.raises(ModelError, match=r"cannot be downloaded \(status 403\)"):
        prepare()
    assert served.failures["GET"] == []
    assert not list((tmp_path / "cache").rglob("*.pt*"))


def test_a_digest_of_the_hub_is_checked(served: weights_hub.Hub, hub: Path, realdata: Path) -> None:
    offer(hub, realdata)
    served.digest = "sha-256=" + "0" * 64
    with pytest.raises(ModelError, match="does not match its SHA-256"):
        prepare()
    served.digest = weights_hub.OWN_DIGEST
    assert prepare().info.weight == "ethz"


def test_a_hub_that_refuses_connections_is_reported_at_once(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path))
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "http://127.0.0.1:9/models/v3")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    began = time.monotonic()
    with pytest.raises(ModelError, match=r"hub of weights cannot be reached \(127\.0\.0\.1: Conn"):
        prepare()
    assert time.monotonic() - began < 2


def test_a_hub_that_does_not_answer_is_given_up_soon(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket that accepts nothing: its queue is full after one connection."""
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("epicat.pick.weights.download._CONNECT_S", 0.2)
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for other in (first, second):
            other.setblocking(False)
            other.connect_ex(server.getsockname())
        address = f"http://127.0.0.1:{server.getsockname()[1]}/models/v3"
        monkeypatch.setenv(ENVIRONMENT_VARIABLE, address)
        began = time.monotonic()
        with pytest.raises(ModelError, match="no answer in time"):
            prepare()
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("address", ["http://example.org/models", "ftp://127.0.0.1/", "hub"])
def test_a_hub_without_tls_is_refused(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path))
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, address)
    with pytest.raises(InputError, match="is not an https:// address"):
        prepare()


def test_proxies_of_the_environment_are_used(
    served: weights_hub.Hub, hub: Path, realdata: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub stands in for the proxy: it is asked for an address of another machine."""
    offer(hub, realdata)
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "http://localhost:1/models/v3")
    monkeypatch.delenv("no_proxy")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("http_proxy", served.address)
    assert prepare().info.weight == "ethz"


def test_other_weights_under_the_same_name_are_another_run(
    hub: Path, realdata: Path, tmp_path: Path
) -> None:
    offer(hub, realdata)
    first = prepare()
    (weights,) = (tmp_path / "cache").rglob("*.pt*")
    write_torch_file(weights, {name: 1.5 * a for name, a in read_tensors(weights).items()})
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
    """It becomes part of a file's name."""
    offer(hub, realdata, "")
    metadata = hub / "ethz.json"
    metadata.write_text(json.dumps(json.loads(metadata.read_text()) | {"version": version}))
    with pytest.raises(ModelError, match="metadata of 'ethz' have the version"):
        prepare()
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent != hub]
    assert written == []
    assert not [*tmp_path.rglob("*escaped*"), *Path("/tmp").glob("escaped*")]


@pytest.mark.parametrize(
    ("listing", "reason"),
    [
        (b"<html>", "is not XML"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "declares entities"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused(
    served: weights_hub.Hub, hub: Path, listing: bytes, reason: str
) -> None:
    served.listing = listing
    with pytest.raises(ModelError, match=reason):
        prepare()
