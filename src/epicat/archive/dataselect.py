"""Client of an FDSN dataselect web service: typed answers, bounded retries, polite concurrency.

The interface is that of *FDSN Web Service Specifications* 1.2.  Of the answers, 204 and 404 mean no
data, 413 a request that is too large, and 401 and 403 a refusal; 429, 5xx, time-outs and truncated
bodies are transient and repeated.
"""

from __future__ import annotations

import fcntl
import os
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, IncompleteRead
from itertools import islice
from pathlib import Path
from typing import NoReturn
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import (
    HTTPDigestAuthHandler,
    HTTPPasswordMgrWithDefaultRealm,
    OpenerDirector,
    Request,
    build_opener,
)

from epicat._util.files import cache_folder
from epicat.errors import AwayError, InputError, ObjectError
from epicat.fs.retry import Patience, pauses, retry
from epicat.model import digest_of

__all__ = ["PASSWORD_VARIABLE", "USER_VARIABLE", "Dataselect", "TooLargeError", "credentials"]

USER_VARIABLE = "EPICAT_FDSN_USER"
PASSWORD_VARIABLE = "EPICAT_FDSN_PASSWORD"  # noqa: S105 - the name of a variable # nosec B105

_CONCURRENT = 4
"""Requests to one data center at a time, from all processes of this machine."""
_SLOT_WAIT_S = 0.1
_BRISK_S = 2.0
"""Retry budget after a server failed for as long as the patience allows."""
_LARGEST = 2 * 10**9
_CHUNK = 2**20
_NOTHING = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND)
_TRANSIENT = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS,
              HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY,
              HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)  # fmt: skip


class TooLargeError(Exception):
    """The service refuses a request because of its size (413)."""


class _TransientError(Exception):
    """A failure after which the same request may succeed."""

    def __init__(self, text: str, *, wait_s: float | None = None, is_away: bool = False) -> None:
        super().__init__(text)
        self.text, self.wait_s, self.is_away = text, wait_s, is_away


def credentials() -> tuple[str, str] | None:
    """Return user and password from the environment, None if none are set.

    Raises `InputError` if one of the two is missing.
    """
    user, password = (os.environ.get(name, "") for name in (USER_VARIABLE, PASSWORD_VARIABLE))
    if bool(user) != bool(password):
        missing = PASSWORD_VARIABLE if user else USER_VARIABLE
        raise InputError(f"{missing} is not set: a user and a password belong together")
    return (user, password) if user else None


