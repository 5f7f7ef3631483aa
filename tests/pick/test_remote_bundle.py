from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from epicat._util.files import cache_folder
from epicat.cli.app import main
from epicat.errors import InputError, ModelError
from epicat.fs.open import open_files
from epicat.pick.openvino.bundle import CHECKSUMS, Bundle, bundle_folder, bundle_name
from epicat.pick.openvino.picker import OpenVinoPicker
from epicat.pick.pick_options import PickOptions
from epicat.pick.remote_bundle import RemoteBundle, local_weights
from epicat.pick.resolve import can_compile, find_bundle
from epicat.pick.weights.files import find_weights
from support import s3
from support.tiny_bundle import INFO, install, write_bundle

NAME = bundle_name(INFO.model, INFO.weight, INFO.weights_sha256, INFO.metadata_sha256)


@pytest.fixture
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """Give a sealed bundle; this machine's cache is empty."""
    monkeypatch.setenv("EPICAT_CACHE", str(tmp_path / "cache"))
    made = write_bundle(tmp_path / "made")
    made.write_checksums()
    return made


@pytest.fixture(params=["folder", "bucket"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, s3_server: s3.Server,
    monkeypatch: pytest.MonkeyPatch,
) -> str:  # fmt: skip
    """Give a place that does not exist yet, on this machine and in a bucket."""
    if request.param == "folder":
        return str(tmp_path / "elsewhere" / "bundle")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.SECRET)
    s3_server.make(s3.CATALOGS, {}, public=False)
    return f"{s3.url_of(tmp_path)}/bundle"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_is_kept_is_fetched_to_the_cache_under_the_name_of_its_content(
    sealed: Bundle, place: str
) -> None:
    kept = RemoteBundle(place)
    assert not kept.is_complete()
    with pytest.raises(InputError, match="there is no compiled model in"):
        kept.fetch()
    kept.write(sealed.folder)
    assert kept.is_complete()
    fetched = RemoteBundle(f"{place}/").fetch()
    assert fetched.folder == cache_folder("bundles") / NAME
    assert contents(fetched.folder) == contents(sealed.folder)
    assert fetched.info == INFO
    # By its name it is not even asked for
    assert RemoteBundle(f"{place}-is-not-there").fetch(NAME) == fetched


def test_a_bundle_without_its_seal_is_not_whole(sealed: Bundle, place: str) -> None:
    RemoteBundle(place).write(sealed.folder)
    (sealed.folder / CHECKSUMS).unlink()
    unsealed = RemoteBundle(f"{place}-2")
    unsealed.write(sealed.folder)
    assert RemoteBundle(place).is_complete()
    assert not unsealed.is_complete()


@pytest.mark.parametrize("name", ["model.bin", "bundle.json"])
def test_a_damaged_one_does_not_get_into_the_cache(sealed: Bundle, place: str, name: str) -> None:
    (sealed.folder / name).write_bytes(b"{")
    kept = RemoteBundle(place)
    kept.write(sealed.folder)
    reason = "model.bin changed after it was compiled" if name == "model.bin" else "ValidationError"
    with pytest.raises(ModelError, match=rf"cannot be used: {reason}.*; delete that folder"):
        kept.fetch()
    assert list(cache_folder("bundles").iterdir()) == []


def copy_to(place: str, *files: Path) -> None:
    target = open_files(place, "weights")
    target.prepare()
    for file in files:
        target.write(file.name, file.read_bytes())


def test_weights_of_a_bucket_are_those_that_were_put_there(sealed: Bundle, place: str) -> None:
    pair = find_weights("PhaseNet", str(install(cache_folder("own"))))
    assert pair is not None
    copy_to(place, pair.weights, pair.metadata)
    with local_weights(f"{place}/tiny.pt") as near:
        copied = find_weights("PhaseNet", near)
        assert copied is not None
        assert (copied.weight, copied.sha256) == (pair.weight, pair.sha256)
    if "://" in place:
        assert not Path(near).exists()
        with (
            pytest.raises(InputError, match=r"there is no s3://.*other\.pt"),
            local_weights(f"{place}/other.json"),
        ):
            pass
        with pytest.raises(InputError, match="neither a name nor a file"), local_weights(place):
            pass
    with local_weights("original") as name:
        assert name == "original"


def test_seisbench_is_looked_for_without_importing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert not can_compile("Skynet")
    assert can_compile("PhaseNet")


@pytest.mark.usefixtures("own_cache")
def test_a_pair_in_a_bucket_is_compiled_to_what_the_same_files_here_are(
    seisbench_cache: Path, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("pt", "json"):
        source = seisbench_cache / "models" / "v3" / "phasenetlight" / f"ethz.{kind}.v2"
        shutil.copyfile(source, tmp_path / f"mine.{kind}")
    given = PickOptions(model="PhaseNetLight", weight=str(tmp_path / "mine.pt"))
    pair = find_weights(given.model, given.weight)
    assert pair is not None
    copy_to(f"{place}/weights", pair.weights, pair.metadata)
    there = f"{place}/weights/{pair.weights.name}"
    with pytest.raises(SystemExit) as left:
        main(["models", "compile", given.model, there, "--to", f"{place}/bundle"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"{place}/bundle\n"
    # From there it is what this machine looks for by the content of its own files
    shutil.rmtree(bundle_folder(pair))
    fetched = RemoteBundle(f"{place}/bundle").fetch()
    assert fetched.folder == bundle_folder(pair)
    assert find_bundle(given) == fetched
    assert OpenVinoPicker(fetched).info.weight == "mine"
