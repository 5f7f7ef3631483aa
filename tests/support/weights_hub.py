"""A hub of weights on the loopback, in the manner of SeisBench's: a WebDAV folder."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.sax.saxutils import escape


@contextmanager
def serving(root: Path) -> Iterator[str]:
    """Serve what lies below a folder; give the address that stands for SeisBench's."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(200, b"")

        def do_PROPFIND(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            folder = root / self.path.strip("/")
            names = ["", *sorted(p.name for p in folder.iterdir())] if folder.is_dir() else [""]
            hrefs = "".join(f"<d:href>{escape(f'{self.path}/{name}')}</d:href>" for name in names)
            self._answer(207, f'<d:multistatus xmlns:d="DAV:">{hrefs}</d:multistatus>'.encode())

        def do_GET(self) -> None:
            path = root / self.path.strip("/")
            self._answer(
                200 if path.is_file() else 404, path.read_bytes() if path.is_file() else b""
            )

        def _answer(self, code: int, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def digests(*files: Path) -> set[str]:
    """Return the SHA-256 of files."""
    return {hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
