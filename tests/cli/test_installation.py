"""``epicat doctor`` without a store checks the installation."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from epicat.cli.app import main
from epicat.cli.installation import _extra, _package, _reached, installation_checks


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str]:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return left.value.code, capsys.readouterr().out


def test_the_installation_of_these_tests_works(capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("EPICAT_STORE", raising=False)
    code, out = called(capsys, "doctor")
    assert code == 0
    for name in ("epicat", "Python", "openvino", "pyocto", "processor", "memory", "cache"):
        assert f"     {name} " in out
    assert "the installation works" in out
    code, out = called(capsys, "doctor", "--json")
    assert code == 0
    assert json.loads(out)["ok"] is True


def test_a_missing_extra_is_no_problem_and_a_broken_package_is():
    extra = _extra("none", ("no-such-package",))
    assert (extra.found, extra.is_problem) == ("not installed", False)
    assert "pip install 'epicat[none]'" in extra.advice
    assert _package("no_such_package").is_problem


@pytest.mark.parametrize("given", ["a file", "of another"])
def test_a_cache_that_cannot_be_used_is_a_problem(capsys, monkeypatch, tmp_path, given):
    monkeypatch.delenv("EPICAT_STORE", raising=False)
    (tmp_path / given).write_text("")
    monkeypatch.setenv("EPICAT_CACHE", str(tmp_path / given))
    code, out = called(capsys, "doctor")
    assert code == 1
    assert "FAIL cache" in out
    assert "set EPICAT_CACHE" in out


@pytest.mark.parametrize(("key", "words"), [("AKIA", "from the environment"), (None, "none")])
def test_credentials_are_named_and_never_shown(monkeypatch, tmp_path, key, words):
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    if key:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    (check,) = (c for c in installation_checks() if c.name == "AWS credentials")
    assert check.found.startswith(words)
    assert "AKIA" not in check.found


def test_any_answer_shows_that_a_server_is_reached():
    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(403)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Refuses)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    assert not _reached("server", address).is_problem
    server.shutdown()
    server.server_close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        check = _reached("server", f"http://127.0.0.1:{free.getsockname()[1]}/")
    assert check.is_problem
    assert "proxy" in check.advice
