"""A server that nobody vouches for is not spoken to: no request, no key, no answer."""

from __future__ import annotations

import ssl
import threading
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from epicat.archive.access import Access
from epicat.archive.s3 import Bucket
from epicat.errors import EpicatError
from epicat.fs.s3 import S3Files
from epicat.stations import fdsn as station_service
from epicat.stations import find_stations
from support.mongo_server import make_certificates


class Handler(BaseHTTPRequestHandler):
    def answer(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def impostor(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """Give the address of a server with a certificate of nobody's, and what it was asked."""
    make_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []  # type: ignore[attr-defined]
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}", server.asked  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


def archive(address: str) -> object:
    return list(Bucket("s3://bucket", Access(endpoint=address, signed=True), 0).list(""))


def store(address: str) -> object:
    del address  # in AWS_ENDPOINT_URL
    return S3Files("s3://bucket/store", retries=0).top()


def stations(address: str) -> object:
    return find_stations(address)


def test_only_the_trust_is_missing(impostor: tuple[str, list[str]], tmp_path: Path) -> None:
    address, asked = impostor
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    with urllib.request.urlopen(f"{address}/x", context=trusting) as answer:
        assert answer.status == 200
    assert asked == ["/x"]


@pytest.mark.parametrize("ask", [archive, store, stations])
def test_a_certificate_of_nobody_ends_it(
    impostor: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, ask: Callable[[str], object]
) -> None:
    address, asked = impostor
    monkeypatch.setattr(station_service, "_WAITS_S", (0.0, 0.0))
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "owner")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "owner")
    with pytest.raises(EpicatError, match=r"(?i)certificate"):
        ask(address)
    assert asked == []
