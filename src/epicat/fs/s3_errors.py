"""Errors of requests to buckets: their kind, and a message without secrets.

obstore has few classes of errors and long texts, which contain the server's response.  The
response may repeat an access key, so that only its code and its message are used.
"""

from __future__ import annotations

import re
from enum import Enum, auto

__all__ = ["Kind", "S3Error"]


class Kind(Enum):
    """What went wrong."""

    REFUSED = auto()
    """The server refuses: 401 or 403."""
    MISSING = auto()
    """There is no such object: 404."""
    BUSY = auto()
    """The server was too busy or failed, also after retries: 408, 429, 5xx."""
    AWAY = auto()
    """No connection, also after retries: the server as a whole is unreachable."""
    SILENT = auto()
    """The connection broke, or there was no response in time, also after retries."""
    BROKEN = auto()
    """The response was truncated."""
    MOVED = auto()
    """The bucket is in another region."""
    KEYLESS = auto()
    """A request must be signed, and there are no credentials in the environment or from a role."""
    EXPIRED = auto()
    """The credentials have expired."""
    NO_BUCKET = auto()
    """There is no such bucket: 404."""
    OTHER = auto()
    """Something else."""


class S3Error(Exception):
    """A request to a bucket failed."""

    def __init__(self, kind: Kind, words: str) -> None:
        super().__init__(words)
        self.kind = kind
        """What went wrong."""
        self.words = words
        """The same for messages; without secrets."""

    @classmethod
    def from_obstore(cls, error: Exception) -> S3Error:
        """Return the meaning of an error of obstore."""
        return cls(*_meaning(error))


_STATUS = re.compile(r"status code: (\d{3}) ?([^:]*)")
_TAG = re.compile(r"<(Code|Message)>([^<]*)</\1>")
_RETRIES = re.compile(r"after (\d+) retries")
_BROKEN = ("body error", "Content-Range", "list response body", "Got invalid list response")
_EXPIRED = ("ExpiredToken", "TokenRefreshRequired", "RequestExpired")
_BY_STATUS = {
    301: Kind.MOVED,
    307: Kind.MOVED,
    401: Kind.REFUSED,
    403: Kind.REFUSED,
    404: Kind.MISSING,
    408: Kind.BUSY,
    416: Kind.BROKEN,
    429: Kind.BUSY,
}
_WORDS = {
    Kind.BROKEN: "the object is shorter than it should be",
    Kind.BUSY: "the server is too busy or failing",
    Kind.EXPIRED: "the credentials have expired",
    Kind.MISSING: "there is no such object",
    Kind.MOVED: "the bucket is in another region",
    Kind.NO_BUCKET: "there is no such bucket",
    Kind.REFUSED: "access is denied",
}
_UNCONNECTED = re.compile(r"kind: Connect\b")
_METADATA = re.compile(r"/latest/(api|meta-data)/|169\.254\.1")
_NO_ANSWER = {
    "Connection refused": "connection refused",
    "lookup address": "there is no host of this name",
    "TimedOut": "no answer in time",
    "kind: Timeout": "no answer in time",
    "InvalidCertificate": "its certificate is not trusted",
}


def _meaning(error: Exception) -> tuple[Kind, str]:
    text = str(error)
    if _METADATA.search(text):  # obstore's last source of credentials, a role
        return (Kind.KEYLESS, "there are no credentials to sign with")
    status = _STATUS.search(text)
    if status:
        return _by_status(int(status[1]), status[2], text)
    if "redirect without LOCATION" in text:
        return (Kind.MOVED, "the bucket is in another region")
    if any(sign in text for sign in _BROKEN):
        return (Kind.BROKEN, "the answer broke off or made no sense")
    if "error sending request" in text:
        detail = next(
            (words for sign, words in _NO_ANSWER.items() if sign in text), "no connection"
        )
        kind = Kind.AWAY if _UNCONNECTED.search(text) else Kind.SILENT
        return (kind, detail + _retries(text))
    return (Kind.OTHER, text.partition("\n")[0])


def _by_status(status: int, phrase: str, text: str) -> tuple[Kind, str]:
    tags = dict(_TAG.findall(text))
    code = tags.get("Code") or phrase.strip()
    kind = _kind(status, code)
    answer = f"{status} {code}".strip()
    if kind == Kind.BUSY:
        answer += _retries(text)
    if kind == Kind.OTHER:
        message = f": {tags['Message']}" if tags.get("Message") else ""
        return (kind, f"the server says {answer}{message}")
    return (kind, f"{_WORDS[kind]} ({answer})")


def _kind(status: int, code: str) -> Kind:
    by_code = {"NoSuchBucket": Kind.NO_BUCKET, "AuthorizationHeaderMalformed": Kind.MOVED}
    by_code |= dict.fromkeys(_EXPIRED, Kind.EXPIRED)
    kind = by_code.get(code) or _BY_STATUS.get(status, Kind.OTHER)
    return Kind.BUSY if kind == Kind.OTHER and status >= 500 else kind


def _retries(text: str) -> str:
    found = _RETRIES.search(text)
    return f", after {found[1]} retries" if found else ""
