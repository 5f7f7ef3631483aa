from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from epicat.errors import InputError, ModelError
from epicat.pick.openvino.bundle import bundle_folder
from epicat.pick.weights.files import cached_weights, find_weights, seisbench_cache


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of PhaseNet in an empty cache of SeisBench."""
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path))
    folder = tmp_path / "models" / "v3" / "phasenet"
    folder.mkdir(parents=True)
    return folder


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text(f"content of {name}")


def test_the_cache_is_where_seisbench_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SEISBENCH_CACHE_ROOT", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert seisbench_cache() == tmp_path / ".seisbench" / "models" / "v3"
    assert cached_weights("PhaseNet") == []
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path / "elsewhere"))
    assert seisbench_cache() == tmp_path / "elsewhere" / "models" / "v3"
    assert find_weights("PhaseNet", "original") is None


def test_a_pair_is_found_by_name_with_its_content(cache: Path) -> None:
    write(cache, "original.pt.v2", "original.json.v2")
    found = find_weights("PhaseNet", "original")
    assert found is not None
    assert (found.model, found.weight) == ("PhaseNet", "original")
    assert found.weights == cache / "original.pt.v2"
    assert found.metadata == cache / "original.json.v2"
    digests = [hashlib.sha256(f.read_bytes()).hexdigest() for f in (found.weights, found.metadata)]
    assert list(found.sha256) == digests
    assert find_weights("PhaseNet", "origin") is None
    assert find_weights("PhaseNet", "originals") is None
    assert find_weights("PhaseNetLight", "original") is None


def test_the_newest_version_is_taken_by_number(cache: Path) -> None:
    for version in ("", ".v1", ".v2", ".v10", ".v9.5"):
        write(cache, f"original.pt{version}", f"original.json{version}")
    found = find_weights("PhaseNet", "original")
    assert found is not None
    assert found.weights.name == "original.pt.v10"
    assert len(cached_weights("PhaseNet")) == 5


def test_a_pair_without_a_version_is_found(cache: Path) -> None:
    write(cache, "mine.pt", "mine.json")
    found = find_weights("PhaseNet", "mine")
    assert found is not None
    assert found.weights.name == "mine.pt"


def test_stray_files_do_not_disturb(cache: Path) -> None:
    """SeisBench itself cannot parse these as versions and gives up."""
    write(cache, "original.pt.v2", "original.json.v2")
    kinds = ("bak", "partial", "tmp", "orig~", "v2.bak", "v2.partial", "v3.bak", "vX", "v3 copy")
    write(cache, *(f"original.{end}.{kind}" for kind in kinds for end in ("pt", "json")))
    write(cache, "original.pt.v3.partial", "original.pt.v4", "original.json.v5", ".pt", ".DS_Store")
    (cache / "original.pt.v7").mkdir()
    assert [f.weights.name for f in cached_weights("PhaseNet")] == ["original.pt.v2"]
    found = find_weights("PhaseNet", "original")
    assert found is not None
    assert found.weights.name == "original.pt.v2"


@pytest.mark.parametrize("version", ["", ".v1", ".v2.1"])
@pytest.mark.parametrize("given", ["pt", "json"])
def test_a_local_pair_is_named_by_either_file(tmp_path: Path, version: str, given: str) -> None:
    write(tmp_path, f"my.own.pt{version}", f"my.own.json{version}")
    found = find_weights("PhaseNet", str(tmp_path / f"my.own.{given}{version}"))
    assert found is not None
    assert found.weight == "my.own"
    assert found.weights == tmp_path / f"my.own.pt{version}"
    assert found.metadata == tmp_path / f"my.own.json{version}"


def test_a_pair_in_the_working_folder_needs_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "my.pt", "my.json")
    monkeypatch.chdir(tmp_path)
    found = find_weights("PhaseNet", "my.pt")
    assert found is not None
    assert found.metadata == Path("my.json")


@pytest.mark.parametrize(
    ("given", "there", "missing"),
    [
        ("my.pt", "my.pt", "my.json"),
        ("my.json", "my.json", "my.pt"),
        ("my.pt.v2", "my.pt.v2", "my.json.v2"),
        ("my.json.v2", "my.json.v2", "my.pt.v2"),
        ("my.pt.v2", "my.json", "my.pt.v2"),
    ],
)
def test_a_missing_partner_is_named(tmp_path: Path, given: str, there: str, missing: str) -> None:
    write(tmp_path, there)
    with pytest.raises(InputError, match=f"there is no file '.*/{missing}'"):
        find_weights("PhaseNet", str(tmp_path / given))


@pytest.mark.parametrize("given", ["my.pth", "folder/my", "my.pt.2", "my.pt.bak", "my.onnx"])
def test_what_is_neither_a_name_nor_a_pair_is_refused(given: str) -> None:
    with pytest.raises(InputError, match=r"one file of a pair such as my\.pt and my\.json"):
        find_weights("PhaseNet", given)


@pytest.mark.parametrize(
    "given", ["..", ".", "/", "", "a b", "a\0b", "a%2fb", "ü", "x" * 65, "a?b"]
)
def test_a_name_that_could_lead_elsewhere_is_refused(cache: Path, given: str) -> None:
    """It becomes part of an address at SeisBench's hub, and of a path in its cache."""
    with pytest.raises(InputError, match=r"are not a name of SeisBench's weights, which"):
        find_weights("PhaseNet", given)


@pytest.mark.parametrize(
    "given", ["../../x.pt", "a\0.pt", "x" * 300 + ".pt", "C:\\x.pt", "/x/y.pt"]
)
def test_a_path_to_nothing_is_told(cache: Path, given: str) -> None:
    with pytest.raises(InputError, match="there is no file"):
        find_weights("PhaseNet", given)


@pytest.mark.parametrize("stem", ["..", "a b", "C:\\x", "é" * 100, "x" * 250, "-rf", "$(x)", "a'b"])
def test_a_bundle_lies_in_the_cache_whatever_its_weights_are_called(
    tmp_path: Path, own_cache: Path, stem: str
) -> None:
    write(tmp_path, f"{stem}.pt", f"{stem}.json")
    found = find_weights("PhaseNet", str(tmp_path / f"{stem}.pt"))
    assert found is not None
    folder = bundle_folder(found)
    assert folder.parent == own_cache / "bundles"
    assert re.fullmatch(r"PhaseNet-[A-Za-z0-9._+-]*-[a-z2-7]{16}", folder.name)
    folder.mkdir()


def test_metadata_are_read(cache: Path) -> None:
    write(cache, "original.pt.v2", "original.json.v2")
    found = find_weights("PhaseNet", "original")
    assert found is not None
    found.metadata.write_text('{"version": "2"}')
    assert found.read_metadata() == {"version": "2"}
    for text in ("{", "[]", "null", "\x80"):
        found.metadata.write_text(text, encoding="latin-1")
        with pytest.raises(ModelError, match=r"original\.json\.v2"):
            found.read_metadata()
    found.metadata.unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        found.read_metadata()
