"""Open a database: a store of epicat, or a database of the tutorial."""

from __future__ import annotations

from epicat.errors import StoreError
from epicat.store.base import ReadableStore, Store
from epicat.store.mongo.address import Address
from epicat.store.mongo.schema import is_store, is_tutorial
from epicat.store.mongo.server import Server
from epicat.store.mongo.store import MongoStore
from epicat.store.mongo.tutorial import TutorialStore

__all__ = ["Database"]


class Database:
    """A database that answers; raises `StoreError` or `InputError` if it does not."""

    def __init__(self, address: Address, *, patient: bool = False) -> None:
        self._server = Server(address, patient=patient)

    def open(self, *, create: bool) -> Store:
        """Return the store to read and write it, created if wanted.

        Raises `StoreError` if there is none, or if it can only be read.
        """
        if not create and is_tutorial(self._server):
            raise StoreError(
                f"store {self._server.address.shown} is a database of the tutorial: it is only "
                "read; `epicat copy --from ... --to ...` makes a store of it"
            )
        return MongoStore(self._server, create=create)

    def find(self) -> ReadableStore | None:
        """Return the store to read it, or None if there is none."""
        if is_store(self._server):
            return MongoStore(self._server)
        return TutorialStore(self._server) if is_tutorial(self._server) else None
