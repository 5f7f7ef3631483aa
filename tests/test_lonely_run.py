"""A campaign speaks to its archive and its store, and to nobody else: the kernel's own count."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import lonely
from support.network_fixtures import written_network
from support.tiny_network import arguments, truths

EVENTS = truths([60])


@pytest.fixture(scope="module")
def way_in() -> list[str]:
    command = lonely.way_in()
    if command is None:
        pytest.skip("this machine gives no network namespace (unshare -n)")
    return command


network = written_network(EVENTS, around_s=200)


ATTEMPTS = {
    "a connection": "socket.create_connection(('192.0.2.1', 80), 1)",
    "a connection by IPv6": "socket.create_connection(('2001:db8::1', 80), 1)",
    "a connection to nobody here": "socket.create_connection(('127.0.0.1', 9), 1)",
    "a datagram": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    "a datagram here": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 53))",
    "a library in Rust": "obstore.store.HTTPStore('http://192.0.2.1', "
    "client_options={'allow_http': True}, retry_config={'max_retries': 0}).list().collect()",
}


SUPPRESSED = """
import contextlib, socket, obstore.store
with contextlib.suppress(Exception):"""


@pytest.mark.parametrize("attempt", list(ATTEMPTS))
def test_attempts_are_counted(way_in: list[str], attempt: str) -> None:
    """So that a count of nothing means that there was nothing."""
    found = lonely.counted(way_in, f"{SUPPRESSED} {ATTEMPTS[attempt]}")
    found.pop("Tcp:ActiveOpens")
    assert sum(found.values()) > 0


RUN = """
import json, sys
from epicat.cli.app import main
try:
    main(sys.argv[1:])
except SystemExit as left:
    assert not left.code
"""


def test_a_campaign_on_this_machine_speaks_to_nobody(
    way_in: list[str], network: Path, tmp_path: Path
) -> None:
    given = arguments(network, tmp_path / "store", "--workers", "2")
    found = lonely.counted(way_in, RUN, "run", *given)
    assert (tmp_path / "store" / "store.json").is_file()
    assert found == dict.fromkeys(found, 0)


IN_BUCKETS = """
import os, sys
from pathlib import Path
from support import s3
folder, *given = sys.argv[1:]
with s3.serving() as server:
    files = [p for p in Path(folder).rglob("*") if p.is_file()]
    objects = {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}
    server.make("archive", objects, public=False)
    server.make("catalogs", {}, public=False)
    os.environ.update(AWS_ENDPOINT_URL=server.endpoint, AWS_REGION="us-east-1",
                      AWS_ACCESS_KEY_ID="owner", AWS_SECRET_ACCESS_KEY="owner")
    from epicat.cli.app import main
    try:
        main(given)
    except SystemExit as left:
        assert not left.code
    from epicat.store.open import open_store
    assert open_store("s3://catalogs/one").ledger()
"""


def test_a_campaign_in_buckets_speaks_to_their_server_alone(
    way_in: list[str], network: Path, tmp_path: Path
) -> None:
    """The only one that listens there: a connection to any other place would have failed."""
    given = arguments(network, tmp_path / "unused", "--workers", "2")
    for option, value in (("--archive", "s3://archive"), ("--store", "s3://catalogs/one")):
        given[given.index(option) + 1] = value
    found = lonely.counted(way_in, IN_BUCKETS, network / "sds", "run", *given)
    assert found.pop("Tcp:ActiveOpens") > 10
    assert found == dict.fromkeys(found, 0)


def test_a_model_is_compiled_without_a_word_to_anybody(
    way_in: list[str], realdata: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenVINO's telemetry reports conversions unless it is kept from being imported."""
    pytest.importorskip("seisbench")
    monkeypatch.setenv("EPICAT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path / "seisbench"))
    weights = realdata / "weights" / "models" / "v3" / "phasenetlight" / "ethz.pt.v2"
    found = lonely.counted(way_in, RUN, "models", "compile", "PhaseNetLight", weights)
    assert list((tmp_path / "cache").rglob("SHA256SUMS"))
    assert found == dict.fromkeys(found, 0)
