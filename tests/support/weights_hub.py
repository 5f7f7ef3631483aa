"""A hub of weights on the loopback, laid out like SeisBench's: a WebDAV folder."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

BREAK_OFF = -1
"""In place of a status: the answer ends before its announced length."""
OWN_DIGEST = "own"
"""In place of a digest: the right one of each file."""


@dataclass(slots=True)
class Hub:
    """A served hub with optional failures."""

    root: Path
    """What is served."""
    address: str = ""
    """Where it is served."""
    failures: dict[str, list[int]] = field(default_factory=dict)
    """By method, the statuses of the next answers."""
    digest: str = ""
    """The ``Digest`` header of files."""
    listing: bytes = b""
    """The list of every folder, in place of the true one."""


@contextmanager
def serving(root: Path) -> Iterator[Hub]:
    """Serve the content of a folder."""
    hub = Hub(root)

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(200, b"")

        def do_PROPFIND(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = urlsplit(self.path).path
            folder = root / path.strip("/")
            names = ["", *sorted(p.name for p in folder.iterdir())] if folder.is_dir() else [""]
            hrefs = "".join(f"<d:href>{escape(f'{path}/{name}')}</d:href>" for name in names)
            listing = f'<d:multistatus xmlns:d="DAV:">{hrefs}</d:multistatus>'.encode()
            self._answer(207, hub.listing or listing)

        def do_GET(self) -> None:
            path = root / urlsplit(self.path).path.strip("/")
            self._answer(
                200 if path.is_file() else 404, path.read_bytes() if path.is_file() else b""
            )

        def _answer(self, code: int, body: bytes) -> None:
            failures = hub.failures.get(self.command, [])
            failure = failures.pop(0) if failures else 0
            self.send_response(failure if failure > 0 else code)
            self.send_header("Content-Length", str(len(body)))
            if digest := hub.digest:
                own = f"sha-256={hashlib.sha256(body).hexdigest()}"
                self.send_header("Digest", own if digest == OWN_DIGEST else digest)
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if failure == BREAK_OFF else body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def digests(*files: Path) -> set[str]:
    """Return the SHA-256 of files."""
    return {hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
