"""Images of a public registry, by a server that answers as the OCI specification says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from epicat.aws.image import image_problem
from epicat.aws.public_image import find_public_image
from epicat.aws.template import DEFAULTS

INDEX = {"manifests": [{"platform": {"architecture": "arm64"}},
                       {"platform": {"architecture": "amd64"}},
                       {"platform": {"architecture": "unknown"}}]}  # fmt: skip
DOCUMENTS: dict[str, Any] = {
    "/v2/lab/epicat/manifests/both": INDEX,
    "/v2/lab/epicat/manifests/arm": {"config": {"digest": "sha256:c"}},
    "/v2/lab/epicat/blobs/sha256:c": {"architecture": "arm64"},
    "/v2/lab/epicat/manifests/odd": [1],
}


class _Registry(BaseHTTPRequestHandler):
    """Wants the token that it gives to anyone; has no other repository."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        port = self.server.server_address[1]
        if path == "/token":
            assert "scope=repository%3Alab%2Fepicat%3Apull" in self.path
            self._answer(200, {"token": "anyone"})
        elif self.headers.get("Authorization") != "Bearer anyone":
            realm = f'Bearer realm="http://127.0.0.1:{port}/token",service="here"'
            scope = 'scope="repository:lab/epicat:pull"'
            self._answer(401, {}, {"WWW-Authenticate": f"{realm},{scope}"})
        elif "/denied/" in path:
            self._answer(403, {})
        else:
            self._answer(200 if path in DOCUMENTS else 404, DOCUMENTS.get(path, {}))

    def _answer(self, code: int, document: Any, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(document).encode()
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Registry) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_image_says_its_platforms(registry):
    both = find_public_image(f"{registry}/lab/epicat:both")
    assert both is not None
    assert (both.exists, both.platforms) == (True, {"amd64", "arm64"})
    single = find_public_image(f"{registry}/lab/epicat:arm")
    assert single is not None
    assert single.platforms == {"arm64"}


def test_an_image_that_cannot_run_is_a_problem(registry):
    def problem(tag: str) -> str | None:
        parameters = {**DEFAULTS, "Image": f"{registry}/lab/epicat:{tag}"}
        return image_problem(None, parameters)  # type: ignore[arg-type]

    assert problem("both") is None
    assert "is built for arm64, jobs run on amd64" in (problem("arm") or "")
    assert "does not exist in its registry" in (problem("none") or "")
    assert problem("odd") is None


@pytest.mark.parametrize("image", ["{}/denied/epicat:1", "127.0.0.1:1/lab/epicat:1", "epicat:1",
                                   "lab/epicat", "{}/lab/epicat:a b", ""])  # fmt: skip
def test_what_nobody_may_read_is_unknown(registry, image):
    assert find_public_image(image.format(registry)) is None
