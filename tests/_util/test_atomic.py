from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from epicat._util.atomic import atomic_file
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
