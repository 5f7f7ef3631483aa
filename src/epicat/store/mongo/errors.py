"""Errors of the driver: whether they are transient, and a message for the user.

The texts of the driver and of servers are long, and some repeat options of the URI.  Only a
server's text about a command is passed on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bson.errors import BSONError
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    ExecutionTimeout,
    InvalidURI,
    OperationFailure,
    ServerSelectionTimeoutError,
    WTimeoutError,
)

from epicat.store.mongo.address import Address

__all__ = ["DUPLICATE", "is_transient", "meaning", "only_duplicates"]

DUPLICATE = 11000
"""The code of an insert that was refused because its ``_id`` is taken."""

_TRANSIENT = frozenset(
    (6, 7, 43, 50, 64, 89, 91, 112, 133, 189, 237, 262, 384, 9001, 10107,
     11600, 11602, 13435, 13436)
)  # fmt: skip
"""Codes of transient errors: network, no primary, shutdown, conflict, timeout.

43 and 237: the server has dropped the cursor, for example after a restart.
"""

_CODES = {
    18: "user {user!r} and the password are refused; the user is looked up in database {source!r} "
    "(authSource)",
    11: "user {user!r} and the password are refused; the user is looked up in database {source!r} "
    "(authSource)",
    301: "the server cannot retry writes, as Amazon DocumentDB cannot: add retryWrites=false to "
    "the address",
}

_SIGNS = {
    r"requires authentication": "the server requires a user and a password: write "
    "mongodb://USER@HOST and put the address with the password into EPICAT_STORE or a file "
    "(--store @FILE)",
    r"not authorized|not allowed to do action": "{who} lacks permission ({text}); to write, the "
    "user needs the role readWrite on database {database!r}, to read the role read",
    r"bad auth|[Aa]uthentication failed": "user {user!r} and the password are refused; the user is "
    "looked up in database {source!r} (authSource)",
    r"retryable writes|Retryable writes|Transaction numbers": "the server cannot retry writes, as "
    "Amazon DocumentDB and some proxies cannot: add retryWrites=false to the address",
    r"space quota|over your space|disk (is )?full|No space left": "the server has no space left",
    r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|doesn't match|not valid for": "the "
    "server's certificate is not trusted; name the authority that signed it with tlsCAFile=FILE in "
    "the address, and the server as the certificate does",
    r"TLSV1_ALERT_INTERNAL_ERROR|tlsv1 alert internal error": "the server refuses the TLS "
    "connection; with Atlas that means that this machine's address is not on the network access "
    "list",
    r"SSL handshake failed|SSL:|WRONG_VERSION_NUMBER|[Hh]andshake": "no TLS "
    "connection; if the server does not use TLS, add tls=false to the address",
    r"DNS query name does not exist|DNS response does not contain|NXDOMAIN|no SRV": "there is "
    "no such cluster: {hosts} has no DNS record",
    r"Name or service not known|nodename nor servname|No address associated|getaddrinfo|"
    r"Temporary failure in name resolution": "the name of the server is unknown: {hosts}",
    r"[Cc]onnection refused|actively refused": "nothing answers at {hosts} (connection refused); "
    "check that the server runs, and its port",
    r"[Rr]eplica set name|replicaSet|No replica set members match": "{hosts} is not the replica "
    "set that the address names; see replicaSet and directConnection there",
    r"connection closed|[Cc]onnection reset|reset by peer": "the server closes the connection; if "
    "it wants TLS, add tls=true to the address",
    r"timed out|[Tt]imeout": "{hosts} does not answer; a firewall, or the network access list of "
    "Atlas, may block this machine",
}
"""Messages by patterns in the text of an error; the first match is used."""


def is_transient(error: Exception) -> bool:
    """Whether a retry may succeed."""
    if isinstance(error, ServerSelectionTimeoutError):
        return not re.search("CERTIFICATE_VERIFY_FAILED|doesn't match", str(error))
    if isinstance(error, BulkWriteError):
        codes = {e["code"] for e in _failures(error)} - {DUPLICATE}
        return bool(codes) and codes <= _TRANSIENT
    if isinstance(error, (AutoReconnect, ExecutionTimeout, WTimeoutError)):
        return True
    if isinstance(error, OperationFailure):
        return error.code in _TRANSIENT or error.has_error_label("RetryableWriteError")
    return isinstance(error, ConnectionFailure)


def only_duplicates(error: BulkWriteError) -> list[int] | None:
    """Return which inserts found their ``_id`` taken; None if anything else went wrong."""
    errors = _failures(error)
    if any(e["code"] != DUPLICATE for e in errors):
        return None
    return [e["index"] for e in errors]


def _failures(error: BulkWriteError) -> list[Mapping[str, Any]]:
    """Return the failed writes, and the write concerns that were not met."""
    found = error.details or {}
    return [*found.get("writeErrors", []), *found.get("writeConcernErrors", [])]


def meaning(error: Exception, address: Address) -> str:
    """Return the message of an error, without any secret."""
    text = _text(error)
    values = {
        "user": address.user,
        "who": f"user {address.user!r}" if address.user else "a connection without a user",
        "source": _source(address.options),
        "hosts": address.hosts,
        "database": address.database,
        "text": _shortened(text),
    }
    code = error.code if isinstance(error, OperationFailure) else None
    sentence = _CODES.get(code or 0) or next(
        (words for sign, words in _SIGNS.items() if re.search(sign, text)), None
    )
    if sentence is None:
        sentence = _by_kind(error)
    return f"store {address.shown}: {sentence.format(**values)}"


def _by_kind(error: Exception) -> str:
    if isinstance(error, (InvalidURI, ConfigurationError)):
        return "the driver does not accept the options in its address: {text}"
    if isinstance(error, BSONError):
        return "a row cannot be written: {text}"
    if isinstance(error, ConnectionFailure):
        return "the connection to {hosts} is lost"
    return "the server answers: {text}"


def _text(error: Exception) -> str:
    """Return the server's own text about a command, or the driver's about a connection."""
    if isinstance(error, BulkWriteError):
        others = [e for e in _failures(error) if e["code"] != DUPLICATE]
        return str(others[0].get("errmsg", "")) if others else ""
    if isinstance(error, OperationFailure) and error.details:
        return str(error.details.get("errmsg", error))
    return str(error)


def _shortened(text: str) -> str:
    first = text.partition(", full error:")[0].partition("\n")[0]
    return first if len(first) <= 200 else f"{first[:200]} ..."


def _source(options: str) -> str:
    found = re.search(r"(?:^|&)authsource=([^&]*)", options, re.IGNORECASE)
    return found[1] if found else "admin"