class Dataselect:
    """Requests to the dataselect service of a data center."""

    def __init__(
        self,
        base: str,
        patience: Patience,
        *,
        signed: bool = False,
        limit_s: float | None = None,
        largest: int = _LARGEST,
    ) -> None:
        """``limit_s`` bounds the wait for a free place, and for the end of an answer.

        ``largest`` bounds the bytes of an answer.
        """
        self.base = base
        self._patience = patience
        self._limit_s = patience.complete.total_seconds() if limit_s is None else limit_s
        self._slot_limit_s = limit_s
        self._largest = largest
        login = credentials() if signed else None
        if signed and login is None:
            raise InputError(f"set {USER_VARIABLE} and {PASSWORD_VARIABLE} for --archive-signed")
        self._method = "queryauth" if login else "query"
        if urlsplit(base).scheme not in ("http", "https"):
            raise InputError(f"archive 'fdsn:{base}' is not an http or https address")
        self._login = login
        self._slots = cache_folder("fdsn") / digest_of(urlsplit(base).netloc)
        self._is_tired = False

    def check(self) -> None:
        """Ask for the version of the service; raise `AwayError` if it does not answer."""
        self._retried(f"{self.base}/version", self.base)

    def fetch(self, key: str, parameters: Mapping[str, str]) -> bytes:
        """Return the waveforms of a request, nothing if the service has none.

        ``key`` names the request in errors.  Raises `TooLargeError`, `ObjectError`, and
        `AwayError` if the service cannot be reached at all.
        """
        query = urlencode({**parameters, "nodata": "204"}, safe="*?,:")
        return self._retried(f"{self.base}/{self._method}?{query}", key)

    def _retried(self, url: str, key: str) -> bytes:
        total_s = _BRISK_S if self._is_tired else self._patience.total_s
        begin, tries = time.monotonic(), 0

        def attempt() -> bytes:
            nonlocal tries
            tries += 1
            with _slot(self._slots, self._slot_limit_s):
                return self._answer(url, key)

        def is_transient(error: Exception) -> bool | float:
            if not isinstance(error, _TransientError):
                return False
            left_s = begin + total_s - time.monotonic()
            if error.wait_s is None:
                return True
            return error.wait_s if error.wait_s < left_s else False

        try:
            body = retry(attempt, is_transient, islice(pauses(total_s), self._patience.retries))
        except _TransientError as error:
            self._give_up(error, key, tries, time.monotonic() - begin)
        self._is_tired = False
        return body

    def _give_up(self, error: _TransientError, key: str, tries: int, seconds: float) -> NoReturn:
        self._is_tired = True
        text = f"{error.text}; {tries} {'try' if tries == 1 else 'tries'} in {seconds:.0f} s"
        if error.is_away:
            raise AwayError(
                f"archive 'fdsn:{self.base}' cannot be reached: {text}; check the address and the "
                "network connection"
            ) from error
        raise ObjectError(key, f"cannot be read: {text}", may_pass=True) from error

    def _answer(self, url: str, key: str) -> bytes:
        request = Request(url, headers={"User-Agent": "epicat"})  # noqa: S310 - http(s), see `__init__`
        try:
            with _opener(self.base, self._login).open(
                request, timeout=self._patience.stall_s
            ) as answer:
                if answer.status in _NOTHING:
                    return b""
                return _body(answer, time.monotonic() + self._limit_s, self._largest)
        except HTTPError as error:
            return self._refused(error, key)
        except TimeoutError as error:
            raise _TransientError("no answer in time") from error
        except URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise _TransientError("no answer in time", is_away=True) from error
            raise _TransientError(f"no connection: {error.reason}", is_away=True) from error
        except (IncompleteRead, ConnectionError) as error:
            raise _TransientError("the answer was cut off") from error
        except (HTTPException, ValueError) as error:
            raise _TransientError(f"the answer is not HTTP: {error!r}") from error

    def _refused(self, error: HTTPError, key: str) -> bytes:
        """Return nothing if there are no data; else raise what an error status means."""
        with error:
            if error.code in _NOTHING:
                return b""
            if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                raise TooLargeError(f"{error.code} {error.reason}") from error
            text = f"{error.code} {error.reason}{_first_line(error)}"
            if error.code in _TRANSIENT:
                wait_s = _seconds(error.headers.get("Retry-After", ""))
                raise _TransientError(text, wait_s=wait_s) from error
            if error.code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                text += f"; credentials are {USER_VARIABLE} and {PASSWORD_VARIABLE}"
            raise ObjectError(key, f"cannot be read: {text}") from error


def _opener(base: str, login: tuple[str, str] | None) -> OpenerDirector:
    """Return what sends requests; one for each, since digest authentication keeps a state."""
    if login is None:
        return build_opener()
    passwords = HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, base, *login)
    return build_opener(HTTPDigestAuthHandler(passwords))


def _body(answer: HTTPResponse, deadline: float, largest: int) -> bytes:
    """Read an answer in pieces: each may take the time-out of the socket, all the deadline."""
    parts, size = [], 0
    while part := answer.read(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > largest:
            raise TooLargeError(f"more than {largest / 1e6:,.0f} MB")
        if time.monotonic() > deadline:
            raise _TransientError("the answer took too long")
    if answer.length:  # Python returns a truncated body without an error if it is read in pieces
        raise IncompleteRead(b"", answer.length)
    return b"".join(parts)


def _first_line(error: HTTPError) -> str:
    with suppress(OSError, HTTPException):
        lines = error.read(2000).decode(errors="replace").strip().splitlines()
        text = "".join(c if c.isprintable() else "?" for c in lines[0][:200]) if lines else ""
        return f": {text}" if text and not text.startswith("<") else ""
    return ""


def _seconds(retry_after: str) -> float | None:
    """Return the wait that a ``Retry-After`` header requests, in seconds or as a date."""
    text = retry_after.strip()
    if text.isdecimal():
        return float(text)
    with suppress(TypeError, ValueError):
        return max((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds(), 0.0)
    return None


@contextmanager
def _slot(folder: Path, limit_s: float | None = None) -> Iterator[None]:
    """Hold one of the few places for requests to a data center, across processes."""
    folder.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    with ExitStack() as held:
        while True:
            for number in range(_CONCURRENT):
                file = (folder / str(number)).open("ab")
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    file.close()
                else:
                    held.enter_context(file)
                    yield
                    return
            if limit_s is not None and time.monotonic() - begin > limit_s:
                raise _TransientError("other requests of this machine to the service take too long")
            time.sleep(_SLOT_WAIT_S * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
