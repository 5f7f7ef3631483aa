"""Small downloads over HTTPS: quick to notice an unreachable server, with retries and checksums.

Proxies are those that the environment names (``https_proxy``, ``no_proxy``).
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import re
import ssl
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, Request, build_opener

from epicat.errors import ModelError

__all__ = ["Downloader", "NoConnectionError", "Progress"]

_CONNECT_S: Final = 4.0
"""A server that does not accept a connection for so long is unreachable."""
_READ_S: Final = 30.0
"""An answer that sends no byte for so long is given up."""
_RETRY_AFTER_S: Final = (0.5, 2.0)
_TRANSIENT: Final = frozenset({429, 500, 502, 503, 504})
"""HTTP statuses after which a request is sent again."""
_BLOCK: Final = 1 << 16
_SHA256_HEADER: Final = re.compile(r"sha-256=([A-Za-z0-9+/=]+)", re.IGNORECASE)

Progress = Callable[[str, int, int], None]
"""Gets the name of a file, the bytes so far and all bytes, which are 0 if unknown."""


class NoConnectionError(Exception):
    """A server cannot be reached."""


class Downloader:
    """Sends requests, each of which is answered completely or fails."""

    def __init__(self) -> None:
        self._opener = _opener()

    def check_connection(self, address: str) -> None:
        """Raise `NoConnectionError` if nothing answers at an address; any status is an answer."""
        request = Request(address, method="HEAD")  # noqa: S310 - its caller checks the scheme
        try:
            self._opener.open(request, timeout=_READ_S).close()
        except HTTPError as error:
            error.close()
        except (OSError, http.client.HTTPException) as error:
            raise NoConnectionError(_reason(error)) from error

    def get(self, request: Request, largest: int, progress: Progress | None = None) -> bytes:
        """Return the body of an answer; retry after failures that may be transient.

        Raises `ModelError` if there is none, or if it has more than ``largest`` bytes.
        """
        name = request.full_url.rpartition("/")[2]
        for wait_s in (*_RETRY_AFTER_S, None):
            try:
                with self._opener.open(request, timeout=_READ_S) as answer:
                    return _body(answer, name, largest, progress)
            except HTTPError as error:
                reason, is_transient = f"status {error.code}", error.code in _TRANSIENT
                error.close()
            except (OSError, http.client.HTTPException) as error:
                reason, is_transient = _reason(error), True
            if wait_s is None or not is_transient:
                break
            time.sleep(wait_s)
        raise ModelError(f"{request.full_url!r} cannot be downloaded ({reason})")


def _body(answer: Any, name: str, largest: int, progress: Progress | None) -> bytes:
    """Return the body of an answer, which must be as long as announced and match its digest."""
    announced = int(answer.headers.get("Content-Length") or 0)
    if announced > largest:
        raise ModelError(f"an answer has {announced} bytes; at most {largest} are read")
    blocks, size = [], 0
    while block := answer.read(_BLOCK):
        blocks.append(block)
        size += len(block)
        if size > largest:
            raise ModelError(f"an answer has more than {largest} bytes")
        if progress is not None and size != announced:
            progress(name, size, announced)
    if announced and size != announced:
        raise http.client.IncompleteRead(b"", announced - size)
    content = b"".join(blocks)
    if progress is not None:
        progress(name, size, size)
    _check_digest(content, answer.headers.get("Digest") or "", name)
    return content


def _check_digest(content: bytes, header: str, name: str) -> None:
    """Check the SHA-256 that some hubs give (RFC 3230), as hex or as base64."""
    if found := _SHA256_HEADER.search(header):
        digest = hashlib.sha256(content)
        if (
            found[1].lower() != digest.hexdigest()
            and found[1] != base64.b64encode(digest.digest()).decode()
        ):
            raise http.client.HTTPException(f"{name} does not match its SHA-256")


def _reason(failure: Exception) -> str:
    """Return in few words why a request failed; messages may go over lines and name paths."""
    error = failure.reason if isinstance(failure, URLError) else failure
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:100]


def _opener() -> OpenerDirector:
    """Return what opens addresses, through the proxies that the environment names."""
    return build_opener(_Http(), _Https(context=ssl.create_default_context()))


class _QuickConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        """Connect in a short time, and allow more for answers."""
        _connect(self, super().connect)


class _QuickTlsConnection(http.client.HTTPSConnection):
    def connect(self) -> None:
        """Connect in a short time, and allow more for answers."""
        _connect(self, super().connect)


def _connect(connection: http.client.HTTPConnection, connect: Callable[[], None]) -> None:
    usual, connection.timeout = connection.timeout, _CONNECT_S
    connect()
    connection.sock.settimeout(usual)


class _Http(HTTPHandler):
    def http_open(self, request: Request) -> http.client.HTTPResponse:
        """Open an address with a short time to connect."""
        return self.do_open(_QuickConnection, request)


class _Https(HTTPSHandler):
    def https_open(self, request: Request) -> http.client.HTTPResponse:
        """Open an address with a short time to connect."""
        return self.do_open(_QuickTlsConnection, request, context=self._context)  # type: ignore[attr-defined]
