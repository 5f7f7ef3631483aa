"""Who may ask the server: those who have the token, by a name of this machine, from its page."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["COOKIE", "Guard", "Guarded", "is_loopback", "page_policy"]

COOKIE: Final = "epicat"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_FIXED_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


def page_policy(tiles: str = "") -> str:
    """Return the content security policy of the page; ``tiles`` is the address of map tiles."""
    origin = f" {'/'.join(tiles.split('/')[:3])}" if tiles else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        f"worker-src blob:; child-src blob:; img-src 'self' data: blob:{origin}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def is_loopback(host: str) -> bool:
    """Return whether an address to listen on is one of this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Guard:
    """What a request must have."""

    token: str
    """Secret of this server: in the address once, then in a cookie."""
    password: str = ""
    """Password of HTTP Basic authentication; empty on the loopback, where the token is enough."""
    names: Collection[str] = _LOOPBACK
    """Names, without port, that requests may be addressed to."""

    def knows_host(self, host: str) -> bool:
        """Return whether a Host header names this machine (against DNS rebinding)."""
        name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
        return name.casefold() in self.names

    def is_token(self, given: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(given.encode(), self.token.encode())

    def has_password(self, authorization: str) -> bool:
        """Return whether an Authorization header has the password, for any user."""
        kind, _, value = authorization.partition(" ")
        if not self.password or kind.casefold() != "basic":
            return False
        try:
            given = base64.b64decode(value, validate=True).partition(b":")[2]
        except ValueError:
            return False
        return hmac.compare_digest(given, self.password.encode())


class Guarded:
    """ASGI middleware that refuses requests, and adds the headers of every response."""

    def __init__(self, app: ASGIApp, guard: Guard, policy: str) -> None:
        self._app = app
        self._guard = guard
        self._headers = {**_FIXED_HEADERS, "content-security-policy": policy}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or refuse."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        if scope["type"] != "http":  # no WebSocket is served
            return
        answer = self._refusal(scope)
        if answer is not None:
            await answer(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers, guard = Headers(scope=scope), self._guard
        if not guard.knows_host(headers.get("host", "")):
            return PlainTextResponse("this server does not have this name", 421)
        if not _is_own(headers, scope["method"]):
            return PlainTextResponse("requests of other sites are refused", 403)
        if guard.password:
            if guard.has_password(headers.get("authorization", "")):
                return None
            challenge = {"www-authenticate": 'Basic realm="epicat", charset="UTF-8"'}
            return PlainTextResponse("a password is needed", 401, challenge)
        return self._without_token(scope, headers)

    def _without_token(self, scope: Scope, headers: Headers) -> Response | None:
        """Take the token from the path (services), the address (once) or the cookie."""
        guard, path = self._guard, scope["path"]
        first, _, rest = path.removeprefix("/t/").partition("/")
        if path.startswith("/t/") and guard.is_token(first):
            scope["path"] = f"/{rest}"
            scope["raw_path"] = scope["path"].encode()
            return None if rest.startswith("fdsnws/") else _entered(guard)
        if _query_token(scope) and guard.is_token(_query_token(scope)):
            return _entered(guard)
        if guard.is_token(_cookie(headers)):
            return None
        text = "open the address that `epicat view` printed: it has the token of this server"
        return PlainTextResponse(text, 403)


def _entered(guard: Guard) -> Response:
    """Keep the token in a cookie, and remove it from the address."""
    response = RedirectResponse("/", 303)
    response.set_cookie(COOKIE, guard.token, httponly=True, samesite="strict")
    return response


def _query_token(scope: Scope) -> str:
    parts = scope["query_string"].decode("latin-1").split("&")
    return next((p.removeprefix("token=") for p in parts if p.startswith("token=")), "")


def _cookie(headers: Headers) -> str:
    return cookie_parser(headers.get("cookie", "")).get(COOKIE, "")


def _is_own(headers: Headers, method: str) -> bool:
    """Return whether a request is from the server's own page, as far as the browser tells."""
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return method == "GET" and headers.get("sec-fetch-mode") == "navigate"
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def names_of(hosts: Iterable[str]) -> frozenset[str]:
    """Return host names as `Guard.names` has them, those of the loopback included."""
    return frozenset((*_LOOPBACK, *(host.casefold() for host in hosts if host)))
