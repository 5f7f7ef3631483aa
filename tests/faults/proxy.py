"""A proxy before an HTTP server that gives some requests what bad networks give."""

from __future__ import annotations

import http.client
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from support import s3

__all__ = ["Choice", "Fault", "Proxy", "Request", "at_random", "reset"]


class Fault(StrEnum):
    """What becomes of a request."""

    ERROR = "500"
    SLOW_DOWN = "503"
    RESET = "reset before"
    """The server never hears of the request."""
    STALL = "stall"
    LOST = "answer lost"
    """The server does what it is asked, and nobody hears of that."""
    TORN = "reset in the body"
    SHORT = "short body"
    LENGTH = "wrong length"
    """Half of a body with the length of the half: by itself nothing is wrong with it."""
    GARBAGE = "garbage listing"
    HALF = "half a listing"
    THROTTLED = "throttled"
    REFUSED = "403"
    EXPIRED = "expired credentials"
    GONE = "no such bucket"


_ANSWERS = {
    Fault.ERROR: (500, "InternalError"),
    Fault.SLOW_DOWN: (503, "SlowDown"),
    Fault.THROTTLED: (503, "SlowDown"),
    Fault.REFUSED: (403, "AccessDenied"),
    Fault.EXPIRED: (400, "ExpiredToken"),
    Fault.GONE: (404, "NoSuchBucket"),
}
_ANY = (Fault.ERROR, Fault.SLOW_DOWN, Fault.RESET, Fault.STALL, Fault.LOST)
_BODY = (Fault.TORN, Fault.SHORT, Fault.LENGTH)
_LISTING = (Fault.GARBAGE, Fault.HALF)
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date", "server"}


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked."""

    number: int
    """How many requests there were, this one included."""
    method: str
    target: str
    """Path and query."""

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What can go wrong with it, and pass."""
        body = _BODY if self.method == "GET" else ()
        return _ANY + body + (_LISTING if "list-type=2" in self.target else ())


Choice = Callable[[Request], Fault | None]


def at_random(seed: int, share: float) -> Choice:
    """Choose a share of the requests, and one of their faults, by a seed."""
    rng = random.Random(seed)

    def choose(request: Request) -> Fault | None:
        return rng.choice(request.faults) if rng.random() < share else None

    return choose


@dataclass
class Proxy:
    """What stands before a server, and counts what it gave."""

    upstream: str
    """Address of the server."""
    choose: Choice
    stall_s: float = 5.0
    given: Counter[Fault] = field(default_factory=Counter)
    asked: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fault_of(self, method: str, target: str) -> Fault | None:
        """Count a request, and say what becomes of it."""
        with self._lock:
            self.asked += 1
            fault = self.choose(Request(self.asked, method, target))
            if fault is not None:
                self.given[fault] += 1
            return fault

    @contextmanager
    def serving(self, port: int = 0) -> Iterator[str]:
        """Serve on the loopback; give the address."""
        handler = type("Handler", (_Handler,), {"proxy": self})
        with s3.on_loopback(handler, port) as address:
            yield address


def reset(connection: socket.socket) -> None:
    """End a connection as a router does that has forgotten it."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            return  # the client has gone, or was sent away

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        del format, args

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.proxy.fault_of(self.command, self.path)
        if fault in _ANSWERS:
            self._refuse(*_ANSWERS[fault])
        elif fault == Fault.RESET:
            self._reset()
        elif fault == Fault.STALL:
            time.sleep(self.proxy.stall_s)
            self._reset()
        else:
            self._forward(body, fault)

    do_PUT = do_POST = do_HEAD = do_DELETE = do_GET  # noqa: N815 - named by http.server

    def _refuse(self, status: int, code: str) -> None:
        text = f"<Error><Code>{code}</Code><Message>...</Message></Error>".encode()
        self._send(status, {"Content-Type": "application/xml"}, text, len(text))

    def _reset(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        reset(self.connection)

    def _forward(self, body: bytes, fault: Fault | None) -> None:
        address = urlsplit(self.proxy.upstream)
        server = http.client.HTTPConnection(address.netloc, timeout=60)
        headers = {n: v for n, v in self.headers.items() if n.lower() not in _HOP}
        server.request(self.command, self.path, body or None, headers)
        with server.getresponse() as answer:
            content = answer.read()
            length = int(answer.headers.get("Content-Length", len(content)))
            kept = {n: v for n, v in answer.headers.items() if n.lower() not in _HOP}
        server.close()
        if fault == Fault.LOST:
            self._reset()
            return
        if fault == Fault.GARBAGE:
            content = b"<html><p>It works!</p>"
        half = content[: len(content) // 2]
        if fault in (Fault.TORN, Fault.SHORT):
            self._send(answer.status, kept, half, length)
            self.close_connection = True
            if fault == Fault.TORN:
                self._reset()
        elif fault in (Fault.HALF, Fault.LENGTH):
            self._send(answer.status, kept, half, len(half))
        else:
            self._send(answer.status, kept, content, len(content) or length)

    def _send(self, status: int, headers: dict[str, str], content: bytes, length: int) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
