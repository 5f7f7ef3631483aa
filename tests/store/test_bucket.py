from __future__ import annotations

import json
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pyarrow as pa
import pytest

from epicat.errors import InputError, StoreError
from epicat.fs.base import Files
from epicat.fs.local import LocalFiles
from epicat.fs.s3 import S3Files
from epicat.model import Span
from epicat.store.base import Store, Where
from epicat.store.compact import compact
from epicat.store.open import find_store, open_store
from epicat.store.parquet import ParquetStore
from epicat.table_rows import picks_table
from epicat.tables import SCHEMA_VERSION
from epicat.testing.store_contract import StoreContract, entry_of, pick_at
from epicat.time import parse_time
from faults.proxy import Fault, Proxy, Request
from support.s3 import ACCESS, CATALOGS, SECRET, url_of

NOON = parse_time("2019-06-21T12:00:00Z")


@pytest.mark.usefixtures("server")
class TestStoreInABucket(StoreContract):
    def make_store(self, location: Path) -> Store:
        return open_store(url_of(location), create=True)


@pytest.fixture(params=["folder", "bucket"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    """Give an empty place of either kind."""
    if request.param == "folder":
        made: Files = LocalFiles(tmp_path / "store")
    else:
        request.getfixturevalue("server")
        made = S3Files(url_of(tmp_path))
    made.prepare()
    return made


def test_files_come_back(files: Files):
    files.write("a/b=1/ä c.bin", b"first")
    files.write("a/b=1/ä c.bin", b"second")
    files.write("top.json", b"")
    assert files.read("a/b=1/ä c.bin") == b"second"
    assert files.read("top.json") == b""
    assert files.exists("top.json")
    assert not files.exists("a")
    assert files.top() == ["a", "top.json"]


def test_a_folder_lists_what_is_below_it_and_nothing_else(files: Files):
    for name in ("picks/b", "picks/a/c", "picks/.hidden", "picks2/x", "z"):
        files.write(name, b"1")
    assert files.list("picks") == ["picks/a/c", "picks/b"]
    assert files.list("none") == []


def test_more_files_than_a_page_of_a_listing(files: Files):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda i: files.write(f"many/{i:04d}", b""), range(1005)))
    assert files.list("many") == [f"many/{i:04d}" for i in range(1005)]
    files.delete(files.list("many"))
    assert files.list("many") == []


def test_what_is_not_there_is_not_found(files: Files):
    with pytest.raises(FileNotFoundError):
        files.read("none")
    with pytest.raises(FileNotFoundError):
        files.arrow.open_input_file("none").read()
    assert not files.exists("none")
    files.write("one", b"1")
    files.delete(["none", "one"])
    files.delete([])
    assert not files.exists("one")


