from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from epicat._util.files import atomic_file, atomic_folder, cache_folder
from epicat.errors import InputError


def test_a_file_is_whole_or_not_there(tmp_path):
    path = tmp_path / "events.csv"
    with atomic_file(path, "w") as file:
        file.write("first")
        assert not path.exists()
    with suppress(RuntimeError), atomic_file(path, "w") as file:
        file.write("second")
        raise RuntimeError
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("events.csv", "first")]


def test_a_link_stays_a_link(tmp_path):
    path, link = tmp_path / "events.csv", tmp_path / "newest.csv"
    path.touch()
    link.symlink_to(path)
    with atomic_file(link, "w") as file:
        file.write("new")
    assert link.is_symlink()
    assert path.read_text() == "new"


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with ThreadPoolExecutor(1) as thread:
        read = thread.submit(path.read_bytes)
        with atomic_file(path, "wb") as file:
            file.write(b"events")
        assert read.result(timeout=10) == b"events"
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert [p.name for p in tmp_path.iterdir()] == ["pipe"]


def test_a_folder_is_refused(tmp_path):
    with (
        pytest.raises(InputError, match="cannot be written: Is a directory"),
        atomic_file(tmp_path, "w"),
    ):
        pass


def test_the_cache_is_where_the_variables_say(tmp_path, monkeypatch):
    monkeypatch.setenv("EPICAT_CACHE", str(tmp_path / "own"))
    assert cache_folder("x") == tmp_path / "own" / "x"
    monkeypatch.delenv("EPICAT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder("x") == tmp_path / "xdg" / "epicat" / "x"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder("x") == tmp_path / "home" / ".cache" / "epicat" / "x"
    assert cache_folder("x").is_dir()


@pytest.mark.parametrize("name", ["EPICAT_CACHE", "XDG_CACHE_HOME", "HOME"])
def test_a_place_that_cannot_be_written_is_told(name, tmp_path, monkeypatch):
    """Folders in /proc can be made by nobody."""
    for variable in ("EPICAT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, "/proc/nowhere")
    with pytest.raises(InputError, match=r"the cache .*cannot be created: .*EPICAT_CACHE"):
        cache_folder("x")


def fill(folder, text):
    with atomic_folder(folder) as partial:
        (partial / "one").write_text(text)
        (partial / "two").write_text(text)
        assert not folder.exists() or (folder / "one").read_text() != text


def test_a_folder_appears_with_all_its_files(tmp_path):
    fill(tmp_path / "made", "first")
    assert {path.name: path.read_text() for path in (tmp_path / "made").iterdir()} == {
        "one": "first",
        "two": "first",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_the_files_of_an_existing_folder_are_replaced(tmp_path):
    fill(tmp_path / "made", "first")
    with (tmp_path / "made" / "one").open() as reader:
        fill(tmp_path / "made", "second")
        assert reader.read() == "first"  # who has opened a file keeps it
    assert {path.read_text() for path in (tmp_path / "made").iterdir()} == {"second"}
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_folder_that_fails_leaves_nothing(tmp_path):
    with suppress(RuntimeError), atomic_folder(tmp_path / "made") as partial:
        (partial / "one").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_an_error(tmp_path):
    (tmp_path / "made").write_text("mine")
    with pytest.raises(OSError, match="made"), atomic_folder(tmp_path / "made") as partial:
        (partial / "one").write_text("new")
    assert (tmp_path / "made").read_text() == "mine"
