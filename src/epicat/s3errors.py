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
    """There is no such object or bucket: 404."""
    BUSY = auto()
    """The server was too busy or failed, also when asked again: 408, 429, 5xx."""
    SILENT = auto()
    """No connection, or no answer in time, also when asked again."""
    BROKEN = auto()
    """The answer broke off."""
    MOVED = auto()
    """The bucket is in another region."""
    KEYLESS = auto()
    """A request was to be signed, and neither the environment nor the machine has credentials."""
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
        return Trouble(Kind.SILENT, detail + _retries(text))
    return Trouble(Kind.OTHER, text.partition("\n")[0])


def _by_status(status: int, phrase: str, text: str) -> Trouble:
    tags = dict(_TAG.findall(text))
    code = tags.get("Code") or phrase.strip()
    told = f"{status} {code}".strip()
    if status in (401, 403):
        return Trouble(Kind.REFUSED, f"access is denied ({told})")
    if status == 404:
        what = "bucket" if code == "NoSuchBucket" else "object"
        return Trouble(Kind.MISSING, f"there is no such {what} ({told})")
    if status in (408, 429) or status >= 500:
        return Trouble(Kind.BUSY, f"the server is too busy or failing ({told}{_retries(text)})")
    if status == 416:
        return Trouble(Kind.BROKEN, f"the object is shorter than it should be ({told})")
    if status in (301, 307) or code == "AuthorizationHeaderMalformed":
        return Trouble(Kind.MOVED, f"the bucket is in another region ({told})")
    message = f": {tags['Message']}" if tags.get("Message") else ""
    return Trouble(Kind.OTHER, f"the server says {told}{message}")


def _retries(text: str) -> str:
    found = _RETRIES.search(text)
    return f", after {found[1]} retries" if found else ""
