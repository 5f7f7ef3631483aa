from __future__ import annotations

import pytest

from epicat.aws.secret import Secret, read_secret
from epicat.errors import InputError

URI = "mongodb+srv://user:hunter2@cluster0.example.net/epicat"


def test_it_is_read_and_does_not_show_itself(monkeypatch, tmp_path):
    monkeypatch.setenv("MY_STORE", URI)
    (tmp_path / "uri").write_text(f"  {URI}\n")
    for source in ("env:MY_STORE", f"file:{tmp_path / 'uri'}"):
        secret = read_secret(source)
        assert secret.reveal() == URI
        assert "hunter2" not in f"{secret!r} {secret}"


def test_a_source_that_holds_none_is_told_without_what_it_holds(monkeypatch, tmp_path):
    monkeypatch.setenv("EMPTY", " ")
    monkeypatch.setenv("OTHER", "postgres://user:hunter2@host")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    sources = {
        "env:EMPTY": "is empty", "env:NOT_SET": "is empty", "env:OTHER": "does not begin with",
        f"file:{tmp_path}": "Is a directory", f"file:{tmp_path / 'none'}": "No such file",
        f"file:{tmp_path / 'bytes'}": "not a text file", "vault:x": "env:NAME, file:PATH or none",
        URI: "not the address itself",
    }  # fmt: skip
    for source, words in sources.items():
        with pytest.raises(InputError, match=words) as told:
            read_secret(source)
        assert "hunter2" not in str(told.value)


def test_secrets_are_not_seen_in_values_of_others():
    assert "hunter2" not in repr([Secret(URI)])
