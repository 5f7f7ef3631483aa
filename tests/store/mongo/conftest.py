"""A server for the tests of stores in MongoDB, and databases on it that no other test has."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from epicat.model import digest_of
from epicat.store.mongo.address import Address, secured
from epicat.store.mongo.server import Server
from mongo_server import MongoServer, serving


@pytest.fixture(scope="session")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """Give a server that wants a user, a password and TLS."""
    with serving(tmp_path_factory.mktemp("mongo")) as server:
        yield server


@pytest.fixture(autouse=True)
def no_store_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's own store out of the tests."""
    monkeypatch.delenv("EPICAT_STORE", raising=False)


@pytest.fixture
def url(mongo: MongoServer, request: pytest.FixtureRequest) -> str:
    """Give the address, with the password, of a database that no other test has."""
    return mongo.url(f"t{digest_of(request.node.nodeid)}")


@pytest.fixture
def connect(url: str) -> Callable[[], Server]:
    """Give a function that connects to it."""
    return lambda: Server(Address.of(secured(url)))
