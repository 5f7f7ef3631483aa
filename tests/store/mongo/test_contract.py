from __future__ import annotations

from pathlib import Path

import pytest

from epicat.model import digest_of
from epicat.store.base import Store
from epicat.store.open import open_store
from epicat.testing.store_contract import StoreContract
from support.mongo_server import MongoServer


class TestStoreInMongoDB(StoreContract):
    @pytest.fixture(autouse=True)
    def _on_a_server(self, mongo: MongoServer) -> None:
        self._mongo = mongo

    def make_store(self, location: Path) -> Store:
        return open_store(self._mongo.url(self.place(location)), create=True)

    def place(self, location: Path) -> str:
        return f"c{digest_of(location)}"
