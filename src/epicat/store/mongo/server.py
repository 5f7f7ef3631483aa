"""A connection to a database; transient errors are retried."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

import pymongo
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import ConfigurationError, DuplicateKeyError, PyMongoError
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from epicat.errors import StoreError
from epicat.fs.retry import Patience, pauses, retry
from epicat.store.mongo.address import Address, masked
from epicat.store.mongo.errors import is_transient, meaning

__all__ = ["BATCH", "Document", "Server"]

T = TypeVar("T")

Document = dict[str, Any]

BATCH: Final = 1000
"""How many things one command is about, at most: a command may have 48 MB."""
_DEFAULTS = {
    "appname": "epicat",
    "connectTimeoutMS": 10_000,
    "serverSelectionTimeoutMS": 10_000,
    "socketTimeoutMS": 300_000,
}
_CODEC: CodecOptions[Document] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)
"""Times stay integers: a database of others may hold years that Python has no words for."""
_LASTING = WriteConcern("majority", j=True, wtimeout=60_000)
"""Acknowledged when it is in the journals of most members: what came before it is then, too."""


class Server:
    """A database on a server.  Not safe to use in a forked process.

    ``patient``: apply the full retry budget from the first request; otherwise the first request
    fails fast, since the address may be wrong.
    """

    def __init__(
        self, address: Address, patience: Patience | None = None, *, patient: bool = False
    ) -> None:
        self.address = address
        self._patience = patience or Patience.from_environment()
        client = _client(address)
        weakref.finalize(self, client.close)
        self._database: Database[Document] = client.get_database(
            address.database, codec_options=_CODEC, read_preference=ReadPreference.PRIMARY
        )
        self.do(lambda: client.admin.command("ping"), patient=patient)

    def collection(self, name: str, *, lasting: bool = False) -> Collection[Document]:
        """Return a collection; ``lasting`` waits until what is written survives a power cut."""
        concern = _LASTING if lasting else None
        return self._database.get_collection(name, write_concern=concern)

    def names(self) -> set[str]:
        """Return the names of the collections that there are."""
        found = self.do(self._database.list_collection_names)
        return {name for name in found if not name.startswith("system.")}

    def now_ns(self) -> int:
        """Return the time by the server's clock, nanoseconds since 1970."""
        found: Any = self.do(lambda: self._database.command("hello", codec_options=_CODEC))
        return int(found["localTime"]) * 1_000_000

    def find(self, name: str, wanted: Document, fields: Sequence[str] = ()) -> list[Document]:
        """Return the documents that are as wanted, with some of their fields or all."""
        shown = dict.fromkeys(fields, True) or None
        return self.do(lambda: list(self.collection(name).find(wanted, shown)))

    def keep_first(self, name: str, document: Document) -> None:
        """Insert a document for good, unless there is one with its ``_id``."""

        def insert() -> None:
            with suppress(DuplicateKeyError):
                self.collection(name, lasting=True).insert_one(document)

        self.do(insert)

    def do(self, action: Callable[[], T], *, patient: bool = True) -> T:
        """Return what an action returns, which may be done twice.

        Transient errors are retried with the budget of `Patience`: a server that is restarted, or
        elects a new primary, is back by then.  Afterwards, and for any other error, raises
        `StoreError`.
        """
        try:
            return retry(action, is_transient, pauses(self._patience.total_s) if patient else ())
        except (PyMongoError, BSONError) as error:
            raise StoreError(meaning(error, self.address)) from error


def _client(address: Address) -> pymongo.MongoClient[Document]:
    uri = address.uri()
    given = {o.partition("=")[0].lower() for o in uri.partition("?")[2].split("&")}
    defaults: Any = {n: value for n, value in _DEFAULTS.items() if n.lower() not in given}
    try:
        return pymongo.MongoClient(uri, **defaults)
    except (PyMongoError, ValueError, TypeError, OSError) as error:
        # Not chained: the driver's own text may repeat parts of the URI.
        known = error if isinstance(error, PyMongoError) else ConfigurationError(str(error))
        raise StoreError(masked(meaning(known, address), uri)) from None