@pytest.mark.parametrize("size", [1, 10, 262_144, 262_145, 1_000_000])
def test_parts_of_files(files: Files, size: int):
    data = os.urandom(size)
    files.write("x.bin", data)
    with files.arrow.open_input_file("x.bin") as file:
        assert file.size() == size
        for start, count in ((0, 7), (size // 2, 100), (max(size - 8, 0), 8), (0, size)):
            assert file.read_at(count, start) == data[start : start + count]
        file.seek(0)
        assert file.read() == data


def fill(store: Store) -> None:
    times = [NOON + i * 1_000_000_007 for i in range(50_000)]
    store.replace("picks", picks_table(map(pick_at, times), "design", "A"), "g1")
    store.mark([entry_of("A", "g1", 1)])


def test_large_files_are_read_in_parts(server, tmp_path, monkeypatch):
    store = open_store(url_of(tmp_path), create=True)
    fill(store)
    parts = []
    plain = S3Files.part
    monkeypatch.setattr(
        S3Files, "part", lambda self, *a: (parts.append(a[2] - a[1]), plain(self, *a))[1]
    )
    found = store.read("picks", Where(span=Span(NOON, NOON + 10**10)))
    assert found.num_rows == 10
    assert parts


def test_compaction_in_a_bucket(server, tmp_path):
    store = ParquetStore(S3Files(url_of(tmp_path)), create=True)
    for turn in range(3):
        store.replace("picks", picks_table([pick_at(NOON + turn)], "d", f"{turn}"), f"g{turn}")
        store.mark([entry_of(f"{turn}", f"g{turn}", 1, design="d")])
    reader = open_store(url_of(tmp_path))
    before = reader.read("picks", Where())
    done = compact(store)
    assert {name for name, count in done.files.items() if count} == {"picks", "ledger"}
    assert done.files["picks"] == done.files["ledger"] == 1
    assert reader.read("picks", Where()) == before
    assert len(store.files.list("")) == 3


def test_each_file_is_one_put(server, tmp_path, monkeypatch):
    files = S3Files(url_of(tmp_path))
    files.write("large", bytes(12_000_000))
    about = boto3.client("s3").head_object(Bucket=CATALOGS, Key=f"{tmp_path.as_posix()[1:]}/large")
    assert "-" not in about["ETag"], "an ETag with a dash is that of an upload in parts"


def test_a_newer_schema_is_refused(server, tmp_path):
    open_store(url_of(tmp_path), create=True)
    newer = json.dumps({"schema_version": SCHEMA_VERSION + 1}).encode()
    S3Files(url_of(tmp_path)).write("store.json", newer)
    for create in (False, True):
        with pytest.raises(StoreError, match=r"newer epicat.*update"):
            open_store(url_of(tmp_path), create=create)


def test_a_damaged_file_is_named(server, tmp_path):
    store = open_store(url_of(tmp_path), create=True)
    fill(store)
    files = S3Files(url_of(tmp_path))
    for folder in ("ledger", "picks"):
        (name,) = files.list(folder)
        whole = files.read(name)
        files.write(name, b"no such thing")
        with pytest.raises(StoreError, match=rf"s3://.*{name}' is damaged"):
            open_store(url_of(tmp_path)).read("picks", Where())
        files.write(name, whole)
    assert open_store(url_of(tmp_path)).read("picks", Where()).num_rows == 50_000


def test_a_place_with_other_things_is_refused(server, tmp_path):
    S3Files(url_of(tmp_path)).write("thesis.tex", b"important")
    with pytest.raises(StoreError, match=r"other files \(thesis\.tex\)"):
        open_store(url_of(tmp_path), create=True)


def test_a_bucket_itself_may_be_a_store(server):
    boto3.client("s3").create_bucket(Bucket="whole-bucket")
    for url in ("s3://whole-bucket", "s3://whole-bucket/"):
        assert open_store(url, create=True).location == "s3://whole-bucket"
    assert S3Files("s3://whole-bucket").list("") == ["store.json"]


def test_opening_does_not_make_a_store(server, tmp_path):
    with pytest.raises(StoreError, match=r"there is no store at 's3://.*epicat run"):
        open_store(url_of(tmp_path))
    assert find_store(url_of(tmp_path)) is None
    open_store(url_of(tmp_path), create=True)
    assert find_store(url_of(tmp_path)) is not None


def told(url: str, **options: int) -> str:
    with pytest.raises(StoreError) as error:
        ParquetStore(S3Files(url, **options), create=True)
    text = str(error.value)
    assert error.value.exit_code == 2
    assert "\n" not in text
    assert SECRET not in text
    assert ACCESS not in text
    assert len(text) < 250
    return text


def test_a_bucket_that_is_not_there_is_told(server):
    text = told("s3://no-such-bucket/x")
    assert text == (
        f"store 's3://no-such-bucket/x': there is no bucket 'no-such-bucket' at {server}; "
        "create it first"
    )
    with pytest.raises(StoreError, match="there is no bucket"):
        S3Files("s3://no-such-bucket/x").write("a", b"")
    with pytest.raises(StoreError, match="there is no bucket"):
        find_store("s3://no-such-bucket/x")


def test_a_server_that_cannot_be_reached_is_told(server, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://name:{SECRET}@127.0.0.1:{port}")
    assert f"the server 127.0.0.1:{port} cannot be reached" in told(url_of(Path("/x")), retries=1)


class Answering:
    """A server that gives one answer to everything."""

    def __init__(self, status: str, body: str) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._answer = (
            f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
        ).encode()
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(self._answer)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        ("403 Forbidden", "AccessDenied", "access is denied (403"),
        ("403 Forbidden", "InvalidAccessKeyId", "access is denied (403"),
        ("503 Slow Down", "SlowDown", "too busy or failing (503 SlowDown"),
        ("301 Moved Permanently", "PermanentRedirect", "another region; set AWS_REGION"),
        ("416 Range Not Satisfiable", "InvalidRange", "shorter than it should be (416"),
        ("400 Bad Request", "", "does not answer as S3 does"),
    ],
)
def test_what_the_server_says_is_told_in_one_sentence(server, monkeypatch, status, code, words):
    body = f"<Error><Code>{code}</Code><AWSAccessKeyId>{ACCESS}</AWSAccessKeyId></Error>"
    answering = Answering(status, body)
    monkeypatch.setenv("AWS_ENDPOINT_URL", answering.address)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(answering.serve)
        try:
            assert words in told(url_of(Path("/x")), retries=1)
        finally:
            answering.close()


def test_no_credentials_are_told(server, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    answering = Answering("404 Not Found", "")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", answering.address)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(answering.serve)
        try:
            assert "there are no credentials" in told(url_of(Path("/x")), retries=0)
        finally:
            answering.close()


@pytest.mark.parametrize(
    "url", ["s3://", "s3:///x", f"s3://key:{SECRET}@bucket/x", "s3://b/x?y=1", "s3://bucket//x"]
)
def test_other_urls_are_refused_without_showing_secrets(url):
    with pytest.raises(InputError, match="write s3://BUCKET") as error:
        open_store(url)
    assert SECRET not in str(error.value)


def test_rows_are_equal_in_a_folder_and_in_a_bucket(server, tmp_path):
    tables = []
    for place in (str(tmp_path / "store"), url_of(tmp_path)):
        store = open_store(place, create=True)
        fill(store)
        tables.append(store.read("picks", Where()))
    assert tables[0] == tables[1]
    assert isinstance(tables[0], pa.Table)


@pytest.mark.parametrize("fault", Request(1, "GET", "list-type=2").faults)
def test_what_fails_once_is_done_again(server, tmp_path, monkeypatch, fault: Fault):
    """Every kind of question, with each way to fail it at its first asking."""
    monkeypatch.setenv("EPICAT_STALL", "0.4")
    data = bytes(range(256)) * 40
    seen: set[tuple[str, str]] = set()

    def once(request: Request) -> Fault | None:
        kind = (request.method, request.target.partition("&")[0])
        is_first = kind not in seen and fault in request.faults
        seen.add(kind)
        return fault if is_first else None

    proxy = Proxy(f"http://{server}", once, stall_s=1.0)
    with proxy.serving() as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        files = S3Files(url_of(tmp_path))
        files.write("a/one", data)
        files.write("two", b"")
        assert files.list("a") == ["a/one"]
        assert files.exists("a/one")
        seen.clear()
        assert files.read("a/one") == data
        assert files.read("two") == b""
        seen.clear()
        assert files.part("a/one", 100, 300) == data[100:300]
        seen.clear()
        assert files.tail("a/one") == (data, len(data))
        files.delete(["two"])
        assert files.top() == ["a"]
    assert proxy.given[fault] >= 1


def test_once_it_has_answered_a_server_is_waited_for(server, tmp_path, monkeypatch):
    until = [0.0]
    proxy = Proxy(
        f"http://{server}", lambda _: Fault.THROTTLED if time.monotonic() < until[0] else None
    )
    with proxy.serving() as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        until[0] = time.monotonic() + 2
        with pytest.raises(StoreError, match=r"503 SlowDown, after 2 retries"):
            S3Files(url_of(tmp_path), first=2).top()
        until[0] = 0.0
        files = S3Files(url_of(tmp_path))
        files.write("one", b"1")
        until[0] = time.monotonic() + 3
        assert files.read("one") == b"1"
    assert proxy.given[Fault.THROTTLED] > 4
