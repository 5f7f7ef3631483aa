"""What a person reads when a server cannot be used, from real servers wherever there can be one."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable

import pytest
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    OperationFailure,
    ServerSelectionTimeoutError,
)

from epicat.errors import InputError, StoreError
from epicat.fs.retry import Patience
from epicat.store.mongo.address import Address, secured
from epicat.store.mongo.errors import is_transient, meaning
from epicat.store.mongo.server import Server
from epicat.store.open import open_store
from support.mongo_server import READER, READER_PASSWORD, MongoServer, make_certificates

BRISK = "serverSelectionTimeoutMS=400&connectTimeoutMS=400"
ADDRESS = Address.parse("mongodb://ana@h:1/mine?authSource=admin#env:X")


def test_a_wrong_password(mongo: MongoServer):
    with pytest.raises(
        StoreError, match=r"user 'ana' and the password are refused.*'admin'"
    ) as told:
        open_store(mongo.url("x", password="hidden"))
    assert "hidden" not in str(told.value)


def test_no_user(mongo: MongoServer):
    with pytest.raises(StoreError, match="the server requires a user and a password"):
        open_store(f"mongodb://{mongo.host}/x?{mongo.options}", create=True)


def test_a_user_who_may_only_look(mongo: MongoServer, url: str):
    open_store(url, create=True).put_record("run", "r", {"a": 1})
    database = Address.parse(secured(url)).database
    store = open_store(mongo.url(database, READER, READER_PASSWORD))
    assert store.records("run") == {"r": {"a": 1}}
    assert store.ledger() == []
    with pytest.raises(StoreError, match=r"user 'rita' lacks permission.*readWrite on database"):
        store.put_record("run", "s", {})
    with pytest.raises(StoreError, match="lacks permission"):
        open_store(mongo.url(f"{database}n", READER, READER_PASSWORD), create=True)


def test_a_certificate_of_nobody_that_is_known(mongo: MongoServer, tmp_path):
    make_certificates(tmp_path)
    uri = mongo.url("x", more=BRISK).replace(str(mongo.folder), str(tmp_path))
    with pytest.raises(StoreError, match=r"certificate is not trusted.*tlsCAFile=FILE"):
        open_store(uri)


def test_a_certificate_of_another_server(mongo: MongoServer):
    with pytest.raises(StoreError, match=r"certificate is not trusted.*as the certificate does"):
        open_store(mongo.url("x", more=BRISK).replace("@127.0.0.1:", "@localhost:"))


def test_a_server_that_wants_tls(mongo: MongoServer):
    with pytest.raises(StoreError, match="if it wants TLS, add tls=true"):
        open_store(f"mongodb://{mongo.host}/x?{BRISK}")


def test_nothing_there():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(StoreError, match=rf"nothing answers at 127\.0\.0\.1:{port}"):
            open_store(f"mongodb://127.0.0.1:{port}/x?{BRISK}")


def test_a_server_that_says_nothing():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        with pytest.raises(StoreError, match=r"does not answer; a firewall, or the network access"):
            open_store(f"mongodb://127.0.0.1:{port}/x?{BRISK}")


def test_a_name_that_nobody_has():
    with pytest.raises(StoreError, match=r"the name of the server is unknown: no\.such\.invalid"):
        open_store(f"mongodb://no.such.invalid/x?{BRISK}")


def test_options_that_the_driver_does_not_take(tmp_path):
    with pytest.raises(StoreError, match=r"does not accept the options.*none\.pem"):
        open_store(f"mongodb://h/x?tls=true&tlsCAFile={tmp_path}/none.pem")


def failure(code: int, text: str) -> OperationFailure:
    return OperationFailure(text, code, {"errmsg": text, "code": code})


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (failure(8000, "bad auth : authentication failed"), "user 'ana' and the password are ref"),
        (failure(13, "not authorized on mine to execute command"), "needs the role readWrite"),
        (failure(301, "Retryable writes are not supported"), "add retryWrites=false"),
        (failure(20, "Transaction numbers are only allowed on a replica set"), "retryWrites=false"),
        (failure(8000, "you are over your space quota, using 512 MB"), "no space left"),
        (failure(2, "a {strange} one"), "the server answers: a {strange} one"),
        (
            ServerSelectionTimeoutError("c.net:27017: [SSL: TLSV1_ALERT_INTERNAL_ERROR] tlsv1"),
            "not on the network access list",
        ),
        (
            ConfigurationError("The DNS query name does not exist: _mongodb._tcp.h."),
            "no such cluster",
        ),
        (AutoReconnect("something"), "the connection to h:1 is lost"),
    ],
)
def test_what_no_server_here_says(error, words):
    """Atlas's and DocumentDB's own texts: neither can be had for a test."""
    told = meaning(error, ADDRESS)
    assert words in told
    assert told.startswith("store mongodb://ana@h:1/mine: ")


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (AutoReconnect("x"), True),
        (ServerSelectionTimeoutError("refused"), True),
        (ServerSelectionTimeoutError("CERTIFICATE_VERIFY_FAILED"), False),
        (failure(11602, "interrupted"), True),
        (failure(43, "cursor id 7 not found"), True),
        (failure(237, "cursor killed"), True),
        (failure(18, "Authentication failed"), False),
        (BulkWriteError({"writeErrors": [{"code": 91}], "writeConcernErrors": []}), True),
        (BulkWriteError({"writeErrors": [{"code": 91}, {"code": 2}]}), False),
        (BulkWriteError({"writeErrors": [], "writeConcernErrors": [{"code": 64}]}), True),
        (BulkWriteError({"writeErrors": [], "writeConcernErrors": [{"code": 100}]}), False),
        (BulkWriteError({"writeErrors": [{"code": 11000, "index": 0}, {"code": 91}]}), True),
        (BulkWriteError({"writeErrors": [{"code": 11000, "index": 0}]}), False),
    ],
)
def test_what_passes_by_itself(error, passes):
    assert is_transient(error) == passes


def flaky(times: int, error: Exception) -> Callable[[], int]:
    """Return an action that fails some times before it goes well."""
    left = [error] * times

    def action() -> int:
        if left:
            raise left.pop()
        return 7

    return action


def test_what_passes_is_done_again(mongo: MongoServer):
    server = Server(Address.parse(secured(mongo.url("x"))), Patience(total_s=0.4))
    assert server.do(flaky(2, AutoReconnect("x"))) == 7
    with pytest.raises(StoreError, match=r"the connection to .* is lost"):
        server.do(flaky(100, AutoReconnect("x")))
    with pytest.raises(StoreError, match="no space left"):
        server.do(flaky(1, failure(8000, "over your space quota")))


def test_a_driver_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "epicat.store.mongo.opened", None)
    with pytest.raises(InputError, match=r"pip install 'epicat\[mongo\]'"):
        open_store("mongodb://h/x")
