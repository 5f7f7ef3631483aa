from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from epicat._util.cache import cache_folder
from epicat.cli.app import main
from epicat.errors import InputError, ModelError
from epicat.pick.openvino.bundle import SEAL, Bundle, OpenVinoPicker, bundle_folder, bundle_name
from epicat.pick.options import PickOptions
from epicat.pick.remote_bundle import KeptBundle, at_hand, keep_weights, kept_name
from epicat.pick.resolve import can_compile, find_bundle
from epicat.pick.seisbench.supported import PICKBLUE
from epicat.pick.seisbench.weights import find_weights
from support import s3
from support.tiny_bundle import INFO, install, write_bundle

NAME = bundle_name(INFO.model, INFO.weight, INFO.weights_sha256, INFO.metadata_sha256)


@pytest.fixture
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """Give a sealed bundle; this machine's cache is empty."""
    monkeypatch.setenv("EPICAT_CACHE", str(tmp_path / "cache"))
    made = write_bundle(tmp_path / "made")
    made.seal()
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
    kept = KeptBundle(place)
    assert not kept.is_whole()
    with pytest.raises(InputError, match="there is no compiled model in"):
        kept.fetch()
    kept.write(sealed.folder)
    assert kept.is_whole()
    fetched = KeptBundle(f"{place}/").fetch()
    assert fetched.folder == cache_folder("bundles") / NAME
    assert contents(fetched.folder) == contents(sealed.folder)
    assert fetched.info == INFO
    # By its name it is not even asked for
    assert KeptBundle(f"{place}-is-not-there").fetch(NAME) == fetched


def test_a_bundle_without_its_seal_is_not_whole(sealed: Bundle, place: str) -> None:
    KeptBundle(place).write(sealed.folder)
    (sealed.folder / SEAL).unlink()
    unsealed = KeptBundle(f"{place}-2")
    unsealed.write(sealed.folder)
    assert KeptBundle(place).is_whole()
    assert not unsealed.is_whole()


@pytest.mark.parametrize("name", ["model.bin", "bundle.json"])
def test_a_damaged_one_does_not_get_into_the_cache(sealed: Bundle, place: str, name: str) -> None:
    (sealed.folder / name).write_bytes(b"{")
    kept = KeptBundle(place)
    kept.write(sealed.folder)
    with pytest.raises(
        ModelError, match=r"is damaged, or of another version .* delete that folder"
    ):
        kept.fetch()
    assert list(cache_folder("bundles").iterdir()) == []


def test_weights_go_to_a_bucket_and_come_back_as_they_were(sealed: Bundle, place: str) -> None:
    pair = find_weights("PhaseNet", str(install(cache_folder("own"))))
    assert pair is not None
    there = keep_weights(pair, place)
    assert there == f"{place}/tiny.pt"
    with at_hand(there) as near:
        copied = find_weights("PhaseNet", near)
        assert copied is not None
        assert (copied.weight, copied.sha256) == (pair.weight, pair.sha256)
    if "://" in place:
        assert not Path(near).exists()
        with (
            pytest.raises(InputError, match=r"there is no s3://.*other\.pt"),
            at_hand(f"{place}/other.json"),
        ):
            pass
        with pytest.raises(InputError, match=r"neither a name nor a \.pt"), at_hand(place):
            pass
    with at_hand("original") as name:
        assert name == "original"


def test_the_name_tells_the_content_of_weights_that_are_here(
    sealed: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path / "seisbench"))
    weights = install(tmp_path / "mine")
    files = find_weights("PhaseNet", str(weights))
    assert files is not None
    given = PickOptions(weight=str(weights))
    name = bundle_folder(files).name
    assert kept_name(given) == name
    assert find_bundle(given) == Bundle.read(bundle_folder(files))
    weights.with_suffix(".json").write_text("{} ")
    assert kept_name(given) != name
    assert find_bundle(given) is None
    by_name = kept_name(PickOptions(weight="original"))
    assert by_name.startswith("PhaseNet-original-")
    assert by_name != kept_name(PickOptions(weight="instance"))
    for weight, (model, other) in PICKBLUE.items():
        picked = PickOptions(model="PickBlue", weight=weight)
        assert kept_name(picked) == kept_name(PickOptions(model=model, weight=other))
    with pytest.raises(InputError, match="there is no file"):
        kept_name(PickOptions(weight="nowhere/my.pt"))
    with pytest.raises(InputError, match="cannot pick"):
        kept_name(PickOptions(model="GPD"))


def test_seisbench_is_looked_for_without_importing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert not can_compile()


@pytest.mark.usefixtures("own_cache")
def test_a_pair_in_a_bucket_is_compiled_to_what_the_same_files_here_are(
    seisbench_cache: Path, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command of the job that compiles."""
    pytest.importorskip("seisbench.models")
    for kind in ("pt", "json"):
        source = seisbench_cache / "models" / "v3" / "phasenetlight" / f"ethz.{kind}.v2"
        shutil.copyfile(source, tmp_path / f"mine.{kind}")
    given = PickOptions(model="PhaseNetLight", weight=str(tmp_path / "mine.pt"))
    pair = find_weights(given.model, given.weight)
    assert pair is not None
    there = keep_weights(pair, f"{place}/weights")
    with pytest.raises(SystemExit) as left:
        main(["models", "compile", given.model, there, "--to", f"{place}/bundle"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"{place}/bundle\n"
    # From there it is what this machine looks for by the content of its own files
    shutil.rmtree(bundle_folder(pair))
    fetched = KeptBundle(f"{place}/bundle").fetch()
    assert fetched.folder == bundle_folder(pair)
    assert fetched.folder.name == kept_name(given)
    assert find_bundle(given) == fetched
    assert OpenVinoPicker(fetched).info.weight == "mine"
