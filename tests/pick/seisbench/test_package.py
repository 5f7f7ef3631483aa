"""The import of SeisBench, also by several processes at once."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from epicat.errors import ModelError
from epicat.pick.seisbench.package import seisbench_models

Start = Callable[..., "subprocess.Popen[str]"]

pytestmark = pytest.mark.seisbench

IMPORT = """
import sys, time
from pathlib import Path
from epicat.errors import ModelError
from epicat.pick.seisbench.package import seisbench_models
ready = Path(sys.argv[1])
(ready / sys.argv[2]).touch()
deadline = time.monotonic() + 60
while len(list(ready.iterdir())) < int(sys.argv[3]):
    assert time.monotonic() < deadline, "the others did not come"
try:
    seisbench_models()
except ModelError as error:
    sys.exit(str(error))
import seisbench
print(seisbench.cache_root)
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of SeisBench's that it has never seen."""
    pytest.importorskip("seisbench")
    (tmp_path / "ready").mkdir()
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path / "seisbench"))
    return tmp_path / "seisbench"


def test_processes_that_are_the_first_at_once_all_get_it(
    root: Path, tmp_path: Path, start: Start
) -> None:
    all_of = [start(IMPORT, tmp_path / "ready", name, 3) for name in "abc"]
    ended = [process.communicate(timeout=120) for process in all_of]
    assert [process.returncode for process in all_of] == [0, 0, 0], ended
    assert {out.strip() for out, _ in ended} == {str(root)}
    assert [path.name for path in root.iterdir()] == ["config.json"]


def test_its_settings_are_those_that_it_writes_itself(root: Path, start: Start) -> None:
    alone = start("import seisbench")
    assert alone.wait(timeout=120) == 0
    theirs = json.loads((root / "config.json").read_text())
    (root / "config.json").unlink()
    seisbench_models()
    assert json.loads((root / "config.json").read_text()) == theirs


def test_settings_that_are_there_are_left_alone(root: Path) -> None:
    root.mkdir()
    (root / "config.json").write_text('{"remote_root": "https://example.org/"}')
    seisbench_models()
    assert (root / "config.json").read_text() == '{"remote_root": "https://example.org/"}'


@pytest.mark.parametrize("text", ["", '{"component_order": "ZN'])
def test_damaged_settings_are_named(root: Path, tmp_path: Path, start: Start, text: str) -> None:
    root.mkdir()
    (root / "config.json").write_text(text)
    process = start(IMPORT, tmp_path / "ready", "a", 1)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert f"settings {str(root / 'config.json')!r} are damaged" in said
    assert "Traceback" not in said


def test_a_cache_that_cannot_be_is_named(root: Path, tmp_path: Path, start: Start) -> None:
    root.write_text("a file, no folder")
    process = start(IMPORT, tmp_path / "ready", "a", 1)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "SeisBench cannot use its cache" in said
    assert "Traceback" not in said


def test_without_seisbench_the_message_says_what_to_install(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "seisbench.models", None)
    with pytest.raises(ModelError, match=r"pip install 'epicat\[seisbench\]'"):
        seisbench_models()
