"""Open what a database is: a store of epicat, or the tutorial's."""

from __future__ import annotations

from epicat.store.base import Store
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
        """Return the store that it is, or make it one; raise `StoreError` if it is neither."""
        if not create and is_tutorial(self._server):
            return TutorialStore(self._server)
        return MongoStore(self._server, create=create)

    def find(self) -> Store | None:
        """Return the store that it is; None if it is none."""
        if is_store(self._server):
            return MongoStore(self._server)
        return TutorialStore(self._server) if is_tutorial(self._server) else None
