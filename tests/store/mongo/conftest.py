"""Databases for the tests of stores in MongoDB that no other test has."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from epicat.model import digest_of
from epicat.store.mongo.address import Address, secured
from epicat.store.mongo.server import Server
from support.mongo_server import MongoServer


@pytest.fixture
def url(mongo: MongoServer, request: pytest.FixtureRequest) -> str:
    """Give the address, with the password, of a database that no other test has."""
    return mongo.url(f"t{digest_of(request.node.nodeid)}")


@pytest.fixture
def connect(url: str) -> Callable[[], Server]:
    """Give a function that connects to it."""
    return lambda: Server(Address.parse(secured(url)))
