"""A data center on the loopback: FDSN station and dataselect services, with faults on demand."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pymseed

from epicat.time import parse_time

NONCE = "c0ffee"
Fault = Callable[["Handler", bytes], None]
"""Answers a request in place of the server; gets what the server would send."""


class DataCenter(ThreadingHTTPServer):
    """Serves records by ``NET.STA.LOC.CHA``, and remembers what was requested."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, waveforms: Mapping[str, bytes], stations: str = "", responses: str = ""
    ) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.records = {name: split(body) for name, body in waveforms.items()}
        self.stations, self.responses = stations, responses
        self.faults: list[Fault | None] = []
        self.always: Fault | None = None
        self.users: dict[str, str] = {}
        self.queries: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.times: list[float] = []
        self.now = self.most = 0
        """Requests that `crowded` answers at a time, and the most of them."""
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_port}"

    @contextmanager
    def serving(self) -> Iterator[DataCenter]:
        thread = threading.Thread(target=self.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()

    def select(self, query: Mapping[str, str]) -> bytes:
        """Return the records that a query asks for."""
        low, high = parse_time(query["start"]), parse_time(query["end"])
        codes = [
            re.compile(code.replace("?", ".").replace("*", ".*"))
            for code in query["cha"].split(",")
        ]
        found = []
        for name, records in sorted(self.records.items()):
            network, station, _, channel = name.split(".")
            if network not in query["net"].split(",") or station not in query["sta"].split(","):
                continue
            if any(code.fullmatch(channel) for code in codes):
                found += [body for start, end, body in records if start < high and end > low]
        return b"".join(found)


def split(body: bytes) -> list[tuple[int, int, bytes]]:
    """Return start, end and bytes of each record."""
    found = []
    while body:
        record = pymseed.MS3Record.parse(body)
        found.append((record.starttime, record.endtime, body[: record.reclen]))
        body = body[record.reclen :]
    return found


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: DataCenter
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        server = self.server
        with server.lock:
            server.paths.append(parts.path)
        if parts.path.startswith("/fdsnws/station/1/"):
            is_response = query.get("level") == "response"
            body = server.responses if is_response else server.stations
            self.answer(200 if body else 204, body.encode())
        elif parts.path.endswith("/version"):
            self.answer(200, b"1.1.1")
        elif parts.path == "/fdsnws/dataselect/1/queryauth" and not self.is_allowed():
            challenge = f'Digest realm="FDSN", qop="auth", nonce="{NONCE}", algorithm=MD5'
            self.answer(401, b"", {"WWW-Authenticate": challenge})
        else:
            self.dataselect(query)

    def dataselect(self, query: dict[str, str]) -> None:
        server = self.server
        with server.lock:
            server.queries.append(query)
            server.times.append(time.monotonic())
            fault = server.faults.pop(0) if server.faults else server.always
        body = server.select(query)
        if fault is not None:
            fault(self, body)
        else:
            self.answer(200 if body else 204, body)

    def is_allowed(self) -> bool:
        """Check digest authentication (RFC 2617)."""
        header = self.headers.get("Authorization", "")
        parts = re.findall(r'(\w+)=(?:"([^"]*)"|([^",\s]+))', header)
        given = {name: quoted or plain for name, quoted, plain in parts}
        password = self.server.users.get(given.get("username", ""))
        if password is None or given.get("nonce") != NONCE:
            return False
        one = _md5(f"{given['username']}:FDSN:{password}")
        two = _md5(f"GET:{given['uri']}")
        middle = ":".join((NONCE, given["nc"], given["cnonce"], given["qop"]))
        return given["response"] == _md5(f"{one}:{middle}:{two}")

    def answer(self, code: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if code != 204:
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def status(code: int, body: bytes = b"", **headers: str) -> Fault:
    """Answer with a status; underscores in names of headers stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, _: handler.answer(code, body, named)


def cut_off(handler: Handler, body: bytes) -> None:
    """Send half of the body and close the connection."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def silent(handler: Handler, body: bytes) -> None:
    """Send nothing for a while."""
    del body
    time.sleep(1.5)
    handler.close_connection = True


def crowded(handler: Handler, body: bytes) -> None:
    """Take a moment, and count how many requests do so at a time."""
    server = handler.server
    with server.lock:
        server.now += 1
        server.most = max(server.most, server.now)
    time.sleep(0.05)
    with server.lock:
        server.now -= 1
    handler.answer(200 if body else 204, body)


def too_large_above(hours: float) -> Fault:
    """Refuse requests of more than so many hours."""

    def answer(handler: Handler, body: bytes) -> None:
        query = handler.server.queries[-1]
        length = (parse_time(query["end"]) - parse_time(query["start"])) / 3.6e12
        if length > hours:
            handler.answer(413, b"Request would exceed limits")
        else:
            handler.answer(200 if body else 204, body)

    return answer
