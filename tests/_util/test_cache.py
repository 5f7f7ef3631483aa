from __future__ import annotations

import pytest

from epicat._util.cache import cache_folder
from epicat.errors import InputError


def test_it_is_where_the_variables_say(tmp_path, monkeypatch):
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
