"""What obstore's errors mean: their words, and whether another try could help.

obstore has few classes of errors and long texts, in which the answer of the server stands
between a sentence and a dump of its internals.  The answer may repeat an access key, so that
only its code and its message are taken from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

__all__ = ["Kind", "Trouble", "trouble_of"]


class Kind(Enum):
    """What went wrong."""

    REFUSED = auto()
    """The server refuses: 401 or 403."""
    MISSING = auto()
    """There is no such object: 404."""
    BUSY = auto()
    """The server was too busy or failed, also when asked again: 408, 429, 5xx."""
    AWAY = auto()
    """No connection comes about, also when tried again: not one object's trouble."""
    SILENT = auto()
    """The connection breaks, or there is no answer in time, also when asked again."""
    BROKEN = auto()
    """The answer broke off."""
    MOVED = auto()
    """The bucket is in another region."""
    KEYLESS = auto()
    """A request was to be signed, and neither the environment nor the machine has credentials."""
    EXPIRED = auto()
    """The credentials were good and are not any more."""
    NO_BUCKET = auto()
    """There is no such bucket: 404."""
    OTHER = auto()
    """Something else."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error of the storage in a few words."""

    kind: Kind
    """What went wrong."""
    words: str
    """The same for people; free of secrets."""


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


def trouble_of(error: Exception) -> Trouble:
    """Say what an error of obstore means."""
    text = str(error)
    if _METADATA.search(text):  # where obstore looks last for the credentials of a role
        return Trouble(Kind.KEYLESS, "there are no credentials to sign with")
    status = _STATUS.search(text)
    if status:
        return _by_status(int(status[1]), status[2], text)
    if "redirect without LOCATION" in text:
        return Trouble(Kind.MOVED, "the bucket is in another region")
    if any(sign in text for sign in _BROKEN):
        return Trouble(Kind.BROKEN, "the answer broke off or made no sense")
    if "error sending request" in text:
        detail = next((told for sign, told in _NO_ANSWER.items() if sign in text), "no connection")
        kind = Kind.AWAY if _UNCONNECTED.search(text) else Kind.SILENT
        return Trouble(kind, detail + _retries(text))
    return Trouble(Kind.OTHER, text.partition("\n")[0])


def _by_status(status: int, phrase: str, text: str) -> Trouble:
    tags = dict(_TAG.findall(text))
    code = tags.get("Code") or phrase.strip()
    kind = _kind(status, code)
    told = f"{status} {code}".strip()
    if kind == Kind.BUSY:
        told += _retries(text)
    if kind == Kind.OTHER:
        message = f": {tags['Message']}" if tags.get("Message") else ""
        return Trouble(kind, f"the server says {told}{message}")
    return Trouble(kind, f"{_WORDS[kind]} ({told})")


def _kind(status: int, code: str) -> Kind:
    by_code = {"NoSuchBucket": Kind.NO_BUCKET, "AuthorizationHeaderMalformed": Kind.MOVED}
    by_code |= dict.fromkeys(_EXPIRED, Kind.EXPIRED)
    kind = by_code.get(code) or _BY_STATUS.get(status, Kind.OTHER)
    return Kind.BUSY if kind == Kind.OTHER and status >= 500 else kind


def _retries(text: str) -> str:
    found = _RETRIES.search(text)
    return f", after {found[1]} retries" if found else ""
